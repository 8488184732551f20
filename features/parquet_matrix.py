"""Parquet with a row a sample: how are its numbers read, by column or by sample?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.problems import some, study_error
from features.sample_major import CELLS
from features.tables import find_column

SAMPLE_ID = "SAMPLE_ID"


class ParquetMatrix:
    """A Parquet file with a column SAMPLE_ID, and a number column a feature.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.

    Raises
    ------
    StudyError
        If the file is no Parquet, has no column SAMPLE_ID, or a column that holds no numbers.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        try:
            self._file = pq.ParquetFile(path)
            schema = self._file.schema_arrow
            label = find_column(schema.names, SAMPLE_ID)
            if label is None:
                message = (
                    f"{name} has no {SAMPLE_ID} column; add one with each row's sample (an index "
                    "that pandas keeps is not one)."
                )
                raise study_error(message, name)
            if schema.names.count(label) == 1:
                named = self._file.read(columns=[label]).column(label).cast(pa.string())
                self.samples: Sequence[str] = [(x or "").strip() for x in named.to_pylist()]
        except (OSError, pa.ArrowException) as error:
            message = f"{name} is not a whole Parquet file ({_first_line(error)}); write it again."
            raise study_error(message, name) from error
        fields = [field for field in schema if field.name != label]
        words = [field for field in fields if not _is_number(field.type)]
        if words:
            told = [f"{field.name} ({field.type})" for field in words]
            message = (
                f"{name} has {len(words)} column(s) that hold no numbers: {some(told)}; leave them "
                "out, or make them numbers."
            )
            raise study_error(message, name, column=words[0].name)
        self._columns = [field.name for field in fields]
        self.features: Sequence[str] = [column.strip() for column in self._columns]
        counts = self._file.metadata
        rows = [counts.row_group(n).num_rows for n in range(counts.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(rows, dtype=int)])
        self._latest: tuple[int, np.ndarray] | None = None

    def direct(self, in_order: bool) -> bool:
        """Whether a row group, the least that can be read, is small, and each read but once."""
        return (
            in_order and int(np.diff(self._starts).max(initial=0)) * len(self._columns) <= 2 * CELLS
        )

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `features.matrix.SampleRows`."""
        values = np.empty((len(places), len(self._columns)))
        groups = np.searchsorted(self._starts, places, side="right") - 1
        for group in np.unique(groups):
            rows = groups == group
            values[rows] = self._group(int(group))[places[rows] - self._starts[group]]
        return values

    def blocks(self, in_order: bool) -> Iterator[tuple[int, int, np.ndarray]]:
        """See `features.sample_major.SampleMajorFile`."""
        if self.direct(in_order):
            for group in range(len(self._starts) - 1):
                yield 0, int(self._starts[group]), self._group(group).T
            return
        width = max(1, CELLS // len(self.samples))
        for at in range(0, len(self._columns), width):
            columns = self._columns[at : at + width]
            yield at, 0, _numbers(self._file.read(columns=columns), columns)

    def _group(self, group: int) -> np.ndarray:
        """Samples of a row group x features; the latest is kept, as chunks cut across groups."""
        if self._latest is None or self._latest[0] != group:
            table = self._file.read_row_group(group, columns=self._columns)
            self._latest = group, np.ascontiguousarray(_numbers(table, self._columns).T)
        return self._latest[1]


def _numbers(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """Columns as rows of an array, float64, NaN for null.

    Pyarrow may give more columns than were asked for: ``HLA.A`` with ``HLA``.
    """
    values = np.empty((len(columns), len(table)))
    place = {name: at for at, name in enumerate(table.column_names)}
    for row, name in enumerate(columns):
        values[row] = table.column(place[name]).cast(pa.float64()).to_numpy()
    return values


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_floating(kind)
        or types.is_integer(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    )


def _first_line(failure: Exception) -> str:
    return str(failure).partition("\n")[0].rstrip(".")
