"""Tables with a row a cell or a label, as text (CSV, TSV) or Parquet, of up to millions of rows."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.assays.grid import Grid, LeftOut, numbers
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.files.contents import decode, read_bytes
from sidestep.features.files.limits import table_limits

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
_SEPARATORS = ("\t", ",", ";")


@dataclass(frozen=True)
class CellRows:
    """Rows of a file.

    Attributes
    ----------
    name : str
        File name for messages.
    frame : pandas.DataFrame
        Text as stripped str; of Parquet also numbers.
    lines : numpy.ndarray
        Line (of Parquet: row, from 1) of each row.
    separator, digest : str
    """

    name: str
    frame: pd.DataFrame = field(repr=False)
    lines: np.ndarray = field(repr=False)
    separator: str
    digest: str

    def __len__(self) -> int:
        return len(self.frame)

    def text(self, column: str | None, default: str = "") -> pd.Series:
        """A column as text; `default` everywhere where there is none."""
        if column is None:
            return pd.Series([default] * len(self), dtype="str")
        values = self.frame[column]
        if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
            values = values.astype("Int64")
        return values.astype("str").fillna("").str.strip().reset_index(drop=True)

    def number(self, column: str, left_out: LeftOut) -> np.ndarray:
        """A column as float64, NaN where none was measured; what is no number is refused.

        Raises
        ------
        StudyError
            It names file, line, column and value.
        """
        values = self.frame[column]
        if pd.api.types.is_numeric_dtype(values):
            found = values.to_numpy(float, na_value=np.nan).copy()
            for at in np.flatnonzero(np.isinf(found)).tolist():
                line = int(self.lines[at])
                left_out.rows.append(
                    (self.name, line, column, f"{found[at]}", "beyond the reader's range")
                )
            found[np.isinf(found)] = np.nan
            return found
        grid = Grid(self.name, [], [], self.separator, self.digest)
        return numbers(values.tolist(), self.lines.tolist(), column, grid, left_out)

    def require(self, found: dict[str, str], meanings: Sequence[str], example: str) -> None:
        """Refuse a table that lacks a column.

        Raises
        ------
        StudyError
            It names the columns there are.
        """
        missing = [meaning for meaning in meanings if meaning not in found]
        if missing:
            raise study_error(
                f"{self.name} has no column {' and no column '.join(missing)}; it has "
                f"{some([str(c) for c in self.frame.columns], 12)}; name one {example}.", self.name
            )  # fmt: skip


def header_of(path: Path) -> list[str]:
    """Columns of a text or Parquet file; none of a file of another kind.

    Raises
    ------
    StudyError
        If the file cannot be read.
    """
    name = path.name.lower()
    try:
        if name.endswith(_PARQUET):
            return [str(column) for column in pq.read_schema(path).names]
        if not name.endswith(_TEXT):
            return []
        with gzip.open(path, "rb") if name.endswith(".gz") else path.open("rb") as file:
            line = file.readline(2**20).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise study_error(f"{path.name} cannot be read ({reason}).", path.name) from error
    separator = max(_SEPARATORS, key=line.count)
    return [cell.strip() for cell in next(csv.reader([line.strip()], delimiter=separator), [])]


def table_files(paths: Sequence[Path]) -> list[Path]:
    """Files, and those inside folders, in order of their names.

    Raises
    ------
    InputError
        If a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.name.lower().endswith((*_TEXT, *_PARQUET)))
        if not inside:
            raise InputError(f"{path} holds no .csv, .tsv, .txt or .parquet file; name the files")
        files += inside
    return files


def read_rows(path: Path) -> CellRows:
    """Rows of a text or Parquet file.

    Raises
    ------
    StudyError
        If the file cannot be read, has no rows, or a column has no name or that of another.
    """
    name = path.name
    data, digest = read_bytes(path, name, table_limits())
    if name.lower().endswith(_PARQUET):
        frame, first, separator = _parquet(data, name), 1, ","
    else:
        frame, separator = _text(data, name)
        first = 2
    lines = np.arange(first, len(frame) + first)
    words = frame.select_dtypes(exclude="number").columns
    frame[words] = frame[words].astype("str").fillna("").apply(lambda column: column.str.strip())
    blank = (frame[words] == "").all(axis=1) & frame.drop(columns=words).isna().all(axis=1)
    frame, lines = frame[~blank].reset_index(drop=True), lines[~blank.to_numpy()]
    if not len(frame):
        raise study_error(f"{name} has a header and no rows; give a row a cell.", name)
    return CellRows(name, frame, lines, separator, digest)


def _text(data: bytes, name: str) -> tuple[pd.DataFrame, str]:
    text = decode(data, name)
    header = next((line for line in text.split("\n", 1)[:1] if line.strip()), "")
    if not header:
        raise study_error(f"{name} is empty; give a table with a header.", name)
    separator = max(_SEPARATORS, key=header.count)
    columns = [cell.strip() for cell in next(csv.reader([header], delimiter=separator))]
    while len(columns) > 1 and not columns[-1]:
        columns.pop()
    columns[0] = columns[0] or "index"  # what pandas and R leave without a name
    _require_names(columns, name)
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, skiprows=1, dtype="str",
            keep_default_na=False, skip_blank_lines=False, names=range(len(columns) + 1),
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise study_error(
            f"{name} cannot be read ({str(error).strip()}); give each row as many cells as the "
            "header has.", name
        ) from error  # fmt: skip
    longer = np.flatnonzero(frame[len(columns)].fillna("").str.strip() != "")
    if len(longer):
        raise study_error(
            f"{name}, line {longer[0] + 2} has more cells than the header names columns; name the "
            "columns, or mend the line.", name
        )  # fmt: skip
    return frame.drop(columns=len(columns)).set_axis(columns, axis=1), separator


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except Exception as error:  # pyarrow raises many kinds for broken files
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise study_error(
            f"{name} is no whole Parquet file ({first}); write it again.", name
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = [str(column) for column in frame.columns]
    _require_names(list(frame.columns), name)
    return frame


def _require_names(columns: Sequence[str], name: str) -> None:
    for place, column in enumerate(columns):
        if not column or column in columns[:place]:
            what = f"column {column!r} twice" if column else f"no name for column {place + 1}"
            raise study_error(f"{name} has {what}; give each column a name.", name)
