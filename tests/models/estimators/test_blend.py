"""How ridge, trees and the marker are weighed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

from sidestep.features.errors import InputError
from sidestep.models.estimators import blend_contributions
from sidestep.models.estimators.blend import Blend, blend_weights, blended, prior_weights
from sidestep.models.estimators.blend_contributions import (
    BlendContributions,
    largest_contributions,
)

FEW_TREES = {"n_trees": 30, "n_features": 20}


def members(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = 5 + rng.standard_normal(n)
    return np.column_stack([y + rng.standard_normal(n), y + 2 * rng.standard_normal(n)]), y


def test_without_shrinkage_weights_are_least_squares():
    held_out, y = members(0)
    expected, _ = nnls(held_out - y.mean(), y - y.mean())
    np.testing.assert_allclose(blend_weights(held_out, y, 0.0), expected)


def test_huge_shrinkage_gives_one_half_each():
    held_out, y = members(0)
    np.testing.assert_allclose(blend_weights(held_out, y, 1e9), 0.5, atol=1e-6)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10_000), shrinkage=st.floats(0, 1000), sign=st.sampled_from([-1, 1]))
def test_weights_are_never_negative_and_minimise_the_penalised_error(seed, shrinkage, sign):
    held_out, y = members(seed, n=12)
    held_out[:, 0] = y.mean() + sign * (held_out[:, 0] - y.mean())
    weights = blend_weights(held_out, y, shrinkage)
    assert (weights >= 0).all()
    deviations = held_out - y.mean()
    pull = shrinkage * np.mean(deviations**2)

    def objective(w: np.ndarray) -> float:
        error = np.sum((y - y.mean() - deviations @ w) ** 2)
        return float(error + pull * np.sum((w - 0.5) ** 2))

    found = minimize(objective, [0.5, 0.5], bounds=[(0, None)] * 2)
    assert objective(weights) <= found.fun * (1 + 1e-6) + 1e-9


def test_a_member_that_is_wrong_gets_no_weight():
    held_out, y = members(1, n=200)
    held_out[:, 1] = 2 * y.mean() - held_out[:, 1]
    weights = blend_weights(held_out, y, 1.0)
    assert weights[1] == 0
    assert weights[0] > 0.2


def test_members_that_say_nothing_share_alike():
    y = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(blend_weights(np.full((3, 2), 2.0), y, 10.0), [0.5, 0.5])


def marked(seed: int, n: int, truth: float) -> tuple[np.ndarray, np.ndarray]:
    """Members of which ridge and trees hold half of what the marker does; `truth` is its share."""
    rng = np.random.default_rng(seed)
    marker, other = rng.standard_normal((2, n))
    y = 3 + truth * marker + (1 - truth) * other + 0.6 * rng.standard_normal(n)
    ridge = 3 + 0.5 * truth * marker + 0.8 * (1 - truth) * other + 0.4 * rng.standard_normal(n)
    trees = 3 + 0.5 * truth * marker + 0.8 * (1 - truth) * other + 0.4 * rng.standard_normal(n)
    return np.column_stack([ridge, trees, 3 + truth * marker]), y


@pytest.mark.parametrize("n", [30, 60, 400])
def test_where_the_marker_is_the_truth_it_has_most_of_the_weight(n):
    shares = [
        w / w.sum() for w in (blend_weights(*marked(seed, n, 1.0), 100.0) for seed in range(9))
    ]
    assert np.mean(shares, axis=0)[2] > 0.6


@pytest.mark.parametrize("n", [30, 60, 400])
def test_a_marker_that_says_nothing_has_next_to_no_weight(n):
    shares = [
        w / w.sum() for w in (blend_weights(*marked(seed, n, 0.0), 100.0) for seed in range(9))
    ]
    assert np.mean(shares, axis=0)[2] < 0.1


def test_without_the_marker_the_prior_is_one_half_each():
    held_out, y = marked(0, 40, 1.0)
    np.testing.assert_array_equal(prior_weights(held_out[:, :2] - 3, y - 3), [0.5, 0.5])


@pytest.mark.parametrize("sharpness", [0.25, 1.0])
def test_the_prior_weighs_its_candidates_by_odds_and_evidence(sharpness):
    held_out, y = marked(1, 25, 0.5)
    held_out, y = held_out - 3, y - 3
    candidates = np.array([[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]])
    likely = [
        odds * np.mean((y - held_out @ one) ** 2) ** (-sharpness * 25 / 2)
        for odds, one in zip((4, 2, 1), candidates, strict=True)
    ]
    expected = np.average(candidates, axis=0, weights=likely)
    found = prior_weights(held_out, y, (4, 2, 1), sharpness)
    np.testing.assert_allclose(found, expected)
    assert found.sum() == pytest.approx(1)


def test_the_blend_is_about_the_training_mean():
    combined = blended(np.array([[5.0, 7.0], [4.0, 4.0]]), np.array([0.5, 0.25]), 4.0)
    np.testing.assert_allclose(combined, [4 + 0.5 + 0.75, 4.0])


@pytest.mark.slow
def test_its_prediction_is_that_of_its_members(lines):
    blend = Blend(markers=["expression:ERBB2"], tree_settings=FEW_TREES)
    blend.fit(lines.X, lines.y, lines.donors)
    fitted_members = (blend.ridge_, blend.trees_, blend.marker_)
    assert blend.weights_.min() > 0.1
    parts = np.column_stack([member.predict(lines.X) for member in fitted_members])
    expected = blend.mean_ + (parts - blend.mean_) @ blend.weights_
    np.testing.assert_allclose(blend.predict(lines.X), expected)
    for fitted, fresh in zip(fitted_members, blend.members(), strict=True):
        alone = fresh.fit(lines.X, lines.y, lines.donors)
        np.testing.assert_array_equal(fitted.predict(lines.X), alone.predict(lines.X))
    by_part = [member.contributions(lines.X).values for member in fitted_members]
    np.testing.assert_allclose(
        blend.contributions(lines.X).values, np.tensordot(blend.weights_, by_part, 1), atol=1e-12
    )


def test_its_members_have_its_settings():
    blend = Blend(["rppa:A"], ["rppa:B"], tree_settings={"max_depth": 5}, seed=3, n_jobs=2)
    ridge, trees, marker = blend.members()
    assert marker.markers == ["rppa:B"]
    assert ridge.target_features == trees.target_features == ["rppa:A"]
    assert (trees.max_depth, trees.seed, trees.n_jobs) == (5, 3, 2)


def test_lines_of_one_donor_do_not_vouch_for_each_other():
    """Each line twice, and a response of noise: weights must not come from knowing the twin."""
    rng = np.random.default_rng(6)
    X = pd.DataFrame(rng.standard_normal((30, 80)), columns=[f"expression:G{g}" for g in range(80)])
    X, y = pd.concat([X, X], ignore_index=True), np.tile(rng.standard_normal(30), 2)
    donors = np.tile(np.arange(30), 2)
    settings = {"shrinkage": 0.0, "tree_settings": FEW_TREES}
    grouped = Blend(**settings).fit(X, y, donors)
    apart = Blend(**settings).fit(X, y)
    assert apart.weights_.sum() > 0.9
    assert grouped.weights_.sum() < 0.5


def test_one_donor_is_refused(lines):
    with pytest.raises(InputError, match="1 donor cannot be split"):
        Blend().fit(lines.X, lines.y, ["D"] * len(lines.y))


def test_unknown_tree_settings_are_an_error(lines):
    with pytest.raises(TypeError, match="n_treees"):
        Blend(tree_settings={"n_treees": 3}).fit(lines.X, lines.y, lines.donors)


@pytest.mark.parametrize("top_k", [0, 1, 10, 400])
@pytest.mark.parametrize("regimens", [(), ("regimen:A", "regimen:B")])
@pytest.mark.parametrize("together", [1, 650])
def test_the_largest_contributions_are_those_of_all(top_k, regimens, together, monkeypatch):
    # So many values are looked at together, which are those of one row or of two.
    monkeypatch.setattr(blend_contributions, "_TOGETHER", together)
    rng = np.random.default_rng(top_k)
    names = [f"expression:G{gene}" for gene in range(300)]
    lines = pd.DataFrame(rng.standard_normal((60, 300)).round(1), columns=names)
    for number, name in enumerate(regimens):
        lines[name] = (np.arange(60) % 3 == number).astype(float)
    y = lines[names[0]].to_numpy() + rng.standard_normal(60)
    rows = np.ascontiguousarray(lines.iloc[:9])
    rows[2, :40], rows[4, :300] = np.nan, np.nan
    order = rng.permutation(rows.shape[1])
    blends, asked = [], []
    for share, marker in ((0.2, names[0]), (0.5, names[-1])):
        settings = {"marker_share": share, "tree_settings": FEW_TREES}
        blends.append(Blend(names[:5], [marker], inner_folds=0, **settings).fit(lines, y))
        asked.append(np.array([rng.permutation(rows.shape[1])[:top_k] for _ in rows]))
        asked[-1][:, :1] = -1  # a feature that it lacks
    for blend, columns, found in zip(
        blends, asked, largest_contributions(blends, rows, order, asked, top_k), strict=True
    ):
        members, contributions = blend.explain_rows(rows)
        values = contributions.values
        expected = [np.lexsort((order, -np.abs(row)))[:top_k] for row in values]
        np.testing.assert_array_equal(found.columns, np.reshape(expected, found.columns.shape))
        of_columns = np.take_along_axis(values, found.columns, axis=1)
        np.testing.assert_array_equal(found.values, of_columns)
        of_asked = np.where(columns < 0, 0.0, np.take_along_axis(values, columns, axis=1))
        np.testing.assert_array_equal(found.asked, of_asked)
        np.testing.assert_array_equal(BlendContributions(blend, rows).of(columns), of_asked)
        for predicted in (found.members.predictions, members):
            np.testing.assert_array_equal(predicted, blend.predict_members(rows))
