"""Which options say where work is done? Light to import, as the verbs are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

ENGINES = ("local", "dask")
#: As `models.device.require_device` knows them.
DEVICES = ("cpu", "cuda")
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
