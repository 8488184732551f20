"""Matrix files with a row a sample, Parquet and AnnData's HDF5, as tables with a row a feature."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from sidestep.features.errors import Problem, StudyError, some, study_error
from sidestep.features.files.contents import FileState, refuse_stand_in
from sidestep.features.files.limits import MAX_COLUMNS, table_limits
from sidestep.features.files.matrix import SampleRows
from sidestep.features.files.tables import LARGEST, MISSING, MOST_CELLS, find_column

#: How the names of such files end.
PARQUET, H5AD = ".parquet", ".h5ad"
_START = 64


class SampleMajorFile(Protocol):
    """What lies in a file: names, and numbers by sample.

    Attributes
    ----------
    samples, features : sequence of str
    rows : SampleRows or None
        The rows where they lie; None where a few cannot be read without many others.
    """

    samples: Sequence[str]
    features: Sequence[str]

    @property
    def rows(self) -> SampleRows | None: ...  # noqa: D102

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """All numbers, some at a time: first feature, first sample, and features x samples.

        Without `rows`, each block has all samples. Numbers of 32 bits may be given as such.
        """


@dataclass(frozen=True)
class SampleMajorTable:
    """A file with a row a sample, seen as a table with a row a feature.

    Attributes
    ----------
    name : str
        File name for messages.
    label : str
        What the column of the features' names is called.
    digest : str
        sha256 of the file's bytes.
    file : SampleMajorFile
    """

    name: str
    label: str
    digest: str
    file: SampleMajorFile

    def __len__(self) -> int:
        return len(self.file.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """The label, and then the samples."""
        return (self.label, *self.file.samples)

    def find(self, *names: str) -> str | None:
        """As `features.files.tables.Table.find`; only the label can be found."""
        return find_column([self.label], *names)

    def labels(self, rows: int) -> list[str]:
        """First features."""
        return list(self.file.features[:rows])

    def text(self) -> pd.DataFrame:
        """The features' names, NaN where missing."""
        names = pd.Series(list(self.file.features), dtype="str")
        return pd.DataFrame({self.label: names.mask(names.isin(MISSING))})

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """As `SampleMajorFile.blocks`.

        Raises
        ------
        StudyError
            At the end, if some are not numbers from -1e30 to 1e30.
        """
        problems: list[Problem] = []
        for feature, sample, values in self.file.blocks():
            for row, column in _beyond(values)[: MOST_CELLS - len(problems)]:
                at = feature + int(row), sample + int(column)
                problems.append(self._bad_cell(*at, float(values[row, column])))
            yield feature, sample, values
        if problems:
            raise StudyError(problems)

    def _bad_cell(self, feature: int, sample: int, value: float) -> Problem:
        name, of = self.file.features[feature], self.file.samples[sample]
        what = f"is beyond {LARGEST:g}" if np.isfinite(value) else "is not a finite number"
        message = (
            f"{self.name}, sample {of}, {name}: {value:g} {what}; write a number, or leave it "
            "empty (NaN) where there is none."
        )
        return Problem("error", self.name, f"sample {of}", name, message)


def _beyond(values: np.ndarray) -> np.ndarray:
    """Row and column of each number that is too large, which hardly a block has."""
    with np.errstate(invalid="ignore"):
        lowest, highest = (of.reduce(values, axis=None, initial=0.0) for of in (np.fmin, np.fmax))
        if float(lowest) >= -LARGEST and float(highest) <= LARGEST:
            return np.empty((0, 2), dtype=np.intp)
        return np.argwhere(np.abs(values.astype(np.float64)) > LARGEST)


def is_sample_major(name: str) -> bool:
    """Whether a file of this name has a row a sample."""
    return name.lower().endswith((PARQUET, H5AD))


def refuse_sample_major(path: Path, name: str) -> None:
    """Refuse such a file where text is read.

    Raises
    ------
    StudyError
        If it is one.
    """
    if is_sample_major(path.name):
        message = (
            f"{name} cannot be read: {PARQUET} and {H5AD} may hold expression, protein levels or "
            "copy number; give the rest as tab-separated text."
        )
        raise study_error(message, name)


def open_sample_major(path: Path, name: str, label: str, layer: str | None) -> SampleMajorTable:
    """Open a ``.parquet`` or ``.h5ad`` file; its numbers are not read yet.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    label : str
        What the column of the features' names is to be called.
    layer : str or None
        Layer of an ``.h5ad`` file to read instead of ``X``.

    Raises
    ------
    StudyError
        If the file is broken, or its names or columns are not what they should be.
    """
    digest, state = _digest(path, name)
    file = _opened(path, name, layer)
    _check_names(file.samples, "sample", name)
    _check_names(file.features, "column" if path.suffix.lower() == PARQUET else "variable", name)
    most = table_limits().columns or 0
    if len(file.features) > most:
        message = (
            f"{name} has {len(file.features):,} columns, more than the {most:,} that Sidestep "
            f"reads; if it is as it should be, set {MAX_COLUMNS} to the columns it has."
        )
        raise study_error(message, name)
    return SampleMajorTable(name, label, digest, _Watched(file, state))


def held_size(path: Path, layer: str | None) -> int:
    """Bytes that the numbers of such a file take in memory, however small they are on disk.

    Raises
    ------
    StudyError
        If the file is broken.
    """
    if path.suffix.lower() == PARQUET:
        from sidestep.features.files.parquet import ParquetMatrix

        cells = ParquetMatrix.cells(path, path.name)
    else:
        file = _opened(path, path.name, layer)
        cells = len(file.samples) * len(file.features)
    return np.dtype(np.float64).itemsize * cells


def _opened(path: Path, name: str, layer: str | None) -> SampleMajorFile:
    if path.suffix.lower() == PARQUET:
        from sidestep.features.files.parquet import ParquetMatrix

        return ParquetMatrix(path, name)
    from sidestep.features.files.h5ad import H5adMatrix

    return H5adMatrix(path, name, layer)


class _Watched:
    """A file that must stay what its digest says: HDF5 reads zeros where a file was cut short.

    Parameters
    ----------
    file : SampleMajorFile
    state : FileState
        As the file was before its digest was taken.
    """

    def __init__(self, file: SampleMajorFile, state: FileState) -> None:
        self._file, self._state = file, state
        self.samples, self.features = file.samples, file.features

    @property
    def rows(self) -> SampleRows | None:
        """See `SampleMajorFile`."""
        return None if self._file.rows is None else _WatchedRows(self._file.rows, self._state)

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """See `SampleMajorFile`."""
        with self._state.unchanged():
            yield from self._file.blocks()


@dataclass(frozen=True)
class _WatchedRows:
    """Rows of such a file."""

    rows: SampleRows
    state: FileState

    portable = False

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `features.files.matrix.SampleRows`."""
        with self.state.unchanged():
            return self.rows.take(places)


def _check_names(names: Sequence[str], what: str, file: str) -> None:
    if not names:
        raise study_error(f"{file} is empty: it has no {what}.", file)
    missing = [at for at, found in enumerate(names, start=1) if found in MISSING]
    if missing:
        raise study_error(f"{file}: {what} {missing[0]} has no name; give it one.", file)
    if len(set(names)) < len(names):
        repeated = sorted(found for found, count in Counter(names).items() if count > 1)
        message = (
            f"{file} has {len(repeated)} duplicate {what} name(s): {some(repeated)}; every {what} "
            "needs a name of its own."
        )
        raise study_error(message, file)


def _digest(path: Path, name: str) -> tuple[str, FileState]:
    """The sha256 of a file's bytes, and what the file was before they were read."""
    try:
        if not path.is_file():
            raise study_error(f"{name} is not a plain file; put the file itself there.", name)
        state = FileState.of(path, name)
        with path.open("rb") as file:
            refuse_stand_in(file.peek()[:_START], name)
            return hashlib.file_digest(file, "sha256").hexdigest(), state
    except OSError as error:
        reason = error.strerror or str(error)
        raise study_error(f"{name} cannot be read ({reason}).", name) from error
