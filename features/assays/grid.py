"""Tables of text as instruments and spreadsheets leave them: cells, and what is no number in them.

Commas, semicolons or tabs part the cells. An empty cell or a spreadsheet's error is a gap; a
reader's overflow is left out and counted; any other word where a number belongs is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import study_error
from sidestep.features.files.contents import decode, read_bytes
from sidestep.features.files.limits import table_limits
from sidestep.features.files.tables import MISSING, row_name

_SEPARATORS = ("\t", ",", ";")
#: ``#DIV/0!`` and its like, which a spreadsheet writes where a formula failed.
_LEFTOVER = re.compile(r"#(?:DIV/0|N/A|NAME|NULL|NUM|REF|VALUE|SPILL|CALC)[!?]?|#+", re.IGNORECASE)
#: What plate readers write where a signal is beyond what they can measure.
_OVERFLOW = re.compile(
    r"[<>]\s*[\d.eE+-]+|over(?:flow)?|ovrflw|ovflw|overrange|sat(?:urated)?|[+-]?inf", re.IGNORECASE
)
_PERCENT = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?\s*%")
_MOST_SHOWN = 40


@dataclass(frozen=True)
class Grid:
    """Cells of a file, stripped, without blank rows.

    Attributes
    ----------
    name : str
        File name for messages.
    rows : list of list of str
    lines : list of int
        Line of each row in the file, from 1.
    separator : str
    digest : str
        sha256 of the file's bytes.
    """

    name: str
    rows: list[list[str]] = field(repr=False)
    lines: list[int] = field(repr=False)
    separator: str
    digest: str

    def table(self) -> pd.DataFrame:
        """Rows below the first as text, columns by its cells; the index is the line.

        Raises
        ------
        StudyError
            If a column has no name or two have the same, or a row is longer than the header.
        """
        header = list(self.rows[0])
        while header and not header[-1]:
            header.pop()
        if header and not header[0]:
            header[0] = "index"  # what pandas and R leave without a name
        for position, column in enumerate(header):
            if not column or column in header[:position]:
                what = (
                    f"column {column!r} twice" if column else f"no name for column {position + 1}"
                )
                raise study_error(f"{self.name} has {what}; give each column a name.", self.name)
        width = len(header)
        for row, line in zip(self.rows, self.lines, strict=True):
            if any(row[width:]):
                raise study_error(
                    f"{self.name}, line {line} has {len(row)} cells where the header names "
                    f"{width}; name the columns, or mend the line.", self.name, row_name(line)
                )  # fmt: skip
        body = [row[:width] + [""] * (width - len(row)) for row in self.rows[1:]]
        return pd.DataFrame(body, columns=header, index=self.lines[1:], dtype="str")


@dataclass
class LeftOut:
    """Cells that hold no measurement although something stands there.

    Attributes
    ----------
    rows : list of tuple
        File, line, column, what stands there, and why it is left out.
    """

    rows: list[tuple[str, int, str, str, str]] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """The cells as a table."""
        return pd.DataFrame(self.rows, columns=["file", "line", "column", "value", "reason"])

    def summary(self) -> list[str]:
        """A sentence a reason and file, with the number of cells and an example."""
        table = self.table()
        return [
            f"{file}: {len(group)} cell(s) left out ({reason}), such as "
            f"{group['value'].iloc[0]!r} in line {group['line'].iloc[0]}"
            for (file, reason), group in table.groupby(["file", "reason"], sort=False)
        ]


def read_grid(path: Path) -> Grid:
    """Read a file's cells.

    Raises
    ------
    StudyError
        If it is unreadable, empty, or larger than `files.limits` allows.
    """
    name = path.name
    data, digest = read_bytes(path, name, table_limits())
    text = decode(data, name)
    first = next((line for line in text.split("\n") if line.strip()), "")
    if not first:
        raise study_error(f"{name} is empty; give a table with a header.", name)
    # A line that is a title, as above a plate, has no cells to part.
    parted = next((line for line in text.split("\n") if set(line) & set(_SEPARATORS)), first)
    separator = max(_SEPARATORS, key=parted.count)
    rows, lines = [], []
    reader = csv.reader(text.split("\n"), delimiter=separator)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        message = f"{name}, line {reader.line_num} cannot be read ({error}); mend its quotes."
        raise study_error(message, name, row_name(reader.line_num)) from error
    return Grid(name, rows, lines, separator, digest)


def numbers(
    cells: Sequence[str], lines: Sequence[int], column: str, grid: Grid, left_out: LeftOut
) -> np.ndarray:
    """Cells as float64, NaN where none was measured; ``12 %`` is 12.

    Raises
    ------
    StudyError
        If a cell holds a word that is neither a gap nor a reader's overflow.
    """
    text = pd.Series(list(cells), dtype="str")
    if grid.separator == ";":
        text = text.str.replace(r"^([+-]?\d+),(\d+)", r"\1.\2", regex=True)
    values = pd.to_numeric(text, errors="coerce").to_numpy(float).copy()
    for at in np.flatnonzero(~np.isfinite(values)).tolist():
        word = text.iloc[at]
        values[at] = np.nan
        if word in MISSING:
            continue
        if _PERCENT.fullmatch(word):
            values[at] = float(word.rstrip("% "))
            continue
        reason = (
            "a spreadsheet's error" if _LEFTOVER.fullmatch(word)
            else "beyond the reader's range" if _OVERFLOW.fullmatch(word)
            else ""
        )  # fmt: skip
        if not reason:
            place = row_name(int(lines[at]))
            shown = word if len(word) <= _MOST_SHOWN else f"{word[:_MOST_SHOWN]}…"
            message = (
                f"{grid.name}, {place}, column {column!r}: {shown!r} is no number; write a number "
                "with a decimal point, or leave the cell empty."
            )
            raise study_error(message, grid.name, place, column)
        left_out.rows.append((grid.name, int(lines[at]), column, word, reason))
    return values
