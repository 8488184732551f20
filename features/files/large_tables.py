"""Tab-separated files larger than memory, read block after block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import StudyError
from sidestep.features.files.contents import changed
from sidestep.features.files.tables import (
    LABELS,
    PEEK,
    Table,
    check_header,
    find_column,
    header_of,
    no_header,
    no_numbers,
    read_table,
    uneven_line,
    whole_lines,
)

#: Characters of a block: with all that is made of it, some 200 MB are in memory.
BLOCK = 2**24


@dataclass(frozen=True)
class LargeTable:
    """A file as `features.files.tables.Table` has it, but read anew, block after block, when asked.

    Attributes
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    columns : tuple of str
        Header, stripped.
    n_rows : int
        Rows below the header.
    digest : str
        sha256 of the file's bytes.
    block : int
        Characters of a block, at least; lines are never cut.
    """

    path: Path
    name: str
    columns: tuple[str, ...]
    n_rows: int
    digest: str
    block: int
    _first_fields: tuple[str, ...]

    def __len__(self) -> int:
        return self.n_rows

    def find(self, *names: str) -> str | None:
        """First column with one of these names, regardless of case; None where there is none."""
        return find_column(self.columns, *names)

    def labels(self, rows: int) -> list[str]:
        """First field of the first `rows` rows (at most `LABELS`), stripped."""
        return list(self._first_fields[:rows])

    def is_text(self, column: str) -> bool:
        """As `Table.is_text`."""
        cells: list[pd.Series] = []
        for block in self.blocks():
            wanted = PEEK - sum(map(len, cells))
            cells.append(block.text([column], rows=min(wanted, len(block)))[column])
            if len(cells[-1]) == wanted:
                break
        return no_numbers(pd.concat(cells))

    def blocks(self) -> Iterator[Table]:
        """The rows, block after block, each as a table; one without rows if there are none.

        Raises
        ------
        StudyError
            If the file is not what it was when it was opened.
        """
        sha256 = hashlib.sha256()
        below_header = False
        for first, text in whole_lines(self.path, self.name, sha256, self.block):
            numbers, lines = [], []
            for number, line in enumerate(text.split("\n"), first):
                if not line or line.isspace():
                    continue
                if below_header:
                    numbers.append(number)
                    lines.append(line)
                below_header = below_header or not line.startswith("#")
            if any(line.count("\t") + 1 != len(self.columns) for line in lines):
                raise changed(self.name)
            if lines:
                yield Table(self.name, self.columns, "\n".join(lines).encode(), np.array(numbers))
        if sha256.hexdigest() != self.digest:
            raise changed(self.name)
        if not self.n_rows:
            yield Table(self.name, self.columns, b"", np.array([], dtype=int))


def open_table(path: Path, name: str, block: int | None) -> tuple[Table | LargeTable, str]:
    """Open a tab-separated file, leading ``#`` lines skipped, and check its shape.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    block : int or None
        Characters of a block of a large table, which is read to its end here, and of which no
        more than the header is kept; None to hold it in memory as a whole.

    Returns
    -------
    tuple of Table or LargeTable, and str
        The table and the sha256 of the file's bytes.

    Raises
    ------
    StudyError
        The same for the same file, however it is opened; see `features.files.tables.read_table`.
    """
    if block is None:
        return read_table(path, name)
    table = _open_large(path, name, block)
    return table, table.digest


def _open_large(path: Path, name: str, block: int) -> LargeTable:
    sha256 = hashlib.sha256()
    header: tuple[str, ...] | None = None
    labels: list[str] = []
    n_rows = 0
    uneven: StudyError | None = None
    for first, text in whole_lines(path, name, sha256, block):
        for number, line in enumerate(text.split("\n"), first):
            if not line or line.isspace():
                continue
            if header is None:
                header = None if line.startswith("#") else header_of(line)
                continue
            n_rows += 1
            if len(labels) < LABELS:
                labels.append(line.partition("\t")[0].strip())
            if uneven is None:
                uneven = uneven_line(line, number, len(header), name)
    # What is wrong further up comes first: the file as a whole, then its header.
    if header is None:
        raise no_header(name)
    check_header(header, name)
    if uneven is not None:
        raise uneven
    return LargeTable(path, name, header, n_rows, sha256.hexdigest(), block, tuple(labels))
