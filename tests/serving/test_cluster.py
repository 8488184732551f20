"""Scoring in several processes, or on a Dask cluster: the same files, whoever dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidestep.features.study.study import Study
from sidestep.models.engines import dask as dask_engine
from sidestep.models.engines.local import LocalEngine
from sidestep.models.engines.options import open_engine
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[int, str, str]]
CHUNK = 4


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def alone(
    cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Name -> bytes of what one process writes."""
    out = tmp_path_factory.mktemp("alone") / "out"
    score_study(cohort, model, out, chunk=CHUNK)
    return contents(out)


def test_several_processes_write_the_same(
    cohort: Study, model: LoadedModel, alone: dict[str, bytes], tmp_path: Path
) -> None:
    with LocalEngine(2) as engine:
        score_study(cohort, model, tmp_path / "out", chunk=CHUNK, engine=engine)
    assert contents(tmp_path / "out") == alone


def test_a_cluster_writes_the_same_though_a_worker_is_killed(
    cluster: Cluster,
    cohort: Study,
    model: LoadedModel,
    alone: dict[str, bytes],
    tmp_path: Path,
) -> None:
    killed = False

    def kill_half_way(done: int) -> None:
        nonlocal killed
        if done >= len(cohort.samples) / 2 and not killed:
            cluster.kill_a_worker()
            killed = True

    with open_engine("dask", scheduler=cluster.scheduler_address) as engine:
        score_study(
            cohort, model, tmp_path / "out", chunk=CHUNK, engine=engine, progress=kill_half_way
        )
    assert killed
    assert contents(tmp_path / "out") == alone


def test_what_a_lost_cluster_has_done_is_kept(
    cohort: Study,
    model: LoadedModel,
    alone: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scheduler ends half-way; the same command goes on, on this machine."""
    from tests.cluster import Cluster

    monkeypatch.setattr(dask_engine, "_SECONDS_TO_CONNECT", 5)
    short_lived = Cluster(1)

    def end_half_way(done: int) -> None:
        if done == len(cohort.samples) / 2:
            short_lived.kill()

    with (
        open_engine("dask", scheduler=short_lived.scheduler_address) as engine,
        pytest.raises(dask_engine.ClusterError, match="went away before the work was done"),
    ):
        score_study(
            cohort, model, tmp_path / "out", chunk=CHUNK, engine=engine, progress=end_half_way
        )
    notices: list[str] = []
    score_study(cohort, model, tmp_path / "out", chunk=CHUNK, notice=notices.append)
    assert "going on with an earlier run: 12 of 24 samples are done" in notices[0]
    assert contents(tmp_path / "out") == alone


def test_the_command_scores_on_a_cluster(
    cluster: Cluster, simulated: Path, saved_model: Path, tmp_path: Path, run: Run
) -> None:
    study = simulated / "cohort_sim"
    where = ("--engine", "dask", "--scheduler", cluster.scheduler_address)
    for name, options in (("here", ("--jobs", "2")), ("there", where)):
        code, _, stderr = run(
            "score", study, "--model", saved_model, "--out", tmp_path / name, *options, "--quiet"
        )
        assert code == 0, stderr
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_cluster_that_is_not_there_leaves_nothing(
    simulated: Path, saved_model: Path, tmp_path: Path, run: Run
) -> None:
    score = ("score", simulated / "cohort_sim", "--model", saved_model, "--out", tmp_path / "out")
    code, _, stderr = run(*score, "--engine", "dask")
    assert (code, stderr.count("\n")) == (2, 1)
    assert "--engine dask needs --scheduler" in stderr
    code, _, stderr = run(*score, "--engine", "dask", "--scheduler", tmp_path / "scheduler.json")
    assert (code, stderr.count("\n")) == (2, 1)
    assert "scheduler.json cannot be reached" in stderr
    assert list(tmp_path.iterdir()) == []
