"""Baselines that every claim stands beside: the mean of drug and lineage, and one marker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.estimators.base import Contributions, ExplainedEstimator, ResponseEstimator
from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import TrainingLines, standardisation
from sidestep.models.estimators.outcomes import outcome_of

#: What a saved marker holds beside its parameters.
_SAVED = ("columns_", "uses_", "slope_", "centre_", "mean_")


class DrugMean(ResponseEstimator):
    """Predict the mean response of the training lines, or the log-odds of their rate.

    Parameters
    ----------
    kind : {"continuous", "binary"}
        Of the response (`models.estimators.outcomes`); here and below.
    """

    def __init__(self, kind: str = CONTINUOUS) -> None:
        self.kind = kind

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        self.mean_ = outcome_of(self.kind).centre(y)

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
    kind : {"continuous", "binary"}
    """

    def __init__(
        self,
        labels: pd.Series | None = None,
        prior_lines: float = 1.0,
        kind: str = CONTINUOUS,
    ) -> None:
        self.labels = labels
        self.prior_lines = prior_lines
        self.kind = kind

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        outcome = outcome_of(self.kind)
        self.mean_ = outcome.centre(y)
        lines = pd.Series(y - float(y.mean())).groupby(self._labels_of(X).to_numpy())
        shrunken = lines.sum() / (lines.size() + self.prior_lines)
        deviations = outcome.group_deviations(shrunken.to_numpy(), y)
        self.deviations_ = pd.Series(deviations, index=shrunken.index)

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        deviations = self._labels_of(X).map(self.deviations_)
        return self.mean_ + deviations.astype(float).fillna(0.0).to_numpy()

    def _labels_of(self, X: pd.DataFrame) -> pd.Series:
        labels = pd.Series(dtype=object) if self.labels is None else self.labels
        return labels.reindex(X.index)


class SingleMarker(ExplainedEstimator):
    r"""Straight line on the one marker that a clinician would look at.

    .. math:: \hat y(x) = \bar y + b \, (x - \bar x)

    with means and slope of the training lines that have the marker. A line without it is predicted
    by their mean, so that a marker which was not measured contributes nothing.

    Parameters
    ----------
    markers : sequence of str
        Features in order of preference, such as ``expression:ERBB2`` and ``rppa:ERBB2``; the
        first that a line has is used, per line. All are in training standard deviations, so that
        one slope serves them.
    kind : {"continuous", "binary"}
        Of a binary response the line is that of its log-odds.

    Attributes
    ----------
    columns_ : ndarray of int, shape (n_markers,)
        Places of the markers that the training lines have a column of.
    uses_ : ndarray of shape (n_markers,)
        Share of the training lines for which each of them is used.
    slope_, centre_ : float
        Of the line; a marker that does not vary has no slope.
    mean_ : float
        Response of the average line that has the marker; of all lines where none has it.
    """

    def __init__(self, markers: Sequence[str] = (), kind: str = CONTINUOUS) -> None:
        self.markers = markers
        self.kind = kind

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        columns: pd.Index = pd.Index(self.feature_names_in_)
        found = columns.get_indexer(pd.Index(list(self.markers), dtype=object))
        self.columns_ = found[found >= 0]
        if isinstance(X, TrainingLines):
            kept = X.double_values(self.columns_)
        else:
            kept = X.iloc[:, self.columns_].to_numpy(float)
        marker, place = _first_measured(kept)
        self.uses_ = np.array([np.mean(place == n) for n in range(len(self.columns_))])
        known, outcome = np.isfinite(marker), outcome_of(self.kind)
        self.mean_ = outcome.centre(y[known] if known.any() else y)
        self.centre_ = float(marker[known].mean()) if known.any() else 0.0
        deviations = marker[known] - self.centre_
        spread = float(deviations @ deviations)
        self.slope_ = 0.0
        if spread > 1e-12 * max(1, known.sum()):  # not the rounding errors of a constant
            self.mean_, self.slope_ = outcome.line(deviations, y[known])

    @property
    def informative(self) -> bool:
        """Whether the lines have the marker, and it varies with their response."""
        return self.slope_ != 0.0

    def out_of_fold(
        self, X: pd.DataFrame | TrainingLines, y: np.ndarray, folds: Folds
    ) -> np.ndarray:
        """Predict every line by the straight line of the other folds, (n_samples,)."""
        lines = TrainingLines.of(X)
        predicted = np.empty(len(y))
        for train, test in folds:
            fitted = type(self)(**self.get_params()).fit(lines.among(train), y[train])
            kept = lines.among(test).double_values(fitted.columns_)
            predicted[test] = fitted._predicted(_first_measured(kept)[0])
        return predicted

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.predict_rows(X.to_numpy(float))

    def predict_rows(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows of the features of `fit`."""
        return self._predicted(self.read_rows(rows)[0])

    def _predicted(self, marker: np.ndarray) -> np.ndarray:
        return self.mean_ + self._part(marker)

    def _part(self, marker: np.ndarray) -> np.ndarray:
        """What the marker adds to the mean, 0 where a row has none."""
        return np.where(np.isfinite(marker), self.slope_ * (marker - self.centre_), 0.0)

    def explain_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the marker adds to the mean in rows of the features of `fit`, and where.

        Returns
        -------
        part : ndarray of shape (n_rows,)
            It and `mean_` are the prediction.
        column : ndarray of int, shape (n_rows,)
            Place of the feature that contributes it; -1 where the row has no marker.
        """
        marker, column = self.read_rows(rows)
        return self._part(marker), column

    def read_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The marker's value in rows of the features of `fit`, and the feature that it is of.

        Returns
        -------
        marker : ndarray of shape (n_rows,)
            NaN where the row has no marker.
        column : ndarray of int, shape (n_rows,)
            Place of the feature; -1 where the row has no marker.
        """
        marker, place = _first_measured(rows[:, self.columns_])
        return marker, np.append(self.columns_, -1)[place]

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        values = np.zeros(X.shape)
        part, column = self.explain_rows(X.to_numpy(float))
        some = np.flatnonzero(column >= 0)
        values[some, column[some]] = part[some]
        return Contributions(np.full(len(X), self.mean_), values)

    def feature_weights(self) -> np.ndarray:
        """Share of the training lines' markers that each feature is, (n_features,)."""
        weights = np.zeros(self.n_features_in_)
        weights[self.columns_] = self.uses_ / (self.uses_.sum() or 1.0)
        return weights

    def get_state(self) -> dict[str, Any]:
        """What prediction needs, as plain values and arrays."""
        return {"parameters": self.get_params(), **{name: getattr(self, name) for name in _SAVED}}

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted marker that `get_state` described, on columns `features`."""
        marker = cls(**state["parameters"]).expecting(features)
        for name in _SAVED:
            setattr(marker, name, state[name])
        return marker


class MeanScore(ResponseEstimator):
    """Straight line on the mean of some standardised features, such as a published score.

    Parameters
    ----------
    features : sequence of str
        What a sample lacks of them does not count; one that lacks all is predicted as the mean.
    kind : {"continuous", "binary"}
    """

    def __init__(self, features: Sequence[str] = (), kind: str = CONTINUOUS) -> None:
        self.features = features
        self.kind = kind

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        values = X[list(self.features)].to_numpy(float)
        self.means_, self.scales_ = standardisation(values)
        score = self._scored(values)
        outcome = outcome_of(self.kind)
        self.centre_ = float(score.mean())
        self.mean_, self.slope_ = outcome.centre(y), 0.0
        if np.ptp(score) > 0:
            self.mean_, self.slope_ = outcome.line(score - self.centre_, y)

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        score = self._scored(X[list(self.features)].to_numpy(float))
        return self.mean_ + self.slope_ * (score - self.centre_)

    def _scored(self, values: np.ndarray) -> np.ndarray:
        """Mean of each row's standardised values, 0 without any, (n_rows,)."""
        standard = (values - self.means_) / self.scales_
        count = np.maximum(np.isfinite(standard).sum(axis=1), 1)
        return np.asarray(np.nan_to_num(standard).sum(axis=1) / count)


def _first_measured(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first finite value of each row, NaN without any, and its column, -1 without any.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_markers)
    """
    first, place = np.full(len(values), np.nan), np.full(len(values), -1)
    for column in reversed(range(values.shape[1])):
        measured = np.isfinite(values[:, column])
        first = np.where(measured, values[:, column], first)
        place = np.where(measured, column, place)
    return first, place
