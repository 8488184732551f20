"""Tab-separated files, read with the place of whatever is broken in them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.errors import Problem, StudyError, study_error
from sidestep.features.files.contents import Digest, decode_pieces, read_pieces
from sidestep.features.files.limits import table_limits

#: What stands for a missing value in every file of a study.
MISSING = ("", "NA", "NaN", "nan", "na", "N/A", "n/a", "NULL", "null")
#: Cells that an error lists at once, at most.
MOST_CELLS = 20
#: Rows that tell whether a column holds words.
PEEK = 50
#: Rows whose first fields tell whether rows are features or samples.
LABELS = 1000
# Characters split into lines at once: each line is an object that takes many times its text.
_PIECE = 2**20
_MOST_SHOWN = 60
_WEB_PAGE = ("<!doctype", "<html", "<?xml")
_LIMIT = re.compile(r"[<>]=?\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?")
#: Beyond this a number is a slip, and sums and squares of it are soon infinite.
LARGEST = 1e30
#: How `pandas.read_csv` is to read: tabs part cells, and nothing else has a meaning.
_AS_WRITTEN: Any = {
    "sep": "\t",
    "header": None,
    "keep_default_na": False,
    "na_values": list(MISSING),
    "quoting": csv.QUOTE_NONE,
    "skip_blank_lines": False,
    "engine": "c",
}


@dataclass(frozen=True)
class Table:
    """A tab-separated file whose rows all have the header's width.

    Attributes
    ----------
    name : str
        File name for messages.
    columns : tuple of str
        Header, stripped.
    body : bytes
        Rows below the header, UTF-8, one a line, without blank lines.
    lines : numpy.ndarray
        Line number in the file of each row, from 1.
    """

    name: str
    columns: tuple[str, ...]
    body: bytes
    lines: np.ndarray

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, *names: str) -> str | None:
        """First column with one of these names, regardless of case; None where there is none."""
        return find_column(self.columns, *names)

    def text(self, columns: Sequence[str], rows: int | None = None) -> pd.DataFrame:
        """Columns as stripped text, NaN where missing; the first `rows` rows only where given."""
        frame = self._parse(dict.fromkeys(columns, "str"), rows)
        return frame.apply(_strip)

    def split(
        self,
        text: Sequence[str],
        numbers: Sequence[str],
        label: str,
        *,
        limits: bool = False,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Read text and number columns.

        Parameters
        ----------
        text, numbers : sequence of str
            Columns to read as text, and as float64.
        label : str
            Text column that names a row in an error message.
        limits : bool
            Read ``>8`` and ``<0.1`` (the LIMIT-VALUE cells of cBioPortal) as 8 and 0.1.

        Returns
        -------
        tuple of pandas.DataFrame
            Text columns and number columns, a row a line of the file.

        Raises
        ------
        StudyError
            Where cells are not numbers from -1e30 to 1e30; it names line, row label, column and
            value.
        """
        values = pd.DataFrame(self.numbers(numbers, label, limits=limits), columns=list(numbers))
        return self.text(text), values

    def numbers(self, columns: Sequence[str], label: str, *, limits: bool = False) -> np.ndarray:
        """Columns as float64, (n_rows, n_columns), NaN where missing; see `split`."""
        try:
            values = self._parse_numbers(columns)
            if not (np.abs(values) > LARGEST).any():
                return values
        except (ValueError, OverflowError):
            pass  # some cell is no number: find out which, cell by cell
        return self._numbers_cell_by_cell(columns, label, limits).to_numpy()

    def labels(self, rows: int) -> list[str]:
        """First field of the first `rows` rows, stripped."""
        lines = self.body.split(b"\n", rows)[: min(len(self), rows)]
        return [line.partition(b"\t")[0].decode().strip() for line in lines]

    def blocks(self) -> Iterator[Table]:
        """The table itself: it is in memory as a whole (see `features.files.large_tables`)."""
        yield self

    def row(self, position: int, label: str = "") -> str:
        """Where a row stands: ``"line 12 (ERBB2)"``."""
        return row_name(self.lines[position], label)

    def is_text(self, column: str) -> bool:
        """Whether a column holds words: none of its first cells is a number."""
        return no_numbers(self.text([column], rows=PEEK)[column])

    def _parse(self, kinds: Mapping[str, str], rows: int | None = None) -> pd.DataFrame:
        place = {column: position for position, column in enumerate(self.columns)}
        where = {place[column]: column for column in kinds}
        if not len(self) or not kinds:
            index = pd.RangeIndex(len(self) if rows is None else min(rows, len(self)))
            return pd.DataFrame({c: pd.Series(dtype=k) for c, k in kinds.items()}, index=index)
        frame = pd.read_csv(
            io.BytesIO(self.body),
            names=list(range(len(self.columns))),
            usecols=sorted(where),
            dtype={position: kinds[column] for position, column in where.items()},
            nrows=rows,
            **_AS_WRITTEN,
        )
        named: pd.DataFrame = frame.rename(columns=where)[list(kinds)]
        return named

    def _parse_numbers(self, columns: Sequence[str]) -> np.ndarray:
        """Parse number columns as a single one, row after row: each column costs time of its own.

        With a thousand columns that is ten times faster, with a hundred thousand five hundred.
        """
        if not len(self) or not columns:
            return np.empty((len(self), len(columns)))
        cells = pd.read_csv(
            io.BytesIO(self._cells(columns) + b"\n"), names=[0], dtype="float64", **_AS_WRITTEN
        )
        return np.asarray(cells[0]).reshape(len(self), len(columns))

    def _cells(self, columns: Sequence[str]) -> bytes:
        """Cells of some columns, one a line, row after row."""
        place = {column: position for position, column in enumerate(self.columns)}
        places = [place[column] for column in columns]
        rows = self.body.split(b"\n")
        first = places[0]
        if places == list(range(first, len(self.columns))):
            return b"\n".join(row.split(b"\t", first)[first] for row in rows).replace(b"\t", b"\n")
        fields = (row.split(b"\t") for row in rows)
        return b"\n".join(row[position] for row in fields for position in places)

    def _numbers_cell_by_cell(
        self, columns: Sequence[str], label: str, limits: bool
    ) -> pd.DataFrame:
        text = self.text(columns)
        if limits:
            text = text.apply(lambda cells: cells.str.replace(r"^[<>]=?\s*", "", regex=True))
        values = pd.DataFrame(text.apply(pd.to_numeric, errors="coerce")).astype("float64")
        bad = text.notna().to_numpy() & ~(np.abs(values.to_numpy()) <= LARGEST)
        if not bad.any():
            return values
        names = self.text([label])[label]
        raise StudyError(
            [
                self._bad_cell(row, str(names.iloc[row]), columns[at], str(text.iloc[row, at]))
                for row, at in np.argwhere(bad)[:MOST_CELLS]
            ]
        )

    def _bad_cell(self, row: int, name: str, column: str, value: str) -> Problem:
        place = self.row(row, name)
        number = pd.to_numeric(value, errors="coerce")
        what = f"is beyond {LARGEST:g}" if np.isfinite(number) else "is not a finite number"
        shown = value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…"
        advice = "write a number with a decimal point, or NA where there is none"
        if _LIMIT.fullmatch(value):
            advice = "if the file holds limits, write 'datatype: LIMIT-VALUE' into its meta file"
        message = f"{self.name}, {place}, column {column}: {shown!r} {what}; {advice}."
        return Problem("error", self.name, place, column, message)


def read_table(path: Path, name: str) -> tuple[Table, str]:
    """Open a tab-separated file, leading ``#`` lines skipped, and check its shape.

    Returns
    -------
    tuple of Table and str
        The table and the sha256 of the file's bytes.

    Raises
    ------
    StudyError
        If the file is unreadable, empty, larger than `files.limits` allows, has an unnamed or
        repeated column, or a row whose number of fields is not that of the header.
    """
    sha256 = hashlib.sha256()
    header: tuple[str, ...] | None = None
    kept: list[bytes] = []
    numbers: list[np.ndarray] = []
    uneven: StudyError | None = None
    for first, text in whole_lines(path, name, sha256, _PIECE):
        rows, places = [], []
        for number, line in enumerate(text.split("\n"), first):
            if not line or line.isspace():
                continue
            if header is None:
                header = None if line.startswith("#") else header_of(line)
                continue
            if uneven is None:
                uneven = uneven_line(line, number, len(header), name)
            rows.append(line)
            places.append(number)
        if rows:
            kept.append("\n".join(rows).encode())
            numbers.append(np.array(places, dtype=int))
    # What is wrong further up comes first: the file as a whole, then its header.
    if header is None:
        raise no_header(name)
    check_header(header, name)
    if uneven is not None:
        raise uneven
    found = np.concatenate(numbers) if numbers else np.array([], dtype=int)
    return Table(name, header, b"\n".join(kept), found), sha256.hexdigest()


def whole_lines(path: Path, name: str, sha256: Digest, block: int) -> Iterator[tuple[int, str]]:
    """Text of some whole lines, without the last newline, and the number of the first of them.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    sha256 : Digest
        Is fed the bytes as they lie on disk.
    block : int
        Characters of a piece, at least.

    Raises
    ------
    StudyError
        If the file is unreadable, or larger than `files.limits` allows.
    """
    waiting: list[str] = []
    size, first = 0, 1
    for text in decode_pieces(read_pieces(path, name, table_limits(), sha256), name):
        waiting.append(text)
        size += len(text)
        if size >= block and "\n" in text:
            whole, _, rest = "".join(waiting).rpartition("\n")
            yield first, whole
            first += whole.count("\n") + 1
            waiting, size = [rest], len(rest)
    yield first, "".join(waiting)


def uneven_line(line: str, number: int, width: int, name: str) -> StudyError | None:
    """What `check_width` would raise."""
    try:
        check_width(line, number, width, name)
    except StudyError as error:
        return error
    return None


def row_name(line: int, label: str = "") -> str:
    """Name of a row: ``"line 12 (ERBB2)"``."""
    return f"line {line} ({label})" if label else f"line {line}"


def no_numbers(cells: pd.Series) -> bool:
    """Whether there are cells, and none of them is a number."""
    present = cells.dropna()
    return len(present) > 0 and bool(pd.to_numeric(present, errors="coerce").isna().all())


def find_column(columns: Sequence[str], *names: str) -> str | None:
    """First column with one of these names, regardless of case; None where there is none."""
    by_case = {column.casefold(): column for column in reversed(columns)}
    return next((by_case[n.casefold()] for n in names if n.casefold() in by_case), None)


def header_of(line: str) -> tuple[str, ...]:
    """Columns that a header line names."""
    return tuple(column.strip() for column in line.split("\t"))


def no_header(name: str) -> StudyError:
    """Error that a file is empty."""
    return study_error(f"{name} is empty: it has no header line.", name)


def check_header(header: Sequence[str], name: str) -> None:
    """Refuse a header with a column that has no name, or another's, or not parted by tabs."""
    if header[0].lower().startswith(_WEB_PAGE):
        raise study_error(f"{name} is a web page and not the file; download it again.", name)
    if len(header) == 1 and len(header[0].split()) > 1:
        message = (
            f"{name} has a single column, and blanks in its header ({header[0][:_MOST_SHOWN]!r}); "
            "part the columns by tabs."
        )
        raise study_error(message, name)
    other = next((sign for sign in ",;" if len(header) == 1 and sign in header[0]), None)
    if other is not None:
        what = "commas" if other == "," else "semicolons"
        message = (
            f"{name} has a single column, and {what} in its header ({header[0][:_MOST_SHOWN]!r}); "
            "part the columns by tabs."
        )
        raise study_error(message, name)
    quoted = next((c for c in header if len(c) > 1 and c[0] == c[-1] == '"'), None)
    if quoted is not None:
        message = (
            f"{name} has its header in quotes ({quoted}); write it without (in R: "
            "write.table(…, sep = '\\t', quote = FALSE, row.names = FALSE), where what names a row "
            "is a column)."
        )
        raise study_error(message, name, column=quoted)
    if "" in header:
        at = header.index("") + 1
        raise study_error(f"{name}: column {at} of the header has no name; give it one.", name)
    if len(set(header)) < len(header):
        repeated = sorted(column for column, count in Counter(header).items() if count > 1)
        message = (
            f"{name} has {len(repeated)} duplicate name(s) in its header "
            f"({', '.join(repeated[:5])}); every sample and column needs a name of its own."
        )
        raise study_error(message, name, column=repeated[0])


def check_width(line: str, number: int, width: int, name: str) -> None:
    """Refuse a line, the file's `number`-th, that has another number of fields than the header."""
    found = line.count("\t") + 1
    if found != width:
        row = f"line {number}"
        message = (
            f"{name}, {row} has {found} field(s) where the header has {width}; every row "
            "needs one tab-separated field a column (NA where there is no value)."
        )
        raise study_error(message, name, row)


def _strip(column: pd.Series) -> pd.Series:
    if not isinstance(column.dtype, pd.StringDtype):
        return column
    bare = column.str.strip()
    quoted = bare.str.startswith('"').eq(True)
    if quoted.any():  # as R and spreadsheets write words
        quoted &= bare.str.endswith('"') & (bare.str.len() > 1)
        bare = bare.mask(quoted, bare.str[1:-1].str.strip())
    return bare.mask(bare.isin(MISSING))
