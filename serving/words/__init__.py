"""Plain words for numbers, features and findings, the same wherever they appear.

`wording` has the words, `sentences` what they make of one sample's scores, `cohorts` what of many,
and `layout` aligns lines on a terminal.
"""

__all__ = [
    "cohorts",
    "layout",
    "sentences",
    "wording",
]
