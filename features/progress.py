"""Progress of long work on standard error: a bar on a terminal, plain lines in a log.

`Reporter` follows work of several stages, such as training; `sample_progress` counts the samples
of one, scoring, and tells its rate and the time left; `waiting` shows a terminal what is going on
that cannot be counted. None writes anything if it is to be quiet.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, TextIO

import click
from tqdm import tqdm

from sidestep.features.terminal import shown

# Stages of training, by the names that it has for them.
_STAGES = {
    "features": "building features",
    "search": "searching settings",
    "test": "testing on held-out lines",
    "fit": "fitting on all lines",
}
_SECONDS_BETWEEN_LINES = 15.0
# A terminal is to see each second that the work goes on.
_SECONDS_BETWEEN_SIGHTS = 0.5
# A log gets at most so many lines of a job, and one more for its begin.
_MOST_LINES = 20
# The rate is that of the latest steps: what an earlier run did takes no time.
_LATEST_STEPS = 20


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
        self._moving = ExitStack()
        self._stage = ""
        self._started = self._latest_line = time.monotonic()

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
        name = _STAGES.get(stage, stage)
        if self._bars:
            if stage != self._stage or self._bar is None:
                self._close()
                self._stage = stage
                self._bar = self._shown(total=total, desc=name)
            _move(self._bar, done)
        elif done == total or time.monotonic() - self._latest_line > _SECONDS_BETWEEN_LINES:
            self.say(f"{name}: {done} of {total}")

    def say(self, sentence: str) -> None:
        """Write one line, with the seconds since the start; a terminal sees how long it stands."""
        if self._quiet:
            return
        self._close()
        self._latest_line = time.monotonic()
        line = f"[{self._latest_line - self._started:5.0f} s] {shown(sentence)}"
        if self._bars:
            self._bar = self._shown(desc=line, bar_format="{desc} ({elapsed})")
            return
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def rest(self) -> None:
        """Leave the last line to itself, so that something else may be printed below it."""
        self._close()

    def _shown(self, **bar: Any) -> tqdm[None]:
        """A bar on the terminal that moves on while no step ends."""
        made = self._moving.enter_context(tqdm(file=self._stream, **bar))
        self._moving.enter_context(_kept_moving(made))
        return made

    def _close(self) -> None:
        self._moving.close()
        self._bar, self._stage = None, ""


@contextmanager
def sample_progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A function to call with how many of `total` samples are scored; it shows that.

    Both forms have the rate and the time left. A log gets a line each twentieth of the way,
    however small the steps are.
    """
    lines = not quiet and not sys.stderr.isatty()
    lines_written = -1
    latest = deque([(time.monotonic(), 0)], maxlen=_LATEST_STEPS)
    # `disable=None` leaves the bar out where standard error is no terminal.
    with (
        tqdm(total=total, desc="score", unit="sample", disable=quiet or None) as bar,
        _kept_moving(bar),
    ):

        def show(done: int) -> None:
            nonlocal lines_written
            _move(bar, done)
            latest.append((time.monotonic(), done))
            part = _MOST_LINES * done // max(total, 1)
            if lines and part > lines_written:
                lines_written = part
                pace = _pace(total - done, *latest[0], *latest[-1])
                click.echo(f"sidestep: scored {done:,} of {total:,} samples{pace}", err=True)

        yield show


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A function to call with what is done next, in the place of `what`, that a terminal shows.

    The line has the time since its begin, moves on twice a second, and is gone at the end. Begin it
    before what takes long to import. A log, in which nothing vanishes, gets nothing.
    """
    line = "sidestep: {desc} ({elapsed})"
    with (
        tqdm(desc=what, bar_format=line, leave=False, disable=quiet or None) as bar,
        _kept_moving(bar),
    ):
        yield bar.set_description_str


@contextmanager
def _kept_moving(bar: tqdm[None]) -> Iterator[None]:
    """Draw a bar on a terminal anew while other work goes on."""
    over = threading.Event()

    def draw() -> None:
        while not over.wait(_SECONDS_BETWEEN_SIGHTS):
            bar.refresh()

    thread = threading.Thread(target=draw, daemon=True)
    if not bar.disable:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if not bar.disable:
            thread.join()


def say(line: str) -> None:
    """Print a line on standard error, above the bar if there is one."""
    tqdm.write(shown(f"sidestep: {line}"), file=sys.stderr)


def _move(bar: tqdm[None], done: int) -> None:
    """Set a bar to a number of steps, which may be fewer than it shows."""
    bar.update(done - bar.n)


def _pace(left: int, before: float, done_before: int, now: float, done: int) -> str:
    """Rate and time left, as the end of a line; nothing where no time has passed."""
    if now <= before or done <= done_before:
        return ""
    rate = (done - done_before) / (now - before)
    ending = f", {tqdm.format_interval(left / rate)} left" if left else ""
    return f" ({rate:,.{0 if rate >= 10 else 1}f} a second{ending})"


def percent(reporter: Reporter, stage: str) -> Callable[[int, int], None]:
    """Progress in bytes as whole percents of a stage, which a log hears of long work only.

    It is told how many bytes are done, and how many there are.
    """
    shown = -1

    def told(done: int, whole: int) -> None:
        nonlocal shown
        # Come to its end, it is still to be put in place.
        share = min(100 * done // max(whole, done, 1), 99) if whole else 0
        if share > shown:
            shown = share
            reporter(f"{stage}, percent", share, 100)

    return told
