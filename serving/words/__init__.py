"""How numbers, features and findings are said in plain sentences, wherever they appear."""

__all__ = [
    "layout",
    "sentences",
    "wording",
]
