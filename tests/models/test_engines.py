"""Independent tasks, done in processes of this machine or on a Dask cluster: the same results."""

from __future__ import annotations

import operator
import os
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xgboost

from features.errors import InputError
from models import dask_engine
from models.engines import Engine, open_engine

if TYPE_CHECKING:
    from distributed import LocalCluster


@pytest.fixture(scope="module", params=["one process", "two processes", "dask"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "dask":
        address = request.getfixturevalue("cluster").scheduler_address
        opened = open_engine("dask", scheduler=address)
    else:
        opened = open_engine("local", jobs=1 + (request.param == "two processes"))
    with opened as engine:
        yield engine


def test_results_come_in_the_order_of_the_tasks(engine: Engine) -> None:
    assert list(engine.map(operator.sub, ((n, 1) for n in range(40)))) == list(range(-1, 39))
    assert list(engine.map(operator.sub, ())) == []


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


@pytest.mark.slow
def test_a_lost_worker_costs_only_its_tasks(cluster: LocalCluster, tmp_path) -> None:
    """A task a worker ends half-way; its other results, and what was shared, are not lost."""
    with open_engine("dask", scheduler=cluster.scheduler_address) as engine:
        base = engine.share(np.arange(1000.0))
        results = engine.map(_slowly_add, ((base, n, str(tmp_path)) for n in range(30)))
        found = [next(results)]
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        found += results
    for n, result in enumerate(found):
        np.testing.assert_array_equal(result, np.arange(1000.0) + n)
    done = [len(path.read_text()) for path in tmp_path.iterdir()]
    assert len(done) == 30
    assert sum(done) <= 30 + 6  # no more than the window of tasks was done again


def _slowly_add(base: np.ndarray, n: int, folder: str) -> np.ndarray:
    time.sleep(0.1)
    with open(f"{folder}/{n}", "a") as told:
        told.write("x")
    return base + n


@pytest.mark.slow
def test_a_task_that_ends_every_worker_is_told_in_a_sentence(cluster: LocalCluster) -> None:
    with (
        open_engine("dask", scheduler=cluster.scheduler_address) as engine,
        pytest.raises(dask_engine.ClusterError, match=r"ended 4 workers .* more memory"),
    ):
        list(engine.map(os._exit, [(1,)]))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", "cannot be reached"),
        ("nonsense", "cannot be reached .*missing port"),
        ("there/is/no/scheduler.json", "cannot be reached .*No such file"),
    ],
)
def test_a_scheduler_that_is_away_is_told(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setattr(dask_engine, "_SECONDS_TO_CONNECT", 1)
    with pytest.raises(InputError, match=said), open_engine("dask", scheduler=address):
        pass


def test_other_versions_on_the_workers_are_told(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xgboost, "__version__", "9.9")
    dask_engine.software.cache_clear()
    with (
        pytest.raises(InputError, match=r"worker tcp://\S+ has xgboost \S+ instead of 9\.9"),
        open_engine("dask", scheduler=cluster.scheduler_address),
    ):
        pass
    dask_engine.software.cache_clear()


def test_engine_and_scheduler_belong_together() -> None:
    with pytest.raises(InputError, match="--engine dask needs --scheduler"):
        open_engine("dask")
    with pytest.raises(InputError, match="add --engine dask"):
        open_engine("local", scheduler="tcp://127.0.0.1:8786")
