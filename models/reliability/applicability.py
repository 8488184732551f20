"""Nearness of a sample to the lines that a model learned from, in what the model looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.models.estimators.patterns import Pattern, pattern_columns, row_patterns

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


@dataclass(frozen=True)
class Neighbourhood:
    """Some training lines in the space of a sub-model.

    Attributes
    ----------
    space : ModelSpace
    sd : ndarray of shape (n_kept,)
        Training standard deviations of its features.
    lines : ndarray of float32, shape (n_lines, n_kept)
        The lines over `sd`, NaN where not measured.
    unit : float
        Typical distance of one of the lines to the others; NaN where they are too few.
    """

    space: ModelSpace
    sd: np.ndarray
    lines: np.ndarray
    unit: float

    def distances(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Distance of each of some samples, (n_rows,).

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_features)
            All features, NaN where not measured.
        rows : ndarray of int, shape (n_rows,), optional
            All samples by default.
        """
        some = np.arange(len(values)) if rows is None else rows
        if np.isnan(self.unit):
            return np.full(len(some), np.nan)
        nobody, somebody = np.full(len(some), -1), np.zeros(len(self.lines), int)
        seen = (np.ascontiguousarray(values), some, self.space.columns, self.sd)
        return _nearest(seen, nobody, self.lines, somebody, self.space.weights) / self.unit


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
        around = self.neighbourhood(space, pattern, among)
        return around.distances(X.to_numpy(float))

    def neighbourhood(
        self,
        space: ModelSpace,
        pattern: Pattern,
        among: np.ndarray | None = None,
        unit: float | None = None,
    ) -> Neighbourhood:
        """What `distances` compares samples with; parameters as there.

        `unit` is that of the neighbourhood where it is known already.
        """
        rows = np.arange(len(self.lines_)) if among is None else np.asarray(among)
        rows = rows[[set(pattern) <= set(self._has[row]) for row in rows]]
        lines = np.ascontiguousarray(self.lines_[np.ix_(rows, space.columns)])
        if unit is None and len(rows) > _NEIGHBOURS:
            _, donors = np.unique(np.array(self.donors_)[rows], return_inverse=True)
            every, scaled = np.arange(len(lines)), np.ones(lines.shape[1])
            own = (lines, every, np.arange(lines.shape[1]), scaled)
            typical = np.median(_nearest(own, donors, lines, donors, space.weights))
            unit = float(typical) if np.isfinite(typical) and typical > 0 else 1.0
        known = np.nan if unit is None else unit
        return Neighbourhood(space, self.sd_[space.columns], lines, known)

    def sd_of(self, features: Sequence[str]) -> np.ndarray:
        """Training standard deviation of features by name; 1 for one that is not there."""
        if features is self.features_:
            return self.sd_
        return np.array([self._sd_by_name.get(name, 1.0) for name in features])

    @cached_property
    def _sd_by_name(self) -> dict[str, float]:
        return dict(zip(self.features_, self.sd_.tolist(), strict=True))

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
    r"""Share of the training lines, held out, that lie as far off as a sample: 0 to 1.

    .. math:: \frac{1 + \#\{i : d_i \ge d\}}{n + 1}

    with :math:`d_i` the distance of training line :math:`i` to the lines of the other folds, in
    the space of the model that had not seen it. It is the conformal p-value [1]_ of the hypothesis
    that the sample comes from where the training lines come from: close to one for a typical line,
    and at most 0.05 for one in twenty such lines.

    Parameters
    ----------
    distances : ndarray of shape (n_samples,)
        NaN gives NaN.
    held_out : ndarray of shape (n_lines,)
        Distances of held-out training lines; those that are NaN do not count.

    References
    ----------
    .. [1] Vovk, Gammerman and Shafer, Algorithmic learning in a random world, Springer (2005),
       doi 10.1007/b106715.
    """
    own = np.sort(held_out[~np.isnan(held_out)])
    if not len(own):
        return np.full(len(distances), np.nan)
    farther = len(own) - np.searchsorted(own, distances * (1 - _TIE) - _TIE, side="left")
    return np.where(np.isnan(distances), np.nan, (1.0 + farther) / (len(own) + 1.0))


def least_applicability(held_out: np.ndarray) -> float:
    """`applicability` of whatever lies farther than every held-out line: 1 / (n + 1).

    Parameters
    ----------
    held_out : ndarray of shape (n_lines,)
        As there.
    """
    return float(1.0 / (np.count_nonzero(~np.isnan(held_out)) + 1.0))


def weight_covered(
    weights: np.ndarray, values: np.ndarray, lacking: np.ndarray | None = None
) -> np.ndarray:
    """Share of a sub-model's weight that rests on features each sample really has.

    Parameters
    ----------
    weights : ndarray of shape (n_pattern_features,)
        Non-negative weight of each feature that the sub-model sees.
    values : ndarray of shape (n_samples, n_pattern_features), float64, C order
        Of those features; NaN where not measured.
    lacking : ndarray of int, shape (n_samples,), optional
        How many of them each sample lacks, if that is known: those that lack none are all alike.
    """
    total = weights.sum()
    if total <= 0:
        return np.ones(len(values))
    from sidestep.models.estimators.shares import sum_measured

    if lacking is None:
        lacking = np.isnan(values).sum(axis=1)
    gaps = np.flatnonzero(lacking)
    # The first row lacks nothing.
    rows = np.vstack([np.zeros(len(weights)), values[gaps]])
    sums = np.empty(len(rows))
    sum_measured(rows, weights, sums)
    covered = np.full(len(values), sums[0])
    covered[gaps] = sums[1:]
    return np.asarray(covered / total)


def _nearest(
    new: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    new_donors: np.ndarray,
    lines: np.ndarray,
    donors: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Mean distance of each sample to its nearest lines of other donors, (n_rows,).

    `new` are values, and rows, columns and deviations of them, as for `nearest_rows`.
    """
    from sidestep.models.reliability.nearest import nearest_rows

    mean = np.empty(len(new[1]))
    nearest_rows(*new, new_donors, lines, donors, weights, _NEIGHBOURS, mean)
    return mean
