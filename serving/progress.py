"""How far is the scoring? A bar on a terminal, plain lines in a log, nothing if quiet."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

_STEPS = 20
#: The rate is that of the latest steps: what an earlier run did takes no time.
_LATEST = 20


@contextmanager
def shown_progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A function that is told how many of `total` samples are done, and shows it on stderr.

    Both forms tell the rate and the time left. A log gets a line each twentieth of the way,
    however small the steps are.
    """
    told = -1
    lines = not quiet and not sys.stderr.isatty()
    latest = deque([(time.monotonic(), 0)], maxlen=_LATEST)
    # `disable=None` leaves the bar out where standard error is no terminal.
    with tqdm(total=total, desc="score", unit="sample", disable=quiet or None) as bar:

        def tell(done: int) -> None:
            nonlocal told
            bar.update(done - bar.n)
            latest.append((time.monotonic(), done))
            part = _STEPS * done // max(total, 1)
            if lines and part > told:
                told = part
                pace = _pace(total - done, *latest[0], *latest[-1])
                click.echo(f"sidestep: scored {done:,} of {total:,} samples{pace}", err=True)

        yield tell


def _pace(left: int, before: float, done_before: int, now: float, done: int) -> str:
    """Rate and time left, as the end of a line; nothing where no time has passed."""
    if now <= before or done <= done_before:
        return ""
    rate = (done - done_before) / (now - before)
    ending = f", {tqdm.format_interval(left / rate)} left" if left else ""
    return f" ({rate:,.{0 if rate >= 10 else 1}f} a second{ending})"


def say(line: str) -> None:
    """Print a line on standard error, above the bar if there is one."""
    tqdm.write(f"sidestep: {line}", file=sys.stderr)
