"""The verbs that learn: train, compare, promote, rollback, data, screen, simulate and ui.

Each module is light to import; what it runs is imported when it is called.
"""

__all__ = [
    "data",
    "lifecycle",
    "screen",
    "train",
]
