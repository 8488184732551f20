"""Mechanism scores of the training lines, and where a sample stands among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.mechanisms.builder import MechanismBuilder
from sidestep.features.study.study import Study
from sidestep.models.reliability.sample_scale import TrainingScales

#: Share of the training lines that lie below a score that counts as high: the top decile.
TOP_DECILE = 0.9
#: Lines that a sample must be compared with at least.
LEAST_LINES = 10


@dataclass(frozen=True)
class Standing:
    """Values of some samples, and where they lie among the training lines.

    Attributes
    ----------
    values : DataFrame of shape (n_samples, n_columns)
    below : DataFrame of shape (n_samples, n_columns)
        Share of the training lines with a lower value, 0 ... 1; NaN where the sample has no
        value or fewer than ten lines have one.
    """

    values: pd.DataFrame
    below: pd.DataFrame

    def high(self, column: str) -> np.ndarray:
        """Whether each sample is in the top decile: 1, 0, or NaN where that is not known."""
        if column not in self.below:
            return np.full(len(self.below), np.nan)
        below = self.below[column].to_numpy(float)
        return np.where(np.isfinite(below), (below >= TOP_DECILE).astype(float), np.nan)


@dataclass(frozen=True)
class MechanismReference:
    """Mechanism scores, and gene levels, of the training lines.

    Attributes
    ----------
    builder : MechanismBuilder
        Fitted on the training lines.
    lines : ndarray of float32, shape (n_lines, n_features)
        Scores of the training lines.
    levels : ndarray of float32, shape (n_lines, n_genes)
        Their RNA levels of single genes (`MechanismBuilder.scored`).
    scales : TrainingScales
        Of what was measured of them: a sample beyond these shows nothing that levels tell.
    """

    builder: MechanismBuilder
    lines: np.ndarray
    levels: np.ndarray
    scales: TrainingScales

    @classmethod
    def fit(cls, study: Study) -> Self:
        """Learn from the samples of a training study."""
        builder = MechanismBuilder().fit(study)
        scores, levels = builder.scored(study)
        lines = (scores.to_numpy(np.float32), levels.to_numpy(np.float32))
        return cls(builder, *lines, TrainingScales.of(study))

    def stand(self, study: Study) -> tuple[Standing, Standing]:
        """Where the samples of a study stand in scores, and in levels of single genes."""
        scores, levels = self.builder.scored(study)
        return (
            Standing(scores, _below(scores, self.lines)),
            Standing(levels, _below(levels, self.levels)),
        )

    def among(self, rows: np.ndarray) -> Self:
        """The same with some of the lines alone; the scales remain those of all."""
        return replace(self, lines=self.lines[rows], levels=self.levels[rows])

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return {
            "builder": self.builder.get_state(),
            "lines": self.lines,
            "levels": self.levels,
            "scales": self.scales.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Reference that `get_state` described."""
        builder = MechanismBuilder.from_state(state["builder"])
        scales = TrainingScales.from_state(state["scales"])
        return cls(builder, state["lines"], state["levels"], scales)


def _below(values: pd.DataFrame, lines: np.ndarray) -> pd.DataFrame:
    """Share of the lines below each value."""
    # Rounded as the lines are, so that a sample like a line is not above it.
    rounded = values.to_numpy(np.float32)
    shares = np.full(rounded.shape, np.nan)
    for column in range(rounded.shape[1]):
        known = np.sort(lines[np.isfinite(lines[:, column]), column])
        if len(known) >= LEAST_LINES:
            place = np.searchsorted(known, rounded[:, column], side="left")
            has = np.isfinite(rounded[:, column])
            shares[has, column] = place[has] / len(known)
    return pd.DataFrame(shares, index=values.index, columns=values.columns)
