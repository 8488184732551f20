"""scikit-learn takes what keeps its conventions for its own, and scoring does not load it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sidestep.features.estimator import Estimator, Regressor, Transformer


class Scaled(Transformer):
    """Values times a factor."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        self.fitted_ = True
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        self._require_fitted("fitted_")
        return X * self.factor


class Shifted(Regressor):
    """The mean of the training responses, and a shift."""

    def __init__(self, shift: float = 0.0, among: tuple[int, ...] = ()) -> None:
        self.shift = shift
        self.among = among

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.mean_ + self.shift)


def test_parameters_are_those_of_the_constructor_in_the_order_of_the_alphabet() -> None:
    assert list(Shifted(1.0).get_params().items()) == [("among", ()), ("shift", 1.0)]
    assert Estimator().get_params() == {}
    assert repr(Shifted(1.0)) == "Shifted(among=(), shift=1.0)"


def test_no_other_parameter_can_be_set() -> None:
    assert Shifted().set_params(shift=3.0).shift == 3.0
    with pytest.raises(ValueError, match=r"Shifted has no parameter 'shfit'; .* among, shift"):
        Shifted().set_params(shfit=3.0)


def test_what_has_learned_nothing_says_so() -> None:
    with pytest.raises(NotFittedError, match="Scaled has learned nothing yet"):
        Scaled().transform(np.zeros((1, 1)))
    assert Scaled().fit_transform(np.ones((1, 1))).tolist() == [[2.0]]


def test_scikit_learn_clones_and_searches_it_as_its_own() -> None:
    X, y = np.zeros((12, 1)), np.arange(12.0)
    chain: Any = make_pipeline(Scaled(), Shifted())
    assert is_regressor(chain)
    assert clone(Shifted(5.0)).shift == 5.0
    search = GridSearchCV(chain, {"shifted__shift": [0.0, 40.0]}, cv=2).fit(X, y)
    assert search.best_params_ == {"shifted__shift": 0.0}
    # A half's six responses vary by 17.5 in squares, and lie 6 off the mean of the other half.
    assert search.best_score_ == pytest.approx(-6 * 6**2 / 17.5)
