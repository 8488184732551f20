"""Text of CSV files that no spreadsheet runs: an apostrophe makes a formula text there, too."""

from __future__ import annotations

import pandas as pd

#: Text that begins so is a formula to a spreadsheet, or is one once blanks are cut off.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_text(text: str) -> str:
    """Text of a CSV cell that no spreadsheet takes for a formula."""
    # Unlike a line feed, a carriage return is not quoted, and would begin a new row.
    lines = text.replace("\r", "\n")
    return f"'{lines}" if lines.startswith(_FORMULA) else lines


def as_plain_text(text: pd.Series) -> pd.Series:
    """Text of a CSV column that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : Series of str
        Missing values stay missing.
    """
    return text.map(plain_text, na_action="ignore").astype("str")


def for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """Copy a table so that a spreadsheet takes no text for a formula; numbers stay numbers."""
    plain = table.copy()
    for column in plain.select_dtypes(["object", "str"]).columns:
        plain[column] = as_plain_text(plain[column].astype("str"))
    return plain
