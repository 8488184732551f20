"""Independent tasks, done in processes of this machine or on a Dask cluster: the same results."""

from __future__ import annotations

import gc
import json
import operator
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.models import versions
from sidestep.models.engines import dask as dask_engine
from sidestep.models.engines.local import Engine
from sidestep.models.engines.options import open_engine

if TYPE_CHECKING:
    from tests.cluster import Cluster


@pytest.fixture(scope="module", params=["one process", "two processes", "dask"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "dask":
        address = request.getfixturevalue("cluster").scheduler_address
        opened = open_engine("dask", scheduler=address)
    else:
        opened = open_engine("local", jobs=1 + (request.param == "two processes"))
    with opened as engine:
        yield engine


@pytest.mark.slow
def test_results_come_in_the_order_of_the_tasks(engine: Engine) -> None:
    assert list(engine.map(operator.sub, ((n, 1) for n in range(40)))) == list(range(-1, 39))
    assert list(engine.map(operator.sub, ())) == []


@pytest.mark.slow
def test_tasks_are_asked_for_when_there_is_room(engine: Engine) -> None:
    asked = []

    def tasks() -> Iterator[tuple[float]]:
        for number in range(60):
            asked.append(number)
            yield (0.02,)

    results = engine.map(time.sleep, tasks())
    for _ in range(5):
        next(results)
    assert len(asked) < 30
    assert len(list(results)) == 55


@pytest.mark.slow
def test_no_results_pile_up_while_nobody_takes_them(engine: Engine) -> None:
    asked = []

    def tasks() -> Iterator[tuple[int]]:
        for number in range(100):
            asked.append(number)
            yield (number,)

    results = engine.map(abs, tasks())
    first = next(results)
    time.sleep(0.5)  # time enough for all of them
    second = next(results)
    assert len(asked) < 15
    assert [first, second, *results] == list(range(100))


def test_a_large_argument_is_shared(engine: Engine) -> None:
    table = np.arange(300_000.0)
    shared = engine.share(table)
    sums = list(engine.map(np.add, ((shared, n) for n in range(4))))
    for n, found in enumerate(sums):
        np.testing.assert_array_equal(found, table + n)


def test_an_error_of_a_task_is_raised_as_it_is(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        list(engine.map(operator.truediv, [(1, 1), (1, 0), (1, 1)]))
    assert list(engine.map(abs, [(-1,)])) == [1]  # and the engine goes on


def test_an_error_in_asking_for_tasks_is_raised_as_it_is(engine: Engine) -> None:
    def tasks() -> Iterator[tuple[int]]:
        yield from ((-number,) for number in range(9))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(engine.map(abs, tasks()))
    assert list(engine.map(abs, [(-1,)])) == [1]


@pytest.mark.slow
def test_a_single_task_is_done_where_it_is_asked_for() -> None:
    with open_engine("local", jobs=2) as engine:
        for n_tasks, here in ((0, True), (1, True), (2, False)):
            chosen = engine.of_tasks(n_tasks)
            assert (list(chosen.map(os.getpid, [()])) == [os.getpid()]) is here


@pytest.mark.parametrize(("n_tasks", "here"), [(1, True), (3, True), (4, False)])
def test_few_tasks_start_no_process_that_nobody_asked_for(
    monkeypatch: pytest.MonkeyPatch, n_tasks: int, here: bool
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    with open_engine("local", jobs=None) as engine:
        chosen = engine.of_tasks(n_tasks)
        assert (list(chosen.map(os.getpid, [()])) == [os.getpid()]) is here


def resting(seconds: float) -> int:
    """Process that did a task of so long."""
    time.sleep(seconds)
    return os.getpid()


@pytest.mark.parametrize(
    ("cores", "jobs", "n_tasks", "processes"),
    [pytest.param(4, None, 4, 2, id="by default"), pytest.param(1, 3, 2, 2, id="asked for")],
)
def test_no_more_processes_are_started_than_the_tasks_pay_for(
    monkeypatch: pytest.MonkeyPatch, cores: int, jobs: int | None, n_tasks: int, processes: int
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: cores)
    with open_engine("local", jobs=jobs) as engine:
        done = set(engine.of_tasks(n_tasks).map(resting, [(0.3,)] * n_tasks))
    assert len(done) == processes
    assert os.getpid() not in done


class Counted:
    """A value that counts how often it was written down; all are equal."""

    written = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counted)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type, tuple[()]]:
        Counted.written += 1
        return Counted, ()

    def fails(self) -> None:
        raise ValueError(self)


def test_processes_start_with_what_is_shared_later() -> None:
    Counted.written = 0
    with open_engine("local", jobs=3) as engine:
        fewer = engine.of_tasks(2)
        fewer.prepare(Counted.fails, Counted())  # which nobody hears of
        assert engine.of_tasks(2) is fewer
        shared = fewer.share(Counted())
        assert Counted.written == 1
        assert list(fewer.map(operator.eq, [(shared, Counted())] * 2)) == [True, True]
    with open_engine("local", jobs=1) as engine:
        engine.prepare(Counted.fails, Counted())


_GROWN: list[np.ndarray] = []


def grown(megabytes: int) -> int:
    """Process that has kept so much more memory."""
    _GROWN.append(np.ones(megabytes * 2**17))
    time.sleep(0.6)
    return os.getpid()


@pytest.mark.slow
def test_a_process_that_keeps_tables_goes_on() -> None:
    with open_engine("local", jobs=2) as engine, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        processes = list(engine.map(grown, [(200,)] * 8))
    assert len(set(processes)) == 2
    assert not told


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_work() -> None:
    with open_engine("local", jobs=2) as engine, pytest.raises(BrokenProcessPool):
        list(engine.map(os._exit, [(1,)] * 9))


@pytest.mark.slow
def test_a_lost_worker_costs_only_its_tasks(cluster: Cluster, tmp_path) -> None:
    """A task a worker ends half-way; its other results, and what was shared, are not lost."""
    with open_engine("dask", scheduler=cluster.scheduler_address) as engine:
        base = engine.share(np.arange(1000.0))
        results = engine.map(_slowly_add, ((base, n, str(tmp_path)) for n in range(30)))
        found = [next(results)]
        cluster.kill_a_worker()
        found += results
    for n, result in enumerate(found):
        np.testing.assert_array_equal(result, np.arange(1000.0) + n)
    done = [len(path.read_text()) for path in tmp_path.iterdir()]
    assert len(done) == 30
    assert sum(done) <= 30 + 6  # no more than the window of tasks was done again


def _slowly_add(base: np.ndarray, n: int, folder: str) -> np.ndarray:
    time.sleep(0.1)
    with open(f"{folder}/{n}", "a") as file:
        file.write("x")
    return base + n


@pytest.mark.slow
def test_a_task_that_ends_every_worker_is_told_in_a_sentence(cluster: Cluster) -> None:
    with (
        open_engine("dask", scheduler=cluster.scheduler_address) as engine,
        pytest.raises(dask_engine.ClusterError, match=r"ended 4 workers .* more memory"),
    ):
        list(engine.map(os._exit, [(1,)]))


def test_a_connection_that_is_closed_is_the_clusters_end(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed.comm.core import CommClosedError

    def closed(*args: object) -> None:
        raise CommClosedError

    monkeypatch.setattr(dask_engine, "_ended", closed)
    with (
        open_engine("dask", scheduler=cluster.scheduler_address) as engine,
        pytest.raises(dask_engine.ClusterError, match="went away before the work was done"),
    ):
        list(engine.map(abs, [(-1,)]))


@pytest.mark.slow
def test_work_waits_for_workers_and_says_so(
    own_scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[str] = []
    with open_engine("dask", scheduler=own_scheduler.address, notice=notices.append) as engine:
        results = engine.map(time.sleep, [(0.05,)] * 40)
        next(results)
        # Not before: the first worker may take longer to come.
        monkeypatch.setattr(dask_engine, "_SECONDS_TO_WONDER", 0.5)
        own_scheduler.end_worker()
        threading.Timer(1.5, own_scheduler.start_worker).start()
        assert len(list(results)) == 39
    assert notices == [f"waiting for workers: {own_scheduler.address} has none now"]


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_in_a_sentence(
    own_scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test that has the module's own scheduler."""
    monkeypatch.setattr(dask_engine, "_SECONDS_TO_CONNECT", 5)
    with open_engine("dask", scheduler=own_scheduler.address) as engine:
        results = engine.map(time.sleep, [(0.2,)] * 40)
        next(results)
        own_scheduler.kill()
        with pytest.raises(dask_engine.ClusterError, match="went away before the work was done"):
            list(results)


class Scheduler:
    """A scheduler and a worker of it, as processes that can be ended."""

    def __init__(self, folder: Path) -> None:
        file = folder / "scheduler.json"
        self._scheduler = self._start("dask_scheduler", "--scheduler-file", str(file))
        while not file.exists():
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        self.start_worker()

    def _start(self, what: str, *args: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{what}", *args, "--no-dashboard"]
        where = [] if what == "dask_worker" else ["--host", "127.0.0.1", "--port", "0"]
        return subprocess.Popen([*command, *where], stderr=subprocess.DEVNULL)

    def start_worker(self) -> None:
        self._worker = self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny")

    def end_worker(self) -> None:
        self._worker.kill()
        self._worker.wait()

    def kill(self) -> None:
        self._scheduler.kill()
        self._scheduler.wait()


@pytest.fixture(scope="module")
def own_scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    started = Scheduler(tmp_path_factory.mktemp("scheduler"))
    yield started
    started.kill()
    started.end_worker()


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("tcp://127.0.0.1:1", "cannot be reached"),
        ("nonsense", "cannot be reached .*missing port"),
        ("there/is/no/scheduler.json", "cannot be reached .*No such file"),
    ],
)
def test_a_scheduler_that_is_away_is_told(
    monkeypatch: pytest.MonkeyPatch, address: str, complaint: str
) -> None:
    from distributed import Client

    monkeypatch.setattr(dask_engine, "_SECONDS_TO_CONNECT", 1)
    with pytest.raises(InputError, match=complaint), open_engine("dask", scheduler=address):
        pass
    # None is left to be closed by the collection of garbage, in whatever thread.
    clients = [thing for thing in gc.get_objects() if isinstance(thing, Client)]
    assert "connecting" not in {client.status for client in clients}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("machine", ["the scheduler", r"worker tcp://\S+"])
def test_other_versions_are_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    from distributed import Client

    found = versions.version
    monkeypatch.setattr(
        versions, "version", lambda name: "9.9" if name.startswith("xgboost") else found(name)
    )
    dask_engine.software.cache_clear()
    if machine != "the scheduler":  # it has the same then
        monkeypatch.setattr(Client, "run_on_scheduler", lambda client, asked: asked())
    with (
        pytest.raises(InputError, match=rf"^{machine} has xgboost \S+ instead of 9\.9"),
        open_engine("dask", scheduler=cluster.scheduler_address),
    ):
        pass
    dask_engine.software.cache_clear()


def test_versions_of_all_that_makes_numbers_are_compared() -> None:
    assert {"numpy", "numba", "optuna", "xgboost"} <= set(dask_engine.software())


def test_engine_and_scheduler_belong_together() -> None:
    with pytest.raises(InputError, match="--engine dask needs --scheduler"):
        open_engine("dask")
    with pytest.raises(InputError, match="add --engine dask"):
        open_engine("local", scheduler="tcp://127.0.0.1:8786")
