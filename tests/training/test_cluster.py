"""Training on a Dask cluster: the same model to the byte, though a worker dies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from sidestep.main import main
from sidestep.models.engines.options import open_engine
from sidestep.models.predictor.storage import save_predictor
from sidestep.training.retrain import Request, retrain
from sidestep.training.tracking.store import Store
from sidestep.training.validation.cross_validation import Plan

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.slow


def saved(predictor, folder: Path) -> dict[str, bytes]:
    save_predictor(predictor, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_killed_worker_changes_nothing(
    cluster: Cluster, simulated_study: Path, tmp_path: Path
) -> None:
    plan = Plan(folds=2, repeats=1, trials=1, jobs=1, modalities=("rppa",))
    here = retrain(Request(simulated_study, "gi50", ("Lapatinib", "BI-2536"), plan=plan))
    killed = False

    def kill_half_way(stage: str, done: int, total: int) -> None:
        nonlocal killed
        if stage == "test" and done >= total / 2 and not killed:
            cluster.kill_a_worker()
            killed = True

    with open_engine("dask", scheduler=cluster.scheduler_address) as engine:
        remote = retrain(here.request, kill_half_way, engine)
    assert killed
    pd.testing.assert_frame_equal(
        remote.validation.predictions, here.validation.predictions, check_exact=True
    )
    pd.testing.assert_frame_equal(remote.validation.trials(), here.validation.trials())
    assert saved(remote.predictor, tmp_path / "there") == saved(here.predictor, tmp_path / "here")


def test_the_command_trains_on_a_cluster(
    cluster: Cluster, simulated_study: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    what = [
        "--drugs",
        "Lapatinib",
        "--folds",
        "2",
        "--repeats",
        "1",
        "--trials",
        "1",
        "--modalities",
        "rppa",
    ]
    train = ["train", str(simulated_study), "--tracking-uri", store.tracking_uri, *what, "--quiet"]
    where = ["--engine", "dask", "--scheduler", cluster.scheduler_address]
    predicted = []
    for options in (where, ["--jobs", "1"]):
        assert main([*train, *options]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        run = re.search(r"^Run (\w{32}) in sqlite", printed.out, re.MULTILINE)
        assert run is not None
        predicted.append(
            Path(store.client.download_artifacts(run[1], "out_of_fold.parquet")).read_bytes()
        )
    assert predicted[0] == predicted[1]


def test_workers_cannot_share_searches_in_a_file(
    simulated_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"]
    storage = ["--study-storage", f"sqlite:///{tmp_path / 'searches.db'}"]
    assert main(["train", str(simulated_study), *where, *storage]) == 2
    assert "give a server's database, such as postgresql://" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_is_not_there_is_one_sentence(
    simulated_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "mlflow.db"
    train = ["train", str(simulated_study), "--tracking-uri", f"sqlite:///{database}", "--quiet"]
    for options, message in (
        (["--engine", "dask"], "--engine dask needs --scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1"], "add --engine dask"),
        (["--engine", "dask", "--scheduler", "nonsense"], "nonsense cannot be reached"),
    ):
        assert main([*train, *options]) == 2
        printed = capsys.readouterr()
        assert message in printed.err
        assert printed.err.count("\n") == 1
    assert not database.exists()
