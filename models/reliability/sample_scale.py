"""Scale of single samples: whether the numbers of one are such as those of the training lines are.

A shift of a whole study needs several samples to be told (`models.reliability.shift`). What is
looked at here needs one: range, sign, spacing, and shares of zeros and of one number, against what
they are in the training lines. A sample beyond them was misread or measured as something else, so
that nothing is concluded from its levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.once import once
from sidestep.features.study.study import Study

#: Summaries of a sample's numbers in one modality, in the order of `summaries`.
SUMMARIES: Final = ("low", "middle", "high", "width", "negative", "zeros", "alike", "whole")
_WORDS: Final = {
    "low": "lowest twentieth",
    "middle": "middle",
    "high": "highest twentieth",
    "width": "spread",
    "negative": "share below 0",
    "zeros": "share of zeros",
    "alike": "share of one and the same number",
    "whole": "share of whole numbers",
}
_LEVELS: Final = ("middle", "low", "high", "width")
#: What is compared of each modality. Expression is mapped by rank, so that its range may be any;
#: of copy number all genes may be alike.
_COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    "expression": ("zeros", "alike", "whole"),
    "rppa": (*_LEVELS, "zeros", "alike", "whole"),
    "copy_number": (*_LEVELS, "whole"),
}
_TAIL = 0.05
#: Features that are looked at, evenly spaced over those of the training lines.
_MOST_FEATURES = 2000
# Samples that are looked at together.
_TOGETHER = 64
_FEWEST_FEATURES = 20
_FEWEST_LINES = 5
# A level may lie as far outside of those of the training lines as these spread, or as the numbers
# of a line do: half as far for the middle. Breast lines, pan-cancer lines and tumours of TCGA and
# SCAN-B all lie within the bounds of the lines.
_WIDTHS = {"low": 1.0, "middle": 0.5, "high": 1.0, "width": 1.0}
# A share may be so much higher than in any training line.
_SHARE_MARGIN = 0.5
# Centred expression has a quarter more numbers below 0 than the lines, and is narrower than they.
_SIGN_MARGIN = 0.25
_NARROW = 1.5


def summaries(values: np.ndarray) -> np.ndarray:
    """`SUMMARIES` of each sample, (n_samples, n_summaries); NaN with fewer than 20 numbers.

    ``low`` and ``high`` are the 5th and 95th percentile, ``width`` their difference; the others
    are shares of the sample's numbers, ``alike`` that of the most frequent one; zero counts as no
    whole number.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        NaN where not measured. Each row is looked at by itself.
    """
    # A few at a time stay in the processor's cache.
    starts = range(0, max(len(values), 1), _TOGETHER)
    return np.concatenate([_summaries(values[start : start + _TOGETHER]) for start in starts])


def _summaries(values: np.ndarray) -> np.ndarray:
    """`summaries` of a few samples."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    last = np.maximum(count - 1, 0)
    rows = np.arange(len(ordered))
    low, middle, high = (
        ordered[rows, np.rint(share * last).astype(int)] for share in (_TAIL, 0.5, 1 - _TAIL)
    )
    zero = ordered == 0
    whole = (ordered == np.floor(ordered)) & ~zero
    counts = [(ordered < 0).sum(axis=1), zero.sum(axis=1), _most_alike(ordered), whole.sum(axis=1)]
    shares = [number / np.maximum(count, 1) for number in counts]
    found = np.column_stack([low, middle, high, high - low, *shares])
    found[count < _FEWEST_FEATURES] = np.nan
    return found


def _most_alike(ordered: np.ndarray) -> np.ndarray:
    """How often the most frequent number of each row stands in it; rows are sorted."""
    places = np.arange(ordered.shape[1], dtype=np.int32)
    first = np.ones(ordered.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    begins = np.maximum.accumulate(np.where(first, places, 0), axis=1)
    return np.asarray((places - begins + 1).max(axis=1, initial=0))


@dataclass(frozen=True)
class ModalityScale:
    """What the numbers of one modality are in the training lines.

    Attributes
    ----------
    features : list of str
        Those that are looked at.
    kind : str
        Scale of the training study (``"log2"``, ``"continuous"``, ``"z-score"``, ``"discrete"``).
    lines : ndarray of shape (n_lines, n_summaries)
        Summaries of the training lines that have the modality.
    """

    features: list[str]
    kind: str
    lines: np.ndarray

    def doubts(self, modality: str, table: pd.DataFrame) -> dict[str, str]:
        """Samples that are not on the scale of the training lines -> what shows it."""
        if len(self.lines) < _FEWEST_LINES:
            return {}
        found = summaries(table.reindex(columns=self.features).to_numpy(float))
        lowest, highest = self.lines.min(axis=0), self.lines.max(axis=0)
        least, most = self._bounds(lowest, highest)
        beyond = (found < least) | (found > most)
        doubts: dict[str, str] = {}
        for name in _COMPARED[modality]:
            at = SUMMARIES.index(name)
            for row in np.flatnonzero(beyond[:, at]).tolist():
                ranges = f"{lowest[at]:.2g} to {highest[at]:.2g}"
                text = f"{_WORDS[name]} {found[row, at]:.3g} (training lines: {ranges})"
                doubts.setdefault(str(table.index[row]), text)
        if modality == "expression":
            for row in np.flatnonzero(_centred(found, lowest, highest)).tolist():
                text = "numbers about 0, as of centred data"
                doubts.setdefault(str(table.index[row]), text)
        return doubts

    def _bounds(self, lowest: np.ndarray, highest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and most that each summary may be."""
        width = float(np.median(self.lines[:, SUMMARIES.index("width")]))
        widths = np.array([_WIDTHS.get(name, 0.0) for name in SUMMARIES])
        margin = np.maximum(highest - lowest, width * widths)
        levels = np.isin(SUMMARIES, _LEVELS)
        least = np.where(levels, lowest - margin, -np.inf)
        return least, np.where(levels, highest + margin, highest + _SHARE_MARGIN)


def _centred(found: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Whether samples are centred where the lines are not."""
    sign, width = SUMMARIES.index("negative"), SUMMARIES.index("width")
    signed = found[:, sign] > highest[sign] + _SIGN_MARGIN
    return np.asarray(signed & (found[:, width] < lowest[width] / _NARROW))


@dataclass(frozen=True)
class TrainingScales:
    """Scales of the training lines, which single samples are held against.

    Attributes
    ----------
    modalities : mapping of str to ModalityScale
    """

    modalities: Mapping[str, ModalityScale]

    @classmethod
    def of(cls, study: Study) -> Self:
        """Learn from the samples of a training study."""
        found = {}
        for modality, (table, kind) in _tables(study).items():
            step = -(-table.shape[1] // _MOST_FEATURES)
            features = [str(name) for name in table.columns[::step]]
            lines = summaries(table[features].to_numpy(float))
            lines = lines[np.isfinite(lines).all(axis=1)]
            found[modality] = ModalityScale(features, kind, lines)
        return cls(found)

    @once
    def doubts(self, study: Study) -> dict[str, dict[str, str]]:
        """Modality -> sample -> what shows that its numbers are not on the training lines' scale.

        What of a sample is said depends on no other. Calls, and z-scores where the model knows
        levels or the other way round, are on a scale of their own and not compared.
        """
        return {
            modality: self.modalities[modality].doubts(modality, table)
            for modality, (table, kind) in _tables(study).items()
            if modality in self.modalities
            and self.modalities[modality].kind == kind
            and kind != "discrete"
        }

    def trusted(self, study: Study) -> Study:
        """The study without the levels of samples that are not on the training lines' scale."""
        kept = {
            modality: getattr(study, modality).drop(index=list(doubts))
            for modality, doubts in self.doubts(study).items()
            if doubts
        }
        return replace(study, **kept) if kept else study

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return {name: vars(scale) for name, scale in self.modalities.items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Scales that `get_state` described; ValueError for what it cannot have been."""
        scales = {name: ModalityScale(**scale) for name, scale in state.items()}
        for name, scale in scales.items():
            if name not in _COMPARED or scale.lines.shape[1:] != (len(SUMMARIES),):
                raise ValueError(f"the scale of {name} is damaged")
        return cls(scales)


def _tables(study: Study) -> dict[str, tuple[pd.DataFrame, str]]:
    """Levels of each modality that a study has, and their scale."""
    found = {
        "expression": (study.expression, study.expression_kind),
        "rppa": (study.rppa, study.rppa_kind),
        "copy_number": (study.copy_number, study.copy_number_kind),
    }
    return {name: (table, kind) for name, (table, kind) in found.items() if table is not None}
