"""Does a knowledge table have the form that its loader expects?"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from sidestep.features.knowledge.conditions import Condition, parse_condition

_SOURCE = re.compile(r"PMID:[1-9]\d{3,7}|DOI:10\.\d{4,}/\S+")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]+(-[A-Z0-9]+)?")


@dataclass(frozen=True)
class KnowledgeRow:
    """One row of a table of ``features/knowledge``, and where it stands.

    Attributes
    ----------
    file : str
        File name, for messages.
    line : int
        Line of the file; the header is line 1.
    cells : mapping of str to str
        Column to text.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Text of a cell; empty where the cell is blank."""
        return self.cells[column]

    def problem(self, column: str, reason: str) -> ValueError:
        """Error that names the file, the line, the column and the value."""
        value = self.cells.get(column, "")
        return ValueError(f"{self.file}, line {self.line}, column {column}: {value!r} {reason}.")

    def choice(self, column: str, allowed: Sequence[str]) -> str:
        """Text of a cell that holds one of a few words."""
        if self[column] not in allowed:
            raise self.problem(column, f"is none of {', '.join(filter(None, allowed))}")
        return self[column]

    def gene(self, column: str = "gene") -> str:
        """Hugo symbol."""
        if not _SYMBOL.fullmatch(self[column]):
            raise self.problem(column, "is no Hugo symbol")
        return self[column]

    def sign(self) -> int:
        """Cell of the column `sign`: +1 or -1."""
        return int(self.choice("sign", ("+1", "-1")))

    def number(self, column: str) -> float | None:
        """Positive number; None where the cell is blank."""
        if not self[column]:
            return None
        try:
            value = float(self[column])
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise self.problem(column, "is no positive number")
        return value

    def condition(self) -> Condition:
        """What a sample must show, of the column `condition`."""
        try:
            return parse_condition(self["condition"])
        except ValueError as error:
            raise self.problem("condition", f"cannot be read: {error}") from error

    def parts(self, column: str, separator: str = ";") -> tuple[str, ...]:
        """Items of a cell that lists several; none where the cell is blank."""
        items = self[column].split(separator) if self[column] else []
        if len(set(items)) < len(items) or any(not i or i != i.strip() for i in items):
            raise self.problem(column, f"is no list of distinct items joined by {separator!r}")
        return tuple(items)


def read_rows(
    file_name: str, columns: Sequence[str], may_be_blank: Collection[str] = ()
) -> list[KnowledgeRow]:
    """Read a table of ``features/knowledge``; see `parse_rows`."""
    text = files(__package__).joinpath("tables", file_name).read_text("utf-8")
    return parse_rows(text, file_name, columns, may_be_blank)


def parse_rows(
    text: str, file_name: str, columns: Sequence[str], may_be_blank: Collection[str] = ()
) -> list[KnowledgeRow]:
    """Split a tab-separated table into rows and check its form.

    Parameters
    ----------
    text : str
        The table, its header in the first line.
    file_name : str
        Name for messages.
    columns : sequence of str
        The header; its last column is ``source``.
    may_be_blank : collection of str
        Columns whose cells may be empty.

    Raises
    ------
    ValueError
        If the header is another one, a row has more or fewer cells, a cell is padded or blank
        where it may not be, a source is no PMID or DOI, or a row stands twice.
    """
    header, *lines = text.splitlines()
    if header.split("\t") != list(columns):
        raise ValueError(f"{file_name}, line 1: the header must read {' '.join(columns)}.")
    rows: list[KnowledgeRow] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise ValueError(
                f"{file_name}, line {number}: {len(cells)} cells where {len(columns)} belong."
            )
        row = KnowledgeRow(file_name, number, dict(zip(columns, cells, strict=True)))
        _check_cells(row, may_be_blank)
        if line in seen:
            raise ValueError(f"{file_name}, line {number}: stands in line {seen[line]} already.")
        seen[line] = number
        rows.append(row)
    return rows


def _check_cells(row: KnowledgeRow, may_be_blank: Collection[str]) -> None:
    for column, value in row.cells.items():
        if value != value.strip():
            raise row.problem(column, "has blanks around it")
        if not value and column not in may_be_blank:
            raise row.problem(column, "is blank")
    if not _SOURCE.fullmatch(row["source"]):
        raise row.problem("source", "is neither PMID:... nor DOI:10...")
