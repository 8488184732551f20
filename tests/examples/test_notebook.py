"""The notebook of five lines: it runs from top to bottom in one process, and is kept clean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "00_five_lines.ipynb"


def cells() -> list[dict[str, Any]]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    found: list[dict[str, Any]] = notebook["cells"]
    return found


def test_it_keeps_no_output() -> None:
    code = [cell for cell in cells() if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells()}) == len(cells())


def test_five_lines_are_enough() -> None:
    first = next(cell for cell in cells() if cell["cell_type"] == "code")
    lines = [line for line in "".join(first["source"]).splitlines() if line]
    assert len([line for line in lines if "=" in line or "import" in line]) == 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_it_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    few_trees: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    code = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    # One fold assignment instead of three: the walk is what is tested, not the model.
    program = "\n\n".join(code).replace("jobs=1", "jobs=1, repeats=1")
    names: dict[str, Any] = {"__name__": "__main__"}
    plt.close("all")
    try:
        exec(compile(program, NOTEBOOK.name, "exec"), names)
        assert len(plt.get_fignums()) == 1
    finally:
        plt.close("all")
    assert capsys.readouterr().err == ""
    assert len(names["scores"].samples) == 12
    found = set(names["contributions"].feature_names)
    assert {"expression:ERBB2", "rppa:ERBB2"} & found
    assert (tmp_path / "scores" / "report.html").is_file()
