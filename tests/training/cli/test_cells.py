"""`sidestep cells` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.study.study import read_study
from sidestep.main import main
from tests.features.points.made_up import with_free_cells, written


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
