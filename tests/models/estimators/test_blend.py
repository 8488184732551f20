"""How ridge and trees are weighed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

from sidestep.features.errors import InputError
from sidestep.models.estimators.blend import Blend, blend_weights, blended

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


def test_the_blend_is_about_the_training_mean():
    combined = blended(np.array([[5.0, 7.0], [4.0, 4.0]]), np.array([0.5, 0.25]), 4.0)
    np.testing.assert_allclose(combined, [4 + 0.5 + 0.75, 4.0])


def test_its_prediction_is_that_of_its_members(lines):
    blend = Blend(tree_settings=FEW_TREES).fit(lines.X, lines.y, lines.donors)
    parts = np.column_stack([blend.ridge_.predict(lines.X), blend.trees_.predict(lines.X)])
    expected = blend.mean_ + (parts - blend.mean_) @ blend.weights_
    np.testing.assert_allclose(blend.predict(lines.X), expected)
    for fitted, fresh in zip((blend.ridge_, blend.trees_), blend.members(), strict=True):
        alone = fresh.fit(lines.X, lines.y, lines.donors)
        np.testing.assert_array_equal(fitted.predict(lines.X), alone.predict(lines.X))
    by_part = [m.contributions(lines.X).values for m in (blend.ridge_, blend.trees_)]
    np.testing.assert_allclose(
        blend.contributions(lines.X).values,
        blend.weights_[0] * by_part[0] + blend.weights_[1] * by_part[1],
    )


def test_its_members_have_its_settings():
    ridge, trees = Blend(["rppa:A"], tree_settings={"max_depth": 5}, seed=3, n_jobs=2).members()
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
