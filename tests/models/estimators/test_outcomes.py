"""A binary response: what is fitted, left out and blended on the log-odds, against known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sidestep.features.errors import InputError
from sidestep.models.estimators.baselines import GroupMean, SingleMarker
from sidestep.models.estimators.blend import Blend, blend_weights
from sidestep.models.estimators.evidence import evidence_fit, left_out_log_odds, mode
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees

BINARY = outcome_of("binary")


def drawn(n=120, p=6, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, p))
    values -= values.mean(axis=0)
    y = (rng.random(n) < expit(values[:, 0] - 0.5)).astype(float)
    return values, y


def patients(n=300, seed=1):
    """Patients of three regimens: a signature helps in one of them and harms in another."""
    rng = np.random.default_rng(seed)
    regimen = rng.integers(0, 3, n)
    marker, axis, other = rng.normal(size=(3, n))
    truth = -0.7 + 0.9 * axis + np.array([1.6, 0.0, -1.6])[regimen] * marker
    table = pd.DataFrame(
        {
            "rppa:ERBB2": other,
            "expression:A": marker,
            "expression:B": axis,
            **{f"regimen:ARM={name}": (regimen == at) * 1.0 for at, name in enumerate("NCP")},
        }
    )
    table.loc[::7, "rppa:ERBB2"] = np.nan
    return table, (rng.random(n) < expit(truth)).astype(float), truth


def test_the_mode_is_that_of_penalised_logistic_regression():
    values, y = drawn()
    found = mode(values @ values.T, y)
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(values, y)
    np.testing.assert_allclose(values.T @ found.dual, reference.coef_[0], atol=1e-5)
    assert found.intercept == pytest.approx(reference.intercept_[0], abs=1e-5)
    assert found.dual.sum() == pytest.approx(0.0, abs=1e-9)


def test_the_mode_is_found_where_the_outcomes_can_be_told_apart():
    values = np.linspace(-1, 1, 30)[:, None]
    kernel = 1e4 * values @ values.T
    found = mode(kernel, (values[:, 0] > 0).astype(float))
    assert np.isfinite(found.log_odds(kernel)).all()


def test_a_donor_left_out_in_one_step_is_near_to_a_fit_without_the_donor():
    values, y = drawn(n=80)
    groups = np.repeat(np.arange(40), 2)
    kernel = values @ values.T
    one_step = left_out_log_odds(kernel, y, groups, mode(kernel, y))
    for donor in range(0, 40, 8):
        kept = groups != donor
        without = mode(kernel[np.ix_(kept, kept)], y[kept])
        exact = without.intercept + kernel[np.ix_(~kept, kept)] @ without.dual
        np.testing.assert_allclose(one_step[~kept], exact, atol=0.12)


def test_a_view_that_says_nothing_gets_no_weight():
    values, y = drawn(n=300)
    noise = np.random.default_rng(5).normal(size=(300, 40))
    noise -= noise.mean(axis=0)
    kernels = {"telling": values[:, :1] @ values[:, :1].T, "noise": noise @ noise.T / 40}
    found = evidence_fit(kernels, y, np.arange(300))
    assert found.view_weights["telling"] >= 0.3
    assert found.view_weights["noise"] <= 0.03


def test_regimens_deviate_where_they_do_and_only_there():
    table, y, _ = patients()
    ridge = MultiViewRidge(kind="binary").fit(table, y)
    slope = ridge.coef_[1] + ridge.deviations_[:, 1]
    assert slope[0] > 0.5 > abs(slope[1])
    assert slope[2] < -0.5
    held_out, _, expected = patients(seed=2)
    assert np.corrcoef(ridge.predict(held_out), expected)[0, 1] > 0.9
    unseen = held_out.assign(**dict.fromkeys(table.columns[3:], 0.0))
    shared = ridge.intercept_ + (unseen.iloc[:, :3] - ridge.means_[:3]).fillna(0) @ ridge.coef_[:3]
    np.testing.assert_allclose(ridge.predict(unseen), shared, atol=1e-6)


def test_a_target_counts_where_its_drug_was_given():
    table, y, _ = patients()
    table["regimen:drug=X"] = table["regimen:ARM=N"]
    ridge = MultiViewRidge(("rppa:ERBB2",), gates={"regimen:drug=X": ["rppa:ERBB2"]}, kind="binary")
    ridge.fit(table, y)
    explained = ridge.contributions(table)
    total = explained.base_value + explained.values.sum(axis=1)
    np.testing.assert_allclose(total, ridge.predict(table), atol=1e-9)
    assert ridge.gates_.tolist() == [[name == "rppa:ERBB2" for name in table.columns]]


def test_blend_and_sub_models_of_log_odds_add_up_and_come_back_from_their_state():
    table, y, truth = patients(n=200)
    model = PatternBlend(markers=("rppa:ERBB2",), tree_settings={"n_trees": 30}, kind="binary").fit(
        table, y
    )
    explained = model.contributions(table)
    total = explained.base_value + explained.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(table), atol=1e-5)
    again = PatternBlend.from_state(model.get_state(), model.feature_names_in_)
    np.testing.assert_array_equal(again.predict(table), model.predict(table))
    blend = model.blends_[model.patterns[0]]
    assert blend.held_out_.shape == y.shape
    assert np.corrcoef(blend.held_out_, truth)[0, 1] > 0.8
    assert not explained.values[:, 3:].any()  # a regimen is a condition, and no feature


def test_out_of_fold_log_odds_are_those_of_fits_without_the_fold():
    table, y, _ = patients(n=120)
    folds = [(np.arange(60, 120), np.arange(60)), (np.arange(60), np.arange(60, 120))]
    ridge = MultiViewRidge(kind="binary")
    held_out = ridge.out_of_fold(table, y, np.arange(120), folds)
    assert np.isfinite(held_out).all()
    for train, test in folds:
        alone = MultiViewRidge(kind="binary").fit(table.iloc[train], y[train])
        assert np.corrcoef(alone.predict(table.iloc[test]), held_out[test])[0, 1] > 0.95


def test_trees_learn_the_log_odds_from_where_the_rate_lies():
    table, y, truth = patients()
    trees = ScreenedTrees(n_trees=60, kind="binary").fit(table, y)
    assert np.corrcoef(trees.predict(table), truth)[0, 1] > 0.6
    few = ScreenedTrees(n_trees=1, learning_rate=1e-6, kind="binary").fit(table, y)
    np.testing.assert_allclose(few.predict(table), BINARY.centre(y), atol=1e-4)


def test_marker_and_groups_give_rates_as_log_odds():
    table, y, _ = patients()
    marker = SingleMarker(("expression:B",), "binary").fit(table, y)
    reference = LogisticRegression(C=1e6).fit(table[["expression:B"]], y)
    assert marker.slope_ == pytest.approx(reference.coef_[0, 0], rel=0.05)
    labels = pd.Series(np.where(np.arange(300) < 150, "a", "b"))
    rates = pd.Series(np.r_[np.ones(150), np.zeros(150)])
    groups = GroupMean(labels, prior_lines=2.0, kind="binary").fit(table, rates)
    assert expit(groups.predict(table))[[0, -1]] == pytest.approx([151 / 152, 1 / 152], abs=0.01)


def test_weights_of_a_blend_go_to_the_member_that_tells():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    y = (rng.random(400) < expit(2 * truth)).astype(float)
    weights = blend_weights(np.column_stack([2 * truth, rng.normal(size=400)]), y, 10.0, BINARY)
    assert weights[0] == pytest.approx(1.0, abs=0.2)
    assert weights[1] < 0.1


def test_one_outcome_alone_is_refused_with_a_sentence():
    table, _, _ = patients(n=30)
    with pytest.raises(InputError, match="same outcome; give some of either"):
        Blend(kind="binary").fit(table, np.ones(30))
    with pytest.raises(InputError, match="continuous or binary"):
        outcome_of("ordinal")
