"""An ensemble without XGBoost says what XGBoost says, and is no larger than it may be."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import product
from math import factorial

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.features.errors import InputError
from sidestep.models.estimators.trees import ScreenedTrees
from sidestep.models.treeshap import ensemble as module
from sidestep.models.treeshap.ensemble import MemoryBudget, TreeEnsemble
from sidestep.models.treeshap.leaves import explain_few
from sidestep.models.treeshap.tables import TreeTables, contributions_by_xgboost
from sidestep.models.treeshap.trees import NoTablesError, Trees

Grow = Callable[[int, int, int, int], tuple[xgb.Booster, np.ndarray]]


@pytest.fixture(scope="module")
def learned() -> tuple[xgb.Booster, np.ndarray]:
    """A booster that learned from rows with gaps, and 700 such rows."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((700, 9)).astype(np.float32)
    y = rows[:, 0] + rows[:, 1] * rows[:, 2]
    rows[rng.random(rows.shape) < 0.1] = np.nan
    settings = {"nthread": 1, "max_depth": 4, "base_score": 0.0}
    return xgb.train(settings, xgb.DMatrix(rows, label=y, nthread=1), 60), rows


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 6),
    n_features=st.integers(1, 8),
    max_depth=st.integers(0, 7),
)
def test_any_tree_predicts_and_explains_any_row(
    grow: Grow, seed: int, n_trees: int, n_features: int, max_depth: int
) -> None:
    booster, rows = grow(seed, n_trees, n_features, max_depth)
    ensemble = TreeEnsemble.of(booster)
    predicted = booster.predict(xgb.DMatrix(rows, nthread=1))
    assert ensemble.predict(rows).tobytes() == predicted.tobytes()
    tabulated, explained = ensemble.tables.explained(rows)
    assert tabulated.tobytes() == predicted.tobytes()
    np.testing.assert_allclose(explained, contributions_by_xgboost(booster, rows), atol=1e-5)
    np.testing.assert_allclose(explained.astype(float).sum(axis=1), predicted, atol=1e-5)
    for few in (1, 9):
        some = TreeEnsemble.of(booster).contributions(rows[:few])
        assert some.tobytes() == explained[:few].tobytes()


def expected(trees: Trees, row: np.ndarray, both_ways: np.ndarray) -> float:
    """What a row gets of all trees, walked down one by one."""

    def below(node: int) -> float:
        left, right = trees.left[node], trees.right[node]
        if left < 0:
            return float(trees.value[node])
        x = row[trees.feature[node]]
        if np.isnan(x) and both_ways[trees.feature[node]]:
            weighted = [trees.hessian[child] * below(child) for child in (left, right)]
            return float(sum(weighted) / trees.hessian[node])
        goes_left = trees.default_left[node] if np.isnan(x) else x < trees.threshold[node]
        return below(left if goes_left else right)

    return sum(below(root) for root in trees.roots)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 5),
    n_features=st.integers(1, 5),
    max_depth=st.integers(0, 6),
)
def test_what_no_training_row_lacked_goes_both_ways_and_contributes_nothing(
    grow: Grow, seed: int, n_trees: int, n_features: int, max_depth: int
) -> None:
    booster, rows = grow(seed, n_trees, n_features, max_depth)
    rng = np.random.default_rng(seed)
    both_ways = rng.random(n_features) < 0.7
    rows[rng.random(rows.shape) < 0.3] = np.nan
    ensemble = TreeEnsemble.of(booster, both_ways=both_ways)
    predicted, explained = ensemble.predict(rows), ensemble.contributions(rows)
    walked = [expected(ensemble.trees, row, both_ways) for row in rows]
    np.testing.assert_allclose(predicted, walked, atol=1e-5)
    np.testing.assert_allclose(explained.astype(float).sum(axis=1), predicted, atol=1e-5)
    assert (explained[:, :-1][np.isnan(rows) & both_ways] == 0).all()
    for row in range(0, len(rows), 7):
        alone = TreeEnsemble.of(booster, both_ways=both_ways)
        assert alone.predict(rows[[row]]).tobytes() == predicted[[row]].tobytes()
        assert alone.contributions(rows[[row]]).tobytes() == explained[[row]].tobytes()


def test_contributions_of_rows_with_gaps_are_shapley_values(learned) -> None:
    """By the definition: over all orders, what a feature changes when it becomes known."""
    booster, rows = learned
    everything = np.ones(9, bool)
    ensemble = TreeEnsemble.of(booster, both_ways=everything)
    row = rows[np.isnan(rows).sum(axis=1) == 2][0]
    known = np.flatnonzero(~np.isnan(row))
    sets = np.array(list(product([False, True], repeat=len(known))))
    masked = np.full((len(sets), 9), np.nan, np.float32)
    masked[:, known] = np.where(sets, row[known], np.nan)
    values = ensemble.predict(masked).astype(float)
    value = dict(zip(map(tuple, sets.tolist()), values, strict=True))
    n = len(known)
    for place, feature in enumerate(known):
        shapley = 0.0
        for coalition in sets[~sets[:, place]]:
            joined = coalition.copy()
            joined[place] = True
            s = int(coalition.sum())
            weight = factorial(s) * factorial(n - 1 - s) / factorial(n)
            shapley += weight * (value[tuple(joined)] - value[tuple(coalition)])
        assert ensemble.contributions(row[None])[0, feature] == pytest.approx(shapley, abs=1e-5)


def test_many_rows_with_the_same_gaps_are_tabulated_and_change_no_byte(learned) -> None:
    booster, rows = learned
    rows = rows.copy()
    rows[:, [1, 4]] = np.nan
    both_ways = np.isin(np.arange(9), [1, 4])
    few, many = (TreeEnsemble.of(booster, both_ways=both_ways) for _ in range(2))
    whole = many.contributions(rows)
    for start in range(0, 90, 30):
        some = slice(start, start + 30)
        assert few.contributions(rows[some]).tobytes() == whole[some].tobytes()
    assert many.predict(rows)[:30].tobytes() == few.predict(rows[:30]).tobytes()


def test_a_row_is_the_same_alone_and_in_any_batch(learned) -> None:
    booster, rows = learned
    ensemble = TreeEnsemble.of(booster)
    some = np.array([699, 0, 5, 5, 512])
    for what in (ensemble.predict, ensemble.contributions):
        whole = what(rows)
        np.testing.assert_array_equal(what(rows[some]), whole[some])
        np.testing.assert_array_equal(np.array([what(rows[[row]])[0] for row in some]), whole[some])
        np.testing.assert_array_equal(what(np.asfortranarray(rows)), whole)
        assert len(what(rows[:0])) == 0


def tabulated(ensemble: TreeEnsemble) -> bool:
    """Whether the tables of rows without gaps are kept."""
    (explanation,) = vars(ensemble)["_kept"].values()
    return explanation._tables is not None


def test_tables_are_filled_when_they_pay_and_change_no_byte(learned) -> None:
    booster, rows = learned
    whole = TreeEnsemble.of(booster).contributions(rows)
    ensemble = TreeEnsemble.of(booster)
    had = []
    for start in range(0, 240, 40):
        some = slice(start, start + 40)
        predicted, explained = ensemble.explained(rows[some])
        assert predicted.tobytes() == ensemble.predict(rows[some]).tobytes()
        assert explained.tobytes() == whole[some].tobytes()
        had.append(tabulated(ensemble))
    assert had == [False] + [True] * 5
    many = TreeEnsemble.of(booster)
    many.contributions(rows)
    assert tabulated(many)


def test_rows_of_other_features_are_refused(learned) -> None:
    booster, rows = learned
    for n_rows in (2, len(rows)):
        with pytest.raises(ValueError, match=rf"X has shape \({n_rows}, 8\); expected \(n_rows, 9"):
            TreeEnsemble.of(booster).contributions(rows[:n_rows, :8])


def test_trees_too_deep_for_tables_are_too_deep_for_few_rows_as_well() -> None:
    chain = np.arange(14)
    left, right = np.full((2, 29), -1)
    left[chain], right[chain] = np.append(chain[1:], 14), chain + 15
    nodes = np.where(left >= 0, 0, 0).astype(np.int32)
    trees = Trees.of_nodes(
        1, np.array([0]), left, right, nodes, np.ones(29), np.zeros(29, bool), np.ones(29)
    )
    with pytest.raises(NoTablesError, match="deeper than 12 conditions"):
        explain_few(trees, np.zeros((1, 1), np.float32), np.zeros(1, bool))


def test_a_state_and_a_pickle_make_the_same_ensemble(learned) -> None:
    booster, rows = learned
    ensemble = TreeEnsemble.of(booster)
    explained = ensemble.contributions(rows)
    for again in (TreeEnsemble(**ensemble.get_state()), pickle.loads(pickle.dumps(ensemble))):
        assert again.predict(rows).tobytes() == ensemble.predict(rows).tobytes()
        assert again.contributions(rows).tobytes() == explained.tobytes()
    assert len(pickle.dumps(ensemble)) < 1.1 * len(pickle.dumps(ensemble.get_state()))


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("left", lambda nodes: np.where(nodes >= 0, 0, nodes)),
        ("right", lambda nodes: np.where(nodes >= 0, nodes + 10**6, nodes)),
        ("right", lambda nodes: np.full_like(nodes, -1)),
        ("feature", lambda nodes: nodes + 9),
        ("feature", lambda nodes: nodes - 9),
        ("roots", lambda nodes: nodes - 1),
        ("hessian", lambda nodes: nodes[1:]),
    ],
)
def test_arrays_that_are_no_trees_are_refused(learned, part, damage) -> None:
    state = TreeEnsemble.of(learned[0]).get_state()
    with pytest.raises(ValueError, match="do not describe trees"):
        TreeEnsemble(**state | {part: damage(state[part])})


def test_tables_are_kept_only_where_there_is_room(learned, monkeypatch) -> None:
    booster, rows = learned
    size = TreeTables.of(booster).n_bytes
    monkeypatch.setattr(module, "_BUDGET", MemoryBudget(2 * size))
    ensembles = [TreeEnsemble.of(booster) for _ in range(3)]
    explained = [ensemble.contributions(rows).tobytes() for ensemble in ensembles]
    assert len(set(explained)) == 1
    assert [ensemble.tables is ensemble.tables for ensemble in ensembles] == [True, True, False]
    del ensembles[0]
    assert ensembles[1].tables is ensembles[1].tables
    assert ensembles[1].contributions(rows).tobytes() == explained[0]


def test_a_booster_that_cannot_be_tabulated_is_no_ensemble() -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((800, 3)).astype(np.float32)
    deep = {"nthread": 1, "max_depth": 14, "min_child_weight": 0}
    booster = xgb.train(deep, xgb.DMatrix(X, label=rng.random(800), nthread=1), 2)
    with pytest.raises(NoTablesError, match="deeper than 12 conditions"):
        TreeEnsemble.of(booster)


@pytest.mark.parametrize("spread", [1.0, 1e-6])
@pytest.mark.parametrize("max_depth", [3, 12])
def test_trees_of_any_depth_are_restored_to_the_bit(max_depth: int, spread: float) -> None:
    rng = np.random.default_rng(2)
    names = [f"expression:G{number}" for number in range(8)]
    X = pd.DataFrame(rng.standard_normal((800, 8)), columns=names)
    fitted = ScreenedTrees(n_features=8, n_trees=4, max_depth=max_depth, min_child_weight=0.0).fit(
        X, spread * rng.standard_normal(800)
    )
    columns = np.array(names, dtype=object)
    restored = ScreenedTrees.from_state(fitted.get_state(), columns)
    sent = pickle.loads(pickle.dumps(fitted))
    expected = fitted.contributions(X).values
    assert np.abs(expected).max() > 0.01 * spread
    np.testing.assert_allclose(
        expected.sum(axis=1) + fitted.contributions(X).base_value,
        fitted.predict(X),
        atol=1e-5 * spread,
    )
    for trees in (restored, sent):
        np.testing.assert_array_equal(trees.predict(X), fitted.predict(X))
        np.testing.assert_array_equal(trees.contributions(X).values, expected)
        np.testing.assert_array_equal(trees.contributions(X.iloc[[7]]).values[0], expected[7])
        np.testing.assert_array_equal(trees.gains(), fitted.gains())


def test_trees_too_deep_to_be_explained_are_not_grown() -> None:
    X = pd.DataFrame({"expression:A": np.arange(20.0)})
    with pytest.raises(InputError, match="max_depth 13 is too deep to be explained; give at most"):
        ScreenedTrees(max_depth=13).fit(X, X["expression:A"])


def test_a_second_fit_forgets_the_first() -> None:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.standard_normal((60, 2)), columns=["expression:A", "expression:B"])
    trees = ScreenedTrees(n_trees=10).fit(X, X["expression:A"])
    assert trees.gains()[0] > trees.gains()[1]
    assert np.abs(trees.contributions(X).values).sum(axis=0).argmax() == 0
    trees.fit(X, X["expression:B"])
    assert trees.gains()[1] > trees.gains()[0]
    assert np.abs(trees.contributions(X).values).sum(axis=0).argmax() == 1
