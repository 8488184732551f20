"""The notebook of five lines: it runs from top to bottom in one process, and is kept clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "00_five_lines.ipynb"
_AFTER = """
assert len(scores.samples) == 12
assert {"expression:ERBB2", "rppa:ERBB2"} & set(contributions.feature_names)
assert len(plt.get_fignums()) == 1
"""


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
def test_it_runs(tmp_path: Path) -> None:
    code = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    program = "\n\n".join(["import matplotlib.pyplot as plt", *code, _AFTER])
    ran = subprocess.run(
        [sys.executable, "-W", "ignore:FigureCanvasAgg is non-interactive", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert (tmp_path / "scores" / "report.html").is_file()
