"""One sample and one drug, explained: why, what if, and what would change the call."""

__all__ = [
    "answer",
    "cohort",
    "explanation",
    "flip",
    "settings",
    "text",
    "what_if",
]
