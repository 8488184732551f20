"""One small retrain on a simulated study, run once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from features.simulation import SimulationPlan, simulate_study
from training.cross_validation import Plan
from training.retrain import Request, Retrain, retrain
from training.tracking import Store, TrackedRun, open_store, track


@pytest.fixture(autouse=True)
def mlflow_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back MLflow's own store, which loading a model sets."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def simulated_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty simulated lines with little noise, so that two drugs can be learned."""
    folder = tmp_path_factory.mktemp("simulated") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=40, genes=150, noise=0.3, missing=0.1, seed=0))
    return folder


@pytest.fixture(scope="session")
def retrained(simulated_study: Path) -> Retrain:
    """A retrain that passes the gate."""
    plan = Plan(folds=3, trials=2, jobs=1)
    return retrain(Request(simulated_study, "gi50", ("Lapatinib", "BI-2536"), plan=plan))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An SQLite store with the experiment ``tests``."""
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}", "tests")


@pytest.fixture(scope="session")
def tracked(retrained: Retrain, store: Store) -> TrackedRun:
    """The retrain as it is kept, registered as ``small``."""
    return track(retrained, store, register_as="small")
