"""`sidestep fit` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import read_study
from sidestep.main import main
from tests.features.assays.plates import exchange, plate, plate_of_rows, written


def run(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    return code, *capsys.readouterr()


@pytest.mark.slow
def test_plates_become_a_study_with_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plates = [plate(ic50, sample=f"L{n}", seed=n) for n, ic50 in enumerate((0.1, 0.4, 2.0, 1e5))]
    source = written(tmp_path, *plates, plate(0.2, drug="5-FU/x <b>", sample="L1", seed=9))
    out = tmp_path / "screen"
    code, printed, errors = run(capsys, "fit", source, "--out", out)
    assert (code, errors) == (0, "")
    assert "5 curves of 4 samples and 2 drugs: 1 flat, 4 fitted" in printed
    study = read_study(out)
    response = study.response("ic50")
    assert not response.higher_is_resistant
    assert response.values["Lapatinib"].dropna().index.tolist() == ["L0", "L1", "L2", "L3"]
    for metric in ("auc", "activity_area", "emax"):
        assert len(study.response(metric).values) == 4
    table = pd.read_parquet(out / "fit" / "curves.parquet")
    assert len(table) == 5
    told = table[table["drug"] == "Lapatinib"].set_index("sample")
    errors = response.errors["Lapatinib"]
    np.testing.assert_allclose(errors[:3], told["ic50_se"][:3], rtol=1e-3)
    assert np.isnan(errors["L3"])  # a limit has no error
    facts = json.loads((out / "fit" / "fit.json").read_text(encoding="utf-8"))
    assert facts["statuses"]["fitted"] == 4
    pages = {path.name for path in (out / "fit" / "drugs").iterdir()}
    stems = {"Lapatinib", "5-FU-x-b"}
    assert pages == {f"{stem}.{ending}" for stem in stems for ending in ("png", "svg", "html")}
    page = (out / "fit" / "drugs" / "5-FU-x-b.html").read_text(encoding="utf-8")
    assert "<h1>5-FU/x &lt;b&gt;</h1>" in page


@pytest.mark.slow
def test_the_same_plates_give_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, plate())
    folders = [tmp_path / name / "screen" for name in ("one", "two")]
    for folder in folders:
        assert run(capsys, "fit", source, "--out", folder)[0] == 0
    files = [
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in folders
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--area", "5"), "not two numbers"),
        (("--area", "5,1"), "must rise"),
        (("--apart", "moon"), "not by 'moon'"),
        (("--unit", "parsec"), "no unit of doses"),
    ],
)
def test_mistakes_end_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, str], words: str
) -> None:
    code, _, errors = run(capsys, "fit", written(tmp_path, plate()), "--out", tmp_path / "s", *args)
    assert code == 2
    assert words in errors
    assert not (tmp_path / "s").exists()


def test_a_folder_that_holds_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    code, _, errors = run(capsys, "fit", written(tmp_path, plate()), "--out", out)
    assert code == 2
    assert "already holds files" in errors
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_exchanged_rows_of_a_plate_are_told_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, exchange(plate_of_rows(0, "P1"), "C", "G"))
    code, printed, _ = run(capsys, "fit", source, "--out", tmp_path / "s")
    assert code == 0
    assert "rows C and G look exchanged" in printed
    assert (tmp_path / "s" / "fit" / "plates" / "plates-csv-P1.png").exists()
    table = pd.read_parquet(tmp_path / "s" / "fit" / "plates.parquet")
    assert table["swapped"].tolist() == ["rows C and G"]
