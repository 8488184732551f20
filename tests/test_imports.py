"""Imports between the folders run one way, and the check would notice if one did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "models", "training", "serving", "sidestep")


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a tree's own pyproject.toml on the tree's own packages."""
    program = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copied_tree(tmp_path: Path) -> Path:
    """Copy the packages and their contracts to where they may be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "knowledge")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    return tmp_path


def test_imports_run_one_way() -> None:
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout
    assert "2 kept, 0 broken" in found.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("features", "models"),
        ("models", "training"),
        ("models", "serving"),
        ("training", "serving"),
        ("serving", "training"),
        ("training", "sidestep"),
        ("sidestep", "features"),
        ("sidestep", "models"),
    ],
)
def test_an_arrow_that_goes_astray_is_reported(
    copied_tree: Path, importer: str, imported: str
) -> None:
    astray = copied_tree / importer / "astray.py"
    astray.write_text(f"import {imported}\n", encoding="utf-8")
    found = lint_imports(copied_tree)
    assert found.returncode == 1, found.stdout
    assert f"{importer}.astray -> {imported}" in found.stdout
