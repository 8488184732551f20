"""Seconds until a person has the first answer of each verb, and how long a terminal was silent.

    python -m benchmarks.first_answers --study STUDY --model models:/NAME/1 --tracking-uri URI
    python -m benchmarks.first_answers … --old WORKTREE --old-tracking-uri URI

Every command is a process of its own on a terminal of its own (a pseudo-terminal), from its start
to its end: `score` of all samples of STUDY with its report, then `explain` of the first sample and
drug in the scores, `explain` of that drug over all samples, `check --model`, and `combine`, which
draws the report anew. Beside the seconds on the clock and of the processor stand the seconds until
the terminal first shows something, and the longest in which it showed nothing new. The first run of
each is not measured: it may have to compile loops. Printed are medians.

``--old`` names a worktree of an earlier version, whose ``.venv`` is used if it has one; the two
take turns, and new over old is printed. Other work on the machine then slows both alike, and the
seconds of the processor are what hardly depends on it.

With ``--pages``, instead the seconds until the pages of `ui` answer, beside MLflow's own server of
the same store.
"""

from __future__ import annotations

import argparse
import csv
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
_SECONDS_BETWEEN_QUESTIONS = 0.05
_SECONDS_TO_START = 120
_LINES_AND_COLUMNS = (40, 100)
_UNKNOWN = 2


@dataclass(frozen=True)
class Turn:
    """What one run of a command took, in seconds.

    Attributes
    ----------
    wall, processor : float
    first : float
        Until the terminal showed something.
    silence : float
        The longest that it showed nothing new.
    """

    wall: float
    processor: float
    first: float
    silence: float


@dataclass(frozen=True)
class Version:
    """Sidestep as it stands in a folder, with a store that its models are in.

    Attributes
    ----------
    name : str
    root : Path
    model, tracking_uri : str
    out : Path
        Where it writes its scores.
    """

    name: str
    root: Path
    model: str
    tracking_uri: str
    out: Path

    @property
    def python(self) -> str:
        """The interpreter of its own environment, or else this one."""
        own = self.root / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which it is found before any other."""
        return os.environ | {"PYTHONPATH": str(self.root)}

    def verbs(self, study: Path) -> Iterator[tuple[str, list[str]]]:
        """Each verb's name and command; those after `score` ask about what it has written."""
        sidestep, out = [self.python, "-m", "sidestep"], str(self.out)
        model = ["--model", self.model, "--tracking-uri", self.tracking_uri]
        yield "score", [*sidestep, "score", str(study), *model, "--out", out, "--jobs", "1"]
        with (self.out / "scores.csv").open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        asked = ["--drug", row["drug"], "--scores", out]
        found = ["--tracking-uri", self.tracking_uri]
        yield "explain SAMPLE", [*sidestep, "explain", row["sample_id"], *asked, *found]
        yield "explain", [*sidestep, "explain", *asked, *found]
        yield "check --model", [*sidestep, "check", str(study), *model]
        yield "combine", [*sidestep, "combine", out, *found]


def on_a_terminal(command: Sequence[str], version: Version) -> Turn | None:
    """Run a command on a terminal, and say what it took; None of what a version cannot do yet.

    Raises
    ------
    SystemExit
        If it fails, but for not knowing the command.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, _LINES_AND_COLUMNS)
    shown, started = bytearray(), time.perf_counter()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=version.root,
        env=version.environment,
    )  # fmt: skip
    os.close(theirs)
    sights = [started]
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        try:
            part = os.read(ours, 65536) if ready else b""
        except OSError:  # what the other end of a terminal answers once it is closed
            break
        if ready and not part:
            break
        if part:
            shown += part
            sights.append(time.perf_counter())
    os.close(ours)
    _, status, used = os.wait4(process.pid, 0)
    ended = time.perf_counter()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == _UNKNOWN and b"Missing argument" in shown:
        return None
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {shown.decode()}")
    sights.append(ended)
    return Turn(
        ended - started,
        used.ru_utime + used.ru_stime,
        sights[1] - started,
        max(after - before for before, after in pairwise(sights)),
    )


def compare(versions: Sequence[Version], study: Path, repeats: int) -> None:
    """Print a line a verb and version, and their ratio, the versions in turn."""
    head = ("wall", "processor", "first sign", "longest silence")
    print(f"{'seconds (medians)':<24}{'':<5}" + "".join(f"{name:>17}" for name in head))
    steps = zip(*(version.verbs(study) for version in versions), strict=True)
    for commands in steps:
        able = [
            (version, command)
            for version, (_, command) in zip(versions, commands, strict=True)
            if on_a_terminal(command, version) is not None
        ]
        turns: dict[str, list[Turn]] = {version.name: [] for version, _ in able}
        for _, (version, command) in product(range(repeats), able):
            if (turn := on_a_terminal(command, version)) is not None:
                turns[version.name].append(turn)
        for name, taken in turns.items():
            print(f"{commands[0][0]:<24}{name:<5}" + _cells(_medians(taken)), flush=True)
        if len(turns) > 1:
            new, old = map(_medians, turns.values())
            ratios = [one / other for one, other in zip(new[:2], old[:2], strict=True)]
            print(f"{'':<24}{'x':<5}" + _cells(ratios), flush=True)


def _medians(turns: Sequence[Turn]) -> list[float]:
    columns = zip(*((t.wall, t.processor, t.first, t.silence) for t in turns), strict=True)
    return [median(column) for column in columns]


def _cells(values: Sequence[float]) -> str:
    return "".join(f"{value:>17.2f}" for value in values)


def compare_pages(version: Version, repeats: int) -> None:
    """Print how long `ui` takes until its pages answer, beside MLflow's server."""
    taken: dict[str, list[float]] = {"ui": [], "mlflow server": []}
    for number in range(repeats + 1):
        for name, seconds in taken.items():
            with _pages(name, version) as answered:
                if number:
                    seconds.append(answered)
    for name, seconds in taken.items():
        spread = f"({min(seconds):.2f} to {max(seconds):.2f})"
        print(f"{name:<24}pages answer after {median(seconds):.2f} s {spread}")


@contextmanager
def _pages(name: str, version: Version) -> Iterator[float]:
    """Seconds until a server of the store answers; it is ended afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    if name == "ui":
        command = ["sidestep", "ui", "--tracking-uri", version.tracking_uri]
    else:
        command = ["mlflow", "server", "--backend-store-uri", version.tracking_uri]
        command += ["--host", "127.0.0.1", "--workers", "1"]
    command = [version.python, "-m", *command, "--port", port]
    started = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=version.root, env=version.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not _answers(f"http://127.0.0.1:{port}/health"):
            if server.poll() is not None or time.perf_counter() - started > _SECONDS_TO_START:
                raise SystemExit(f"{' '.join(command)} serves nothing")
            time.sleep(_SECONDS_BETWEEN_QUESTIONS)
        yield time.perf_counter() - started
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, required=True, help="the samples to score")
    parser.add_argument("--model", required=True, help="as `sidestep score` takes it")
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--old", type=Path, help="worktree of an earlier version")
    parser.add_argument("--old-model", help="the same by default")
    parser.add_argument("--old-tracking-uri", help="the same by default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", action="store_true", help="measure ui instead")
    given = parser.parse_args()
    study = given.study.resolve()
    with tempfile.TemporaryDirectory() as folder:
        new = Version("new", ROOT, given.model, given.tracking_uri, Path(folder) / "new")
        versions = [new]
        if given.old is not None:
            model = given.old_model or given.model
            uri = given.old_tracking_uri or given.tracking_uri
            versions.append(Version("old", given.old.resolve(), model, uri, Path(folder) / "old"))
        if given.pages:
            compare_pages(new, given.repeats)
        else:
            compare(versions, study, given.repeats)


if __name__ == "__main__":
    main()
