"""Nested cross-validation, the search inside it, and what its numbers prove.

Lines of one donor stay in one fold; features, screening, tuning and blending see training lines
only. `panel` chooses drugs and lines, `cross_validation` gives each task its `lines` (with those
that other screens measured, `elsewhere`) and runs the `search`, which workers may share
(`shared_search`). `evaluation`, `coverage` and `comparison` judge what was
held out beside its `rivals`, by the `yardsticks` of the kind of response (`metrics`,
`binary_metrics`, `roc`), and `gate` decides whether a panel may be champion.
"""

__all__ = [
    "binary_metrics",
    "comparison",
    "coverage",
    "cross_validation",
    "elsewhere",
    "evaluation",
    "gate",
    "lines",
    "metrics",
    "panel",
    "rivals",
    "roc",
    "search",
    "shared_search",
    "yardsticks",
]
