"""Independent tasks are done in processes here, or on a Dask cluster: one contract, two engines.

The numbers do not depend on it: a task is a function of its arguments, every process gives it one
thread, and results come back in the order of the tasks.
"""

from __future__ import annotations

import pickle
import tempfile
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from uuid import uuid4

#: Tasks and results in memory for each process: one is done, others wait.
_TASKS_A_PROCESS = 3
# Where libraries look up how many threads a process may have.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Bytes that a worker may grow by: more is a leak.
_MOST_KEPT = 4 * 2**30
Notice = Callable[[str], None]
_Result = TypeVar("_Result")
_Value = TypeVar("_Value")


class Engine(AbstractContextManager["Engine"]):
    """Does tasks while its context is open; what it opened is closed with it.

    Attributes
    ----------
    here : bool
        Whether tasks are done on this machine, and can read its files.
    """

    here = False

    def __init__(self) -> None:
        self._context = ExitStack()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._context.__exit__(kind, error, traceback)

    @abstractmethod
    def map(
        self, function: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[_Result]:
        """Results of ``function(*task)``, in the order of the tasks.

        Tasks are asked for as workers get free, so that memory holds few of them.
        The first error of a task that is noticed is raised as it is.

        Parameters
        ----------
        function : callable
            Of a module, and without side effects: a task may be done twice.
        tasks : iterable of tuple
            Arguments of each task.
        """

    def of_tasks(self, n_tasks: int) -> Engine:
        """Engine to do so many tasks with: this one, or a simpler one if that is quicker."""
        return self

    def prepare(self, function: Callable[[Any], object], value: object) -> None:
        """Let processes that tasks will be done in start with ``function(value)``, in vain or not.

        What shares an equal value next gets what they have. An engine that has nothing to start
        does nothing, and nobody hears of what the function gives or raises.
        """

    @abstractmethod
    def share(self, value: _Value) -> _Value:
        """Stand-in for a large argument of many tasks, which then travels once.

        It is of use as a whole argument of a task only; let go of it when the tasks are done.
        """


class LocalEngine(Engine):
    """Processes on this machine, of one thread each.

    Parameters
    ----------
    jobs : int
        Processes; 1 is this one, with the threads that it has.
    least_tasks : int
        Tasks for each process without which none is started; `of_tasks` looks at it.
    """

    here = True

    def __init__(self, jobs: int, least_tasks: int = 1) -> None:
        super().__init__()
        self._jobs = jobs
        self._least_tasks = least_tasks
        self._fewer: dict[int, Engine] = {}
        self._prepared: tuple[object, Any] | None = None

    def __enter__(self) -> Self:
        if self._jobs > 1:
            from joblib.externals.loky import ProcessPoolExecutor

            folder = tempfile.TemporaryDirectory(prefix="sidestep-shared-")
            self._folder = Path(self._context.enter_context(folder))
            self._workers = ProcessPoolExecutor(
                self._jobs, env=dict.fromkeys(_THREADS, "1"), initializer=_keep_tables
            )
            # What still runs then was given up.
            self._context.callback(self._workers.shutdown, kill_workers=True)
        return self

    def map(
        self, function: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[_Result]:
        """Results in the order of the tasks, of which few wait at a time."""
        if self._jobs == 1:
            return (function(*task) for task in tasks)
        return self._in_processes(function, iter(tasks))

    def _in_processes(
        self, function: Callable[..., _Result], tasks: Iterator[tuple[Any, ...]]
    ) -> Iterator[_Result]:
        """Results of tasks that are handed out as results are taken, not as they are finished."""
        waiting: deque[Future[_Result]] = deque()
        try:
            while True:
                room = _TASKS_A_PROCESS * self._jobs - len(waiting)
                waiting.extend(self._workers.submit(function, *t) for t in islice(tasks, room))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def of_tasks(self, n_tasks: int) -> Engine:
        """Another process has to start, and to be sent all it needs: no more than tasks pay for."""
        jobs = min(self._jobs, n_tasks // self._least_tasks)
        if 1 < jobs < self._jobs:
            if jobs not in self._fewer:
                self._fewer[jobs] = self._context.enter_context(LocalEngine(jobs))
            return self._fewer[jobs]
        return self if jobs > 1 else LocalEngine(1)

    def prepare(self, function: Callable[[Any], object], value: object) -> None:
        """Let each process start with ``function(value)``; see `Engine.prepare`."""
        if self._jobs > 1:
            self._prepared = value, self.share(value)
            for _ in range(self._jobs):
                self._workers.submit(function, self._prepared[1])

    def share(self, value: _Value) -> _Value:
        """The value itself, or a file that each process reads once."""
        if self._jobs == 1:
            return value
        prepared, self._prepared = self._prepared, None
        if prepared is not None and prepared[0] == value:
            return cast(_Value, prepared[1])
        path = self._folder / uuid4().hex
        with path.open("wb") as file:
            pickle.dump(value, file)
        return cast(_Value, _Shared(path))


def _keep_tables() -> None:
    """Let a worker grow by what it works out of a model, tables above all, and keeps.

    Loky ends a worker that grew by 300 MB, which it takes for a leak, warns of it and starts
    another, which would work out all anew. It has no option for that.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = _MOST_KEPT


class _Shared:
    """Stand-in that is the value itself where it arrives."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[Path], Any], tuple[Path]]:
        return _read, (self._path,)

    def __del__(self) -> None:
        self._path.unlink(missing_ok=True)


@lru_cache(maxsize=2)
def _read(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)
