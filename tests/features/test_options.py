"""What verbs have in common on the command line."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest

from sidestep.features import progress
from sidestep.features.errors import InputError
from sidestep.features.options import lines_at_the_end


class Terminal(io.StringIO):
    """A stream that a person sees."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_that_a_verb_works_until_its_lines_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_SIGHTS", 0.01)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    printed = []

    @lines_at_the_end("comparing the runs")
    def verb(name: str) -> Iterator[str]:
        yield f"{name} is better"
        deadline = time.monotonic() + 10
        while terminal.getvalue().count("comparing the runs") < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        printed.append(capsys.readouterr().out)
        yield "by far"

    verb("B")
    assert terminal.getvalue().count("comparing the runs") >= 4
    assert printed == [""]
    assert capsys.readouterr().out == "B is better\nby far\n"
    assert verb.__name__ == "verb"


def test_a_verb_that_is_refused_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    @lines_at_the_end("comparing the runs")
    def verb() -> Iterator[str]:
        yield "A:"
        raise InputError("there is no run")

    with pytest.raises(InputError, match="there is no run"):
        verb()
    assert capsys.readouterr().out == ""
