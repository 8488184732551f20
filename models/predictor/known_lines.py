"""Training lines among the samples that are scored, and the fold that held each of them out.

A sample that the model has learned from, or of whose donor it has learned, is answered by the
models of the cross-validation's fold that had not seen it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.features.few_rows import few_rows
from sidestep.features.identifiers import match_key, without_tissue
from sidestep.features.study.study import FRAMES, Study
from sidestep.features.vocabulary.sample_types import LINE, NAME_ATTRIBUTES, sample_kinds
from sidestep.models.reliability.applicability import NearestLines

#: So many letters and then a number, as patients are numbered, is no proof of a cell line.
_LIKE_A_NUMBER = re.compile(r"[A-Z]{1,3}\d+")
_LEAST_CHARACTERS = 3
#: Levels by which profiles are compared, of each modality at most.
_COMPARED = 400
_FEWEST_COMPARED = 20
#: Two profiles whose levels differ by less (root mean square, training SDs) are one and the same:
#: with a fifth of its genes left out a line lies 0.1 from itself, and 0.47 from the nearest other.
_SAME_PROFILE = 0.15
#: Levels looked at first, one in so many, and what their mean squared difference must not reach.
_EVERY, _NEAR = 8, 0.1
#: A line is most like itself elsewhere: among this share of the lines in rank correlation.
_ALIKE_SHARE = 0.25


@dataclass(frozen=True)
class Known:
    """A sample that is a training line, or of the donor of one.

    Attributes
    ----------
    line : int or None
        Row of that very line among the training lines; None for a sibling of the same donor.
    fold : int
        Of the cross-validation, whose models have seen no line of the donor.
    """

    line: int | None
    fold: int


@dataclass(frozen=True)
class KnownLines:
    """The names, donors and folds of the training lines; their profiles are those of `nearest`.

    Attributes
    ----------
    samples : tuple of str
        Name of each training line in its study, in the rows of `nearest`.
    names : tuple of tuple of str
        Names by which each line is known in any laboratory (`features.identifiers.match_key`);
        none where the study numbers its samples, or is simulated.
    named_donors : tuple of str
        Donors whose identifier says more than a number, as keys.
    folds : ndarray of int, shape (n_lines,)
        Fold that held each line out, the same for all drugs.
    study_id : str
    digests : mapping of str to str
        Of the training study's files.
    nearest : NearestLines
        The training lines, with their donors.
    """

    samples: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    named_donors: tuple[str, ...]
    folds: np.ndarray
    study_id: str
    digests: Mapping[str, str]
    nearest: NearestLines

    @classmethod
    def of(cls, study: Study, nearest: NearestLines, lines: pd.Index, folds: np.ndarray) -> Self:
        """Those of a training study.

        Parameters
        ----------
        study : Study
        nearest : NearestLines
        lines : Index
            Samples of the study, in the rows of `nearest`.
        folds : ndarray of int, shape (n_lines,)
        """
        part = study.select(list(lines))
        donors = list(part.donors)
        return cls(
            samples=tuple(map(str, lines)),
            names=tuple(tuple(sorted(keys)) for keys in _names_anywhere(part)),
            named_donors=() if study.simulated else tuple(sorted(_telling(donors))),
            folds=np.asarray(folds, dtype=np.int64),
            study_id=study.study_id,
            digests=dict(study.digests),
            nearest=nearest,
        )

    def find(self, study: Study, features: pd.DataFrame) -> list[Known | None]:
        """Which samples are training lines, or of the donor of one; None for a new sample.

        A sample is a training line if its levels of RNA or protein are those of the line; if it has
        the line's name in the same study (a data file is the same, or the identifier of the
        study); or if it has the name of that cell line, whatever laboratory profiled it. It is a
        sibling if its donor is one of theirs: by identifier in the same study, and elsewhere where
        the identifier is no mere number. A name that is letters and a number, as patients have,
        counts elsewhere only if the profile is like that line's, or, where none can be compared,
        if the study says that its samples are cell lines. What is found of a sample does not
        depend on the others.

        Parameters
        ----------
        study : Study
            Holds the samples, and maybe others.
        features : DataFrame of shape (n_samples, n_features)
            Of the samples, as the predictor's joiner builds them.
        """
        part = study.select(list(features.index))
        same_study = self._is_of(study)
        levels = self._profiles.levels(features)
        found: list[Known | None] = []
        for sample, donor, keys, declared, level, line in zip(
            map(str, part.samples), map(str, part.donors), _keys(part), _declared(part), levels,
            self._profiles.same(levels), strict=True,
        ):  # fmt: skip
            if line is None and same_study:
                line = self._by_sample.get(sample)
            if line is None:
                line = self._elsewhere(keys, declared, level)
            if line is not None:
                found.append(Known(line, int(self.folds[line])))
                continue
            sibling = self._sibling(donor, same_study=same_study, declared=declared, level=level)
            found.append(None if sibling is None else Known(None, int(self.folds[sibling])))
        return found

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays, but for `nearest`, which is saved already."""
        return {
            "samples": list(self.samples),
            "names": [";".join(keys) for keys in self.names],
            "named_donors": list(self.named_donors),
            "folds": self.folds,
            "study_id": self.study_id,
            "digests": dict(self.digests),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], nearest: NearestLines) -> Self:
        """Lines that `get_state` described."""
        return cls(
            samples=tuple(state["samples"]),
            names=tuple(tuple(filter(None, keys.split(";"))) for keys in state["names"]),
            named_donors=tuple(state["named_donors"]),
            folds=state["folds"],
            study_id=state["study_id"],
            digests=state["digests"],
            nearest=nearest,
        )

    def _is_of(self, study: Study) -> bool:
        """Whether a study is the training study, or another edition of it."""
        mine = {digest for name, digest in self.digests.items() if _holds_samples(name)}
        theirs = {digest for name, digest in study.digests.items() if _holds_samples(name)}
        identified = not study.simulated and study.study_id not in ("", FRAMES)
        return bool(mine & theirs) or (identified and study.study_id == self.study_id)

    def _elsewhere(self, keys: Collection[str], declared: bool, level: np.ndarray) -> int | None:
        """Line of one of some names, wherever it was profiled."""
        for key in sorted(keys):
            for line in self._by_name.get(key, ()):
                if self._trusted(key, [line], declared=declared, level=level):
                    return line
        return None

    def _sibling(
        self, donor: str, *, same_study: bool, declared: bool, level: np.ndarray
    ) -> int | None:
        """A line of the same donor."""
        if same_study and donor in self._by_donor:
            return self._by_donor[donor][0]
        key = match_key(donor)
        # A donor may be called as its first line is.
        lines = self._by_donor_key.get(key) or self._by_name.get(key, [])
        if lines and self._trusted(key, lines, declared=declared, level=level):
            return lines[0]
        return None

    def _trusted(
        self, key: str, lines: Sequence[int], *, declared: bool, level: np.ndarray
    ) -> bool:
        """Whether a name stands for a line, or could be that of a patient by chance."""
        if not _LIKE_A_NUMBER.fullmatch(key):
            return True
        alike = self._profiles.alike(level, lines)
        return declared if alike is None else alike

    @cached_property
    def _profiles(self) -> _Profiles:
        return _Profiles(self.nearest)

    @cached_property
    def _by_sample(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.samples)}

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        return _rows_by((key, row) for row, keys in enumerate(self.names) for key in keys)

    @cached_property
    def _by_donor(self) -> dict[str, list[int]]:
        return _rows_by((donor, row) for row, donor in enumerate(self.nearest.donors_))

    @cached_property
    def _by_donor_key(self) -> dict[str, list[int]]:
        keys = [match_key(donor) for donor in self.nearest.donors_]
        telling = set(self.named_donors)
        return _rows_by((key, row) for row, key in enumerate(keys) if key in telling)


def rows_by_fold(known: Sequence[Known | None]) -> dict[int | None, np.ndarray]:
    """Rows of the samples that each fold's models have not seen; those of new samples at None."""
    folds = [None if one is None else one.fold for one in known]
    ordered = sorted(set(folds), key=lambda fold: -1 if fold is None else fold)
    return {fold: np.flatnonzero([other == fold for other in folds]) for fold in ordered}


class _Profiles:
    """RNA and protein levels of the training lines that tell them apart."""

    def __init__(self, nearest: NearestLines) -> None:
        columns = [
            column
            for modality in ("expression", "rppa")
            for column in _telling_columns(nearest, modality)
        ]
        self._columns = np.array(columns, dtype=np.int64)
        modalities = [modality_of(nearest.features_[column]) for column in columns]
        self._parts = [
            np.flatnonzero(np.array(modalities) == modality) for modality in ("expression", "rppa")
        ]
        self._sd = nearest.sd_[self._columns]
        self._lines = nearest.lines_[:, self._columns].astype(float)

    def levels(self, features: pd.DataFrame) -> np.ndarray:
        """Levels of samples in training standard deviations, (n_samples, n_compared)."""
        return np.asarray(features.to_numpy(float)[:, self._columns] / self._sd)

    def same(self, levels: np.ndarray) -> list[int | None]:
        """Row of the line that has each sample's very profile in a modality; None without one."""
        same: list[int | None] = [None] * len(levels)
        for part in self._parts:
            enough = np.isfinite(levels[:, part]).sum(axis=1) >= _FEWEST_COMPARED
            unknown = np.array([row for row in np.flatnonzero(enough) if same[row] is None], int)
            lines = np.flatnonzero(
                np.isfinite(self._lines[:, part]).sum(axis=1) >= _FEWEST_COMPARED
            )
            # A few of the levels rule out nearly all lines.
            few = part[::_EVERY]
            for together in few_rows(len(unknown), len(lines) * len(few)):
                some = unknown[together]
                some_levels, some_lines = levels[np.ix_(some, few)], self._lines[np.ix_(lines, few)]
                far, _ = _differences(some_lines, some_levels[:, None])
                for row, near in zip(some, far < _NEAR, strict=True):
                    if near.any():
                        same[row] = self._nearest(part, levels[row], lines[near])
        return same

    def _nearest(self, part: np.ndarray, level: np.ndarray, lines: np.ndarray) -> int | None:
        """The line among some that has a sample's very profile."""
        mean, shared = _differences(self._lines[np.ix_(lines, part)], level[part])
        mean[shared < _FEWEST_COMPARED] = np.inf
        return int(lines[mean.argmin()]) if mean.min() < _SAME_PROFILE**2 else None

    def alike(self, level: np.ndarray, lines: Sequence[int]) -> bool | None:
        """Whether a profile is more like one of some lines than like most; None if unknown."""
        for part in self._parts:
            correlation = _correlations(self._lines[:, part], level[part])
            own = correlation[list(lines)]
            known = correlation[np.isfinite(correlation)]
            if np.isfinite(own).any() and len(known) > 1:
                higher = (known > np.nanmax(own)).sum()
                return bool(higher < max(1, _ALIKE_SHARE * len(known)))
        return None


def _differences(lines: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared difference of profiles over the levels that both have, and their number."""
    squared = lines - levels
    squared *= squared
    measured = np.isfinite(squared)
    shared = measured.sum(axis=-1)
    return np.where(measured, squared, 0.0).sum(axis=-1) / np.maximum(shared, 1), shared


def _correlations(lines: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Pearson correlation of a profile with each line over what both have; NaN over too little."""
    found = np.full(len(lines), np.nan)
    for row, line in enumerate(lines):
        both = np.isfinite(line) & np.isfinite(level)
        if both.sum() >= _FEWEST_COMPARED and np.ptp(line[both]) and np.ptp(level[both]):
            found[row] = np.corrcoef(line[both], level[both])[0, 1]
    return found


def _telling_columns(nearest: NearestLines, modality: str) -> list[int]:
    """Columns of a modality, evenly spaced, in which most lines differ."""
    columns = [c for c, name in enumerate(nearest.features_) if modality_of(name) == modality]
    step = max(1, len(columns) // _COMPARED)
    return [column for column in columns[::step] if _differs(nearest.lines_[:, column])]


def _differs(values: np.ndarray) -> bool:
    measured = values[np.isfinite(values)]
    return len(measured) > 0 and len(np.unique(measured)) > len(measured) / 2


def _keys(study: Study) -> list[set[str]]:
    """Names that each sample has, of itself and as a cell line, as keys that say something."""
    texts = [[str(sample)] for sample in study.samples]
    for attribute in NAME_ATTRIBUTES:
        if attribute in study.clinical:
            for names, value in zip(texts, study.clinical[attribute], strict=True):
                names += [value] if isinstance(value, str) else []
    return [
        {key for name in names if _says_something(key := match_key(without_tissue(name)))}
        for names in texts
    ]


def _names_anywhere(study: Study) -> list[set[str]]:
    """Of the keys of training lines those that are more than numbers of this study."""
    keys = _keys(study)
    if study.simulated:
        return [set() for _ in keys]
    if all(_declared(study)):
        return keys
    telling = _telling([key for names in keys for key in names])
    return [names & telling for names in keys]


def _telling(names: Sequence[str]) -> set[str]:
    """Keys that no numbering of samples made: not the letters that most begin with, and digits."""
    keys = {key for name in names if _says_something(key := match_key(str(name)))}
    letters = {key: _leading_letters(key) for key in keys}
    count = Counter(letters.values())
    return {key for key in keys if letters[key] == "" or 2 * count[letters[key]] <= len(keys)}


def _leading_letters(key: str) -> str:
    return key[: next((at for at, sign in enumerate(key) if sign.isdigit()), len(key))]


def _says_something(key: str) -> bool:
    return len(key) >= _LEAST_CHARACTERS and any(sign.isalpha() for sign in key)


def _declared(study: Study) -> list[bool]:
    """Whether the study says of each sample that it is a cell line."""
    return [kind == LINE for kind in sample_kinds(study.clinical)]


def _holds_samples(file: str) -> bool:
    """Whether a file is of the study's samples: a gene panel is of many studies."""
    return file.startswith("data_") and "gene_panel" not in file


def _rows_by(pairs: Any) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for key, row in pairs:
        rows.setdefault(str(key), []).append(row)
    return rows
