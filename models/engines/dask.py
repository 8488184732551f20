"""Tasks on a Dask cluster, whose workers may come and go."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any, Self, TypeVar, cast
from uuid import uuid4

import dask
from distributed import Client, Future, get_worker, wait
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker
from threadpoolctl import threadpool_limits

from sidestep.features.errors import InputError
from sidestep.models.engines.local import Engine, Notice
from sidestep.models.versions import software_versions

_SECONDS_TO_CONNECT = 15
_SECONDS_TO_WONDER = 10
#: Tasks and results in memory for each thread of the workers: one is done, others wait.
_TASKS_A_THREAD = 3
_FEWEST_TASKS = 4
_PACKAGES = (
    "sidestep", "numpy", "pandas", "scipy", "scikit-learn", "numba", "optuna", "xgboost"
)  # fmt: skip
# Untyped in distributed.
_ended = cast(Callable[..., Any], wait)
_Result = TypeVar("_Result")
_Value = TypeVar("_Value")


class ClusterError(RuntimeError):
    """The cluster, not the work, came to an end; what is done elsewhere is not lost by it.

    The message is one sentence; the command line ends with `exit_code`.
    """

    exit_code = 1


class DaskEngine(Engine):
    """Workers of a Dask cluster, on whatever machines.

    A task that was under way on a worker that died is done by another one, and so is one whose
    result was not fetched yet; only a task that ends four workers is given up. Workers that join
    later get tasks as well.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, or the path of the file that it wrote (``.json``).
    notice : callable
        Told, in one line each, what the work waits for.
    """

    def __init__(self, scheduler: str, notice: Notice) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._notice = notice

    def __enter__(self) -> Self:
        with ExitStack() as context:
            # Large arguments are sent on purpose, each once a task.
            quiet = {"distributed.admin.large-graph-warning-threshold": "1TB"}
            context.enter_context(dask.config.set(quiet))
            context.enter_context(_without_tracebacks("distributed.client"))
            self._client = context.enter_context(_connected(self._scheduler))
            self._require_same_software()
            self._context = context.pop_all()
        return self

    def map(
        self, function: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[_Result]:
        """Results in the order of the tasks, fetched as they are finished."""
        waiting = enumerate(tasks)
        running: dict[Future[_Result], int] = {}
        finished: dict[int, _Result] = {}
        for turn in count():
            room = self._room() - len(running) - len(finished)
            for number, task in islice(waiting, max(room, 0)):
                running[self._submit(function, task)] = number
            while turn not in finished:
                if not running:
                    return
                for future in self._next(running):
                    finished[running.pop(future)] = self._result(future)
            yield finished.pop(turn)

    def share(self, value: _Value) -> _Value:
        """A stand-in; the scheduler keeps the value's bytes, so that no dead worker loses it."""
        content = pickle.dumps(value)
        future = self._client.submit(pickle.loads, content, pure=False)
        return cast(_Value, _Shared(future))

    def _submit(self, function: Callable[..., _Result], task: tuple[Any, ...]) -> Future[_Result]:
        shared = [part.future for part in task if isinstance(part, _Shared)]
        plain = [_Place() if isinstance(part, _Shared) else part for part in task]
        future: Future[_Result] = self._client.submit(
            _work,
            pickle.dumps((function, plain)),
            software(),
            *shared,
            key=f"{function.__name__.strip('_')}-{uuid4()}",
        )
        return future

    def _room(self) -> int:
        """Tasks and results that may be in memory; workers may have come or gone."""
        return max(_TASKS_A_THREAD * self._threads(), _FEWEST_TASKS)

    def _threads(self) -> int:
        """Threads of the workers that there are now."""
        try:
            return int(sum(self._client.nthreads().values()))
        except OSError as error:  # of the connection
            raise self._lost() from error

    def _next(self, running: Iterable[Future[_Result]]) -> list[Future[_Result]]:
        """Tasks that have ended, once there is one; says if there is nobody to do any."""
        noticed = False
        while True:
            try:
                return list(_ended(list(running), _SECONDS_TO_WONDER, "FIRST_COMPLETED").done)
            except TimeoutError:
                if not noticed and not self._threads():
                    self._notice(f"waiting for workers: {self._scheduler} has none now")
                    noticed = True
            except (CancelledError, CommClosedError) as error:
                raise self._lost() from error

    def _result(self, future: Future[_Result]) -> _Result:
        try:
            return future.result()
        except KilledWorker as error:
            raise ClusterError(
                f"a task ended {error.allowed_failures + 1} workers of {self._scheduler}, each "
                "time it was tried; give the workers more memory, or fewer threads each"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise self._lost() from error

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the Dask scheduler {self._scheduler} went away before the work was done; start it "
            "and run the same command again"
        )

    def _require_same_software(self) -> None:
        """Refuse a cluster whose machines would make other numbers."""
        try:
            found = {"the scheduler": self._client.run_on_scheduler(software)}
            workers = self._client.run(software)
        except Exception as error:  # whatever a machine raises that cannot import this module
            raise InputError(
                f"the machines of {self._scheduler} cannot run sidestep ({error}); install the "
                "same version there, with the same requirements.lock"
            ) from error
        found |= {f"worker {address}": theirs for address, theirs in workers.items()}
        for machine, theirs in found.items():
            differences = _differences(software(), theirs)
            if differences:
                raise InputError(_unlike(machine, differences))


@dataclass(frozen=True)
class _Shared:
    """Stand-in for a value that the cluster holds."""

    future: Future[Any]


class _Place:
    """Where a shared value belongs among the arguments of a task."""


@cache
def software() -> Mapping[str, str]:
    """Versions of what makes the numbers of a task, and can exchange tasks at all."""
    found = software_versions(*_PACKAGES)
    return found | {"python": found["python"].rpartition(".")[0]}


def _work(content: bytes, expected: Mapping[str, str], *shared: Any) -> Any:
    """Do a task, on a worker."""
    differences = _differences(expected, software())
    if differences:
        raise ClusterError(_unlike(f"worker {get_worker().address}", differences))
    function, task = pickle.loads(content)
    # Not given back: a worker's other tasks need it as well.
    threadpool_limits(1)
    values = iter(shared)
    return function(*(next(values) if isinstance(part, _Place) else part for part in task))


def _differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What has another version there, in words; empty if nothing has."""
    return ", ".join(
        f"{name} {theirs.get(name)} instead of {here}"
        for name, here in ours.items()
        if theirs.get(name) != here
    )


def _unlike(machine: str, differences: str) -> str:
    return (
        f"{machine} has {differences}, and would make other numbers; install the versions of "
        "requirements.lock everywhere"
    )


@contextmanager
def _without_tracebacks(logger: str) -> Iterator[None]:
    """Keep the tracebacks of a logger back: what befell the connection is raised as well."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


class _Client(Client):
    """A client that is closed at once where it cannot connect.

    As garbage, it might be closed by a thread that another client is starting, which then waits
    for the lock that its starter holds.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address, timeout=_SECONDS_TO_CONNECT)  # type: ignore[no-untyped-call]

    def start(self, **how: Any) -> None:
        try:
            super().start(**how)  # type: ignore[no-untyped-call]
        except BaseException:
            self.close()  # type: ignore[no-untyped-call]
            raise


def _connected(scheduler: str) -> Client:
    """Client of a scheduler that answers."""
    address = scheduler
    try:
        if Path(scheduler).suffix == ".json":
            address = json.loads(Path(scheduler).read_text(encoding="utf-8"))["address"]
        return _Client(address)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"the Dask scheduler {scheduler} cannot be reached ({error}); start one with "
            "`dask scheduler`, and give --scheduler the address that it tells"
        ) from None
