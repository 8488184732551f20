"""The wheel: it holds all that Sidestep needs, under one name, and bears other people's packages.

It is built from a copy of the tree, because building leaves files behind, and is installed beside
nothing; the libraries that Sidestep needs are those of the tests' own environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import sidestep

ROOT = Path(__file__).parents[2]
FOLDERS = ("features", "models", "training", "serving")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]

pytestmark = pytest.mark.slow


def run(command: list[str], folder: Path, site: Path | None = None) -> str:
    """Run a command to its good end in a folder; what it prints."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    kept |= {"NUMBA_DISABLE_JIT": "1"}  # a new place would have all compiled anew, for 6 samples
    ran = subprocess.run(
        command,
        cwd=folder,
        env=kept if site is None else kept | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("sidestep", *FOLDERS):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    out = tmp_path_factory.mktemp("wheel")
    run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(out), "."], tree)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed alone."""
    site = tmp_path_factory.mktemp("site")
    alone = ["--no-compile", "--no-deps", "--no-index", "--target", str(site)]
    run([*PIP, "install", *alone, str(wheel)], site)
    return site


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with packages and modules of the four folders' names."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in FOLDERS[:2]:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("MINE = True\n")
    for name in FOLDERS[2:]:
        (folder / f"{name}.py").write_text("MINE = True\n")
    return folder


def test_it_installs_one_package(wheel: Path, site: Path) -> None:
    info = f"sidestep-{sidestep.__version__}.dist-info"
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert names == {"sidestep", info}
    assert {path.name for path in site.iterdir()} == {"sidestep", info, "bin"}


def test_it_holds_every_file(wheel: Path) -> None:
    """All of the four folders: modules, tables, the report's parts, and the mark of typed code."""
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        f"sidestep/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    needed |= {f"sidestep/{path.name}" for path in (ROOT / "sidestep").iterdir() if path.is_file()}
    readmes = {name for name in needed if name.endswith("README.md")}
    assert needed - readmes <= held
    assert {"sidestep/py.typed", "sidestep/features/knowledge/tables/drugs.tsv"} <= held
    assert "sidestep/serving/report/vendor/d3.min.js" in held


def test_it_and_a_hosts_own_packages_bear_each_other(site: Path, elsewhere: Path) -> None:
    program = """
import sidestep
import features, models, serving, training
assert features.MINE and models.MINE and serving.MINE and training.MINE
import sidestep.features, sidestep.models, sidestep.serving, sidestep.training
assert not hasattr(sidestep.models, "MINE")
study = sidestep.simulate(kind="cohort", lines=6, genes=120)
assert callable(sidestep.score) and callable(sidestep.train)
print(sidestep.__file__, len(study.samples))
"""
    where, samples = run([sys.executable, "-c", program], elsewhere, site).split()
    assert Path(where).parent == site / "sidestep"
    assert samples == "6"


def test_its_command_simulates_and_scores(
    site: Path, elsewhere: Path, model_folder: Path, tmp_path: Path
) -> None:
    counts = ["--lines", "20", "--pancan-lines", "40", "--cohort-samples", "6", "--genes", "150"]
    asked = ["--model", str(model_folder), "--out", str(tmp_path / "scores"), "--quiet"]
    verbs = [
        ["simulate", str(tmp_path), *counts],
        ["score", str(tmp_path / "cohort_sim"), *asked],
    ]
    program = f"from sidestep.main import main\nfor verb in {verbs!r}: assert main(verb) == 0"
    run([sys.executable, "-c", program], elsewhere, site)
    scores = pd.read_parquet(tmp_path / "scores" / "scores.parquet")
    assert scores["sample_id"].nunique() == 6
    assert scores["prediction"].notna().all()
    report = (tmp_path / "scores" / "report.html").read_text(encoding="utf-8")
    assert "d3" in report
    assert run([str(site / "bin" / "sidestep"), "--version"], elsewhere, site).startswith(
        "sidestep"
    )
