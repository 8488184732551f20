"""A matrix of any size on disk: written gene after gene, read sample after sample.

A file has one block after the other, without a header; its numbers have as many bits as in the file
that they were read from. A block holds some columns of all samples, sample after sample; so a text
file of genes x samples is laid out anew in one pass, and a run of samples is one piece of every
block. Nothing is mapped into memory.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sidestep.features.errors import InputError, comes_again
from sidestep.features.files.owned import remove_own
from sidestep.features.files.whole import final_name, whole_file

_SHORT, _LONG = np.dtype("<f4"), np.dtype("<f8")
_OURS = re.compile(r"[0-9a-f]{64}\.(rows|json)(\.new)?")
_READ_AT_ONCE = 2**20
# Bytes between two places that are read sooner than a file is asked anew.
_WORTH_A_READ = 2**14


@dataclass(frozen=True)
class StoredRows:
    """Rows in a file of the store.

    Attributes
    ----------
    path : pathlib.Path
    n_samples : int
    blocks : tuple of tuple of int and str
        Columns of each block, and the type of its numbers.
    """

    path: Path
    n_samples: int
    blocks: tuple[tuple[int, str], ...]

    portable = True

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `features.files.matrix.SampleRows`.

        Raises
        ------
        OSError
            If the file is gone, or shorter than it was.
        """
        values = np.empty((len(places), sum(width for width, _ in self.blocks)))
        with self.path.open("rb", buffering=0) as file:
            start = column = 0
            for width, kind in self.blocks:
                row = width * np.dtype(kind).itemsize
                for at, place, length in runs(places, 1 + _WORTH_A_READ // row):
                    file.seek(start + place * row)
                    found = np.fromfile(file, kind, length * width)
                    if len(found) < length * width:
                        raise OSError(errno.EIO, "the file is cut short", str(self.path))
                    wanted = found.reshape(length, width)[places[at] - place]
                    values[at, column : column + width] = wanted
                start += row * self.n_samples
                column += width
        return values


def runs(places: np.ndarray, step: int = 1) -> Iterator[tuple[slice, int, int]]:
    """Runs of rising places, each at most `step` behind the one before.

    Of each its part of `places`, its first place, and the number of places from that to its last.
    """
    steps = np.diff(places)
    ends = [*(np.flatnonzero((steps < 1) | (steps > step)) + 1).tolist(), len(places)]
    begin = 0
    for end in ends:
        if end > begin:
            first, last = int(places[begin]), int(places[end - 1])
            yield slice(begin, end), first, last - first + 1
        begin = end


class MatrixStore:
    """A folder of matrices, each known by what it was made of.

    As a context: the folder is removed when the block has ended well, or with an `InputError`
    that would come again with its matrices; with any other error, one that a disk caused, or one
    that came before they were asked for, finished matrices stay for a later run.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first matrix is stored.

    Raises
    ------
    InputError
        If the folder holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._used: set[str] = set()
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError(f"{folder} is in the way: matrices are kept there; remove it")
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            if not _is_ours(path.name) or path.is_symlink() or not path.is_file():
                raise InputError(
                    f"{folder}, where matrices are kept, holds {path.name}, which sidestep did not "
                    "write; move it elsewhere, or give another --out"
                )

    def rows(
        self,
        made_of: Mapping[str, Any],
        n_samples: int,
        blocks: Callable[[], Iterator[np.ndarray]],
        facts: Callable[[], dict[str, Any]],
    ) -> tuple[StoredRows, dict[str, Any]]:
        """A matrix of the store; it is written first if it is not there, whole or not at all.

        Parameters
        ----------
        made_of : mapping
            Plain values that tell the matrix from all others.
        n_samples : int
        blocks : callable
            Gives the matrix, (some features, n_samples) at a time.
        facts : callable
            Plain values to be kept beside it, asked for when all blocks have been written.

        Returns
        -------
        tuple of StoredRows and dict
            The rows, and the facts.
        """
        key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        self._used.add(key)
        rows, facts_file = self.folder / f"{key}.rows", self.folder / f"{key}.json"
        if (kept := _kept(rows, facts_file)) is None:
            self.folder.mkdir(exist_ok=True)
            self._remove_unused()
            kept = self._write(rows, facts_file, blocks, facts)
        of_blocks = tuple((int(width), str(kind)) for width, kind in kept["blocks"])
        return StoredRows(rows, n_samples, of_blocks), kept["facts"]

    def _write(
        self,
        rows: Path,
        facts_file: Path,
        blocks: Callable[[], Iterator[np.ndarray]],
        facts: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        sha256 = hashlib.sha256()
        written: list[tuple[int, str]] = []
        with whole_file(rows) as new, new.open("wb") as file:
            for block in blocks():
                # A row of features becomes a column, so that a sample's numbers stand together.
                kind = _SHORT if block.dtype == np.float32 else _LONG
                laid_out = np.ascontiguousarray(block.T, dtype=kind).data
                file.write(laid_out)
                sha256.update(laid_out)
                written.append((len(block), kind.str))
        kept = {"sha256": sha256.hexdigest(), "blocks": written, "facts": facts()}
        with whole_file(facts_file) as new:
            new.write_text(json.dumps(kept))
        return kept

    def _remove_unused(self) -> None:
        """Make room: what another job left is of no use to this one."""
        for path in self.folder.iterdir():
            used = path.name.partition(".")[0] in self._used
            if _is_ours(path.name) and (not used or path.suffix == ".new"):
                path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or (comes_again(error) and self._used):
            with suppress(OSError):
                remove_own(self.folder, _is_ours)
            return
        with suppress(OSError):
            if self._used:
                self._remove_unused()
            self.folder.rmdir()  # if nothing is in it


def _is_ours(name: str) -> bool:
    """Whether a file in the folder is one that a store writes."""
    return bool(_OURS.fullmatch(final_name(name)))


def _kept(rows: Path, facts_file: Path) -> dict[str, Any] | None:
    """What was written of a matrix; None if it is missing or damaged."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept: dict[str, Any] = json.loads(facts_file.read_text())
        sha256 = hashlib.sha256()
        with rows.open("rb") as file:
            while piece := file.read(_READ_AT_ONCE):
                sha256.update(piece)
        if sha256.hexdigest() == kept["sha256"]:
            return kept
    return None
