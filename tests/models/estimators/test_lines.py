"""Lines of one matrix give the models that a table of the same lines gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.lines import LineMatrix, TrainingLines
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees

TARGETS = ["expression:ERBB2", "rppa:P0", "mutation:M0"]
FEW = {"n_trees": 30, "n_features": 20}


@pytest.fixture(scope="module")
def matrix(many_lines) -> LineMatrix:
    return LineMatrix.of(many_lines.X)


def test_features_are_standardised_over_the_lines_that_have_them(matrix, many_lines):
    deviations = many_lines.X.std(ddof=0)
    varies = (deviations > 1e-9).to_numpy()
    expected = ((many_lines.X - many_lines.X.mean()) / deviations).fillna(0.0)
    np.testing.assert_allclose(matrix.standard[:, varies], expected.to_numpy()[:, varies])
    assert not matrix.standard[:, ~varies].any()
    assert (~varies).sum() == 2  # a constant and one that was never measured


def test_a_modalitys_kernel_is_that_of_its_standardised_features(matrix, many_lines):
    assert list(matrix.kernels) == ["expression", "rppa", "mutation", "copy_number"]
    rppa = matrix.standard[:, many_lines.X.columns.str.startswith("rppa:")]
    np.testing.assert_allclose(matrix.kernels["rppa"], rppa @ rppa.T, atol=1e-12)


@pytest.mark.slow
def test_modalities_that_are_not_side_by_side_are_found(many_lines):
    shuffled = many_lines.X.sample(frac=1, axis=1, random_state=0)
    one, other = (
        MultiViewRidge(TARGETS).fit(X, many_lines.y, many_lines.donors)
        for X in (many_lines.X, shuffled)
    )
    np.testing.assert_allclose(other.predict(shuffled), one.predict(many_lines.X), rtol=1e-6)


@pytest.mark.slow
def test_all_lines_of_a_matrix_are_the_table(matrix, many_lines):
    lines = TrainingLines.all_of(matrix)
    assert len(lines) == len(many_lines.X)
    assert list(lines.columns) == list(many_lines.X.columns)
    models = [
        PatternBlend(TARGETS, inner_folds=2, tree_settings=FEW).fit(
            X, many_lines.y, many_lines.donors
        )
        for X in (many_lines.X, lines)
    ]
    one, other = (model.predict(many_lines.X) for model in models)
    np.testing.assert_array_equal(one, other)


def test_a_share_of_the_lines_is_told_by_their_responses_alone(matrix, many_lines):
    """A drug's own lines, in a matrix of all: the other lines only help to standardise."""
    rows = np.flatnonzero(np.random.default_rng(0).random(len(many_lines.y)) < 0.7)
    X, y, donors = many_lines.X.iloc[rows], many_lines.y[rows], many_lines.donors[rows]
    lines = TrainingLines.all_of(matrix).among(rows)
    ridge = MultiViewRidge(TARGETS).fit(lines, y, donors)
    assert ridge.loo_predictions_.shape == y.shape
    own = MultiViewRidge(TARGETS).fit(X, y, donors)
    assert np.corrcoef(ridge.predict(many_lines.X), own.predict(many_lines.X))[0, 1] > 0.995
    trees = [ScreenedTrees(TARGETS, **FEW).fit(part, y) for part in (X, lines)]
    np.testing.assert_array_equal(*(t.predict(many_lines.X) for t in trees))


def test_a_share_of_the_lines_is_fitted_about_its_own_mean(many_lines):
    """Without a penalty worth the name, predictions on the lines themselves are their responses."""
    X = many_lines.X.iloc[:-1].filter(regex="expression:[EG]")
    lines = TrainingLines.all_of(LineMatrix.of(X + 5)).among(np.arange(15))
    y = many_lines.y[:15]
    ridge = MultiViewRidge(penalties=(1e-9,)).fit(lines, y, np.arange(15))
    np.testing.assert_allclose(ridge.predict(X.iloc[:15] + 5), y, rtol=1e-4)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("pattern", [("expression",), ("rppa", "mutation")])
def test_some_modalities_are_those_columns_of_the_table(matrix, many_lines, pattern):
    part = many_lines.X.filter(regex="|".join(pattern))
    lines = TrainingLines.all_of(matrix).seeing(pattern)
    assert list(lines.columns) == list(part.columns)
    for model in (MultiViewRidge(TARGETS), ScreenedTrees(TARGETS, **FEW)):
        shared = model.fit(lines, many_lines.y, many_lines.donors).predict(part)
        alone = model.fit(part, many_lines.y, many_lines.donors).predict(part)
        np.testing.assert_allclose(shared, alone, rtol=1e-9)


def test_what_does_not_vary_among_the_lines_is_no_signal():
    """It varies in the matrix; 0.1 is no binary fraction, and its sums are not exact."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((40, 5)), columns=[f"rppa:P{p}" for p in range(5)])
    X.iloc[:20] = 0.1
    y = rng.standard_normal(20)
    lines = TrainingLines.all_of(LineMatrix.of(X)).among(np.arange(20))
    ridge = MultiViewRidge().fit(lines, y, np.arange(20))
    assert ridge.view_weights_ == {}
    np.testing.assert_allclose(ridge.predict(X), y.mean())
    trees = ScreenedTrees(**FEW).fit(lines, y)
    assert len(trees.columns_) == 1
    assert len(np.unique(trees.predict(X))) == 1


def test_names_are_found_at_their_places(matrix):
    lines = TrainingLines.all_of(matrix).seeing(("rppa",))
    places = lines.places(["rppa:P3", "expression:ERBB2", "rppa:P1", "rppa:UNKNOWN"])
    assert list(lines.columns[places]) == ["rppa:P1", "rppa:P3"]


@pytest.mark.slow
def test_out_of_fold_predictions_are_those_of_models_fitted_without_the_fold(many_lines):
    """The ridge needs no coefficients for it, nor the trees a table; the numbers are the same."""
    X, y, donors = many_lines.X.iloc[120:239], many_lines.y[120:239], many_lines.donors[120:239]
    folds = donor_folds(donors, 3, seed=0)
    lines = TrainingLines.of(X)
    by_ridge = MultiViewRidge(TARGETS).out_of_fold(X, y, donors, folds)
    by_trees = ScreenedTrees(TARGETS, **FEW).out_of_fold(X, y, folds)
    for train, test in folds:
        known = lines.among(train)
        ridge = MultiViewRidge(TARGETS).fit(known, y[train], donors[train])
        np.testing.assert_allclose(by_ridge[test], ridge.predict(X.iloc[test]), rtol=1e-5)
        trees = ScreenedTrees(TARGETS, **FEW).fit(known, y[train])
        np.testing.assert_array_equal(by_trees[test], trees.predict(X.iloc[test]))
