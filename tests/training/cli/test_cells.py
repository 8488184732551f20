"""`sidestep cells` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.study.study import read_study
from sidestep.main import main
from tests.features.cells.made_up import cells
from tests.features.points.made_up import with_free_cells, written


@pytest.mark.slow
def test_labels_tell_of_cells_without_dimers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, with_free_cells(40, 8, 200, seed=1))
    out = tmp_path / "study"
    args = ["cells", str(source), "--out", str(out), "--simulations", "19"]
    assert main(args) == 0
    printed = capsys.readouterr().out
    assert "SKBR3: 40 cells, 8000 labels; clustered" in printed
    assert "of cells without dimers" in printed
    assert {path.name for path in (out / "cells").iterdir()} == {
        f"{name}.{ending}" for name in ("cells", "groups", "curves", "left_out")
        for ending in ("csv", "parquet")
    } | {"cells.json", "index.html", "SKBR3.png", "SKBR3.svg"}  # fmt: skip
    study = read_study(out)
    assert study.clinical.at["SKBR3", "DIMER_FREE_CELLS"] == "present"
    assert study.clinical.at["SKBR3", "LABEL_ARRANGEMENT"] == "clustered"
    cells = pd.read_parquet(out / "cells" / "cells.parquet")
    assert (cells["dimer_free_probability"] > 0.5).sum() == 8
    facts = json.loads((out / "cells" / "cells.json").read_text(encoding="utf-8"))
    assert facts["dimers"][""]["distance"] == pytest.approx(20, abs=1)
    assert main(args) == 2
    assert "already holds files" in capsys.readouterr().err


def test_labels_without_a_unit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = with_free_cells(2, 1, 20, seed=1).rename(columns={"x_nm": "x", "y_nm": "y"})
    out = tmp_path / "study"
    assert main(["cells", str(written(tmp_path, table)), "--out", str(out)]) == 2
    assert "the unit of x and y is not told" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_cells_tell_shares_and_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = cells({"BT474": 0.2, "SKBR3": 0.0}, count=200, fields=4)
    out = tmp_path / "single"
    args = ["cells", str(written(tmp_path, table)), "--out", str(out), "--clusters", "2"]
    assert main(args) == 0
    printed = capsys.readouterr().out
    assert re.search(r"BT474: (19|20)\.\d % her2_low \(", printed)
    assert "by fields) of 200 cells: C_HER2 below " in printed
    assert "4 markers: 2 gated, 2 one population" in printed
    names = ("shares", "markers", "gates", "clusters", "overflow", "left_out")
    assert {path.name for path in (out / "cells").iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("csv", "parquet")
    } | {f"{n}.{e}" for n in ("gates", "shares") for e in ("png", "svg")} | {
        "cells.json", "index.html",
    }  # fmt: skip
    attributes = read_study(out).clinical
    assert attributes.at["BT474", "HER2_LOW_CELLS"] == "some"
    assert attributes.at["SKBR3", "HER2_LOW_CELLS"] == "few"
    clusters = read_study(out / "clusters")
    assert clusters.rppa is not None
    assert {"ERBB2", "EGFR", "MET"} <= set(clusters.rppa.columns)
    assert clusters.donors["BT474_1"] == "BT474"
    assert float(clusters.clinical.at["BT474_1", "CELL_SHARE"]) > 0.3
    # The same table gives the same bytes.
    again = tmp_path / "again" / "single"
    assert main([*args[:2], "--out", str(again), "--clusters", "2", "--no-plots"]) == 0
    for path in (path for path in out.rglob("*") if path.suffix in (".txt", ".csv", ".parquet")):
        assert path.read_bytes() == (again / path.relative_to(out)).read_bytes(), path.name


@pytest.mark.slow
def test_tables_that_tell_little_are_written_too(tmp_path: Path) -> None:
    table = cells({"S": 0.0}, count=60)[["sample", "EGFR", "MET"]]
    args = ["cells", str(written(tmp_path, table)), "--out", str(tmp_path / "few")]
    assert main([*args, "--clusters", "1"]) == 0
    assert read_study(tmp_path / "few").clinical.at["S", "MEASURED_CELLS"] == "60"
    # Numbers of rows, as pandas writes them, are no cells.
    random = with_free_cells(2, 2, 40, seed=1)[["x_nm", "y_nm"]]
    source = tmp_path / "field.csv"
    random.to_csv(source)
    args = ["cells", str(source), "--out", str(tmp_path / "random"), "--simulations", "0"]
    args += ["--no-plots"]
    assert main(args) == 0
    assert read_study(tmp_path / "random").clinical.at["field", "LABELS"] == "80"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--threshold", "HER2"], "--threshold 'HER2' lacks its =; write NAME=VALUE"),
        (["--threshold", "HER2=high"], "'high' is no number"),
        (["--threshold", "CD44=3"], "a threshold is given of 'CD44', which is no marker"),
        (["--threshold", "C_HER2=-3"], "C_HER2 is looked at on the log2 scale, which has no -3"),
        (["--column", "sample=Well"], "has no column 'Well'; it has sample, CellID, C_HER2"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    source = written(tmp_path, cells({"S": 0.2}, count=40))
    assert main(["cells", str(source), "--out", str(tmp_path / "out"), *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
