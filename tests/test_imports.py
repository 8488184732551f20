"""Imports between the folders run one way, and the check would notice if one did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("features", "models", "training", "serving")


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


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package and its contracts to where they may be spoilt."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", tree)
    ignored = shutil.ignore_patterns("__pycache__", "tables", "js", "vendor")
    shutil.copytree(ROOT / "sidestep", tree / "sidestep", ignore=ignored)
    return tree


def test_imports_run_one_way() -> None:
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("features.files", "models"),
        ("models.engines", "training"),
        ("models.engines", "serving"),
        ("training.cli", "serving"),
        ("serving.cli", "training"),
        ("training.cli", "main"),
        ("features.files", "features.study"),
        ("features.builders", "features.mechanisms"),
        ("models.estimators", "models.reliability"),
        ("training.validation", "training.tracking"),
        ("serving.scoring", "serving.report"),
        ("serving.evidence", "serving.scoring"),
    ],
)
def test_an_arrow_that_goes_astray_is_reported(
    copied_tree: Path, importer: str, imported: str
) -> None:
    astray = copied_tree / "sidestep" / importer.replace(".", "/") / "astray.py"
    astray.write_text(f"import sidestep.{imported}\n", encoding="utf-8")
    try:
        found = lint_imports(copied_tree)
    finally:
        astray.unlink()
    assert found.returncode == 1, found.stdout
    assert f"sidestep.{importer}.astray -> sidestep.{imported}" in found.stdout


def test_every_room_says_what_it_is_for_and_what_it_offers() -> None:
    rooms = [path.parent for folder in FOLDERS for path in (ROOT / folder).glob("*/__init__.py")]
    assert len(rooms) > 20
    for room in rooms:
        name = f"sidestep.{room.relative_to(ROOT).as_posix().replace('/', '.')}"
        package = import_module(name)
        modules = sorted(path.stem for path in room.glob("*.py") if path.stem != "__init__")
        assert sorted(package.__all__) == modules, name
        assert len(package.__doc__ or "") > 60, name
        assert len(modules) <= 20, name
