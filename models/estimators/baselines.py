"""Baselines that every claim stands beside: the mean of drug and lineage, and one marker."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sidestep.models.estimators.base import ResponseEstimator


class DrugMean(ResponseEstimator):
    """Predict the mean response of the training lines."""

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        self.mean_ = float(y.mean())

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.full(len(X), self.mean_)


class GroupMean(ResponseEstimator):
    """Predict the mean response of the training lines of the same lineage or subtype.

    Means are shrunk towards the drug's mean by `prior_lines` lines that lie on it, so that a
    lineage with one line does not decide.

    Parameters
    ----------
    labels : Series, optional
        Sample -> lineage or subtype, NaN where unknown (predicted by the drug's mean).
    prior_lines : float
    """

    def __init__(self, labels: pd.Series | None = None, prior_lines: float = 1.0) -> None:
        self.labels = labels
        self.prior_lines = prior_lines

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        self.mean_ = float(y.mean())
        lines = pd.Series(y - self.mean_).groupby(self._labels_of(X).to_numpy())
        self.deviations_ = lines.sum() / (lines.size() + self.prior_lines)

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        deviations = self._labels_of(X).map(self.deviations_)
        return self.mean_ + deviations.astype(float).fillna(0.0).to_numpy()

    def _labels_of(self, X: pd.DataFrame) -> pd.Series:
        labels = pd.Series(dtype=object) if self.labels is None else self.labels
        return labels.reindex(X.index)


class SingleMarker(ResponseEstimator):
    """Straight line on the one marker that a clinician would look at.

    Parameters
    ----------
    markers : sequence of str
        Features in order of preference, such as ``expression:ERBB2`` and ``rppa:ERBB2``; the
        first that the lines have is used, per line.
    """

    def __init__(self, markers: tuple[str, ...] = ()) -> None:
        self.markers = markers

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        self.mean_ = float(y.mean())
        marker = self._marker(X)
        known = np.isfinite(marker)
        deviations = marker[known] - marker[known].mean() if known.any() else marker[known]
        spread = float(deviations @ deviations)
        varies = spread > 1e-12 * max(1, known.sum())  # not the rounding errors of a constant
        self.slope_ = float(deviations @ y[known]) / spread if varies else 0.0
        self.intercept_ = (
            float(y[known].mean() - self.slope_ * marker[known].mean()) if varies else self.mean_
        )

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        marker = self._marker(X)
        line = self.intercept_ + self.slope_ * marker
        return np.where(np.isfinite(marker), line, self.mean_)

    def _marker(self, X: pd.DataFrame) -> np.ndarray:
        marker = np.full(len(X), np.nan)
        for name in self.markers:
            if name in X.columns:
                marker = np.where(np.isfinite(marker), marker, X[name].to_numpy(float))
        return marker
