"""The screen: correlation on the training lines, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.screening import rank_features, screen
from sidestep.models.estimators.trees import ScreenedTrees


@pytest.fixture
def noise() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        rng.standard_normal((50, 300)), columns=[f"expression:G{g}" for g in range(300)]
    )


def test_planted_features_are_found(noise):
    y = 100 + noise["expression:G7"] - noise["expression:G11"]
    assert list(screen(noise, y.to_numpy(), 2)) == [7, 11]


def test_strength_is_correlation_times_the_root_of_the_share_measured(noise):
    rng = np.random.default_rng(1)
    X = noise.mask(rng.random(noise.shape) < np.linspace(0, 0.9, 300))
    y = 5 + noise["expression:G7"].to_numpy() + rng.standard_normal(50)
    strength = []
    for name in X.columns:
        known = X[name].notna().to_numpy()
        r = np.corrcoef(X.loc[known, name], y[known])[0, 1] if known.sum() > 1 else 0.0
        strength.append(abs(r) * np.sqrt(known.mean()))
    expected = np.sort(np.argsort(-np.array(strength), kind="stable")[:20])
    np.testing.assert_array_equal(screen(X, y, 20), expected)


def test_named_features_are_kept_whatever_their_correlation(noise):
    y = noise["expression:G7"].to_numpy()
    assert list(screen(noise, y, 1, ["expression:G200", "rppa:UNKNOWN"])) == [7, 200]


def test_constant_and_unmeasured_features_are_never_kept(noise):
    X = noise.iloc[:, :5].assign(**{"rppa:FLAT": 0.1, "rppa:NEVER": np.nan})
    kept = screen(X, noise["expression:G7"].to_numpy(), 7, ["rppa:FLAT", "rppa:NEVER"])
    assert list(kept) == [0, 1, 2, 3, 4]


def test_where_nothing_varies_one_column_is_left(noise):
    flat = noise * 0
    assert len(screen(flat, np.arange(50.0), 10)) == 1
    assert len(screen(noise, np.full(50, 3.0), 10)) == 10  # a constant response ranks nothing


def test_the_screen_of_the_trees_ignores_lines_held_out(noise):
    """A decoy equals the response in the lines held out and is noise in training."""
    y = noise["expression:G7"].to_numpy().copy()
    train, test = np.arange(25), np.arange(25, 50)
    decoyed = noise.copy()
    decoyed.iloc[test, 99] = y[test]
    trees = ScreenedTrees(n_features=1, n_trees=5).fit(decoyed.iloc[train], y[train])
    np.testing.assert_array_equal(trees.columns_, [7])
    everyone = ScreenedTrees(n_features=2, n_trees=5).fit(decoyed, y)
    assert 99 in everyone.columns_  # so the decoy would be taken, were it seen


def test_many_sets_of_lines_are_ranked_as_each_alone(noise):
    rng = np.random.default_rng(2)
    X = noise.mask(rng.random(noise.shape) < 0.2)
    y = rng.standard_normal(50)
    lines = TrainingLines.of(X)
    rows = [np.arange(50), np.arange(0, 50, 2), np.arange(25), np.arange(0, 50, 2)]
    together = rank_features([lines.among(some) for some in rows], [y[some] for some in rows])
    for some, ranking in zip(rows, together, strict=True):
        alone = rank_features([TrainingLines.of(X.iloc[some])], [y[some]])[0]
        np.testing.assert_array_equal(ranking.order, alone.order)
        np.testing.assert_array_equal(ranking.varies, alone.varies)
        expected = screen(X.iloc[some], y[some], 20, ["expression:G200"])
        np.testing.assert_array_equal(ranking.best(20, np.array([200])), expected)
