"""How near is a sample to the lines that the model learned from?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from features.builders.names import modality_of
from models.patterns import Pattern, pattern_columns, row_patterns

_NEIGHBOURS = 5
# Mutations give equal distances often; rounding must not tell them apart.
_TIE = 1e-9


class NearestLines:
    r"""Applicability of a model to a sample, from its distance to the nearest training lines.

    The distance of two samples in a modality is the mean squared difference, in training
    standard deviations, over the features that both have, relative to its median over pairs of
    training lines; over a pattern it is the mean of its modalities. A sample's distance
    :math:`d` is the mean to its five nearest training lines; a training line's own,
    :math:`d_i`, leaves out its donor. Applicability is

    .. math:: \frac{1 + \#\{i : d_i \ge d\}}{n + 1}

    which is the p-value of the hypothesis that the sample comes from where the training lines
    come from (Vovk, Gammerman and Shafer 2005): near one for a typical line, and at most 0.05
    for one in twenty such lines.

    Attributes
    ----------
    features_ : list of str
    sd_ : ndarray of shape (n_features,)
        Training standard deviations; 1 where a feature does not vary.
    lines_ : ndarray of shape (n_lines, n_features)
        Training lines over `sd_`, NaN where not measured.
    donors_ : list of str
    """

    def fit(self, X: pd.DataFrame, donors: Sequence[str]) -> Self:
        """Keep the training lines of `X` as the reference."""
        values = X.to_numpy(float)
        measured = np.isfinite(values)
        count = np.maximum(measured.sum(axis=0), 1)
        mean = np.where(measured, values, 0.0).sum(axis=0) / count
        variance = np.where(measured, (values - mean) ** 2, 0.0).sum(axis=0) / count
        self.features_ = [str(name) for name in X.columns]
        self.sd_ = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
        self.lines_ = (values / self.sd_).astype(np.float32)
        self.donors_ = [str(donor) for donor in donors]
        return self._prepared()

    def _prepared(self) -> Self:
        """Distances among the training lines, which every score refers to."""
        frame = pd.DataFrame(self.lines_ * self.sd_, columns=self.features_)
        self._has = row_patterns(frame)
        modality = np.array([modality_of(name) for name in self.features_])
        self._modalities = [str(name) for name in dict.fromkeys(modality) if name != "clinical"]
        self._columns = {name: np.flatnonzero(modality == name) for name in self._modalities}
        same = np.equal.outer(np.array(self.donors_), np.array(self.donors_))
        self._unit: dict[str, float] = {}
        self._among: dict[str, np.ndarray] = {}
        for name in self._modalities:
            distances = self._squared(self.lines_.astype(float), name)
            distances[same] = np.inf
            finite = distances[np.isfinite(distances)]
            self._unit[name] = float(np.median(finite)) if len(finite) else 1.0
            self._among[name] = distances / self._unit[name]
        return self

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Applicability of each sample, 0 to 1; NaN for a sample without any modality.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        """
        # Rounded as the lines are, so that a sample like a line is as far as the line.
        values = (X.to_numpy(float) / self.sd_).astype(np.float32).astype(float)
        patterns = row_patterns(X)
        scores = np.full(len(X), np.nan)
        for pattern in dict.fromkeys(patterns):
            if pattern:
                rows = np.flatnonzero([other == pattern for other in patterns])
                scores[rows] = self._score_as(pattern, values[rows])
        return scores

    def _score_as(self, pattern: Pattern, values: np.ndarray) -> np.ndarray:
        usable = [number for number, row in enumerate(self._has) if set(pattern) <= set(row)]
        if len(usable) <= _NEIGHBOURS:
            return np.full(len(values), np.nan)
        parts = [self._squared(values, name) / self._unit[name] for name in pattern]
        to_lines = np.mean(parts, axis=0)[:, usable]
        among = np.mean([self._among[name] for name in pattern], axis=0)[np.ix_(usable, usable)]
        own = np.sort(_nearest(among))
        farther = len(own) - np.searchsorted(own, _nearest(to_lines) - _TIE, side="left")
        return np.asarray((1.0 + farther) / (len(own) + 1.0))

    def _squared(self, values: np.ndarray, modality: str) -> np.ndarray:
        """Mean squared difference over shared features, (n_samples, n_lines); inf without any."""
        columns = self._columns[modality]
        ours, theirs = values[:, columns], self.lines_[:, columns].astype(float)
        has, have = np.isfinite(ours), np.isfinite(theirs)
        ours, theirs = np.where(has, ours, 0.0), np.where(have, theirs, 0.0)
        # Row by row: a matrix product may round a row differently beside other rows.
        total = np.array(
            [
                (theirs**2) @ h - 2.0 * (theirs @ x) + have @ (x**2)
                for x, h in zip(ours, has.astype(float), strict=True)
            ]
        ).reshape(len(values), len(theirs))
        shared = np.array([have @ h for h in has.astype(float)]).reshape(total.shape)
        return np.where(shared > 0, np.maximum(total, 0.0) / np.maximum(shared, 1.0), np.inf)

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return {
            "features": self.features_,
            "sd": self.sd_,
            "lines": self.lines_,
            "donors": self.donors_,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Reference that `get_state` described."""
        nearest = cls()
        nearest.features_, nearest.donors_ = list(state["features"]), list(state["donors"])
        nearest.sd_, nearest.lines_ = state["sd"], state["lines"]
        return nearest._prepared()


def _nearest(distances: np.ndarray) -> np.ndarray:
    """Mean distance to the nearest lines."""
    count = min(_NEIGHBOURS, distances.shape[1])
    return np.asarray(np.partition(distances, count - 1, axis=1)[:, :count].mean(axis=1))


def weight_covered(
    weights: np.ndarray, measured: np.ndarray, features: Sequence[str], pattern: Pattern
) -> np.ndarray:
    """Share of a sub-model's weight that rests on features each sample really has.

    Parameters
    ----------
    weights : ndarray of shape (n_pattern_features,)
        Non-negative weight of each feature that the sub-model sees.
    measured : ndarray of shape (n_samples, n_features)
        Whether each sample has each feature.
    features : sequence of str
    pattern : Pattern
    """
    columns = pattern_columns(features, pattern)
    total = weights.sum()
    if total <= 0:
        return np.ones(len(measured))
    return np.asarray((measured[:, columns] * weights).sum(axis=1) / total)
