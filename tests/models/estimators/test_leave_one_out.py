"""The closed form against refitting without each donor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.models.estimators.mixtures import kernel_path

PENALTIES = np.array([0.01, 0.3, 10.0, 300.0])


def refitted(
    kernel: np.ndarray,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    penalty: float,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Ridge with an unpenalised intercept on the training lines, solved as one linear system."""
    n = len(train)
    of_lines = np.ones(n) if weights is None else weights[train]
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = kernel[np.ix_(train, train)] + penalty * np.diag(1 / of_lines)
    system[n, n] = 0.0
    *dual, intercept = np.linalg.solve(system, np.append(y[train], 0.0))
    return kernel[np.ix_(test, train)] @ np.array(dual) + intercept


def centred_kernel(n: int, n_features: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, n_features))
    y = 5 + features[:, 0] + rng.standard_normal(n)
    features -= features.mean(axis=0)
    return features @ features.T / n_features, y


def check(
    donors: np.ndarray, n_features: int, seed: int, weights: np.ndarray | None = None
) -> None:
    n = len(donors)
    kernel, y = centred_kernel(n, n_features, seed)
    if weights is not None:
        means = weights @ kernel / weights.sum()
        kernel = kernel - means - means[:, None] + means @ weights / weights.sum()
    path = kernel_path(kernel, y, donors, PENALTIES, weights)
    assert path.residuals.shape == path.duals.shape == (len(PENALTIES), n)
    for donor in np.unique(donors):
        test, train = np.flatnonzero(donors == donor), np.flatnonzero(donors != donor)
        for row, penalty in enumerate(PENALTIES):
            expected = y[test] - refitted(kernel, y, train, test, penalty, weights)
            np.testing.assert_allclose(path.residuals[row, test], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n_features", [3, 60])
def test_each_line_a_donor(n_features):
    check(np.arange(20), n_features, seed=0)


@pytest.mark.parametrize("n_features", [3, 60])
def test_donors_with_several_lines(n_features):
    check(np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 1, 8, 9, 9]), n_features, seed=1)


@pytest.mark.parametrize("n_features", [3, 60])
def test_lines_of_different_weight(n_features):
    donors = np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 1, 8, 9, 9])
    weights = np.random.default_rng(3).uniform(0.1, 3.0, len(donors))
    check(donors, n_features, seed=1, weights=weights)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    donors=st.lists(st.sampled_from("abcdefgh"), min_size=6, max_size=16).filter(
        lambda names: len(set(names)) >= 3
    ),
    n_features=st.integers(2, 25),
    seed=st.integers(0, 1000),
)
def test_any_donors(donors, n_features, seed):
    check(np.array(donors, dtype=object), n_features, seed)


def test_the_duals_are_those_of_all_lines():
    kernel, y = centred_kernel(20, 30, seed=2)
    path = kernel_path(kernel, y, np.arange(20), PENALTIES)
    everyone = np.arange(20)
    for row, penalty in enumerate(PENALTIES):
        fitted = y.mean() + kernel @ path.duals[row]
        np.testing.assert_allclose(fitted, refitted(kernel, y, everyone, everyone, penalty))


def test_without_a_kernel_each_line_gets_the_others_mean():
    y = np.array([1.0, 2.0, 6.0, 7.0])
    path = kernel_path(np.zeros((4, 4)), y, np.array(["a", "b", "c", "c"]), np.array([1.0]))
    np.testing.assert_allclose(path.residuals[0], [1 - 5, 2 - 14 / 3, 6 - 1.5, 7 - 1.5])
