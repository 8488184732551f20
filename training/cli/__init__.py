"""The verbs that learn and judge: data, simulate, train, compare, promote, models, screen, ui.

Each module is light to import; what it runs is imported when it is called.
"""

__all__ = [
    "compare",
    "data",
    "lifecycle",
    "models",
    "options",
    "screen",
    "simulate",
    "train",
    "ui",
]
