"""The verbs that answer: reference, score, explain, combine, report and check.

Each module is light to import; what it runs is imported when it is called.
"""

__all__ = [
    "check",
    "combine",
    "explain",
    "options",
    "reference",
    "report",
    "score",
]
