"""Nested cross-validation, the search inside it, and what its numbers prove.

Lines of one donor stay in one fold; features, screening, tuning and blending see training lines
only. `evaluation`, `coverage` and `comparison` judge what was held out, and `gate` decides whether
a panel may be registered.
"""

__all__ = [
    "comparison",
    "coverage",
    "cross_validation",
    "evaluation",
    "gate",
    "lines",
    "metrics",
    "panel",
    "search",
    "shared_search",
]
