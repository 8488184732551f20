"""Folders written whole or not at all, and tables whose bytes depend on their rows alone."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.output import TableWriter, as_table, unwritable
from sidestep.serving.job import FILES, score_study
from sidestep.serving.report.writing import write_report, write_sample_page
from sidestep.serving.scoring.options import ScoreOptions


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def earlier(cohort: Study, model: LoadedModel, tmp_path: Path) -> Path:
    """An output of score."""
    score_study(cohort, model, tmp_path / "out", drugs=["Lapatinib"])
    return tmp_path / "out"


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        score_study(cohort, model, tmp_path / name)
    assert sorted(contents(tmp_path / "one")) == sorted(FILES)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_an_earlier_output_is_replaced_as_a_whole(
    earlier: Path, cohort: Study, model: LoadedModel
) -> None:
    before = contents(earlier)
    write_report(earlier, most=3)  # drawn anew, it is one of the earlier output's files still
    score_study(cohort, model, earlier)
    after = contents(earlier)
    assert sorted(after) == sorted(FILES)
    assert after["scores.csv"] != before["scores.csv"]
    assert [path.name for path in earlier.parent.iterdir()] == ["out"]


def put(path: Path, content: str = "mine") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


STRANGERS: dict[str, Callable[[Path], object]] = {
    "a note": lambda out: put(out / "notes.txt"),
    "a folder": lambda out: put(out / "patients" / "list.csv"),
    "an empty folder": lambda out: (out / "patients").mkdir(),
    "a sample's page": lambda out: write_sample_page(out, sample_names(out)[0]),
    "a partner table": lambda out: put(out / "combinations.csv"),
    "a page of another report": lambda out: put(out / "report-2.html"),
    "a table that was changed": lambda out: put(out / "scores.csv"),
    "a page that was changed": lambda out: put(out / "report.html"),
    "a link": lambda out: (out / "latest").symlink_to("scores.csv"),
    "a link in the place of a file": lambda out: (
        (out / "scores.csv").rename(out.parent / "mine.csv"),
        (out / "scores.csv").symlink_to(out.parent / "mine.csv"),
    ),
    "a pipe": lambda out: os.mkfifo(out / "pipe"),
    "a hidden file": lambda out: put(out / ".gitignore"),
    "a manifest without a list": lambda out: put(
        out / "manifest.json", json.dumps({"kind": "sidestep scores"})
    ),
}


def sample_names(out: Path) -> list[str]:
    return pd.read_parquet(out / "scores.parquet")["sample_id"].tolist()


@pytest.fixture(scope="module")
def a_score(cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("owned") / "out"
    score_study(cohort, model, out, drugs=["Lapatinib"])
    return out


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_score_did_not_write_so_is_refused_and_kept(
    a_score: Path, cohort: Study, model: LoadedModel, tmp_path: Path, stranger: str
) -> None:
    out = Path(shutil.copytree(a_score, tmp_path / "out"))
    STRANGERS[stranger](out)
    before = {path: path.lstat() for path in out.rglob("*")}
    with pytest.raises(InputError, match=r"which sidestep score did not write;|was changed after"):
        score_study(cohort, model, out, drugs=["Lapatinib"])
    assert {path: path.lstat().st_mtime_ns for path in out.rglob("*")} == {
        path: found.st_mtime_ns for path, found in before.items()
    }
    assert [path.name for path in tmp_path.iterdir() if path.name != "mine.csv"] == ["out"]


def test_what_other_verbs_added_is_named_with_what_to_do(
    a_score: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(a_score, tmp_path / "out"))
    page = write_sample_page(out, sample_names(out)[0]).name
    message = rf"move it elsewhere, as all that combine or report added \({page}\), or"
    with pytest.raises(InputError, match=message):
        score_study(cohort, model, out, drugs=["Lapatinib"])


@pytest.mark.slow
def test_a_note_that_comes_while_scores_are_computed_is_kept(
    a_score: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(a_score, tmp_path / "out"))
    with pytest.raises(InputError, match=r"out holds notes.txt, which sidestep score did not"):
        score_study(cohort, model, out, progress=lambda done: put(out / "notes.txt"))
    assert (out / "notes.txt").read_text() == "mine"


def test_unfinished_work_beside_a_strangers_file_is_refused(
    a_score: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    note = put(Path(shutil.copytree(a_score, tmp_path / ".out.partial" / "output")) / "notes.txt")
    with pytest.raises(InputError, match=r"kept, holds output/notes.txt, which sidestep score"):
        score_study(cohort, model, tmp_path / "out", drugs=["Lapatinib"])
    assert note.read_text() == "mine"


def test_the_folder_is_as_open_as_any_new_one(earlier: Path, tmp_path: Path) -> None:
    (tmp_path / "ordinary").mkdir()
    assert earlier.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_folder_with_other_files_is_refused_and_kept(
    cohort: Study, model: LoadedModel, tmp_path: Path, name: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"name": "somebody\'s web page"}')
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match=r"out already holds files .* give --out a new folder"):
        score_study(cohort, model, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_an_empty_folder_is_filled(cohort: Study, model: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    score_study(cohort, model, tmp_path / "out", drugs=["Lapatinib"])
    assert sorted(contents(tmp_path / "out")) == sorted(FILES)


@pytest.mark.slow
def test_a_link_keeps_pointing_to_the_output(
    cohort: Study, model: LoadedModel, earlier: Path, tmp_path: Path
) -> None:
    (tmp_path / "latest").symlink_to(earlier)
    score_study(cohort, model, tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    assert len(pd.read_parquet(earlier / "scores.parquet")) == 24 * 3


@pytest.mark.parametrize("out", ["taken", "taken/out", "taken/deep/out"])
def test_a_file_in_the_way_is_one_sentence_and_stays(
    cohort: Study, model: LoadedModel, tmp_path: Path, out: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"taken.* give --out "):
        score_study(cohort, model, tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_after_a_failure_half_way_the_same_call_goes_on(
    earlier: Path, cohort: Study, model: LoadedModel, failure: type[BaseException]
) -> None:
    before = contents(earlier)

    def fail(done: int) -> None:
        if done > 10:
            raise failure

    with pytest.raises(failure):
        score_study(cohort, model, earlier, chunk=6, progress=fail)
    assert contents(earlier) == before
    work = earlier.parent / ".out.partial"
    assert sorted(path.name for path in earlier.parent.iterdir()) == [work.name, "out"]
    assert not (work / "output").exists()

    notices: list[str] = []
    score_study(cohort, model, earlier, chunk=6, notice=notices.append)
    assert notices == ["note: going on with an earlier run: 12 of 24 samples are done"]
    score_study(cohort, model, earlier.parent / "undisturbed")
    assert contents(earlier) == contents(earlier.parent / "undisturbed")
    assert not work.exists()


@pytest.mark.slow
def test_another_job_starts_anew(earlier: Path, cohort: Study, model: LoadedModel) -> None:
    def fail(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_study(cohort, model, earlier, chunk=6, progress=fail)
    notices: list[str] = []
    score_study(
        cohort, model, earlier, chunk=6, options=ScoreOptions(top_k=2), notice=notices.append
    )
    assert len(notices) == 1
    assert notices[0].startswith("note: unfinished work of another job was removed from ")
    assert pd.read_parquet(earlier / "explanations.parquet")["rank"].max() == 3


@pytest.mark.slow
def test_a_folder_that_fills_up_meanwhile_is_not_replaced(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"

    def meanwhile(done: int) -> None:
        out.mkdir()
        (out / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match="already holds files"):
        score_study(cohort, model, out, progress=meanwhile)
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("piece", [1_000, 40_000, 150_000])
def test_the_bytes_of_a_table_depend_on_its_rows_alone(tmp_path: Path, piece: int) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"name": rng.choice(["a", "bb", "ccc"], 150_000), "x": rng.normal(size=150_000)}
    )
    schema = pa.schema({"name": pa.string(), "x": pa.float64()})
    for path, size in ((tmp_path / "whole", len(rows)), (tmp_path / "pieces", piece)):
        with TableWriter(path, schema) as writer:
            for start in range(0, len(rows), size):
                writer.append(as_table(rows.iloc[start : start + size], schema))
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "pieces"), rows, check_exact=True)


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    schema = pa.schema({"name": pa.string(), "x": pa.float64()})
    with TableWriter(tmp_path / "x.parquet", schema, tmp_path / "x.csv"):
        pass
    assert list(pd.read_parquet(tmp_path / "x.parquet").columns) == ["name", "x"]
    assert (tmp_path / "x.csv").read_text() == "name,x\n"


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@A1", "\t=1", "\n=1", "\r=1", "a\r=1", "a=1", "'=1", "", None]
    rows = pd.DataFrame({"name": names, "x": -1.5})
    schema = pa.schema({"name": pa.string(), "x": pa.float64()})
    with TableWriter(tmp_path / "x.parquet", schema, tmp_path / "x.csv") as writer:
        writer.append(as_table(rows, schema))
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        _, *cells = csv.reader(file)
    expected = [f"'{name}" for name in names[:6]] + ["'\n=1", "a\n=1", "a=1", "'=1", "", ""]
    assert cells == [[name, "-1.5"] for name in expected]
    in_parquet = pd.read_parquet(tmp_path / "x.parquet")["name"]
    assert [None if pd.isna(name) else name for name in in_parquet] == names


def test_a_disk_mounted_there_is_refused_with_a_folder_in_it(
    cohort: Study, model: LoadedModel
) -> None:
    with pytest.raises(InputError, match=r"/proc is where a disk is mounted.*/proc/scores"):
        score_study(cohort, model, "/proc")


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for file in (out, out / "scores.csv", tmp_path / ".out.partial" / "1", tmp_path, "/", None):
        failure = OSError(errno.EACCES, "Permission denied", None if file is None else str(file))
        assert str(unwritable(out, failure)).startswith(f"{out} cannot be written (Permission")
    elsewhere = tmp_path / "sidestep-shared-x"
    message = str(unwritable(out, OSError(errno.ENOSPC, "No space left on device", str(elsewhere))))
    assert message == (
        f"{elsewhere} cannot be used (No space left on device); make room there and try again"
    )
