"""The front page: short, and everything on it runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sidestep.main import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The only block of code in a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


COMMANDS = [shlex.split(line) for line in block("sh").splitlines()]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_picture_is_small() -> None:
    picture = ROOT / "docs" / "images" / "report.png"
    assert f"({picture.relative_to(ROOT).as_posix()})" in README
    assert picture.stat().st_size < 300_000


def test_the_five_commands_are_commands_with_their_options() -> None:
    assert len(COMMANDS) == 5
    for program, verb, *rest in COMMANDS:
        assert program == "sidestep"
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None, verb
        command.make_context(verb, list(rest))


@pytest.mark.slow
def test_the_commands_and_the_lines_of_python_run_in_an_empty_folder(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    # Less searching and fewer folds: the commands are what is tested, not the model.
    settings = "--trials 0 --folds 2 --repeats 1 --jobs 1"
    quick = [shlex.join(words).replace("--trials 5", settings) for words in COMMANDS]
    run_all = f"""
import contextlib, io
from sidestep.main import main

for line in {[shlex.split(line)[1:] for line in quick]!r}:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        assert main(line) == 0, line
    assert shown.getvalue().strip(), line
"""
    done = subprocess.run(
        [sys.executable, "-c", run_all + block("python")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert (tmp_path / "scores" / "report.html").is_file()
