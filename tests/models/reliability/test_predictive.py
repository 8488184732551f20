"""The probability of resistance against its definition, and against simulated truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.models.reliability.intervals import HeldOutErrors
from sidestep.models.reliability.predictive import (
    FoldAnswers,
    matched_threshold,
    p_beyond,
    predictive_responses,
)
from sidestep.models.reliability.thresholds import NOT_REACHED, response_threshold


@settings(max_examples=40, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(10, 40), n_folds=st.integers(1, 5))
def test_it_is_the_share_of_lines_whose_errors_reach_beyond(seed, n, n_folds):
    rng = np.random.default_rng(seed)
    errors, folds = rng.standard_normal(n), rng.integers(0, n_folds, n)
    predicted, difficulties = rng.standard_normal((n_folds, 3)), rng.uniform(0.5, 2, (n_folds, 3))
    responses = predictive_responses(errors, folds, predicted, difficulties)
    found = p_beyond(responses, 0.3, higher_is_resistant=True)
    for sample in range(3):
        reached = [
            predicted[k, sample] + e * difficulties[k, sample]
            for e, k in zip(errors, folds, strict=True)
        ]
        count = sum(one > 0.3 for one in reached)
        assert found[sample] == pytest.approx((count + 0.5) / (n + 1))
    # What is not beyond on one side is beyond on the other.
    np.testing.assert_allclose(found, 1 - p_beyond(responses, 0.3, higher_is_resistant=False))


def test_responses_on_the_threshold_count_half():
    responses = np.r_[np.full(6, 1.0), np.full(4, 2.0), np.full(2, 3.0)][None]
    assert p_beyond(responses, 2.0, higher_is_resistant=True) == pytest.approx(4.5 / 13)
    assert p_beyond(responses, 2.0, higher_is_resistant=False) == pytest.approx(8.5 / 13)


def test_fewer_than_ten_lines_say_nothing():
    responses = np.arange(20.0).reshape(2, 10)
    assert np.isnan(p_beyond(responses[:, :9], 4.5, higher_is_resistant=True)).all()
    assert np.isfinite(p_beyond(responses, 4.5, higher_is_resistant=True)).all()


def test_a_threshold_may_differ_by_sample_and_be_unknown():
    responses = np.tile(np.arange(10.0), (3, 1))
    found = p_beyond(responses, np.array([-1.0, 4.5, np.nan]), higher_is_resistant=True)
    np.testing.assert_allclose(found, [10.5 / 11, 5.5 / 11, np.nan])


def _least_squares(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    design, asked = (np.column_stack([np.ones(len(rows)), rows]) for rows in (X, new))
    return asked @ np.linalg.lstsq(design, y, rcond=None)[0]


def _simulated(seed: int, n_sets: int, censored: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truths of new samples, of many training sets of 60 lines each.

    A share `censored` of the lines stands at the highest concentration tested (high: resistant).
    """
    rng = np.random.default_rng(seed)
    probabilities, truths = [], []
    for _ in range(n_sets):
        X = rng.standard_normal((160, 2))
        y = X @ [1.0, -0.5] + rng.standard_normal(160)
        top = np.quantile(y, 1 - censored) if censored else np.inf
        y = np.minimum(y, top)
        train, folds = slice(60), rng.permutation(60) % 5
        errors, own, predicted = np.empty(60), np.empty(60), []
        for fold in range(5):
            rows = folds == fold
            fitted = _least_squares(X[train][~rows], y[train][~rows], X)
            own[rows] = fitted[train][rows]
            errors[rows] = y[train][rows] - own[rows]
            predicted.append(fitted[60:])
        threshold = response_threshold(y[train], higher_is_resistant=True)
        assert threshold.kind == NOT_REACHED or censored < 0.5
        known = HeldOutErrors(
            np.arange(60), folds, errors, np.ones(60), own, np.zeros(60), np.zeros(60)
        )
        asked = FoldAnswers(known, folds, *np.array([predicted, np.ones((5, 100)), predicted]))
        probabilities.append(asked.p_resistant(threshold.value, higher_is_resistant=True))
        truths.append(y[60:] > threshold.value)
    return np.concatenate(probabilities), np.concatenate(truths)


@pytest.mark.parametrize("high", [True, False])
def test_as_many_predictive_responses_lie_beyond_the_matched_threshold_as_lines(high):
    rng = np.random.default_rng(3)
    predictions, difficulties = rng.standard_normal(200), rng.uniform(0.5, 2, 200)
    errors = rng.exponential(1.0, 200) - 1  # skewed, so that the median alone would be off
    observed = predictions + errors * difficulties
    at = matched_threshold(
        predictions, errors, difficulties, float(np.median(observed)), higher_is_resistant=high
    )
    p = np.empty(200)
    for line in range(200):
        others = np.arange(200) != line
        responses = predictions[line] + errors[others] * difficulties[line]
        p[line] = p_beyond(responses[None], at, higher_is_resistant=high)[0]
    assert p.mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("observed", [np.full(20, 1.0), np.arange(9.0)])
def test_where_lines_do_not_tell_the_threshold_stays_as_it_is(observed):
    at = matched_threshold(
        observed, np.zeros(len(observed)), np.ones(len(observed)), 0.5, higher_is_resistant=True
    )
    assert at == 0.5


@pytest.mark.parametrize(("censored", "tolerance"), [(0.0, 0.05), (0.25, 0.06), (0.55, 0.07)])
def test_probabilities_are_those_of_the_truth(censored, tolerance):
    """Of the samples of each tenth of p as many are resistant; 200 training sets."""
    p, resistant = _simulated(1, 200, censored)
    assert np.mean(p) == pytest.approx(np.mean(resistant), abs=0.03)
    tenth = np.minimum((10 * p).astype(int), 9)
    for place in range(10):
        inside = tenth == place
        assert inside.sum() > 100
        assert np.mean(resistant[inside]) == pytest.approx(np.mean(p[inside]), abs=tolerance)


@pytest.mark.parametrize("level", [0.6, 0.75, 0.9])
@pytest.mark.parametrize("censored", [0.0, 0.55])
def test_calls_at_a_level_are_right_at_least_as_often(level, censored):
    p, resistant = _simulated(2, 100, censored)
    called = (p >= level) | (p <= 1 - level)
    assert called.mean() > 0.05
    assert np.mean((p >= level)[called] == resistant[called]) >= level


def held_out(n: int = 24, n_folds: int = 3, seed: int = 0) -> HeldOutErrors:
    rng = np.random.default_rng(seed)
    return HeldOutErrors(
        lines=np.arange(n),
        folds=np.arange(n) % n_folds,
        errors=rng.standard_normal(n),
        difficulty=np.ones(n),
        predictions=rng.standard_normal(n),
        marker_errors=rng.standard_normal(n),
        distances=np.ones(n),
    )


def answers(errors: HeldOutErrors, n_samples: int = 5) -> FoldAnswers:
    rng = np.random.default_rng(9)
    used, folds = np.unique(errors.folds, return_inverse=True)
    predicted = rng.standard_normal((len(used), n_samples))
    return FoldAnswers(errors, folds, predicted, np.ones_like(predicted), predicted + 0.5)


def test_of_a_line_its_own_error_and_its_siblings_say_nothing():
    """The fold that held a line out answers by the errors of all other folds (`without`)."""
    errors = held_out()
    own = errors.folds == 1
    wild = replace(
        errors,
        errors=np.where(own, 1e6, errors.errors),
        marker_errors=np.where(own, 1e6, errors.marker_errors),
    )
    for which in ("p_resistant", "marker_p_resistant"):
        before, after, seen = (
            getattr(answers(one), which)(0.2, higher_is_resistant=True)
            for one in (errors.without(1), wild.without(1), wild)
        )
        np.testing.assert_array_equal(before, after)
        assert (seen[:3] != before[:3]).any()  # it would have been seen


def test_the_marker_is_judged_by_the_lines_that_have_it():
    errors = held_out(40)
    has = np.arange(40) % 2 == 0
    some = replace(errors, marker_errors=np.where(has, errors.marker_errors, np.nan))
    asked = answers(some)
    asked.marker[:, 2] = np.nan
    found = asked.marker_p_resistant(0.2, higher_is_resistant=False)
    own = errors.marker_errors[has]
    at = matched_threshold(
        errors.observed[has] - own, own, np.ones(20), 0.2, higher_is_resistant=False
    )
    responses = asked.marker.T[:, asked.folds[has]] + own
    expected = (np.sum(responses < at, axis=1) + 0.5) / (has.sum() + 1)
    expected[2] = np.nan
    np.testing.assert_allclose(found, expected)
    assert np.isfinite(asked.p_resistant(0.2, higher_is_resistant=False)).all()


def test_where_no_line_has_the_marker_there_is_no_probability_of_it():
    errors = replace(held_out(), marker_errors=np.full(24, np.nan))
    assert np.isnan(answers(errors).marker_p_resistant(0.2, higher_is_resistant=True)).all()


def test_where_all_lines_stand_at_the_end_a_sample_does_too():
    """No line responded, and the model has learned nothing else."""
    threshold = response_threshold(np.full(24, 4.5), higher_is_resistant=False)
    at_end = replace(held_out(), errors=np.zeros(24), predictions=np.full(24, 4.5))
    asked = replace(answers(at_end), predicted=np.full((3, 5), 4.5))
    found = asked.p_resistant(threshold.value, higher_is_resistant=False)
    np.testing.assert_allclose(found, 24.5 / 25)


def test_a_sample_is_answered_alike_alone_and_among_others():
    asked = answers(held_out())
    whole = asked.p_resistant(0.1, higher_is_resistant=True)
    for sample in range(5):
        alone = replace(
            asked,
            **{
                name: getattr(asked, name)[:, [sample]]
                for name in ("predicted", "difficulties", "marker")
            },
        )
        assert alone.p_resistant(0.1, higher_is_resistant=True) == whole[sample]
