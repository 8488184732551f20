"""Tabulated contributions are XGBoost's own, for every tree and row, alone and among others."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.models.treeshap.tables import TreeTables, contributions_by_xgboost
from sidestep.models.treeshap.trees import NoTablesError

Grow = Callable[[int, int, int, int], tuple[xgb.Booster, np.ndarray]]


def simulated(
    n_rows: int = 400, n_features: int = 12, missing: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and a response of unit scale with an interaction."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)).astype(np.float32)
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.standard_normal(n_rows)
    X[rng.random(X.shape) < missing] = np.nan
    return X, y / y.std()


def boosted(X: np.ndarray, y: np.ndarray, n_trees: int = 30, **parameters: Any) -> xgb.Booster:
    settings = {"eta": 0.2, "nthread": 1, "subsample": 0.8, "seed": 0} | parameters
    return xgb.train(settings, xgb.DMatrix(X, label=y, nthread=1), n_trees)


def assert_equal_to_xgboost(
    booster: xgb.Booster, X: np.ndarray, n_rounds: int | None = None
) -> None:
    ours = TreeTables.of(booster, n_rounds).contributions(X)
    theirs = contributions_by_xgboost(booster, X, n_rounds)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("max_depth", range(1, 7))
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_every_depth_with_and_without_missing_values(max_depth: int, missing: float) -> None:
    X, y = simulated(missing=missing)
    assert_equal_to_xgboost(boosted(X, y, max_depth=max_depth), X)


def test_one_feature_tested_many_times_on_one_path() -> None:
    X, y = simulated(n_features=3)
    X, y = X[:, :1], np.sin(3 * np.nan_to_num(X[:, 0]))
    assert_equal_to_xgboost(boosted(X, y, max_depth=6, min_child_weight=0), X)


def test_unbalanced_trees_deeper_than_a_block() -> None:
    X, y = simulated()
    chains = {"grow_policy": "lossguide", "max_leaves": 14, "max_depth": 12}
    assert_equal_to_xgboost(boosted(X, y, **chains), X)


def test_rows_on_the_thresholds_and_their_neighbours() -> None:
    X, y = simulated(missing=0.0)
    booster = boosted(X, y, max_depth=3)
    splits = booster.trees_to_dataframe().dropna(subset="Split")
    at = splits["Split"].to_numpy(np.float32)[:40]
    feature = splits["Feature"].str[1:].to_numpy(int)[:40]
    rows = np.repeat(X[:1], 120, axis=0)
    for k, values in enumerate((np.nextafter(at, -np.inf), at, np.nextafter(at, np.inf))):
        rows[np.arange(40) + 40 * k, feature] = values
    assert_equal_to_xgboost(booster, rows)


def test_double_precision_rows_are_compared_in_single_precision() -> None:
    X, y = simulated(missing=0.0)
    booster = boosted(X, y, max_depth=3)
    rows = X.astype(float) * (1 + 1e-9)
    np.testing.assert_array_equal(
        TreeTables.of(booster).contributions(rows), TreeTables.of(booster).contributions(X)
    )


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "count:poisson"])
def test_base_score_of_every_link(objective: str) -> None:
    X, y = simulated()
    label = y if objective == "reg:squarederror" else (y > 0).astype(float)
    assert_equal_to_xgboost(boosted(X, label, objective=objective, base_score=0.7), X)


def test_the_best_iteration_of_early_stopping() -> None:
    X, y = simulated()
    train, held_out = xgb.DMatrix(X[:200], label=y[:200]), xgb.DMatrix(X[200:], label=y[200:])
    stop = {"evals": [(held_out, "held_out")], "early_stopping_rounds": 3, "verbose_eval": False}
    booster = xgb.train({"eta": 0.5, "nthread": 1}, train, 200, **stop)
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    assert_equal_to_xgboost(booster, X, booster.best_iteration + 1)
    assert_equal_to_xgboost(booster, X)


def test_forests_with_several_trees_a_round() -> None:
    X, y = simulated()
    forests = boosted(X, y, 5, num_parallel_tree=3, eta=0.3)
    assert_equal_to_xgboost(forests, X)
    assert_equal_to_xgboost(forests, X, 2)


def test_trees_of_one_leaf_contribute_nothing() -> None:
    X, y = simulated()
    booster = boosted(X, y, 3, min_child_weight=1e6)
    assert_equal_to_xgboost(booster, X)
    assert not TreeTables.of(booster).contributions(X)[:, :-1].any()


def test_trees_pruned_after_growing() -> None:
    X, y = simulated()
    booster = boosted(X, y, 10, max_depth=5, gamma=3.0, tree_method="exact")
    assert_equal_to_xgboost(booster, X)


def test_a_booster_without_trees() -> None:
    X, y = simulated()
    assert_equal_to_xgboost(boosted(X, y, 0), X)


def test_no_rows() -> None:
    X, y = simulated()
    tables = TreeTables.of(boosted(X, y))
    assert tables.contributions(X[:0]).shape == (0, 13)
    assert tables.contributions(X[:0], n_jobs=2).shape == (0, 13)


def test_contributions_add_up_to_the_prediction() -> None:
    X, y = simulated()
    booster = boosted(X, y, 200, max_depth=5, eta=0.05)
    margin = booster.predict(xgb.DMatrix(X), output_margin=True)
    sums = TreeTables.of(booster).contributions(X).astype(float).sum(axis=1)
    np.testing.assert_allclose(sums, margin, rtol=0, atol=1e-5)


def test_a_row_is_the_same_alone_in_any_batch_order_layout_and_cut() -> None:
    X, y = simulated(20_000)
    booster = boosted(X[:400], y[:400], 60, max_depth=6)
    tables = TreeTables.of(booster)
    whole = tables.contributions(X)
    some = np.array([19_999, 0, 8191, 8192, 511, 512, 4])
    alone = np.vstack([tables.contributions(X[[row]]) for row in some])
    np.testing.assert_array_equal(alone, whole[some])
    np.testing.assert_array_equal(tables.contributions(X[some]), whole[some])
    np.testing.assert_array_equal(tables.contributions(np.asfortranarray(X), n_jobs=2), whole)
    small = TreeTables.of(booster, memory=tables.blocks.table_bytes - 1)
    assert small.blocks.table_bytes < tables.blocks.table_bytes
    np.testing.assert_array_equal(small.contributions(X), whole)


def test_tables_keep_to_their_memory() -> None:
    X, y = simulated()
    booster = boosted(X, y, 60, max_depth=6, min_child_weight=0)
    tracemalloc.start()
    tables = TreeTables.of(booster, memory=1_250_000)
    assert tables.table.nbytes <= 1_250_000
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()
    with pytest.raises(NoTablesError, match="bytes, more than 1000"):
        TreeTables.of(booster, memory=1000)


def test_the_wrong_number_of_features_is_refused() -> None:
    X, y = simulated()
    tables = TreeTables.of(boosted(X, y))
    with pytest.raises(ValueError, match=r"shape \(400, 11\); expected \(n_rows, 12\)"):
        tables.contributions(X[:, 1:])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"booster": "dart"}, "'dart', not plain"),
        ({"booster": "gblinear", "subsample": None, "updater": "coord_descent"}, "'gblinear'"),
        ({"objective": "multi:softprob", "num_class": 3}, "several outputs"),
        ({"max_depth": 14, "min_child_weight": 0}, "deeper than 12 conditions"),
    ],
)
def test_what_cannot_be_tabulated_says_why(parameters: dict[str, Any], reason: str) -> None:
    X, y = simulated()
    label = np.digitize(y, [-0.5, 0.5]) if "num_class" in parameters else y
    parameters = {name: value for name, value in parameters.items() if value is not None}
    if parameters.get("booster") == "gblinear":
        booster = xgb.train({"nthread": 1, **parameters}, xgb.DMatrix(X, label=label), 3)
    else:
        booster = boosted(X, label, 3, **parameters)
    with pytest.raises(NoTablesError, match=reason):
        TreeTables.of(booster)


def test_categorical_splits_are_not_tabulated() -> None:
    X, y = simulated(missing=0.0)
    X[:, 0] = np.arange(400) % 5
    types = ["c"] + ["q"] * 11
    data = xgb.DMatrix(X, label=y + X[:, 0], feature_types=types, enable_categorical=True)
    with pytest.raises(NoTablesError, match="splits on categories"):
        TreeTables.of(xgb.train({"nthread": 1, "max_cat_to_onehot": 9}, data, 3))


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 6),
    n_features=st.integers(1, 8),
    max_depth=st.integers(0, 7),
)
def test_any_tree_and_any_row(
    grow: Grow, seed: int, n_trees: int, n_features: int, max_depth: int
) -> None:
    booster, rows = grow(seed, n_trees, n_features, max_depth)
    assert_equal_to_xgboost(booster, rows)
