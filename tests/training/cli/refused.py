"""Commands that must be refused in one sentence."""

from __future__ import annotations

import pytest

from sidestep.main import main


class Refused:
    """Run a command that must be refused, and give the sentence."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: object) -> str:
        code = main([str(arg) for arg in args])
        printed = self._capsys.readouterr()
        assert (code, printed.out) == (2, "")
        assert printed.err.startswith("sidestep: error: ")
        assert printed.err.count("\n") == 1
        return printed.err
