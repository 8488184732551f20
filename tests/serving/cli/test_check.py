"""`sidestep check` as a person meets it: what it prints and returns."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

Run = Callable[..., tuple[int, str, str]]


def assert_one_sentence(stderr: str, *parts: str) -> None:
    assert re.fullmatch(r"sidestep: error: [^\n]+\n", stderr), stderr
    for part in parts:
        assert part in stderr


@pytest.fixture
def broken(simulated: Path, tmp_path: Path) -> Path:
    """The cohort with a file of antibodies that cannot be read."""
    folder = shutil.copytree(simulated / "cohort_sim", tmp_path / "broken")
    (folder / "data_rppa.txt").write_text("nothing to see\n")
    return folder


def test_check_prints_what_it_found(run: Run, simulated: Path) -> None:
    code, stdout, stderr = run("check", simulated / "cohort_sim")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("Study cohort_sim: ")
    assert "SIMULATED DATA" in stdout
    assert "Findings: 0 errors" in stdout
    assert "Against the model" not in stdout


def test_check_of_a_broken_study_ends_with_1(run: Run, broken: Path) -> None:
    code, stdout, stderr = run("check", broken)
    assert (code, stderr) == (1, "")
    assert "error    data_rppa.txt" in stdout


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_check_of_no_folder_is_one_sentence(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    code, stdout, stderr = run("check", tmp_path / name)
    assert (code, stdout) == (2, "")
    assert_one_sentence(stderr, name, "give a folder in the cBioPortal staging format")


def test_a_model_adds_how_the_study_differs(run: Run, simulated: Path, saved_model: Path) -> None:
    study = simulated / "cohort_sim"
    _, plain, _ = run("check", study)
    code, stdout, stderr = run("check", study, "--model", saved_model)
    assert (code, stderr) == (0, "")
    assert stdout.startswith(plain)
    title, head, *rows = stdout.removeprefix(plain).strip().splitlines()
    name = saved_model.name
    assert title == f"Against the model {name} (trained on breast_sim, SIMULATED DATA)"
    assert head.split()[:3] == ["weight", "covered", "samples"]
    modalities = [row.split()[0] for row in rows[:4]]
    assert modalities == ["expression", "rppa", "mutation", "copy_number"]
    assert all(re.match(r"  \w+ +\d+% +\d+% +\d+ ", row) for row in rows[:4])


def test_the_training_study_is_not_shifted(run: Run, simulated: Path, saved_model: Path) -> None:
    code, stdout, _ = run("check", simulated / "breast_sim", "--model", saved_model)
    assert code == 0
    section = stdout.partition("Against the model")[2].strip().splitlines()
    assert [row.split()[-1] for row in section[2:]] == ["none"] * 4


def test_a_strong_shift_comes_with_advice(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(simulated / "cohort_sim", tmp_path / "other")
    header, *rows = (other / "data_rppa.txt").read_text().splitlines()
    cells = [row.split("\t") for row in rows]
    values = [[one, *(v if v == "NA" else f"{float(v) + 6:.4f}" for v in vs)] for one, *vs in cells]
    text = "\n".join([header, *("\t".join(row) for row in values)])
    (other / "data_rppa.txt").write_text(text + "\n")
    code, stdout, _ = run("check", other, "--model", saved_model)
    assert code == 0
    assert re.search(r"^  rppa .* strong$", stdout, re.M)
    advice = stdout.partition("\nStrong shift in ")[2]
    assert "rppa" in advice.partition(":")[0]
    assert "`applicability`" in advice


def test_what_is_left_of_a_broken_study_is_compared(
    run: Run, broken: Path, saved_model: Path
) -> None:
    code, stdout, _ = run("check", broken, "--model", saved_model)
    assert code == 1
    assert re.search(r"^  rppa +\d+% +0% +0 .* not measured$", stdout, re.M)


def test_without_a_study_there_is_nothing_to_compare(
    run: Run, saved_model: Path, tmp_path: Path
) -> None:
    code, stdout, _ = run("check", tmp_path, "--model", saved_model)
    assert code == 1
    assert stdout.startswith("No study could be read")
    assert "Against the model" not in stdout


def test_a_model_that_does_not_exist_is_one_sentence(run: Run, simulated: Path) -> None:
    code, stdout, stderr = run("check", simulated / "cohort_sim", "--model", "nowhere")
    assert (code, stdout) == (2, "")
    assert_one_sentence(stderr, "models:/nowhere@champion is not in", "sidestep models")


@pytest.mark.slow
def test_a_name_that_is_not_registered_is_one_sentence(simulated: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "sidestep", "check", simulated / "cohort_sim"),
            *("--model", "models:/nobody@champion"),
            *("--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SIDESTEP_TRACEBACK": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert f"model models:/nobody@champion is not in sqlite:///{tmp_path}" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_an_empty_model_counts_as_not_given(run: Run, simulated: Path) -> None:
    given = run("check", simulated / "cohort_sim", "--model", "", "--tracking-uri", "")
    assert given == run("check", simulated / "cohort_sim")
