"""How every table of the literature is read: once, checked row by row, with a source in each.

A `KnowledgeTable` says which file holds a table, which columns it has and what becomes of its rows;
the other modules of this room, and others that keep a table here, define one each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Generic, TypeVar, cast

from sidestep.features.knowledge.conditions import Condition, parse_condition

Item = TypeVar("Item")
Content = TypeVar("Content")

# A publication, or the data sheet of an antibody of Cell Signaling Technology.
_SOURCE = re.compile(r"PMID:[1-9]\d{3,7}|DOI:10\.\d{4,}/\S+|CST:\d+")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]+(-[A-Z0-9]+)?")


@dataclass(frozen=True)
class KnowledgeRow:
    """One row of a table of ``features/knowledge/tables``, and where it stands.

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

    def checked(self) -> bool:
        """Cell of the column `checked`: whether the row was held against its source (yes, no)."""
        return self.choice("checked", ("yes", "no")) == "yes"

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


@dataclass(frozen=True)
class KnowledgeTable(Generic[Content]):
    """A table of ``features/knowledge/tables``, read when it is first asked for, and once.

    Parameters
    ----------
    file_name : str
        File in that folder.
    columns : tuple of str
        Its header; the last column is ``source``.
    build : callable
        Checks the rows and gives them their types: `each` row by itself, `keyed` by a column, or a
        function of the table's own. It raises ValueError (`KnowledgeRow.problem`).
    may_be_blank : frozenset of str
        Columns whose cells may be empty.
    """

    file_name: str
    columns: tuple[str, ...]
    build: Callable[[Sequence[KnowledgeRow]], Content]
    may_be_blank: frozenset[str] = frozenset()

    def load(self) -> Content:
        """What the table says, read-only and in its order; the same object each time.

        Raises
        ------
        ValueError
            If the table is malformed; the message names the line, the column and the value.
        """
        return self._content

    @cached_property
    def _content(self) -> Content:
        return self.parse(files(__package__).joinpath("tables", self.file_name).read_text("utf-8"))

    def parse(self, text: str) -> Content:
        """What the table would say if its file held `text`; see `load`."""
        rows = parse_rows(text, self.file_name, self.columns, self.may_be_blank)
        content = self.build(rows)
        return cast(Content, MappingProxyType(content)) if isinstance(content, dict) else content


def each(
    make: Callable[[KnowledgeRow], Item],
) -> Callable[[Sequence[KnowledgeRow]], tuple[Item, ...]]:
    """Builder of a table whose rows stand by themselves: a tuple of what `make` gives of each."""
    return lambda rows: tuple(make(row) for row in rows)


def keyed(
    column: str,
    make: Callable[[KnowledgeRow], Item],
    same: Callable[[str], str] = str,
) -> Callable[[Sequence[KnowledgeRow]], Mapping[str, Item]]:
    """Builder of a table by the text of a column; a second row of one key is refused.

    Parameters
    ----------
    column : str
        Holds the keys.
    make : callable
        What a row becomes.
    same : callable, default str
        Gives the key that a text stands for, such as `features.identifiers.match_key`.
    """

    def build(rows: Sequence[KnowledgeRow]) -> Mapping[str, Item]:
        found: dict[str, Item] = {}
        for row in rows:
            key = same(row[column])
            if key in found:
                raise row.problem(column, "has a row already")
            found[key] = make(row)
        return found

    return build


def columns_by_meaning(rows: Sequence[KnowledgeRow]) -> Mapping[str, tuple[str, ...]]:
    """Builder of a table of column names: meaning -> its columns, in the order of the table."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row["meaning"]] = (*found.get(row["meaning"], ()), row["column"])
    return found


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
        where it may not be, a source is none of PMID, DOI and CST, or a row stands twice.
    """
    header, *lines = text.splitlines()
    if header.split("\t") != list(columns):
        raise ValueError(f"{file_name}, line 1: the header must read {' '.join(columns)}.")
    rows: list[KnowledgeRow] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise ValueError(
                f"{file_name}, line {number}: {len(cells)} cells where {len(columns)} belong."
            )
        row = KnowledgeRow(file_name, number, dict(zip(columns, cells, strict=True)))
        _check_cells(row, may_be_blank)
        if line in line_of:
            raise ValueError(f"{file_name}, line {number}: stands in line {line_of[line]} already.")
        line_of[line] = number
        rows.append(row)
    return rows


def _check_cells(row: KnowledgeRow, may_be_blank: Collection[str]) -> None:
    for column, value in row.cells.items():
        if value != value.strip():
            raise row.problem(column, "has blanks around it")
        if not value and column not in may_be_blank:
            raise row.problem(column, "is blank")
    if not _SOURCE.fullmatch(row["source"]):
        raise row.problem("source", "is neither PMID:..., DOI:10... nor CST:...")
