"""Exact Shapley values of boosted trees, looked up in tables.

`ensemble.TreeEnsemble` predicts and explains from plain arrays, without XGBoost. The trees are cut
into blocks of few split conditions; every bit pattern of a block has its contributions in a table,
so that a row costs one look-up a block and feature. README.md in this folder derives it.
"""

__all__ = [
    "blocks",
    "ensemble",
    "leaves",
    "loops",
    "tables",
    "trees",
    "units",
]
