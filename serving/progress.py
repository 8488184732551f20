"""How far is the scoring? A bar on a terminal, plain lines in a log, nothing if quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

_STEPS = 20


@contextmanager
def shown_progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A function that is told how many of `total` samples are done, and shows it on stderr.

    A log gets a line each twentieth of the way, however small the steps are.
    """
    told = -1
    lines = not quiet and not sys.stderr.isatty()
    # `disable=None` leaves the bar out where standard error is no terminal.
    with tqdm(total=total, desc="score", unit="sample", disable=quiet or None) as bar:

        def tell(done: int) -> None:
            nonlocal told
            bar.update(done - bar.n)
            part = _STEPS * done // max(total, 1)
            if lines and part > told:
                told = part
                click.echo(f"sidestep: scored {done:,} of {total:,} samples", err=True)

        yield tell


def say(line: str) -> None:
    """Print a line on standard error, above the bar if there is one."""
    tqdm.write(f"sidestep: {line}", file=sys.stderr)
