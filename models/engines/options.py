"""Options that say where work is done, and the engine that they name.

Light to import, as the verbs are: an engine's module is imported when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sidestep.features.errors import InputError

if TYPE_CHECKING:
    from sidestep.models.engines.local import Engine, Notice

ENGINES = ("local", "dask")
#: As `models.estimators.trees.require_device` knows them.
DEVICES = ("cpu", "cuda")
#: Each process holds a model and its tables, about a gigabyte for 25 drugs.
_MOST_PROCESSES = 4
#: Tasks that take about as long as a process needs to start: two chunks of a thousand samples.
_WORTH_A_PROCESS = 2
_Command = TypeVar("_Command", bound=Callable[..., Any])


def engine_options(command: _Command) -> _Command:
    """Give a verb the options `--engine` and `--scheduler`."""
    for option in (_SCHEDULER, _ENGINE):
        command = option(command)
    return command


_ENGINE = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="local",
    show_default=True,
    help="Where work is done: in processes of this machine, or on a Dask cluster (the same bytes).",
)
_SCHEDULER = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="The cluster's scheduler, such as tcp://HOST:8786, or the .json file that it wrote.",
)


def cores() -> int:
    """Cores that this process may use, as many as it starts others by default."""
    from joblib import cpu_count

    return int(cpu_count())


def open_engine(
    name: str,
    *,
    jobs: int | None = 1,
    scheduler: str | None = None,
    notice: Notice = lambda line: None,
) -> Engine:
    """Engine of that name, to be entered.

    Parameters
    ----------
    name : {"local", "dask"}
        Of `models.engines.options.ENGINES`.
    jobs : int or None
        Processes of the local engine, no more than there are tasks; None is one a core, four at
        most, and no more than one for every two tasks.
    scheduler : str, optional
        Where the Dask scheduler listens, as ``tcp://HOST:8786``, or the file that it wrote.
    notice : callable, optional
        Told, in one line each, what the work waits for.

    Raises
    ------
    InputError
        If `scheduler` is missing, or is given to the local engine. On entering: if the scheduler
        cannot be reached, or its workers have other versions of what makes the numbers.
    """
    if name == "local":
        if scheduler is not None:
            raise InputError("--scheduler says where a Dask scheduler is; add --engine dask")
        from sidestep.models.engines.local import LocalEngine

        if jobs is None:
            return LocalEngine(min(cores(), _MOST_PROCESSES), _WORTH_A_PROCESS)
        return LocalEngine(jobs)
    if scheduler is None:
        raise InputError(
            "--engine dask needs --scheduler ADDRESS, such as tcp://localhost:8786 after "
            "`dask scheduler` and `dask worker tcp://localhost:8786`"
        )
    from sidestep.models.engines.dask import DaskEngine  # a second to import

    return DaskEngine(scheduler, notice)
