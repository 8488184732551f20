"""A user's table: comma, semicolon or tab between its cells, or Parquet, as one kind of table.

The file's content decides which it is, whatever its name. Cells keep their text until somebody
asks for numbers, so that a broken one is named with its line and column.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, study_error
from sidestep.features.files.limits import MAX_COLUMNS, table_limits
from sidestep.features.files.tables import MISSING, PEEK, Table, whole_lines

#: What stands for the name of a first column that has none, as pandas and R write them.
ROW_NAMES: Final = "row names"
_PIECE: Final = 2**22
_ROWS: Final = 2048
_DELIMITERS: Final = "\t,;"
_DECIMAL_COMMA: Final = re.compile(r"(?<![^;\n])(-?\d+),(\d+)(?![^;\n])")
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True, eq=False)
class Given:
    """A table as its file has it.

    Attributes
    ----------
    path : pathlib.Path
    table : Table
        Its columns have names that differ: a repeated one goes on with `` #2``.
    names : tuple of str
        Names of the columns as they are.
    above : tuple of str
        Lines above the header that begin with ``#``.
    samples : tuple of str
        Columns that are samples, where the file says so.
    attributes : pandas.DataFrame or None
        What the file says of its samples, by the names of the columns.
    """

    path: Path
    table: Table
    names: tuple[str, ...]
    above: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    attributes: pd.DataFrame | None = None

    @property
    def file(self) -> str:
        """File name for messages."""
        return self.path.name

    @property
    def own_names(self) -> dict[str, str]:
        """Column of the table -> its name in the file."""
        return dict(zip(self.table.columns, self.names, strict=True))

    def word_columns(self) -> set[str]:
        """Columns of which one of the first rows holds something that is no number."""
        rows = self.table.body.split(b"\n", PEEK)[: min(PEEK, len(self.table))]
        found: set[int] = set()
        for row in rows:
            found.update(at for at, cell in enumerate(row.split(b"\t")) if not _is_number(cell))
        return {self.table.columns[at] for at in found}

    def named(self, *names: str) -> str | None:
        """First column of one of these names, but for case and punctuation; None without one."""
        by_key: dict[str, str] = {}
        for column in self.table.columns:
            by_key.setdefault(_plain(column), column)
        return next((by_key[_plain(name)] for name in names if _plain(name) in by_key), None)


def read_given(path: Path, *, empty: bool = False) -> Given:
    """Open a table: text of any of the usual kinds, plain or gzipped, or Parquet.

    With `empty` True it may have no row below its header.

    Lines above the header that begin with ``#`` are skipped, unless the last of them is the header
    itself, as in VCF and in VEP's tables. A header that is one name short, as R writes it, and an
    empty first name stand for `ROW_NAMES`.

    Raises
    ------
    InputError
        If the file cannot be read, is empty, has a single column, or a row of another width.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    if path.is_file() and _first_bytes(path) == _PARQUET:
        return _of_parquet(path)
    lines = text_lines(path)
    above: list[str] = []
    number, header = 0, ""
    for number, line in enumerate(lines, start=1):  # noqa: B007
        if line.strip() and not line.startswith("#"):
            header = line
            break
        above.append(line)
    if above and _is_header(above[-1], header):
        lines, header = chain([header], lines), above.pop().lstrip("#")
        number -= 1
    return read_below(path, header, lines, above, number=number, empty=empty)


def read_below(
    path: Path,
    header: str,
    lines: Iterable[str],
    above: Sequence[str] = (),
    *,
    number: int = 1,
    empty: bool = False,
) -> Given:
    """A table of its header's line and those below it.

    Parameters
    ----------
    path : Path
    header : str
    lines : iterable of str
    above : sequence of str
    number : int
        Line of the header in its file.
    empty : bool
        Whether there may be no row.

    Raises
    ------
    InputError
        As `read_given`.
    """
    if not header.strip():
        raise InputError(f"{path} is empty: it has no header line; export it again")
    mark = _delimiter(header, path)
    [names] = csv.reader([header], delimiter=mark)
    names = [name.strip() for name in names]
    kept: list[bytes] = []
    numbers: list[np.ndarray] = []
    for rows, places in _full_rows(lines, mark, names, number + 1):
        if not kept and rows[0].count("\t") == len(names):
            names.insert(0, "")  # R leaves out the name of the rows' names
        for place, row in zip(places, rows, strict=True):
            if row.count("\t") + 1 != len(names):
                raise _other_width(path, int(place), row.count("\t") + 1, len(names))
        kept.append("\n".join(rows).encode())
        numbers.append(places)
    _check_names(path, names)
    if not kept and not empty:
        raise InputError(f"{path} has a header and no rows; export it again")
    found = np.concatenate(numbers) if numbers else np.array([], dtype=int)
    table = Table(path.name, _apart(names), b"\n".join(kept), found)
    return Given(path, table, tuple(names), tuple(above))


def _full_rows(
    lines: Iterable[str], mark: str, names: list[str], number: int
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Rows that are not empty and their lines, some at a time.

    Where each line ends with a separator, the header's last name, which is empty, is taken off.
    """
    ends_empty = len(names) > 2 and not names[-1]
    if ends_empty:
        names.pop()
    for first, rows in _rows(lines, mark, number):
        full = [place for place, row in enumerate(rows) if row.strip()]
        if full:
            cells = (rows[place] for place in full)
            yield (
                [row.removesuffix("\t") if ends_empty else row for row in cells],
                first + np.array(full),
            )


def _check_names(path: Path, names: list[str]) -> None:
    """Name the rows' names, and refuse a header that parts nothing, or too much."""
    if len(names) < 2:
        raise InputError(
            f"{path} has a single column ({names[0][:60]!r}); separate its columns by commas, "
            "semicolons or tabs"
        )
    most = table_limits().columns or 0
    if len(names) > most:
        raise InputError(
            f"{path} has {len(names):,} columns, more than the {most:,} that Sidestep reads; if it "
            f"is as it should be, set {MAX_COLUMNS} to the columns it has"
        )
    names[0] = names[0] or ROW_NAMES
    if "" in names:
        at = names.index("") + 1
        raise InputError(f"{path}: column {at} of the header has no name; give it one")


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, plain or gzipped, within the limits of a table.

    Raises
    ------
    InputError
        If it cannot be read, or is no text.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file of it")
    for _, text in whole_lines(path, path.name, hashlib.sha256(), _PIECE):
        yield from text.split("\n")


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_PARQUET))
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure.strerror})") from failure


def _is_header(comment: str, below: str) -> bool:
    """Whether a line that begins with # is the header of those below it."""
    marks = [mark for mark in _DELIMITERS if 0 < comment.count(mark) == below.count(mark)]
    return not comment.startswith("##") and bool(marks)


def _delimiter(header: str, path: Path) -> str:
    outside = re.sub(r'"[^"]*"', "", header)
    mark = max(
        _DELIMITERS, key=lambda mark: (mark == "\t" and mark in outside, outside.count(mark))
    )
    if header.lstrip().lower().startswith(("<!doctype", "<html", "<?xml")):
        raise InputError(f"{path} is a web page and not the file; download it again")
    return mark


def _rows(lines: Iterable[str], mark: str, number: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with tabs between their cells, some at a time, and the line of the first of them."""
    rest = iter(lines)
    while block := list(islice(rest, _ROWS)):
        text = "\n".join(block)
        first, number = number, number + len(block)
        if '"' not in text:
            yield first, _parted(text, mark).split("\n")
            continue
        # A cell in quotes may hold a line's end.
        while text.count('"') % 2 and (more := next(rest, None)) is not None:
            text, number = f"{text}\n{more}", number + 1
        cells = csv.reader(text.split("\n"), delimiter=mark)
        yield first, ["\t".join(map(_one_line, row)) for row in cells]


def _parted(text: str, mark: str) -> str:
    if mark == "\t":
        return text
    if mark == ";":
        text = _DECIMAL_COMMA.sub(r"\1.\2", text)
    return text.replace("\t", " ").replace(mark, "\t")


def _one_line(cell: str) -> str:
    return " ".join(cell.split()) if "\t" in cell or "\n" in cell else cell


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """Names, of which a repeated one goes on with its number."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        seen[name] += 1
        made.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return tuple(made)


def _is_number(cell: bytes) -> bool:
    """Whether a cell is a number, or empty."""
    try:
        float(cell)
    except ValueError:
        return cell.decode().strip().strip('"') in MISSING
    return True


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _other_width(path: Path, line: int, found: int, wanted: int) -> InputError:
    return study_error(
        f"{path.name}, line {line} has {found} field(s) where the header has {wanted}; every row "
        "needs one a column (NA where there is no value)",
        path.name,
        f"line {line}",
    )


def _of_parquet(path: Path) -> Given:
    """A Parquet file as text: its labels, and numbers with every digit."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from sidestep.features.files.parquet import require_accounted

    most = table_limits().columns or 0
    try:
        file = pq.ParquetFile(path)
        require_accounted(file.metadata, path, path.name)
        if file.metadata.num_columns > most:
            raise InputError(f"{path} has more than {most:,} columns")
        table = file.read()
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path} is not a whole Parquet file ({reason}); write it again"
        ) from error
    names = list(table.column_names)
    own = [name for name in names if name.startswith("__index_level_")]
    order = [*own, *(name for name in names if name not in own)]
    columns = []
    for name in order:
        text = pc.fill_null(table.column(name).cast(pa.string()), "NA")
        columns.append([" ".join(cell.split()) for cell in text.to_pylist()])
    rows = ["\t".join(cells) for cells in zip(*columns, strict=True)]
    shown = [ROW_NAMES if name in own else name for name in order]
    if not rows:
        raise InputError(f"{path} has no rows; write it again")
    held = Table(path.name, _apart(shown), "\n".join(rows).encode(), np.arange(1, len(rows) + 1))
    return Given(path, held, tuple(shown))
