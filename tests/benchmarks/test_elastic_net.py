"""The elastic net of the accuracy benchmark predicts, and explains itself, like the estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.elastic_net import ScreenedElasticNet


@pytest.fixture(scope="module")
def lines() -> tuple[pd.DataFrame, np.ndarray]:
    """Lines of which a tenth of the values is missing, and a response of two of 30 features."""
    rng = np.random.default_rng(0)
    names = [f"expression:G{number}" for number in range(30)]
    X = pd.DataFrame(rng.standard_normal((120, 30)), columns=names)
    y = 5 + 2 * X["expression:G3"].to_numpy() - X["expression:G7"].to_numpy()
    y += 0.3 * rng.standard_normal(120)
    return X.mask(rng.random(X.shape) < 0.1), y


@pytest.fixture(scope="module")
def fitted(lines: tuple[pd.DataFrame, np.ndarray]) -> ScreenedElasticNet:
    X, y = lines
    donors = np.repeat(np.arange(40), 2)
    return ScreenedElasticNet(n_features=10).fit(X.iloc[:80], y[:80], groups=donors)


def test_a_planted_signal_is_found_in_lines_held_out(lines, fitted) -> None:
    X, y = lines[0].iloc[80:], lines[1][80:]
    assert np.mean((y - fitted.predict(X)) ** 2) < 0.4 * y.var()
    strongest = np.abs(fitted.contributions(X).values).mean(axis=0).argsort()[-2:]
    assert {X.columns[at] for at in strongest} == {"expression:G3", "expression:G7"}


def test_contributions_add_up_to_the_prediction(lines, fitted) -> None:
    X = lines[0] * -3
    parts = fitted.contributions(X)
    assert len(np.unique(parts.base_value)) == 1
    assert (parts.values != 0).any(axis=0).sum() <= 10
    total = parts.base_value + parts.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted.predict(X), rtol=0, atol=1e-9)


def test_a_row_is_predicted_the_same_alone_and_in_any_order(lines, fitted) -> None:
    X = lines[0]
    batch = fitted.predict(X)
    np.testing.assert_array_equal(fitted.predict(X.iloc[::-1]), batch[::-1])
    np.testing.assert_array_equal(
        [fitted.predict(X.iloc[[row]])[0] for row in range(0, 120, 7)], batch[::7]
    )
    assert fitted.predict(X.iloc[:0]).shape == (0,)
