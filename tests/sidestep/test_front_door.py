"""The `sidestep` command as a person meets it: in its own process, by what it prints and returns.

How failures are worded is shown on a stand-in for `serving.cli.check`, a real module that is found
in its place, because no true verb fails in every way on demand.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

import sidestep
from sidestep.features.errors import InputError
from sidestep.main import VERBS, main

ROOT = Path(__file__).parents[2]

STAND_IN = """
import sys, time
import click

class Mendable(ValueError):
    exit_code = 2

@click.command()
@click.argument("way")
@click.option("--drugs", default="all of them")
@click.option("--trials", type=int, default=7)
@click.option("--quiet", is_flag=True)
@click.pass_context
def check(ctx, way, drugs, trials, quiet):
    if way == "mendable":
        raise Mendable("data.txt, row 3: 'x' is no number;\\n  write NA.")
    if way == "unforeseen":
        raise RuntimeError("the sky fell.")
    if way == "missing-file":
        open("no/such/file.txt")
    if way == "finds-errors":
        ctx.exit(1)
    if way == "endless":
        print("started", flush=True)
        time.sleep(60)
    if way == "chatty":
        for number in range(100_000):
            print(number)
    print(f"{way}, {drugs}, {trials}, {quiet}")
"""

# Python imports a `sitecustomize` on its path by itself, when it starts.
FINDER = """
import importlib.util, pathlib, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "sidestep.serving.cli.check":
            file = pathlib.Path(__file__).with_name("stand_in_for_check.py")
            return importlib.util.spec_from_file_location(name, file)

sys.meta_path.insert(0, Finder)
"""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder whose `serving.cli.check` fails in the way that its argument names."""
    folder = tmp_path_factory.mktemp("stand_in")
    (folder / "stand_in_for_check.py").write_text(STAND_IN, encoding="utf-8")
    (folder / "sitecustomize.py").write_text(FINDER, encoding="utf-8")
    return folder


def environment(*folders: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the process these folders to import from, before the repository's."""
    path = os.pathsep.join(str(folder) for folder in (*folders, ROOT))
    kept = {name: value for name, value in os.environ.items() if name != "SIDESTEP_TRACEBACK"}
    return {**kept, "PYTHONPATH": path, **(extra or {})}


def run(
    *args: str, on: Path | None = None, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with the stand-in's folder first if there is one."""
    folders = () if on is None else (on,)
    return subprocess.run(
        [sys.executable, "-P", "-m", "sidestep", *args],
        env=environment(*folders, extra=extra),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_one_sentence(stderr: str) -> None:
    assert re.fullmatch(r"sidestep: error: [^\n]+[.?]\n", stderr), stderr
    assert "Traceback" not in stderr


def test_help_lists_the_verbs_as_a_story() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    listed = re.findall(r"^  (\w+)  +\S", shown.stdout.split("Verbs:")[1], flags=re.MULTILINE)
    assert " ".join(listed) == (
        "data check fit shift synergy perturb cells pairs train compare promote rollback "
        "models reference score evaluate explain report combine screen ui simulate demo"
    )


def test_a_demo_replaces_only_a_demo_that_nobody_touched(tmp_path: Path) -> None:
    from sidestep.demo import _make_room, _mark

    out = tmp_path / "demo"
    _make_room(out)
    (out / "scores").mkdir()
    (out / "scores" / "scores.csv").write_text("made")
    _mark(out)
    _make_room(out)
    assert list(out.iterdir()) == []
    _mark(out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(
        InputError, match=r"demo holds notes.txt, which sidestep demo did not write"
    ):
        _make_room(out)
    (out / ".sidestep-demo").unlink()  # as an unfinished demo leaves it
    with pytest.raises(click.UsageError, match="holds something else"):
        _make_room(out)
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.slow
def test_help_answers_in_under_three_tenths_of_a_second() -> None:
    seconds = []
    for _ in range(5):  # the best of five: how busy the machine is does not count
        start = time.perf_counter()
        run("--help")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


def loaded_by(program: str) -> set[str]:
    """Names of the modules that a process has loaded that ran a program."""
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules, file=sys.stderr)"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(shown.stderr.split())


def test_help_imports_no_verb_and_no_science() -> None:
    loaded = loaded_by("from sidestep.main import main\nmain(['--help'])")
    assert "sidestep" in loaded
    assert not loaded & {"numpy", "pandas", "sklearn", "mlflow", "optuna", "shap", "xgboost"}


def test_scoring_imports_nothing_that_only_learning_needs() -> None:
    loaded = loaded_by("import sidestep.serving.job, sidestep.models.registry.load")
    assert "sidestep.models.estimators.trees" in loaded
    assert not loaded & {"joblib", "mlflow", "scipy.optimize", "scipy.stats", "sklearn", "xgboost"}


def test_mlflows_pages_start_without_an_import_of_mlflow_here() -> None:
    assert "mlflow" not in loaded_by("import sidestep.training.tracking.ui")


class Terminal(io.StringIO):
    """A standard error that a person sees."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "imported", "seen"),
    [
        ("score S --model M --out O", "serving.job", "reading the model M"),
        ("explain A --drug D", "serving.explain.answer", "reading the model and the study"),
        ("explain --drug D", "serving.disk.regimens", "reading the scores"),
        ("check . --model M", "features.study.check", "reading the model M"),
        ("combine S", "serving.combinations.folder", "reading scores, model and study"),
        ("report S", "serving.report.writing", "drawing the report"),
    ],
)
def test_a_verb_says_what_it_does_before_it_imports_what_it_needs(
    words: str, imported: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"sidestep.{imported}", None)  # to import it fails
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert main(words.split()) == 1
    said, _, failed = terminal.getvalue().partition("sidestep: error: ")
    assert seen in said
    assert imported in failed


@pytest.mark.slow_but_first
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_help(verb: str) -> None:
    shown = run(verb, "--help")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"Usage: sidestep {verb} ")
    assert "--help" in shown.stdout


def test_version() -> None:
    shown = run("--version")
    assert (shown.returncode, shown.stdout) == (0, f"sidestep, version {sidestep.__version__}\n")


def test_no_verb_shows_the_help_and_is_a_mistake() -> None:
    shown = run()
    assert shown.returncode == 2
    assert "Verbs:" in shown.stderr


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        (["scor"], "did you mean 'score'?"),
        (["Train"], "did you mean 'train'?"),
        (["zzz"], "choose one of data, check, "),
        (["--versoin"], "Did you mean '--version'?"),
        (["check", "here", "--drug", "x"], "Did you mean '--drugs'?"),
        (["check"], "Missing argument 'WAY'."),
        (["check", "here", "--trials", "many"], "'many' is not a valid integer."),
    ],
)
def test_mistyped_command_line_names_the_right_way(
    stand_in: Path, typed: list[str], suggested: str
) -> None:
    shown = run(*typed, on=stand_in)
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert suggested in shown.stderr
    assert "--help`" in shown.stderr
    assert_one_sentence(shown.stderr)


def test_an_errors_own_exit_code_and_message_reach_the_user(stand_in: Path) -> None:
    shown = run("check", "mendable", on=stand_in)
    assert shown.returncode == 2
    assert shown.stderr == "sidestep: error: data.txt, row 3: 'x' is no number; write NA.\n"


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("unforeseen", "RuntimeError: the sky fell (set SIDESTEP_TRACEBACK=1"),
        ("missing-file", "No such file or directory: 'no/such/file.txt' (set"),
    ],
)
def test_an_unforeseen_error_is_one_sentence(stand_in: Path, way: str, said: str) -> None:
    shown = run("check", way, on=stand_in)
    assert shown.returncode == 1
    assert said in shown.stderr
    assert_one_sentence(shown.stderr)


def test_the_traceback_is_there_for_who_asks(stand_in: Path) -> None:
    shown = run("check", "unforeseen", on=stand_in, extra={"SIDESTEP_TRACEBACK": "1"})
    assert shown.returncode == 1
    assert shown.stderr.startswith("Traceback (most recent call last):")
    assert "RuntimeError: the sky fell." in shown.stderr


def test_a_verb_chooses_its_exit_code(stand_in: Path) -> None:
    shown = run("check", "finds-errors", on=stand_in)
    assert (shown.returncode, shown.stdout, shown.stderr) == (1, "", "")


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        (["--drugs", ""], "fine, all of them, 7, False"),
        (["--drugs", "", "--trials", "", "--quiet"], "fine, all of them, 7, True"),
        (["--drugs="], "fine, all of them, 7, False"),
        (["--quiet", "--drugs", "Lapatinib"], "fine, Lapatinib, 7, True"),
        (["--trials=3", "--drugs", " "], "fine,  , 3, False"),
    ],
)
def test_an_option_given_as_an_empty_string_counts_as_not_given(
    stand_in: Path, given: list[str], understood: str
) -> None:
    shown = run("check", "fine", *given, on=stand_in)
    assert (shown.returncode, shown.stdout) == (0, f"{understood}\n"), shown.stderr


def test_an_empty_argument_stays_an_argument(stand_in: Path) -> None:
    shown = run("check", "--quiet", "--", "", on=stand_in)
    assert shown.stdout == ", all of them, 7, True\n"


def test_an_interrupt_ends_in_a_sentence(stand_in: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sidestep", "check", "endless"],
        env=environment(stand_in),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that a shell started in the background hands on that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert_one_sentence(stderr)


def test_a_request_to_end_ends_in_a_sentence(stand_in: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sidestep", "check", "endless"],
        env=environment(stand_in),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.terminate()
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert_one_sentence(stderr)


def test_nothing_that_is_named_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no\x1b[2Jsuch\u202efolder\udcff"]) == 2
    shown = capsys.readouterr()
    assert "no\\x1b[2Jsuch\\u202efolder\\udcff" in shown.err
    assert "\x1b" not in shown.err


@pytest.mark.parametrize("way", ["chatty", "fine"])
def test_a_reader_that_leaves_is_no_error(stand_in: Path, way: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        shown = subprocess.run(
            [sys.executable, "-P", "-m", "sidestep", "check", way],
            env=environment(stand_in),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writer)
    assert (shown.returncode, shown.stderr) == (141, "")


@pytest.mark.parametrize(("call", "least"), [("main()", 50_000), ("main(['--version'])", 700)])
def test_only_a_process_of_its_own_collects_less_often(call: str, least: int) -> None:
    program = (
        "import gc, sys; sys.argv = ['sidestep', '--version']; from sidestep.main import main; "
        f"{call}; print(gc.get_threshold()[0])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(shown.stdout.splitlines()[-1]) == least
