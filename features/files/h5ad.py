"""AnnData's HDF5 (.h5ad): its samples and numbers, read without AnnData."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from sidestep.features.errors import StudyError
from sidestep.features.files.hdf5 import HdfFile, text_of
from sidestep.features.files.limits import (
    CELLS,
    accounts_for,
    unpacked_limit,
)
from sidestep.features.files.store import runs


class H5adMatrix:
    """``X``, or a layer, of an ``.h5ad`` file: dense, or compressed by row (CSR).

    The format is AnnData's on-disk specification, version 0.8 and later.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    layer : str or None
        Layer to read; ``X`` if None.
    group : str
        Where the matrix and its names are, such as ``mod/rna`` of a MuData file.

    Raises
    ------
    StudyError
        If h5py is not installed, or the file is none of AnnData's, lacks the layer, is compressed
        by column, links to other files, or names genes by Ensembl identifiers.
    """

    portable = False

    def __init__(self, path: Path, name: str, layer: str | None, group: str = "") -> None:
        self.file = HdfFile(path, name)
        self._name, self._stored = name, self.file.stored
        self._at = f"{group}/" if group else ""
        try:
            with self.file.whole():
                self._open(layer)
        except BaseException:
            self.file.close()
            raise

    def _open(self, layer: str | None) -> None:
        """Look at the file's names and matrix, and refuse what cannot be used."""
        self.samples: Sequence[str] = self.file.names(f"{self._at}obs")
        self.features: Sequence[str] = self.file.names(f"{self._at}var")
        self._open_matrix("X" if layer is None else f"layers/{layer}")

    @property
    def rows(self) -> Self:
        """The file itself: any sample can be read by itself."""
        return self

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `features.files.matrix.SampleRows`."""
        values = np.empty((len(places), len(self.features)))
        for at, place, length in runs(places):
            values[at] = self._rows(place, place + length)
        return values

    def blocks(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """See `features.files.sample_major.SampleMajorFile`."""
        height = max(1, CELLS // max(len(self.features), 1))
        try:
            for start in range(0, len(self.samples), height):
                yield 0, start, self._rows(start, min(start + height, len(self.samples))).T
        except (OSError, IndexError) as error:
            raise self._refused("is damaged", "write it again") from error

    def _rows(self, start: int, end: int) -> np.ndarray:
        """Neighbouring samples x features, float64."""
        if self._starts is None:
            return np.asarray(self._data[start:end], dtype=np.float64)
        values = np.zeros((end - start, len(self.features)))
        at = self._starts[start : end + 1]
        rows = np.repeat(np.arange(end - start), np.diff(at))
        columns = self._columns[at[0] : at[-1]].astype(np.int64)
        if columns.min(initial=0) < 0:
            raise IndexError
        found = self._data[at[0] : at[-1]].astype(np.float64)
        if (np.diff(rows * len(self.features) + columns) > 0).all():
            values[rows, columns] = found
        else:  # entries of one place, which may stand in any order, add up
            np.add.at(values, (rows, columns), found)
        return values

    def _open_matrix(self, key: str) -> None:
        key = f"{self._at}{key}"
        if key not in self.file:
            layers = ", ".join(self.file.keys(f"{self._at}layers"))
            problem, advice = f"has no {key}", f"it has the layers {layers}" if layers else ""
            raise self._refused(problem, advice or "write the matrix to adata.X")
        found = self.file.inside(key)
        self._starts: np.ndarray | None = None
        self._columns: Any = None
        if self.file.is_group(key):
            shape = self._open_compressed(key, found)
        else:
            shape, self._data = found.shape, found
        if shape != (len(self.samples), len(self.features)):
            raise self._refused(
                f"has {key} of shape {shape} for {len(self.samples)} samples and "
                f"{len(self.features)} variables",
                "write it again",
            )
        if not accounts_for(self._stored, math.prod(shape)):
            raise self._refused(
                f"has {key} of shape {shape}, which its size on disk does not account for",
                "write it again",
            )
        if self._data.dtype.kind not in "fiub":
            raise self._refused(f"holds {key} of type {self._data.dtype}", "make it numbers")

    def _open_compressed(self, key: str, group: Any) -> tuple[int, ...]:
        """Open a matrix compressed by row; give back its shape."""
        kind = text_of(group.attrs.get("encoding-type", ""))
        if kind != "csr_matrix":
            raise self._refused(
                f"holds {key} as {kind or 'an unknown kind'}",
                "write it dense, or compressed by row: adata.X = adata.X.tocsr()",
            )
        shape = tuple(int(size) for size in group.attrs["shape"])
        starts_of = self.file.inside(f"{key}/indptr")
        if starts_of.shape != (len(self.samples) + 1,):
            raise self._refused(f"holds {key} whose parts do not fit each other", "write it again")
        starts = starts_of[...].astype(np.int64)
        self._columns, self._data = (
            self.file.inside(f"{key}/indices"),
            self.file.inside(f"{key}/data"),
        )
        fits = len(starts) == shape[0] + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
        if not fits or not len(self._columns) == len(self._data) == starts[-1]:
            raise self._refused(f"holds {key} whose parts do not fit each other", "write it again")
        most = unpacked_limit(self._stored)
        if np.dtype(np.float64).itemsize * int(np.diff(starts).max(initial=0)) > most:
            raise self._refused(
                f"holds {key} with more entries than its size on disk accounts for",
                "write it again",
            )
        self._starts = starts
        return shape

    def _refused(self, what: str, advice: str) -> StudyError:
        return self.file.refused(what, advice)
