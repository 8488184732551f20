"""Lines with a known response, for every test of an estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from features.simulation import SimulationPlan, simulate_study
from features.study import Study, read_study
from models.predictor import PanelPredictor

MARKER = "expression:ERBB2"
DRUGS = ("Lapatinib", "Everolimus", "BI-2536")


@dataclass(frozen=True)
class Lines:
    """A feature table, the response planted in it, donors and groups."""

    X: pd.DataFrame
    y: np.ndarray
    donors: np.ndarray
    groups: pd.Series


def draw_lines(n: int = 72, seed: int = 0) -> Lines:
    """Draw lines whose response is linear in a marker, an antibody, a mutation and the group.

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
    groups = pd.Series(np.where(rng.random(n) < 0.5, "breast", "lung"), index=index)
    signal = (
        1.2 * X[MARKER] + 0.8 * X["rppa:P0"] - 1.0 * X["mutation:M0"] + 1.5 * (groups == "lung")
    )
    y = 5.0 + signal + 0.3 * rng.standard_normal(n)
    X["expression:CONSTANT"] = 0.1
    X["rppa:NEVER"] = np.nan
    rppa, other = X.columns.str.startswith("rppa:"), ~X.columns.str.startswith("rppa:")
    X.loc[index[: n // 4], X.columns[rppa]] = np.nan
    X.loc[index[n // 4 : n // 2], mutated] = np.nan
    X.loc[index[-1], X.columns[other]] = np.nan
    donors = np.array([f"D{line - line % 3 // 2}" for line in range(n)], dtype=object)
    return Lines(X, y.to_numpy(), donors, groups)


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
