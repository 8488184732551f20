"""HDF5 files of AnnData and MuData: their tables and words, read without either, within limits.

The format is the on-disk specification of AnnData 0.8 and later. Nothing of another file is
followed, and nothing is unpacked that the size on disk does not account for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, StudyError, study_error
from sidestep.features.files.limits import readable_size, row_limit, unpacked_limit


class HdfFile:
    """An HDF5 file that AnnData or MuData wrote.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        File name for messages.

    Raises
    ------
    StudyError
        If h5py is not installed, or it is no HDF5 file.
    """

    def __init__(self, path: Path, name: str) -> None:
        try:
            import h5py
        except ImportError:
            message = (
                f"{name} needs h5py, which is not installed; run pip install h5py, or write the "
                "matrix as Parquet or text."
            )
            raise study_error(message, name) from None
        self._h5py, self.name, self._suffix = h5py, name, path.suffix.lower() or "HDF5"
        self.stored = path.stat().st_size
        with self.whole():
            self._file = h5py.File(path, "r")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A block that fails only where a file is not whole, or not AnnData's.

        Raises
        ------
        StudyError
            If it fails.
        """
        try:
            yield
        except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            message = (
                f"{self.name} is not a whole {self._suffix} file ({str(error).strip(chr(39))}); "
                "write it again with AnnData 0.8 or later."
            )
            raise study_error(message, self.name) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._file

    def keys(self, key: str) -> list[str]:
        """Names in a group; none where there is no such group."""
        return list(self._file[key]) if key in self._file and self.is_group(key) else []

    def is_group(self, key: str) -> bool:
        """Whether something is a group."""
        return isinstance(self.inside(key), self._h5py.Group)

    def inside(self, key: str) -> Any:
        """An object of the file, which must lie in this very file.

        Raises
        ------
        StudyError
            If it lies elsewhere, or in pieces that its size does not account for.
        """
        h5py, place = self._h5py, ""
        for part in key.strip("/").split("/"):
            place = f"{place}/{part}"
            link = self._file.get(place, getlink=True)
            if link is not None and not isinstance(link, h5py.HardLink):
                raise self.refused(f"holds {place} as a link", "write it without links")
        found = self._file[key]
        if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
            raise self.refused(f"keeps {place} in another file", "write it whole")
        if isinstance(found, h5py.Dataset) and found.chunks is not None:
            chunk = math.prod(found.chunks) * found.dtype.itemsize
            if chunk > unpacked_limit(self.stored):
                raise self.refused(
                    f"keeps {place} in pieces of {readable_size(chunk)}, which its size on disk "
                    "does not account for",
                    "write it again in smaller chunks",
                )
        return found

    def attribute(self, key: str, name: str) -> str:
        """Text of an attribute; empty where there is none."""
        return text_of(self.inside(key).attrs.get(name, ""))

    def names(self, frame: str) -> list[str]:
        """Names of a table's rows, such as ``obs``.

        Raises
        ------
        StudyError
            If it is no table.
        """
        found = self.inside(frame)
        if not isinstance(found, self._h5py.Group) or "_index" not in found.attrs:
            raise self.refused(f"has no table {frame} as AnnData 0.8 writes it", "write it again")
        values = self._column(f"{frame}/{text_of(found.attrs['_index'])}")
        return [text_of(name).strip() for name in values]

    def frame(self, key: str) -> pd.DataFrame:
        """A table as text, NaN where missing, by its rows' names.

        Raises
        ------
        StudyError
            If it is no table, or a column has another length.
        """
        names = self.names(key)
        group = self.inside(key)
        index = text_of(group.attrs["_index"])
        order = [text_of(name) for name in group.attrs.get("column-order", ())]
        columns = {}
        for column in order or [name for name in group if name != index]:
            values = self._column(f"{key}/{column}")
            if len(values) != len(names):
                raise self.refused(f"has {key}/{column} of another length", "write it again")
            columns[column] = pd.array([_cell(value) for value in values], dtype="str")
        return pd.DataFrame(columns, index=pd.Index(names, dtype="str"))

    def element(self, key: str) -> Any:
        """What a key holds: a mapping, a table, an array, or a word or number.

        Raises
        ------
        StudyError
            If it is of a kind that is not read.
        """
        found = self.inside(key)
        if not isinstance(found, self._h5py.Group):
            if found.shape == ():
                value = found[()]
                return text_of(value) if isinstance(value, bytes | str) else value
            column = self._column(key)
            return [text_of(value) if isinstance(value, bytes) else value for value in column]
        if text_of(found.attrs.get("encoding-type", "")) == "dataframe":
            return self.frame(key)
        return {name: self.element(f"{key}/{name}") for name in found}

    def _column(self, key: str) -> Any:
        """A one-dimensional array of any kind that AnnData has."""
        found = self.inside(key)
        if not isinstance(found, self._h5py.Group):
            self._require_accounted(key, found)
            return found[...]
        if "codes" in found:
            codes = self._column(f"{key}/codes")
            categories = self._column(f"{key}/categories")
            return [None if code < 0 else categories[code] for code in codes]
        values = self._column(f"{key}/values")
        if "mask" not in found:
            return values
        mask = self._column(f"{key}/mask")
        return [None if absent else value for value, absent in zip(values, mask, strict=True)]

    def _require_accounted(self, key: str, found: Any) -> None:
        if found.ndim != 1 or len(found) > row_limit(self.stored):
            raise self.refused(
                f"has {key} of shape {found.shape}, which its size on disk does not account for",
                "write it again",
            )

    def refused(self, what: str, advice: str) -> StudyError:
        """Error that names the file."""
        return study_error(f"{self.name} {what}; {advice}.", self.name)


def text_of(found: Any) -> str:
    """Text of a file, of which some writers make bytes."""
    return found.decode() if isinstance(found, bytes) else str(found)


def _cell(value: Any) -> str | None:
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return f"{value:.0f}"
    return text_of(value)
