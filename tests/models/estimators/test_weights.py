"""Lines whose response was measured badly count less, and equal errors change nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees
from sidestep.models.estimators.weights import response_weights


def lines(seed: int = 0, n: int = 60) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Features, the true response, a measured one, and the errors that it was measured with."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((n, 8)), columns=[f"expression:G{k}" for k in range(8)])
    truth = X.to_numpy() @ np.array([1.0, -1.0, 0.5, 0, 0, 0, 0, 0])
    errors = np.where(np.arange(n) % 2, 0.05, 4.0)
    return X, truth, truth + errors * rng.standard_normal(n), errors


def test_weights_are_those_of_a_random_effects_model() -> None:
    y = np.array([0.0, 2.0, 4.0, 6.0])
    errors = np.array([0.5, 1.0, np.nan, 1.5])
    between = np.var(y, ddof=1) - np.mean([0.25, 1.0, 1.0, 2.25])
    expected = 1 / (between + np.array([0.25, 1.0, 1.0, 2.25]))
    weights = response_weights(y, errors)
    np.testing.assert_allclose(weights, expected / expected.mean())
    for unknown in (None, np.full(4, np.nan)):
        assert response_weights(y, unknown) is None


def test_lines_that_are_all_error_have_weights_still() -> None:
    weights = response_weights(np.array([1.0, 1.1, 0.9]), np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(weights, np.array([4, 1, 4]) / 3)


@pytest.mark.parametrize("make", [MultiViewRidge, lambda: ScreenedTrees(min_child_weight=1.0)])
def test_known_errors_bring_the_fit_nearer_to_the_truth(make) -> None:
    better = []
    for seed in range(6):
        X, truth, y, errors = lines(seed)
        folds = [(np.arange(40), np.arange(40, 60))]
        plain, weighted = (
            _held_out(make(), TrainingLines.of(X).with_errors(given), y, folds)
            for given in (None, errors)
        )
        gain = np.corrcoef(weighted, truth[40:])[0, 1] - np.corrcoef(plain, truth[40:])[0, 1]
        better.append(gain)
    assert np.mean(better) > 0.03
    assert np.mean(np.array(better) > 0) > 0.8


def _held_out(model, table: TrainingLines, y: np.ndarray, folds) -> np.ndarray:
    arguments = (y, folds) if isinstance(model, ScreenedTrees) else (y, np.arange(len(y)), folds)
    return model.out_of_fold(table, *arguments)[folds[0][1]]


@pytest.mark.parametrize("make", [MultiViewRidge, ScreenedTrees])
def test_equal_errors_change_nothing(make) -> None:
    X, _, y, _ = lines()
    plain = make().fit(TrainingLines.of(X), y).predict(X)
    equal = make().fit(TrainingLines.of(X).with_errors(np.full(len(y), 0.3)), y).predict(X)
    np.testing.assert_allclose(equal, plain, rtol=1e-5, atol=1e-6)


def test_the_ridge_without_a_fold_is_that_of_its_lines_with_their_errors() -> None:
    X, _, y, errors = lines()
    table = TrainingLines.of(X).with_errors(errors)
    train, test = np.arange(40), np.arange(40, 60)
    held_out = MultiViewRidge().out_of_fold(table, y, np.arange(60), [(train, test)])
    fitted = MultiViewRidge().fit(table.among(train), y[train], train)
    np.testing.assert_allclose(held_out[test], fitted.predict(X)[test], rtol=1e-5)
