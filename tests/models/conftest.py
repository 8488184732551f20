"""Lines with a known response, for every test of an estimator; and trees of any kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.predictor import PanelPredictor

MARKER = "expression:ERBB2"
DRUGS = ("Lapatinib", "Everolimus", "BI-2536")
LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
# Nothing in between in single precision: a step to the next float32 crosses the threshold.
THRESHOLDS = np.array(
    [-LARGEST, -1.0, -SMALLEST, 0.0, SMALLEST, 0.1, 1.0, 1.0000001, LARGEST], dtype=np.float32
)


@dataclass(frozen=True)
class Lines:
    """A feature table, the response planted in it, and donor and lineage of each line."""

    X: pd.DataFrame
    y: np.ndarray
    donors: np.ndarray
    lineages: pd.Series


def draw_lines(n: int = 72, seed: int = 0) -> Lines:
    """Draw lines whose response is linear in a marker, an antibody, a mutation and the lineage.

    A quarter lacks RPPA, a quarter mutations, one line has RPPA only, every third donor has two
    lines, one feature is constant and one was never measured.
    """
    rng = np.random.default_rng(seed)
    names = [
        MARKER,
        *(f"expression:G{g}" for g in range(24)),
        *(f"rppa:P{p}" for p in range(12)),
        *(f"mutation:M{m}" for m in range(6)),
        *(f"copy_number:G{g}" for g in range(6)),
    ]
    index = pd.Index([f"L{line:02d}" for line in range(n)], dtype="str", name="sample_id")
    X = pd.DataFrame(rng.standard_normal((n, len(names))), index=index, columns=names)
    mutated = X.columns[X.columns.str.startswith("mutation:")]
    X[mutated] = (X[mutated] > 0.3).astype(float)
    lineages = pd.Series(np.where(rng.random(n) < 0.5, "breast", "lung"), index=index)
    signal = (
        1.2 * X[MARKER] + 0.8 * X["rppa:P0"] - 1.0 * X["mutation:M0"] + 1.5 * (lineages == "lung")
    )
    y = 5.0 + signal + 0.3 * rng.standard_normal(n)
    X["expression:CONSTANT"] = 0.1
    X["rppa:NEVER"] = np.nan
    rppa, other = X.columns.str.startswith("rppa:"), ~X.columns.str.startswith("rppa:")
    X.loc[index[: n // 4], X.columns[rppa]] = np.nan
    X.loc[index[n // 4 : n // 2], mutated] = np.nan
    X.loc[index[-1], X.columns[other]] = np.nan
    donors = np.array([f"D{line - line % 3 // 2}" for line in range(n)], dtype=object)
    return Lines(X, y.to_numpy(), donors, lineages)


@pytest.fixture(scope="session")
def lines() -> Lines:
    return draw_lines()


@pytest.fixture(scope="session")
def many_lines() -> Lines:
    return draw_lines(n=240, seed=1)


@pytest.fixture(scope="session")
def marker() -> str:
    return MARKER


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a simulated study: 32 lines, some without RPPA, mutations or copy number."""
    folder = tmp_path_factory.mktemp("models") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=32, genes=120, seed=3))
    return read_study(folder)


@pytest.fixture(scope="session")
def predictor(study: Study, fit_predictor: Callable[..., PanelPredictor]) -> PanelPredictor:
    """Return a predictor of three drugs, whose names are not in alphabetical order."""
    return fit_predictor(study, "gi50", DRUGS, clinical=["SUBTYPE"])


@pytest.fixture(scope="session")
def grow() -> Callable[[int, int, int, int], tuple[xgb.Booster, np.ndarray]]:
    """Grow trees by seed, number, features and depth; and draw rows on and about thresholds."""

    def grow(
        seed: int, n_trees: int, n_features: int, max_depth: int
    ) -> tuple[xgb.Booster, np.ndarray]:
        rng = np.random.default_rng(seed)
        data = xgb.DMatrix(np.zeros((4, n_features)), label=np.zeros(4), nthread=1)
        plain = xgb.train({"nthread": 1, "base_score": 0.0}, data, n_trees)
        model = json.loads(bytes(plain.save_raw("json")))
        trees = [grown_at_random(rng, n_features, max_depth) for _ in range(n_trees)]
        for number, tree in enumerate(trees):
            tree["id"] = number
        model["learner"]["gradient_booster"]["model"]["trees"] = trees
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(json.dumps(model).encode()))
        above = np.nextafter(THRESHOLDS[1:-1], np.float32(np.inf))
        values = np.concatenate([THRESHOLDS, above, [np.nan, 0.5, -0.0]]).astype(np.float32)
        return booster, rng.choice(values, (40, n_features))

    return grow


def grown_at_random(rng: np.random.Generator, n_features: int, max_depth: int) -> dict[str, Any]:
    """A tree that no data would give: any threshold, any weights, conditions that contradict."""
    parents, depths = [2**31 - 1], [0]
    left, right, feature, condition, hessian = [], [], [], [], []
    node = 0
    while node < len(parents):
        feature.append(int(rng.integers(n_features)))
        hessian.append(float(rng.choice([0.0, 1.0, 2.0, 7.0])))
        splits = depths[node] < max_depth and rng.random() < 0.8
        condition.append(float(rng.choice(THRESHOLDS) if splits else rng.standard_normal()))
        # XGBoost numbers the children of a node one after the other.
        left.append(len(parents) if splits else -1)
        right.append(len(parents) + 1 if splits else -1)
        if splits:
            parents += [node, node]
            depths += [depths[node] + 1] * 2
        node += 1
    for node in reversed(range(len(parents))):
        if left[node] >= 0:
            hessian[left[node]] = max(hessian[left[node]], 1.0)
            hessian[node] = hessian[left[node]] + hessian[right[node]]

    n_nodes = len(left)
    empty: list[int] = []
    return {
        "base_weights": [0.0] * n_nodes,
        "categories": empty,
        "categories_nodes": empty,
        "categories_segments": empty,
        "categories_sizes": empty,
        "default_left": rng.integers(2, size=n_nodes).tolist(),
        "left_children": left,
        "loss_changes": [1.0] * n_nodes,
        "parents": parents,
        "right_children": right,
        "split_conditions": condition,
        "split_indices": feature,
        "split_type": [0] * n_nodes,
        "sum_hessian": hessian,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(n_features),
            "num_nodes": str(n_nodes),
            "size_leaf_vector": "1",
        },
    }
