"""A study too large for memory, whose samples are read from disk some at a time.

Its matrices stay in their files or in a store, and its calls are indexed by sample, so that those
of a few are found without a look at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, Problem
from sidestep.features.files.limits import held_bytes
from sidestep.features.files.matrix import Matrix
from sidestep.features.files.sample_major import held_size, is_sample_major
from sidestep.features.files.store import MatrixStore
from sidestep.features.study.meta import data_path, meta_paths, read_meta
from sidestep.features.study.reader import StudyReader
from sidestep.features.study.study import Study, assemble, read_study
from sidestep.features.vocabulary.account import FileAccount

# Text of numbers is compressed to a third or a quarter.
_UNPACKED = 4
_WIDE = ("MRNA_EXPRESSION", "PROTEIN_LEVEL", "COPY_NUMBER_ALTERATION", "MUTATION_EXTENDED")


@dataclass(frozen=True)
class CallIndex:
    """Mutations or fusions in the order of the samples, so that those of a few are found at once.

    Attributes
    ----------
    calls : pandas.DataFrame
        One call a row, without its sample.
    samples : pandas.Index
    starts : numpy.ndarray of shape (n_samples + 1,)
        First call of each sample, and the number of calls.
    """

    calls: pd.DataFrame
    samples: pd.Index
    starts: np.ndarray

    @classmethod
    def of(cls, calls: pd.DataFrame, samples: pd.Index) -> Self:
        """Index of calls with a column `sample_id`; those of other samples are left out."""
        named = calls["sample_id"].astype("category").cat
        places = samples.get_indexer(named.categories)[named.codes]
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        starts = np.searchsorted(places[order], np.arange(len(samples) + 1))
        return cls(calls.drop(columns="sample_id").iloc[order], samples, starts)

    def of_samples(self, samples: pd.Index) -> pd.DataFrame:
        """Calls of some samples in their order, with the column `sample_id` first, as text."""
        places = self.samples.get_indexer(samples)
        firsts, ends = self.starts[places], self.starts[places + 1]
        rows = np.concatenate(
            [np.arange(*span) for span in zip(firsts, ends, strict=True)] or [np.empty(0, int)]
        )
        found = self.calls.iloc[rows].astype("str").reset_index(drop=True)
        names = pd.Series(samples.repeat(ends - firsts), dtype="str")
        found.insert(0, "sample_id", names.to_numpy(), allow_duplicates=False)
        return found.astype({"sample_id": "str"})


@dataclass(frozen=True)
class StoredStudy:
    """A study whose matrices are on disk; the same as `Study` to whoever selects samples.

    Attributes
    ----------
    small : Study
        All that is in memory: everything but the matrices, mutations and fusions.
    expression, rppa, copy_number : Matrix or None
    mutations, fusions : CallIndex or None
    """

    small: Study
    expression: Matrix | None
    rppa: Matrix | None
    copy_number: Matrix | None
    mutations: CallIndex | None
    fusions: CallIndex | None

    @property
    def path(self) -> Path | None:
        """Study folder."""
        return self.small.path

    @property
    def study_id(self) -> str:
        """See `Study`."""
        return self.small.study_id

    @property
    def name(self) -> str:
        """See `Study`."""
        return self.small.name

    @property
    def simulated(self) -> bool:
        """See `Study`."""
        return self.small.simulated

    @property
    def samples(self) -> pd.Index:
        """See `Study`."""
        return self.small.samples

    @property
    def problems(self) -> tuple[Problem, ...]:
        """See `Study`."""
        return self.small.problems

    @property
    def digests(self) -> Mapping[str, str]:
        """See `Study`."""
        return self.small.digests

    @property
    def account(self) -> tuple[FileAccount, ...]:
        """See `Study`."""
        return self.small.account

    @property
    def profiles(self) -> Mapping[str, str]:
        """See `Study`."""
        return self.small.profiles

    def select(self, samples: Sequence[str]) -> Study:
        """Some samples, in memory; see `Study.select`.

        Raises
        ------
        InputError
            If a sample is not in the study, or is asked for twice.
        OSError
            If a file cannot be read any more.
        """
        part = self._small_part(samples)
        read: dict[str, Any] = {
            name: matrix.frame(part.samples) for name, matrix in self._matrices.items()
        }
        return replace(part, **read)

    def portable_part(self, samples: Sequence[str]) -> SampleSource:
        """Some samples as they are best sent to another process on this machine, which reads them.

        Those of a file that no other process can read are in memory.

        Raises
        ------
        InputError, OSError
            As `select`.
        """
        if not all(matrix.rows.portable for matrix in self._matrices.values()):
            return self.select(samples)
        part = self._small_part(samples)
        of_part: dict[str, Any] = {
            name: matrix.of_samples(part.samples) for name, matrix in self._matrices.items()
        }
        return replace(self, small=part, mutations=None, fusions=None, **of_part)

    @property
    def _matrices(self) -> dict[str, Matrix]:
        """The matrices that there are."""
        every = {
            "expression": self.expression,
            "rppa": self.rppa,
            "copy_number": self.copy_number,
        }
        return {name: matrix for name, matrix in every.items() if matrix is not None}

    def _small_part(self, samples: Sequence[str]) -> Study:
        """Some samples without the matrices, their calls in memory."""
        part = self.small.select(samples)
        indexed = {"mutations": self.mutations, "fusions": self.fusions}
        calls: dict[str, Any] = {
            name: index.of_samples(part.samples)
            for name, index in indexed.items()
            if index is not None
        }
        return replace(part, **calls)


#: A study that gives some of its samples, wherever they lie.
SampleSource = Study | StoredStudy


def open_study(
    path: str | Path,
    store: MatrixStore,
    profiles: Mapping[str, str] | None = None,
    counted: Callable[[int], None] = lambda n_samples: None,
) -> SampleSource:
    """Read a cBioPortal staging folder, matrices into memory if they are small.

    What is read is the same either way, and so are the errors. Larger ones (`files.limits`)
    are laid out anew in the store, unless their files can be read by sample as they are.

    Parameters
    ----------
    path : path
    store : MatrixStore
    profiles : mapping of str to str, optional
        As `features.study.study.read_study` takes them.
    counted : callable, optional
        Called with the number of samples that its clinical files name, before matrices too large
        for memory are read, which takes a while.

    Raises
    ------
    InputError
        As `features.study.study.read_study`.
    """
    folder = Path(path)
    if _wide_bytes(folder) <= held_bytes():
        return read_study(folder, profiles)
    reader = StudyReader(folder, store, profiles, counted)
    for step in reader.steps():
        step()
    small = assemble(reader, held=False)
    return StoredStudy(
        small,
        expression=_aligned(reader.expression, small.samples),
        rppa=_aligned(reader.protein.values if reader.protein else None, small.samples),
        copy_number=_aligned(reader.copy_number, small.samples),
        mutations=_indexed(reader.calls.calls if reader.calls else None, small.samples),
        fusions=_indexed(reader.fusions, small.samples),
    )


def _aligned(matrix: Matrix | None, samples: pd.Index) -> Matrix | None:
    """A matrix by the study's own index: one of its own would hold every name once more."""
    return None if matrix is None else matrix.of_samples(samples)


def _indexed(calls: pd.DataFrame | None, samples: pd.Index) -> CallIndex | None:
    return None if calls is None else CallIndex.of(calls, samples)


def _wide_bytes(folder: Path) -> int:
    """About how large the matrices and mutations of a study are; 0 if that is not known.

    Text counts as text, and files with a row a sample as their numbers. What is wrong with the
    folder is for its reader to say.
    """
    total = 0
    try:
        for meta_file in meta_paths(folder):
            meta = read_meta(meta_file, folder)
            if meta.kind in _WIDE:
                total += _wide_bytes_of(data_path(meta, folder), meta.fields.get("layer"))
    except (InputError, OSError):
        return 0
    return total


def _wide_bytes_of(data: Path, layer: str | None) -> int:
    if is_sample_major(data.name):
        return held_size(data, layer)
    return data.stat().st_size * (_UNPACKED if data.suffix.lower() == ".gz" else 1)
