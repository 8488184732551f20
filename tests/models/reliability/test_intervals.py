"""Intervals against the definition of CV+, and against simulated truth."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.intervals import (
    HeldOutErrors,
    cv_plus,
    difficulty,
    held_out_errors,
    join_errors,
    own_error,
)
from sidestep.models.reliability.predictive import FoldAnswers

PATTERN = ("expression",)
TREES = {"n_trees": 20, "n_features": 10}


def naive(scores, folds, predicted, difficulties, level):
    """Ends of one sample's interval by the definition, with sorted lists."""
    n = len(scores)
    lows = sorted(predicted[k] - s * difficulties[k] for s, k in zip(scores, folds, strict=True))
    highs = sorted(predicted[k] + s * difficulties[k] for s, k in zip(scores, folds, strict=True))
    place = level * (n + 1) - 1
    upper = np.interp(place, np.arange(n), highs)
    return np.interp(n - 1 - place, np.arange(n), lows), upper


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(20, 60),
    n_folds=st.integers(1, 6),
    level=st.sampled_from([0.5, 0.8, 0.9]),
)
def test_the_ends_are_those_of_the_definition(seed, n, n_folds, level):
    rng = np.random.default_rng(seed)
    scores, folds = np.abs(rng.standard_normal(n)), rng.integers(0, n_folds, n)
    predicted = rng.standard_normal((n_folds, 4))
    difficulties = rng.uniform(0.5, 2, (n_folds, 4))
    lower, upper = cv_plus(scores, folds, predicted, difficulties, level)
    for sample in range(4):
        expected = naive(scores, folds, predicted[:, sample], difficulties[:, sample], level)
        np.testing.assert_allclose((lower[sample], upper[sample]), expected, rtol=1e-12)


@pytest.mark.parametrize(("n", "level", "known"), [
    (9, 0.5, False), (10, 0.5, True), (10, 0.9, True), (18, 0.95, False), (19, 0.95, True),
    (98, 0.99, False), (99, 0.99, True),
])  # fmt: skip
def test_too_few_lines_for_a_level_give_no_interval(n, level, known):
    ends = cv_plus(np.ones(n), np.zeros(n, int), np.zeros((1, 3)), np.ones((1, 3)), level)
    assert np.shape(ends) == (2, 3)
    assert np.isfinite(ends).all() == known
    assert np.isnan(ends).all() != known


def test_no_samples_have_no_intervals():
    lower, upper = cv_plus(np.ones(12), np.zeros(12, int), np.ones((1, 0)), np.ones((1, 0)), 0.8)
    assert lower.shape == upper.shape == (0,)


def least_squares(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Prediction of new samples by the line of least squares."""
    design, asked = (np.column_stack([np.ones(len(rows)), rows]) for rows in (X, new))
    return asked @ np.linalg.lstsq(design, y, rcond=None)[0]


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_cover_their_share_of_simulated_responses(level):
    """Linear data, 300 training sets of 60 lines and 100 new samples each."""
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(300):
        X = rng.standard_normal((160, 3))
        y = X @ [1.0, -0.5, 0.0] + rng.standard_normal(160)
        train, new = slice(60), slice(60, None)
        folds = rng.permutation(60) % 5
        scores, predicted = np.empty(60), []
        for fold in range(5):
            rows = folds == fold
            fitted = least_squares(X[train][~rows], y[train][~rows], X)
            scores[rows] = np.abs(y[train] - fitted[train])[rows]
            predicted.append(fitted[new])
        ends = cv_plus(scores, folds, np.array(predicted), np.ones((5, 100)), level)
        covered.append(np.mean((ends[0] <= y[new]) & (y[new] <= ends[1])))
    assert level - 0.03 <= np.mean(covered) <= level + 0.1


def draw(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Lines whose response is linear in one of six genes."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((n, 6)), columns=[f"expression:G{g}" for g in range(6)])
    return X, 5 + X["expression:G0"].to_numpy() + 0.5 * rng.standard_normal(n)


def fit_folds(
    X: pd.DataFrame, y: np.ndarray, n_folds: int = 4
) -> tuple[dict[int, PatternBlend], list[dict]]:
    """Fit fold models, and their errors on the lines that each left out."""
    blends, errors = {}, []
    for fold, (train, test) in enumerate(donor_folds(np.arange(len(y)), n_folds, 0)):
        blends[fold] = PatternBlend(inner_folds=2, tree_settings=TREES)
        blends[fold].fit(X.iloc[train], y[train])
        nearest = NearestLines().fit(X.iloc[train], [str(line) for line in train])
        errors.append(held_out_errors(blends[fold], fold, nearest, X.iloc[test], y[test], test))
    return blends, errors


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_of_blends_cover_their_share(level):
    """The whole way from fold models to intervals; 20 training sets of 60 lines."""
    covered = []
    for seed in range(20):
        X, y = draw(260, seed)
        blends, errors = fit_folds(X.iloc[:60], y[:60])
        features = dict.fromkeys(blends, X.iloc[60:])
        lower, upper = FoldAnswers.of(
            join_errors(errors)[PATTERN], PATTERN, blends, features
        ).interval(level)
        covered.append(np.mean((lower <= y[60:]) & (y[60:] <= upper)))
    assert level - 0.03 <= np.mean(covered) <= level + 0.1


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, np.ndarray, dict[int, PatternBlend], list[dict]]:
    X, y = draw(60, 0)
    return X, y, *fit_folds(X, y)


def test_difficulty_is_the_error_and_the_disagreement_of_the_members(fitted):
    X, _, blends, _ = fitted
    blend = blends[0].blends_[PATTERN]
    members, shares = blends[0].members_as(PATTERN, X), blend.shares_
    spread = np.array([np.average((row - row @ shares) ** 2, weights=shares) for row in members])
    expected = np.hypot(blend.ridge_.loo_error_, 2 * np.sqrt(spread))
    np.testing.assert_allclose(difficulty(blends[0], PATTERN, X), expected)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([0.5, 0.5, 0.0], 4.0), ([0.0, 0.0, 0.9], 0.0), ([0.2, 0.2, 0.4], np.sqrt(24))],
)
def test_members_disagree_by_twice_their_deviation_by_weight(weights, expected):
    """Of halves of two members that is their difference; one without weight does not count."""
    ridge = SimpleNamespace(loo_error_=0.0)
    blend = Blend()
    blend.weights_, blend.ridge_ = np.array(weights), ridge
    found = own_error(blend, np.array([[1.0, 5.0, 7.0]]))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_where_the_members_agree_intervals_are_shorter(fitted):
    _, _, blends, errors = fitted
    X, _ = draw(400, 9)
    X *= np.linspace(0.1, 6, 400)[:, None]  # ridge runs on beyond the lines, trees do not
    features = dict.fromkeys(blends, X)
    lower, upper = FoldAnswers.of(join_errors(errors)[PATTERN], PATTERN, blends, features).interval(
        0.8
    )
    members = [b.members_as(PATTERN, X) for b in blends.values()]
    apart = np.mean([np.abs(ridge - trees) for ridge, trees, _ in (m.T for m in members)], axis=0)
    order = np.argsort(apart.ravel())
    width = upper - lower
    assert 1.5 * np.median(width[order[:100]]) < np.median(width[order[-100:]])
    assert np.corrcoef(width, apart.ravel())[0, 1] > 0.8


def test_difficulty_makes_uneven_noise_narrower_where_it_is_small():
    """With known difficulties each half is covered alike, which one width would not do."""
    rng = np.random.default_rng(5)
    noise = np.where(np.arange(2000) % 2, 0.2, 2.0)
    errors = noise * rng.standard_normal(2000)
    scores = np.abs(errors[:200]) / noise[:200]
    new, spread = errors[200:], noise[200:]
    zeros = np.zeros((1, 1800))
    for difficulties, alike in ((spread[None], True), (np.ones((1, 1800)), False)):
        used = scores if alike else np.abs(errors[:200])
        lower, upper = cv_plus(used, np.zeros(200, int), zeros, difficulties, 0.8)
        inside = (lower <= new) & (new <= upper)
        gap = inside[spread < 1].mean() - inside[spread > 1].mean()
        assert (abs(gap) < 0.06) == alike
    lower, upper = cv_plus(scores, np.zeros(200, int), zeros, spread[None], 0.8)
    np.testing.assert_allclose((upper - lower)[spread > 1][0] / (upper - lower)[spread < 1][0], 10)


def test_an_error_is_that_of_the_model_that_did_not_see_the_line(fitted):
    X, y, blends, errors = fitted
    joined = join_errors(errors)[PATTERN]
    assert sorted(joined.lines) == list(range(60))
    for fold, blend in blends.items():
        lines = joined.lines[joined.folds == fold]
        predicted = blend.predict_as(PATTERN, X.iloc[lines])
        np.testing.assert_array_equal(joined.predictions[joined.folds == fold], predicted)
        expected = np.abs(y[lines] - predicted) / difficulty(blend, PATTERN, X.iloc[lines])
        np.testing.assert_allclose(joined.scores[joined.folds == fold], expected)
        np.testing.assert_allclose(
            joined.difficulty[joined.folds == fold], difficulty(blend, PATTERN, X.iloc[lines])
        )


def test_a_line_with_more_modalities_counts_for_every_part_of_them(many_lines):
    X, y = many_lines.X, many_lines.y
    test = np.arange(0, 240, 3)
    train = np.setdiff1d(np.arange(240), test)
    blend = PatternBlend(inner_folds=2, tree_settings=TREES).fit(X.iloc[train], y[train])
    nearest = NearestLines().fit(X.iloc[train], [str(line) for line in train])
    errors = held_out_errors(blend, 2, nearest, X.iloc[test], y[test], test)
    has = row_patterns(X)
    assert set(errors) == set(blend.patterns)
    for pattern, found in errors.items():
        expected = [line for line in test if set(pattern) <= set(has[line])]
        np.testing.assert_array_equal(found.lines, expected)
        assert set(found.folds) == {2}
        np.testing.assert_array_equal(
            found.predictions, blend.predict_as(pattern, X.iloc[found.lines])
        )
    sizes = {len(errors.lines) for errors in errors.values()}
    assert len(sizes) > 1


def part(fold: int, lines: list[int]) -> HeldOutErrors:
    n = len(lines)
    values = np.array(lines, dtype=float)
    return HeldOutErrors(
        lines=np.array(lines, int),
        folds=np.full(n, fold),
        errors=-values / 10,
        difficulty=values,
        predictions=values / 100,
        marker_errors=values / 50,
        distances=values / 1000,
    )


def test_errors_are_joined_a_pattern_and_kept_in_step():
    rppa = ("rppa",)
    joined = join_errors([{PATTERN: part(0, [4, 2])}, {PATTERN: part(1, [3]), rppa: part(1, [3])}])
    assert list(joined) == [PATTERN, rppa]
    np.testing.assert_array_equal(joined[PATTERN].lines, [4, 2, 3])
    np.testing.assert_array_equal(joined[PATTERN].folds, [0, 0, 1])
    np.testing.assert_allclose(joined[PATTERN].scores, [0.4, 0.2, 0.3])
    np.testing.assert_allclose(joined[PATTERN].predictions, [0.04, 0.02, 0.03])
    np.testing.assert_array_equal(joined[rppa].folds, [1])
    assert join_errors([]) == {}


def test_a_sub_model_that_met_no_held_out_line_has_no_errors():
    assert join_errors([{PATTERN: part(0, [])}, {PATTERN: part(1, [])}]) == {}
    assert len(join_errors([{PATTERN: part(0, [])}, {PATTERN: part(1, [7])}])[PATTERN].lines) == 1


def test_a_fold_that_could_not_fit_the_sub_model_is_not_asked(fitted):
    """Its lines have no error, so that its model, which lacks the pattern, is left alone."""
    X, y, blends, errors = fitted
    other = PatternBlend(inner_folds=2, tree_settings=TREES)
    other.fit(X.rename(columns=lambda name: name.replace("expression", "rppa")), y)
    joined = join_errors(errors[1:])[PATTERN]
    features = dict.fromkeys(blends, X.iloc[:3])
    ends = FoldAnswers.of(joined, PATTERN, {**blends, 0: other}, features).interval(0.8)
    assert np.isfinite(ends).all()
    np.testing.assert_array_equal(
        ends, FoldAnswers.of(joined, PATTERN, blends, features).interval(0.8)
    )


def test_a_constant_response_gets_an_interval_of_no_width():
    X, _ = draw(40, 3)
    blends, errors = fit_folds(X, np.full(40, 2.5))
    features = dict.fromkeys(blends, X)
    ends = FoldAnswers.of(join_errors(errors)[PATTERN], PATTERN, blends, features).interval(0.9)
    np.testing.assert_allclose(ends, 2.5, atol=1e-6)
