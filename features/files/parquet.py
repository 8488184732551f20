"""Parquet with a row a sample, read some features at a time and never all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.errors import some, study_error
from sidestep.features.files.limits import (
    CELLS,
    accounts_for,
    readable_size,
    row_limit,
    unpacked_limit,
)
from sidestep.features.files.tables import find_column

SAMPLE_ID = "SAMPLE_ID"
#: Bytes on disk; in memory it takes some fifteen times as much.
_LARGEST_INDEX, _KEPT_INDEX = 2**25, 2**22
# Measured: threads that take a column each wait longer for another than they read of fewer rows.
_WORTH_THREADS = 2000


class ParquetMatrix:
    """A Parquet file with a column SAMPLE_ID, and a number column a feature.

    Parquet lies column by column: reading a few samples would read all of their row group, and
    the file's index, which has an entry a column and row group, would stay in memory. So it is
    read by feature, once.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.

    Raises
    ------
    StudyError
        If the file is no Parquet, has no column SAMPLE_ID, a column that holds no numbers, or
        very many row groups.
    """

    rows = None

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        index = _index_size(path, name)
        with _whole(name):
            file = pq.ParquetFile(path)
            require_accounted(file.metadata, path, name)
            schema = file.schema_arrow
            # Asked for at once: a field by itself, of tens of thousands, takes long to make.
            columns, kinds = schema.names, schema.types
            label = find_column(columns, SAMPLE_ID)
            if label is None:
                message = (
                    f"{name} has no {SAMPLE_ID} column; add one with each row's sample (an "
                    "index that pandas keeps is not one)."
                )
                raise study_error(message, name)
            if columns.count(label) > 1:
                raise study_error(f"{name} has two columns {label}; leave one out.", name)
            labels = file.read(columns=[label]).column(label).cast(pa.string())
        self.samples: Sequence[str] = [(text or "").strip() for text in labels.to_pylist()]
        others = list(zip(columns, kinds, strict=True))
        others.pop(columns.index(label))
        words = [(column, kind) for column, kind in others if not _is_number(kind)]
        if words:
            described = [f"{column} ({kind})" for column, kind in words]
            message = (
                f"{name} has {len(words)} column(s) that hold no numbers: {some(described)}; leave "
                "them out, or make them numbers."
            )
            raise study_error(message, name, column=words[0][0])
        self._columns = [column for column, _ in others]
        # To parse a small index again would take longer than to keep it.
        self._open = file if index <= _KEPT_INDEX else None
        self.features: Sequence[str] = [column.strip() for column in self._columns]

    @staticmethod
    def cells(path: Path, name: str) -> int:
        """How many numbers a file holds, without looking at their names.

        Raises
        ------
        StudyError
            If the file is no Parquet, or has very many row groups.
        """
        _index_size(path, name)
        with _whole(name):
            index = pq.read_metadata(path)
            require_accounted(index, path, name)
        return int(index.num_rows) * max(0, int(index.num_columns) - 1)

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """See `files.sample_major.SampleMajorFile`: some features of all samples at a time."""
        width = max(1, CELLS // len(self.samples))
        threads = len(self.samples) >= _WORTH_THREADS
        try:
            file, self._open = self._open or pq.ParquetFile(self._path), None
            with file:
                for at in range(0, len(self._columns), width):
                    columns = self._columns[at : at + width]
                    table = file.read(columns=columns, use_threads=threads)
                    yield at, 0, _numbers(table, columns)
        except (OSError, pa.ArrowException) as error:
            message = f"{self._name} is damaged ({_first_line(error)}); write it again."
            raise study_error(message, self._name) from error


def read_plain_table(path: Path) -> pd.DataFrame:
    """Read a Parquet file of rows as a table, after a look at what its size accounts for.

    Raises
    ------
    StudyError
        If there is no such plain file, or it is damaged or holds more than it may.
    """
    if not path.is_file():
        raise study_error(f"{path} is missing, or no plain file", path.name)
    _index_size(path, str(path))
    with _whole(str(path)):
        require_accounted(pq.read_metadata(path), path, str(path))
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    return table


def _index_size(path: Path, name: str) -> int:
    """Bytes of a file's index, which the last 8 bytes tell; one that fills memory is refused."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        end = file.read()
    size = int.from_bytes(end[:4], "little")
    if end[4:] == b"PAR1" and _LARGEST_INDEX < size < path.stat().st_size:
        message = (
            f"{name} has so many row groups that the index of its columns has "
            f"{readable_size(size)}; write it with fewer (in pandas and pyarrow: "
            "row_group_size=100_000)."
        )
        raise study_error(message, name)
    return size


def require_accounted(index: pq.FileMetaData, path: Path, name: str) -> None:
    """Refuse a file that holds more than its size on disk accounts for, before it is unpacked."""
    stored = path.stat().st_size
    groups = map(index.row_group, range(index.num_row_groups))
    largest = max((int(group.total_byte_size) for group in groups), default=0)
    what = f"{index.num_rows:,} samples" if index.num_rows > row_limit(stored) else ""
    if largest > unpacked_limit(stored):
        what = f"a row group of {readable_size(largest)}"
    # What repeats takes next to nothing in a row group either.
    elif not what and not accounts_for(stored, index.num_rows * index.num_columns):
        what = f"{index.num_rows:,} samples of {index.num_columns:,} columns"
    if what:
        message = (
            f"{name} has {what}, which its size on disk does not account for; write it again "
            "(in pandas and pyarrow: row_group_size=100_000)."
        )
        raise study_error(message, name)


def _numbers(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """Columns as rows of an array, float64 or, where all of them are, float32; NaN for null.

    Pyarrow gives columns in the order of the file, as they are asked for here, and may give more
    of them: ``HLA.A`` with ``HLA``.
    """
    if table.num_columns > len(columns):
        table = table.select(list(columns))
    kinds = set(table.schema.types)
    if kinds <= {pa.float32()} or kinds <= {pa.float64()}:
        # All at once, where no number changes: one after the other takes forty times as long.
        parts = table.to_batches()
        if len(parts) > 1:
            parts = table.combine_chunks().to_batches()
        if len(parts) == 1:
            tensor = parts[0].to_tensor(null_to_nan=True, row_major=False)
            return np.asarray(tensor.to_numpy().T)
    values = np.empty((len(columns), len(table)))
    for row in range(len(columns)):
        values[row] = table.column(row).cast(pa.float64()).to_numpy()
    return values


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_floating(kind)
        or types.is_integer(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    )


@contextmanager
def _whole(name: str) -> Iterator[None]:
    """A block that fails only where a file is no whole Parquet file."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        message = f"{name} is not a whole Parquet file ({_first_line(error)}); write it again."
        raise study_error(message, name) from error


def _first_line(failure: Exception) -> str:
    return str(failure).partition("\n")[0].rstrip(".")
