"""The contract of the estimators of drug response: fit, predict and, most of them, explain."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.estimator import Regressor
from sidestep.models.estimators.lines import TrainingLines


@dataclass(frozen=True)
class Contributions:
    """Additive explanation: ``base_value + values.sum(axis=1)`` equals the prediction.

    Attributes
    ----------
    base_value : ndarray of shape (n_samples,)
        What the model says before anything is known of a sample, in response units. It differs
        between samples only where different sub-models predict them.
    values : ndarray of shape (n_samples, n_features)
        Shapley value of each feature, in response units.
    """

    base_value: np.ndarray
    values: np.ndarray


class ResponseEstimator(Regressor):
    """A regressor of one drug's response on a table of named features, NaN where not measured."""

    @abstractmethod
    def _fit(self, X: Any, y: np.ndarray, groups: np.ndarray) -> None:
        """Learn from checked input; what `X` may be is the estimator's, `groups` are donors."""

    @abstractmethod
    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict from checked input."""

    def fit(self, X: pd.DataFrame | TrainingLines, y: Any, groups: Any = None) -> Self:
        """Fit to the lines of `X`.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
            NaN where not measured; a line that lacks a modality is used all the same. Ridge,
            trees and their blends also take `TrainingLines` of a matrix that many models share.
        y : array-like of shape (n_samples,)
            Response, any unit, no NaN.
        groups : array-like of shape (n_samples,), optional
            Donor of each line, each its own by default; lines of one donor are never on both sides
            of an inner split.

        Raises
        ------
        InputError
            If lengths differ, a response is not finite, or there are fewer than 3 lines.
        """
        response = np.asarray(y, dtype=float)
        if len(X) != len(response):
            raise InputError(f"X has {len(X)} rows and y {len(response)}; give one y a row")
        if len(response) < 3:
            raise InputError(f"{len(response)} lines are too few to fit; give at least 3")
        if not np.isfinite(response).all():
            bad = int((~np.isfinite(response)).sum())
            raise InputError(f"y has {bad} values that are not finite; leave those lines out")
        donors = np.arange(len(X)) if groups is None else np.asarray(groups)
        if len(donors) != len(X):
            raise InputError(f"groups has {len(donors)} values for {len(X)} rows; give one a row")
        self.expecting(_one_copy(tuple(X.columns.tolist())))
        self._fit(X, response, donors)
        return self

    def expecting(self, features: np.ndarray) -> Self:
        """Note the columns that `predict` must be given."""
        self.feature_names_in_ = features
        self.n_features_in_ = len(features)
        return self

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """From another process: its names are those that this one has already."""
        vars(self).update(state)
        if "feature_names_in_" in state:
            self.expecting(_one_copy(tuple(state["feature_names_in_"].tolist())))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predicted response of each row, in the unit of `y`.

        Raises
        ------
        InputError
            If the columns are not those of `fit`, in that order.
        """
        return self._predict(self._checked(X))

    def _checked(self, X: pd.DataFrame) -> pd.DataFrame:
        self._require_fitted("feature_names_in_")
        if not np.array_equal(np.asarray(X.columns, dtype=object), self.feature_names_in_):
            missing = sorted(set(self.feature_names_in_) - set(X.columns))
            raise InputError(
                f"X does not have the columns of fit in their order ({len(missing)} missing"
                f"{': ' + ', '.join(missing[:3]) if missing else ''}); "
                "build it with the joiner of the training"
            )
        return X


class ExplainedEstimator(ResponseEstimator):
    """An estimator whose predictions split exactly into contributions of features."""

    @abstractmethod
    def _contributions(self, X: pd.DataFrame) -> Contributions:
        """Explain from checked input."""

    def contributions(self, X: pd.DataFrame) -> Contributions:
        """Exact additive contributions of every feature to every prediction.

        Raises
        ------
        InputError
            If the columns are not those of `fit`, in that order.
        """
        return self._contributions(self._checked(X))


# The thousands of sub-models of a panel see the features of a few folds and modalities.
@lru_cache(maxsize=128)
def _one_copy(names: tuple[Any, ...]) -> np.ndarray:
    """Names of features as the one array that all estimators of them share, read-only."""
    array = np.array(names, dtype=object)
    array.flags.writeable = False
    return array
