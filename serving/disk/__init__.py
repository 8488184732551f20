"""Score folders on disk: written whole or not at all, resumed, locked, and read again."""

__all__ = [
    "journal",
    "lock",
    "output",
    "sample_scores",
    "score_folder",
]
