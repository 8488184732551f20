"""Studies too large for memory are scored from disk, with the bytes of those that are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidestep.features.files.limits import HELD_MIB
from sidestep.features.study.study import Study

TABLES = ("scores", "explanations", "mechanisms", "evidence", "reference")


@pytest.fixture
def nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every matrix goes to disk."""
    monkeypatch.setenv(HELD_MIB, "0.01")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def data_file(study: Path, kind: str) -> Path:
    """The study's data file of a kind."""
    metas = (path for path in study.glob("meta_*.txt") if kind in path.read_text())
    return study / next(metas).name.replace("meta_", "data_")


@pytest.fixture(scope="module")
def held(simulated: Path, saved_model: Path, tmp_path_factory) -> dict[str, bytes]:
    """What is written of the cohort when it is read into memory."""
    from sidestep.main import main

    out = tmp_path_factory.mktemp("held") / "out"
    args = ["score", simulated / "cohort_sim", "--model", saved_model, "--out", out, "--quiet"]
    assert main([str(arg) for arg in args]) == 0
    return contents(out)


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "jobs"), [(256, 1), pytest.param(5, 2, marks=pytest.mark.slow)])
def test_the_bytes_are_the_same_from_disk(
    run,
    simulated: Path,
    saved_model: Path,
    held,
    nothing_is_held,
    tmp_path: Path,
    chunk: int,
    jobs: int,
) -> None:
    out = tmp_path / "out"
    study = simulated / "cohort_sim"
    size = ("--chunk-size", chunk, "--jobs", jobs)
    code, _, stderr = run("score", study, "--model", saved_model, "--out", out, *size)
    assert code == 0, stderr
    assert contents(out) == held
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
def test_matrices_that_a_killed_job_left_are_used_and_removed(
    run, simulated: Path, saved_model: Path, held, nothing_is_held, tmp_path: Path, monkeypatch
) -> None:
    from sidestep.serving import job

    out, kept = tmp_path / "out", tmp_path / ".out.matrices"
    args = ["score", simulated / "cohort_sim", "--model", saved_model, "--out", out, "--quiet"]

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "score_packed", interrupted)
        assert run(*args)[0] == 130
    before = {path.name: path.stat().st_ino for path in kept.iterdir()}
    assert len(before) == 6

    def looked_at(*args: object) -> None:
        assert {path.name: path.stat().st_ino for path in kept.iterdir()} == before
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "score_packed", looked_at)
        assert run(*args)[0] == 130
    assert run(*args)[0] == 0
    assert contents(out) == held
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
def test_a_study_that_cannot_be_read_any_more_is_told_and_what_is_done_is_kept(
    run, simulated: Path, saved_model: Path, held, nothing_is_held, tmp_path: Path, monkeypatch
) -> None:
    from sidestep.serving import job

    out, kept = tmp_path / "out", tmp_path / ".out.matrices"
    args = ["score", simulated / "cohort_sim", "--model", saved_model, "--out", out, "--quiet"]
    args += ["--chunk-size", 5, "--jobs", 1]
    ordinary = job.score_packed

    def then_the_disk_fails(*task: object) -> object:
        scored = ordinary(*task)
        for path in kept.glob("*.rows"):
            path.write_bytes(path.read_bytes()[:8])
        return scored

    with monkeypatch.context() as patched:
        patched.setattr(job, "score_packed", then_the_disk_fails)
        code, _, stderr = run(*args)
    assert code == 2
    assert f"{kept}/" in stderr
    assert ".rows cannot be read any more (the file is cut short); mend that and run" in stderr
    code, _, stderr = run(*args)
    assert code == 0
    assert "going on with an earlier run: 5 of 24 samples are done" in stderr
    assert contents(out) == held


def test_a_study_that_is_not_right_leaves_nothing(
    run, simulated: Path, saved_model: Path, nothing_is_held, tmp_path: Path
) -> None:
    study = shutil.copytree(simulated / "cohort_sim", tmp_path / "study")
    data = data_file(study, "COPY_NUMBER_ALTERATION")
    with data.open("a") as file:
        file.write("too\tfew\n")
    size = ("--chunk-size", 5, "--jobs", 2)  # processes have started when it is told
    code, _, stderr = run("score", study, "--model", saved_model, "--out", tmp_path / "out", *size)
    assert code == 2
    assert f"{data.name}, line" in stderr
    assert list(tmp_path.iterdir()) == [study]


@pytest.mark.slow
@pytest.mark.parametrize("held_mib", ["64", "0.01"])
def test_a_parquet_study_has_the_scores_of_its_text(
    run, simulated: Path, cohort: Study, saved_model: Path, held, tmp_path, monkeypatch, held_mib
) -> None:
    study = shutil.copytree(simulated / "cohort_sim", tmp_path / "study")
    data = data_file(study, "MRNA_EXPRESSION")
    meta = study / data.name.replace("data_", "meta_")
    meta.write_text(meta.read_text().replace(data.name, "levels.parquet"))
    data.unlink()
    table = pa.Table.from_pandas(cohort.expression.reset_index(names="SAMPLE_ID"))
    pq.write_table(table, study / "levels.parquet", row_group_size=10)
    monkeypatch.setenv(HELD_MIB, held_mib)
    code, _, stderr = run("score", study, "--model", saved_model, "--out", tmp_path / "out")
    assert code == 0, stderr
    found = contents(tmp_path / "out")
    for name in TABLES:
        assert found[f"{name}.parquet"] == held[f"{name}.parquet"], name


def test_somebody_elses_folder_is_refused_and_kept(
    run, simulated: Path, saved_model: Path, nothing_is_held, tmp_path: Path
) -> None:
    (tmp_path / ".out.matrices").mkdir()
    (tmp_path / ".out.matrices" / "mine.txt").touch()
    code, _, stderr = run(
        "score", simulated / "cohort_sim", "--model", saved_model, "--out", tmp_path / "out"
    )
    assert code == 2
    assert "holds mine.txt, which sidestep did not write" in stderr
    assert (tmp_path / ".out.matrices" / "mine.txt").exists()
    assert not (tmp_path / "out").exists()
