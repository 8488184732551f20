"""Metrics against other implementations, and intervals against a known truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import r2_score, root_mean_squared_error

from sidestep.training.validation.metrics import (
    METRICS,
    Estimate,
    donor_weights,
    pearson,
    score,
)


def draw(n: int, rho: float = 0.6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    observed, noise = rng.standard_normal((2, n))
    return observed, rho * observed + np.sqrt(1 - rho**2) * noise


def scored(
    observed: np.ndarray,
    predicted: np.ndarray,
    donors: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    n_bootstrap: int = 200,
    seed: int = 0,
) -> dict[str, Estimate]:
    n = len(observed)
    reference = np.full(n, observed.mean())
    folds = np.arange(n) % 3 if folds is None else folds
    weights = donor_weights(np.arange(n) if donors is None else donors, n_bootstrap, seed)
    return score(observed, predicted, reference, folds, weights).estimates


def by_line(
    observed: np.ndarray,
    predicted: np.ndarray,
    reference: np.ndarray,
    folds: np.ndarray,
    draws: int,
) -> dict[str, Estimate]:
    """Scored with every line a donor of its own."""
    weights = donor_weights(np.arange(len(observed)), draws, 0)
    return score(observed, predicted, reference, folds, weights).estimates


def concordance(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Share of pairs in the right order, one pair at a time."""
    right = pairs = 0.0
    for i, j in combinations(range(len(observed)), 2):
        if observed[i] == observed[j]:
            continue
        pairs += 1
        if predicted[i] == predicted[j]:
            right += 0.5
        elif (observed[i] < observed[j]) == (predicted[i] < predicted[j]):
            right += 1
    return right / pairs


@pytest.mark.parametrize("digits", [8, 0])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_values_agree_with_other_implementations(digits, shift):
    """With no digits kept, both sides have many ties."""
    observed, predicted = (shift + np.round(3 * values, digits) for values in draw(40))
    one_fold = scored(observed, predicted, folds=np.zeros(40))
    values = {name: estimate.value for name, estimate in one_fold.items()}
    assert tuple(values) == METRICS
    assert values["pearson_pooled"] == pytest.approx(values["pearson"])
    assert values["pearson"] == pytest.approx(pearsonr(observed, predicted).statistic)
    assert values["spearman"] == pytest.approx(spearmanr(observed, predicted).statistic)
    assert values["concordance"] == pytest.approx(concordance(observed, predicted))
    assert values["rmse"] == pytest.approx(root_mean_squared_error(observed, predicted))
    assert values["rmse_relative"] == pytest.approx(values["rmse"] / observed.std())
    assert values["r2"] == pytest.approx(r2_score(observed, predicted))
    assert pearson(observed, predicted) == pytest.approx(values["pearson"])


def test_the_reference_is_the_training_mean_of_the_lines_own_fold():
    observed, predicted = draw(30)
    folds = np.arange(30) % 2
    reference = np.where(folds == 0, 0.5, -0.5)
    found = by_line(observed, predicted, reference, folds, 10)
    expected = np.sum((observed - predicted) ** 2) / np.sum((observed - reference) ** 2)
    assert found["r2"].value == pytest.approx(1 - expected)
    assert found["rmse_relative"].value == pytest.approx(np.sqrt(expected))


def test_a_perfect_and_a_reversed_prediction():
    observed, _ = draw(20)
    best, worst = scored(observed, observed), scored(observed, -observed)
    assert [best[name].value for name in METRICS] == pytest.approx([1, 1, 1, 1, 0, 0, 1])
    assert [worst[name].value for name in METRICS[:4]] == pytest.approx([-1, -1, -1, 0])


def test_a_predictor_that_is_constant_within_folds_ranks_nobody():
    """Pooled over folds, the training means run against the lines held out."""
    observed, _ = draw(60)
    folds = np.arange(60) % 5
    means = np.array([observed[folds != fold].mean() for fold in range(5)])[folds]
    found = by_line(observed, means, means, folds, 50)
    for name, value in (("pearson", 0.0), ("spearman", 0.0), ("concordance", 0.5)):
        assert found[name] == Estimate(value, value, value)
    assert found["pearson_pooled"].value < -0.1  # the artefact
    assert found["r2"].value == pytest.approx(0)


def test_r_is_the_mean_of_the_folds_own():
    observed, predicted = draw(40)
    folds = np.repeat([0, 1, 2, 3], [14, 14, 10, 2])
    shifted = predicted - 9.0 * folds  # as if each fold's model had another offset
    found = scored(observed, shifted, folds=folds)
    for name, reference in (("pearson", pearsonr), ("spearman", spearmanr)):
        each = [reference(observed[folds == f], predicted[folds == f]).statistic for f in range(3)]
        assert found[name].value == pytest.approx(np.average(each, weights=[14, 14, 10]))
    assert abs(found["pearson_pooled"].value - found["pearson"].value) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("groups", [4, 8])
def test_no_method_has_a_negative_r_on_noise(groups):
    """Group means of nothing: over all lines at once, r is well below 0; within folds it is not."""
    within, pooled = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        y, group, n = rng.standard_normal(40), rng.integers(groups, size=40), 40
        folds = rng.permutation(n) % 5
        means, reference = np.empty(n), np.empty(n)
        for fold in range(5):
            train, test = folds != fold, folds == fold
            reference[test] = y[train].mean()
            known = pd.Series(y[train] - y[train].mean()).groupby(group[train])
            shrunken = known.sum() / (known.size() + 1)
            means[test] = reference[test] + pd.Series(group[test]).map(shrunken).fillna(0.0)
        found = by_line(y, means, reference, folds, 1)
        within.append(found["pearson"].value)
        pooled.append(found["pearson_pooled"].value)
    assert np.mean(within) > -0.05
    assert np.mean(pooled) < -0.07


def test_one_line_a_fold_can_still_be_ranked():
    """Leave-one-out: every fold is constant, but only the training mean says nothing."""
    observed, predicted = draw(20)
    folds = np.arange(20)
    left_out = (observed.sum() - observed) / 19
    found = by_line(observed, predicted, left_out, folds, 10)
    assert found["pearson"].value == pytest.approx(pearsonr(observed, predicted).statistic)
    nothing = by_line(observed, left_out, left_out, folds, 10)
    assert pearson(observed, left_out) == pytest.approx(-1)  # the artefact at its worst
    assert nothing["pearson_pooled"].value == pytest.approx(-1)


def test_a_response_without_spread_has_no_correlation():
    _, predicted = draw(12)
    found = scored(np.full(12, 2.0), predicted)
    for name in ("pearson", "pearson_pooled", "spearman", "concordance"):
        assert np.isnan([found[name].value, found[name].lower, found[name].upper]).all()
    assert found["rmse"].value == pytest.approx(np.sqrt(np.mean((predicted - 2) ** 2)))
    assert np.isnan(pearson(np.full(12, 2.0), predicted))


def test_lower_value_and_upper_are_in_order():
    found = scored(*draw(40), n_bootstrap=500)
    for name in METRICS:
        assert found[name].lower < found[name].value < found[name].upper


def test_the_order_of_lines_does_not_matter():
    observed, predicted = draw(30)
    order = np.random.default_rng(1).permutation(30)
    one = scored(observed, predicted)
    other = scored(observed[order], predicted[order], donors=order, folds=order % 3)
    for name in METRICS:
        np.testing.assert_allclose(
            [other[name].value, other[name].lower, other[name].upper],
            [one[name].value, one[name].lower, one[name].upper],
        )


def test_a_seed_fixes_the_intervals():
    observed, predicted = draw(30)
    assert scored(observed, predicted, seed=1) == scored(observed, predicted, seed=1)
    assert scored(observed, predicted, seed=1) != scored(observed, predicted, seed=2)


def test_intervals_of_the_first_draws_are_those_of_fewer_draws():
    observed, predicted = draw(30)
    reference, folds = np.zeros(30), np.arange(30) % 3
    many, few = (donor_weights(np.arange(30) // 2, draws, 4) for draws in (200, 50))
    np.testing.assert_array_equal(many[:51], few)
    found = score(observed, predicted, reference, folds, many, intervals_of=50)
    alone = score(observed, predicted, reference, folds, few)
    assert len(found.r) == 201
    np.testing.assert_allclose(found.r[:51], alone.r, rtol=1e-12)
    for name in METRICS:
        ours, theirs = found.estimates[name], alone.estimates[name]
        assert ours.value == theirs.value
        assert (ours.lower, ours.upper) == pytest.approx((theirs.lower, theirs.upper), rel=1e-12)


def test_lines_of_one_donor_are_drawn_together():
    """Every line three times adds no donor, so that no interval may shrink."""
    observed, predicted = draw(30)
    one = scored(observed, predicted)
    tripled = scored(
        np.repeat(observed, 3),
        np.repeat(predicted, 3),
        donors=np.repeat(np.arange(30), 3),
        folds=np.repeat(np.arange(30) % 3, 3),
    )
    for name in METRICS:
        np.testing.assert_allclose(
            [tripled[name].value, tripled[name].lower, tripled[name].upper],
            [one[name].value, one[name].lower, one[name].upper],
        )


def test_two_donors_have_three_draws():
    """Both, one twice, or the other twice: the bounds of the error are those of one donor."""
    observed = np.zeros(10)
    predicted = np.array([1.0] * 6 + [3.0] * 4)
    found = scored(observed, predicted, donors=np.array(["a"] * 6 + ["b"] * 4))["rmse"]
    assert (found.lower, found.upper) == (1.0, 3.0)
    assert found.value == pytest.approx(np.sqrt((6 * 1 + 4 * 9) / 10))


@pytest.mark.slow
def test_intervals_hold_the_truth_nearly_as_often_as_they_say():
    """Bivariate normal, so that r and the error are known.

    Percentile intervals of 50 donors hold it less often than 95 % of the time: 93 % for r and
    90 % for the error, over 1000 draws. Of 300 draws, 90 % is 0.85 or more with probability 0.998.
    """
    rho, donors, held = 0.6, 50, dict.fromkeys(("pearson", "rmse"), 0)
    truth = {"pearson": rho, "rmse": np.sqrt((1 - rho) ** 2 + 1 - rho**2)}
    for seed in range(300):
        observed, predicted = draw(donors, rho, seed)
        found = scored(observed, predicted, seed=seed)
        for name in held:
            held[name] += found[name].lower <= truth[name] <= found[name].upper
    for name, count in held.items():
        assert 0.85 <= count / 300 <= 0.99, name
