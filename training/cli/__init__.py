"""The verbs that learn and judge: from data, simulate and fit over train to screen and ui.

Each module is light to import; what it runs is imported when it is called.
"""

__all__ = [
    "cells",
    "compare",
    "data",
    "evaluate",
    "exporting",
    "fit",
    "importing",
    "lifecycle",
    "models",
    "options",
    "pairs",
    "perturb",
    "plates",
    "screen",
    "shift",
    "simulate",
    "synergy",
    "train",
    "ui",
]
