"""What long work says of itself in a log."""

from __future__ import annotations

import io
import re
import time

import pytest

from sidestep.features import progress
from sidestep.features.progress import Reporter, sample_progress, waiting


def test_a_log_gets_a_line_each_twentieth_of_the_samples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with sample_progress(1000, quiet=False) as show:
        for done in range(0, 1001, 2):
            show(done)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[0] == "sidestep: scored 0 of 1,000 samples"
    assert lines[10] == "sidestep: scored 500 of 1,000 samples (2.0 a second, 04:10 left)"
    assert lines[-1] == "sidestep: scored 1,000 of 1,000 samples (2.0 a second)"


def test_nothing_is_written_of_samples_if_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with sample_progress(2, quiet=True) as show:
        show(2)
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_when_a_stage_ends_and_one_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Reporter(stream=(log := io.StringIO())) as report:
        for done in range(1, 6):
            now += 6
            report("search", done, 5)
        report("another stage", 1, 1)
    assert re.findall(r"\[ *(\d+) s\] (.*)", log.getvalue()) == [
        ("18", "searching settings: 3 of 5"),
        ("30", "searching settings: 5 of 5"),
        ("30", "another stage: 1 of 1"),
    ]


class Terminal(io.StringIO):
    """A stream that a person sees."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    with Reporter(stream=(terminal := Terminal())) as report:
        for done in range(1, 4):
            report("search", done, 3)
        report.say("keeping the run")
    assert "searching settings: 100%" in terminal.getvalue()
    assert terminal.getvalue().endswith("] keeping the run (00:00)\n")


@pytest.mark.parametrize("step", ["a bar", "a line"])
def test_a_terminal_sees_long_steps_move_on(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_SIGHTS", 0.01)
    with Reporter(stream=(terminal := Terminal())) as report:
        if step == "a bar":
            report("search", 0, 3)
        else:
            report.say("keeping the run")
        deadline = time.monotonic() + 10
        while terminal.getvalue().count("\r") < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert terminal.getvalue().count("\r") >= 4
        report.rest()
        assert terminal.getvalue().endswith("\n")


def test_quiet_is_quiet() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Reporter(quiet=True, stream=stream) as report:
            report("search", 1, 1)
            report.say("keeping the run")
        assert stream.getvalue() == ""


def test_a_terminal_sees_what_it_waits_for_move_on_and_then_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_SIGHTS", 0.01)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with waiting("reading the model") as stage:
        assert terminal.getvalue() == "\rsidestep: reading the model (00:00)"
        deadline = time.monotonic() + 10
        while terminal.getvalue().count("\r") < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert terminal.getvalue().count("reading the model") >= 4
        stage("explaining S1")
        assert terminal.getvalue().rstrip().endswith("sidestep: explaining S1 (00:00)")
    assert terminal.getvalue().rpartition("sidestep: explaining S1 (00:00)")[2].strip() == ""


@pytest.mark.parametrize(("quiet", "stream"), [(False, io.StringIO()), (True, Terminal())])
def test_a_log_and_who_wants_quiet_see_nothing_of_waiting(
    quiet: bool, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with waiting("reading the model", quiet=quiet) as stage:
        stage("explaining S1")
    assert stream.getvalue() == ""
