"""How does long work say how far it is? A bar on a terminal, plain lines in a log.

How far is the scoring? A bar on a terminal, plain lines in a log, nothing if quiet.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

import click
from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15.0
_STAGES = {
    "features": "building features",
    "search": "searching settings",
    "test": "testing on held-out lines",
    "fit": "fitting on all lines",
}


class Reporter:
    """Tell on standard error how many steps of each stage are done.

    A context manager that can be called as `training.validation.cross_validation.Progress`.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    stream : text file, optional
        Standard error by default. A terminal gets a bar a stage; anything else a line when a
        stage ends, and one every 15 seconds in between.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._bars = self._stream.isatty()
        self._bar: tqdm[None] | None = None
        self._stage = ""
        self._started = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note that `done` of the `total` steps of a stage have ended."""
        if self._quiet:
            return
        if self._bars:
            self._move(stage, done, total)
        elif done == total or time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self.say(f"{_STAGES.get(stage, stage)}: {done} of {total}")

    def say(self, sentence: str) -> None:
        """Write one line, with the seconds since the start."""
        if self._quiet:
            return
        self._close()
        self._told = time.monotonic()
        self._stream.write(f"[{self._told - self._started:5.0f} s] {sentence}\n")
        self._stream.flush()

    def _move(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._close()
            self._stage = stage
            self._bar = tqdm(total=total, desc=_STAGES.get(stage, stage), file=self._stream)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""


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
