"""The gallery: every example runs, and every page shows the example that there is."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from sidestep.main import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
PRINTED = re.compile(r"\n\n```text\n.*?\n```(?=\n\n|\n$)", re.DOTALL)
PICTURE = re.compile(r"!\[(?P<seen>[^\]]*)\]\((?P<path>[^)]*)\)")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
MOST_BYTES = 100_000

SMALL = '''# %% [markdown]
"""
# Does it add up?
"""

# %%
run = 32 * "a"
print("Run", run, "  ")
print("Took 12 s")

# %% [markdown]
# It does:
#
# - so

# %%
run = run.upper()
'''


def by_name(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def render() -> ModuleType:
    """``docs/render.py``, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("render_docs", DOCS / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where data classes look for their module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_examples_run_in_their_order(tmp_path: Path):
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    # One fold assignment instead of three, and fewer folds: the walk is what is tested, not the
    # model.
    quick = tmp_path / "examples"
    quick.mkdir()
    for example in EXAMPLES:
        code = example.read_text(encoding="utf-8").replace("--trials 0", "--trials 0 --repeats 1")
        code = code.replace("--folds 4", "--folds 2").replace("Plan(folds=4)", "Plan(folds=2)")
        (quick / example.name).write_text(code, encoding="utf-8")
    run_all = "import runpy, sys; [runpy.run_path(a, run_name='__main__') for a in sys.argv[1:]]"
    done = subprocess.run(
        [sys.executable, "-c", run_all, *sorted(quick.iterdir())],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()
    made = {picture.name for picture in tmp_path.glob("*.png")}
    assert made == {picture.name for picture in (DOCS / "images").glob("[0-9]*.png")}


def test_every_example_has_a_page_and_every_page_an_example():
    assert len(EXAMPLES) == 6
    assert [page.stem for page in sorted(DOCS.glob("[0-9]*.md"))] == list(map(by_name, EXAMPLES))


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_a_page_shows_the_code_and_the_words_of_its_example(render, example: Path):
    page = (DOCS / f"{example.stem}.md").read_text(encoding="utf-8")
    cells = render.cells_of(example.read_text(encoding="utf-8"))
    expected = "\n\n".join(cell.markdown for cell in cells) + "\n"
    assert PRINTED.sub("", page) == expected, "the example has changed: run make pages"
    assert PRINTED.search(page)


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_a_page_says_that_its_data_are_simulated_before_any_code(example: Path):
    page = (DOCS / f"{example.stem}.md").read_text(encoding="utf-8")
    assert "**All data on this page are simulated." in page.partition("```")[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_a_page_holds_nothing_of_the_machine_that_made_it(example: Path):
    page = (DOCS / f"{example.stem}.md").read_text(encoding="utf-8")
    assert str(ROOT) not in page
    assert not re.search(r"/tmp/|/home/|[0-9a-f]{32}|Warning:|\d it/s", page)


def test_pictures_are_small_described_and_all_shown():
    shown = {}
    for page in DOCS.glob("**/*.md"):
        for picture in PICTURE.finditer(page.read_text(encoding="utf-8")):
            shown[picture["path"]] = picture["seen"]
    assert {Path(path) for path in shown} == {
        picture.relative_to(DOCS) for picture in (DOCS / "images").iterdir()
    }
    assert all(len(seen.split()) > 5 for seen in shown.values())
    assert all((DOCS / path).stat().st_size < MOST_BYTES for path in shown)


@pytest.mark.parametrize("example", EXAMPLES, ids=by_name)
def test_both_indexes_name_the_example_by_its_question(example: Path):
    title = (DOCS / f"{example.stem}.md").read_text(encoding="utf-8").splitlines()[0]
    question = title.removeprefix("# ")
    assert f"[{question}]({example.stem}.md)" in (DOCS / "README.md").read_text(encoding="utf-8")
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"| [{example.name}]({example.name}) | {question} |" in listed


def test_the_shell_commands_of_the_pages_are_commands():
    commands = [
        shlex.split(line)
        for page in sorted(DOCS.glob("[0-9]*.md"))
        for block in SHELL.findall(page.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", " ").splitlines()
    ]
    assert {words[0] for words in commands} == {"sidestep"}
    for _, verb, *rest in commands:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None, verb
        command.make_context(verb, list(rest))  # raises for an option that there is not


def test_a_page_shows_what_a_cell_prints_and_hides_what_passes(render, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = tmp_path / "small.py"
    example.write_text(SMALL, encoding="utf-8")
    assert render.page(example, tmp_path) == (
        "# Does it add up?\n\n"
        '```python\nrun = 32 * "a"\nprint("Run", run, "  ")\nprint("Took 12 s")\n```\n\n'
        "```text\nRun …\nTook … s\n```\n\n"
        "It does:\n\n- so\n\n"
        "```python\nrun = run.upper()\n```\n"
    )


def test_an_example_that_fails_names_the_line(render, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = tmp_path / "broken.py"
    example.write_text(SMALL + "\n# %%\nrun.missing()\n", encoding="utf-8")
    with pytest.raises(AttributeError, match="missing") as failure:
        render.page(example, tmp_path)
    assert failure.traceback[-1].lineno + 1 == 20
    assert Path(failure.traceback[-1].path) == example
