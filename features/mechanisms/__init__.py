"""Mechanisms of resistance in a sample: signatures, pathways, and states of genes.

`builder.MechanismBuilder` gives every sample a score a mechanism from its own measurements;
`calls` and `states` say what is mutated, amplified, lost or fused; `of_features` says through
which mechanism a feature of a model speaks.
"""

__all__ = [
    "builder",
    "calls",
    "of_features",
    "pathways",
    "signatures",
    "states",
]
