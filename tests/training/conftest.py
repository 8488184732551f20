"""One small retrain on a simulated study, run once for all tests of this folder, and stores."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import mlflow
import pytest

from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.training.retrain import Request, Retrain, retrain
from sidestep.training.tracking.store import Store, open_store
from sidestep.training.tracking.tracking import TrackedRun, track
from sidestep.training.validation.cross_validation import Plan
from tests.training.made_up_runs import Tiny, predictions

_TINY_NUMBERS = count()


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
    plan = Plan(folds=3, repeats=1, trials=2, jobs=1)
    return retrain(Request(simulated_study, "gi50", ("Lapatinib", "BI-2536"), plan=plan))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An SQLite store with the experiment ``tests``."""
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}", "tests")


@pytest.fixture(scope="session")
def tracked(retrained: Retrain, store: Store) -> TrackedRun:
    """The retrain as it is kept, registered as ``small``."""
    return track(retrained, store, register_as="small")


@pytest.fixture(scope="session")
def kept_runs(store: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Runs in the store: a good one, a poor one, and one that kept nothing."""
    tables = {"good": predictions(0.3, 1), "poor": predictions(3.0, 2), "empty": None}
    runs = {}
    for name, table in tables.items():
        tags = {"study": "breast_sim", "response": "sim_gi50"}
        runs[name] = store.client.create_run(store.experiment_id, tags=tags).info.run_id
        if table is not None:
            path = tmp_path_factory.mktemp(name) / "out_of_fold.parquet"
            table.to_parquet(path, index=False)
            store.client.log_artifact(runs[name], str(path))
    store.client.create_registered_model("compared")
    store.client.create_model_version("compared", source="file:///none", run_id=runs["good"])
    store.client.set_registered_model_alias("compared", "champion", "1")
    return runs


@pytest.fixture
def tiny(store: Store, tmp_path: Path) -> Tiny:
    """A registered model of its own, whose versions are made up."""
    return Tiny(store, tmp_path, f"tiny{next(_TINY_NUMBERS)}")


# Where Debian puts what is not in PATH.
_BINARIES = sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of the tests' own."""

    port: int
    password: str

    def database(self, name: str) -> str:
        """Address of a new database."""
        import psycopg

        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.address(name)

    def address(self, name: str) -> str:
        return f"postgresql://sidestep:{self.password}@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server in a temporary folder, on a free port; skips where there is none.

    It refuses to run as root, so that a root's server runs as another user.
    """
    found = shutil.which("initdb", path=os.pathsep.join([*map(str, _BINARIES), os.environ["PATH"]]))
    if found is None:
        pytest.skip("PostgreSQL's initdb is not installed (Debian: apt install postgresql)")
    binaries = Path(found).resolve().parent
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        other = names.get("postgres") or names.get("nobody")
        if other is None:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
        user = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
    with (
        tempfile.TemporaryDirectory(prefix="sidestep-postgresql-") as name,
        socket.socket() as free,
    ):
        folder, password = Path(name), secrets.token_hex(8)
        (folder / "password").write_text(password)
        if user:
            for path in (folder, folder / "password"):
                os.chown(path, user["user"], user["group"])
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        make = [binaries / "initdb", "-D", folder / "data", "-U", "sidestep", "--no-sync"]
        make += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        subprocess.run(make, cwd=folder, stdout=subprocess.DEVNULL, check=True, **user)
        serve = [binaries / "postgres", "-D", folder / "data", "-F", "-p", str(port)]
        serve += ["-h", "127.0.0.1", "-k", ""]
        with subprocess.Popen(serve, cwd=folder, stderr=subprocess.DEVNULL, **user) as server:
            try:
                _await_answer(binaries, port)
                yield Server(port, password)
            finally:
                server.send_signal(signal.SIGINT)  # it ends its sessions, too


def _await_answer(binaries: Path, port: int) -> None:
    ask = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + 60
    while subprocess.run(ask, check=False).returncode:
        assert time.monotonic() < deadline, "PostgreSQL did not start"
        time.sleep(0.1)
