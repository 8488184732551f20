"""The explainer picks the quicker way, and picks the same way for the same work."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xgboost as xgb

from benchmarks.booster_explainer import BoosterExplainer
from sidestep.models.treeshap.tables import TreeTables, contributions_by_xgboost
from sidestep.models.treeshap.trees import NoTablesError


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((600, 10)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


@pytest.fixture(scope="module")
def booster(rows: np.ndarray) -> xgb.Booster:
    y = np.nan_to_num(rows[:, 0] * rows[:, 1]) + rows[:, 2:4].sum(
        axis=1, where=~np.isnan(rows[:, 2:4])
    )
    data = xgb.DMatrix(rows, label=y, nthread=1)
    return xgb.train({"max_depth": 4, "eta": 0.1, "nthread": 1}, data, 100)


def test_few_rows_go_to_xgboost_and_many_to_tables(booster: xgb.Booster) -> None:
    explainer = BoosterExplainer(booster)
    ways = [explainer.choose(n_rows) for n_rows in (0, 20, 200, 100_000)]
    assert ways == ["xgboost", "xgboost", "xgboost", "tables"]


def test_each_engine_gives_its_own_numbers(booster: xgb.Booster, rows: np.ndarray) -> None:
    explainer = BoosterExplainer(booster)
    by_xgboost, by_tables = contributions_by_xgboost(booster, rows), TreeTables.of(booster)
    np.testing.assert_array_equal(explainer.contributions(rows), by_xgboost)
    np.testing.assert_array_equal(
        explainer.contributions(rows, engine="tables"), by_tables.contributions(rows)
    )
    np.testing.assert_array_equal(explainer.contributions(rows, engine="xgboost"), by_xgboost)
    np.testing.assert_allclose(by_tables.contributions(rows), by_xgboost, rtol=0, atol=1e-5)


def test_chunks_of_planned_rows_are_explained_alike(booster: xgb.Booster, rows: np.ndarray) -> None:
    explainer = BoosterExplainer(booster)
    chunks = [explainer.contributions(rows[k : k + 100], 1_000_000) for k in range(0, 600, 100)]
    np.testing.assert_array_equal(
        np.vstack(chunks), TreeTables.of(booster).contributions(rows), strict=True
    )


def test_the_first_rounds_alone(booster: xgb.Booster, rows: np.ndarray) -> None:
    explainer = BoosterExplainer(booster, n_rounds=7)
    expected = contributions_by_xgboost(booster, rows, 7)
    np.testing.assert_array_equal(explainer.contributions(rows), expected)
    np.testing.assert_allclose(
        explainer.contributions(rows, engine="tables"), expected, rtol=0, atol=1e-5
    )


def test_what_cannot_be_tabulated_is_left_to_xgboost(
    booster: xgb.Booster, rows: np.ndarray
) -> None:
    explainer = BoosterExplainer(booster, memory=1000)
    assert explainer.choose(10**9) == "xgboost"
    np.testing.assert_array_equal(
        explainer.contributions(rows[:5], planned_rows=10**9),
        contributions_by_xgboost(booster, rows[:5]),
    )
    with pytest.raises(NoTablesError, match="more than 1000"):
        explainer.contributions(rows, engine="tables")


@pytest.mark.parametrize("kind", ["gblinear", "none"])
def test_boosters_without_trees(kind: str, rows: np.ndarray) -> None:
    parameters = {"booster": "gblinear"} if kind == "gblinear" else {}
    data = xgb.DMatrix(np.nan_to_num(rows), label=np.nan_to_num(rows[:, 0]), nthread=1)
    linear = xgb.train({"nthread": 1} | parameters, data, 2 if kind == "gblinear" else 0)
    assert BoosterExplainer(linear).choose(10**7) == "xgboost"


def test_a_few_rows_are_explained_without_loading_numba() -> None:
    program = """
import sys
import numpy as np, xgboost as xgb
from benchmarks.booster_explainer import BoosterExplainer
X = np.random.default_rng(0).standard_normal((100, 4))
booster = xgb.train({"nthread": 1}, xgb.DMatrix(X, label=X[:, 0]), 400)
BoosterExplainer(booster).contributions(X[:20])
sys.exit("numba" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
