"""How near is a sample to the lines that a model learned from, in what the model looks at?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from models.patterns import Pattern, pattern_columns, row_patterns

_NEIGHBOURS = 5
_MOST_FEATURES = 300
# Mutations give equal distances often; rounding must not tell them apart.
_TIE = 1e-9


@dataclass(frozen=True)
class ModelSpace:
    """What a sub-model looks at: the features that it rests on most.

    Attributes
    ----------
    columns : ndarray of shape (n_kept,)
        Their places among all features; at most 300.
    weights : ndarray of shape (n_kept,)
        Of squared differences in each; they sum to one.
    """

    columns: np.ndarray
    weights: np.ndarray


def model_space(weights: np.ndarray, features: Sequence[str], pattern: Pattern) -> ModelSpace:
    """Space of a sub-model, from how much of it rests on each feature.

    Differences are weighed as the model weighs them, so that their squares weigh by the square.
    A model that rests on nothing sees all its features alike.

    Parameters
    ----------
    weights : ndarray of shape (n_pattern_features,)
        Non-negative, of the features that the sub-model sees (`Blend.feature_weights`).
    features : sequence of str
        All features.
    pattern : Pattern
    """
    columns = pattern_columns(features, pattern)
    squared = np.square(np.asarray(weights, float))
    if squared.sum() <= 0:
        squared = np.ones(len(columns))
    kept = np.sort(np.argsort(-squared, kind="stable")[:_MOST_FEATURES])
    kept = kept[squared[kept] > 0]
    return ModelSpace(columns[kept], squared[kept] / squared[kept].sum())


class NearestLines:
    r"""Distances to the nearest training lines in the space of a sub-model.

    The distance of two samples is the mean squared difference, in training standard deviations,
    over the features that both have, weighed as `ModelSpace` says. A sample's distance is the
    mean to its five nearest lines, relative to the median of the lines' own, for which the lines
    of a line's donor are left out.

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
        self._has = row_patterns(X)
        return self

    def distances(
        self, X: pd.DataFrame, space: ModelSpace, pattern: Pattern, among: np.ndarray | None = None
    ) -> np.ndarray:
        """Distance of each sample, (n_samples,); NaN where fewer than six lines can be compared.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            Columns as in `fit`.
        space : ModelSpace
        pattern : Pattern
            Only lines that have all of its modalities are compared with.
        among : ndarray of int, optional
            Rows of the lines to compare with; all by default.
        """
        rows = np.arange(len(self.lines_)) if among is None else np.asarray(among)
        rows = rows[[set(pattern) <= set(self._has[row]) for row in rows]]
        if len(rows) <= _NEIGHBOURS:
            return np.full(len(X), np.nan)
        lines = self.lines_[np.ix_(rows, space.columns)].astype(float)
        # Rounded as the lines are, so that a sample like a line is as far as the line.
        new = (X.to_numpy(float)[:, space.columns] / self.sd_[space.columns]).astype(np.float32)
        donors = np.array(self.donors_)[rows]
        own = _squared(lines, lines, space.weights)
        own[np.equal.outer(donors, donors)] = np.inf
        typical = np.median(_nearest(own))
        unit = typical if np.isfinite(typical) and typical > 0 else 1.0
        return np.asarray(_nearest(_squared(new.astype(float), lines, space.weights)) / unit)

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
        nearest._has = row_patterns(pd.DataFrame(nearest.lines_, columns=nearest.features_))
        return nearest


def applicability(distances: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    r"""How ordinary a distance to the training lines is, 0 to 1.

    .. math:: \frac{1 + \#\{i : d_i \ge d\}}{n + 1}

    with :math:`d_i` the distance of training line :math:`i` to the lines of the other folds, in
    the space of the model that had not seen it. It is the p-value of the hypothesis that the
    sample comes from where the training lines come from (Vovk, Gammerman and Shafer 2005): near
    one for a typical line, and at most 0.05 for one in twenty such lines.

    Parameters
    ----------
    distances : ndarray of shape (n_samples,)
        NaN gives NaN.
    held_out : ndarray of shape (n_lines,)
        Distances of held-out training lines; those that are NaN do not count.
    """
    own = np.sort(held_out[~np.isnan(held_out)])
    if not len(own):
        return np.full(len(distances), np.nan)
    farther = len(own) - np.searchsorted(own, distances * (1 - _TIE) - _TIE, side="left")
    return np.where(np.isnan(distances), np.nan, (1.0 + farther) / (len(own) + 1.0))


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


def _squared(new: np.ndarray, lines: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean squared difference over shared features, (n_samples, n_lines).

    Infinite where no feature is shared.
    """
    has, have = np.isfinite(new), np.isfinite(lines)
    ours, theirs, have = np.where(has, new, 0.0), np.where(have, lines, 0.0), have.astype(float)
    squares = theirs**2
    total, shared = np.empty((2, len(new), len(lines)))
    # Row by row: a matrix product may round a row differently beside other rows.
    for row, (x, h) in enumerate(zip(ours, has * weights, strict=True)):
        total[row] = squares @ h - 2.0 * (theirs @ (weights * x)) + have @ (weights * x**2)
        shared[row] = have @ h
    return np.where(
        shared > 0, np.maximum(total, 0.0) / np.maximum(shared, np.finfo(float).tiny), np.inf
    )


def _nearest(distances: np.ndarray) -> np.ndarray:
    """Mean distance to the nearest lines."""
    return np.asarray(
        np.partition(distances, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS].mean(axis=1)
    )
