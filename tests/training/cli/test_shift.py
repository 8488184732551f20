"""`sidestep shift` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sidestep.main import main
from tests.features.assays.plates import plate, written


@pytest.mark.slow
def test_a_coculture_protects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(
        tmp_path, plate(0.1, condition="alone"), plate(0.5, condition="fibroblasts", seed=1)
    )
    out = tmp_path / "shift"
    assert main(["shift", str(source), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "BT474 Lapatinib fibroblasts: IC50 " in printed
    assert "1 comparisons with alone: 1 protected" in printed
    names = {path.name for path in out.iterdir()}
    assert names == {
        "shifts.csv", "shifts.parquet", "curves.csv", "curves.parquet", "forest.png", "forest.svg",
        "index.html", "shift.json",
    }  # fmt: skip
    row = pd.read_parquet(out / "shifts.parquet").iloc[0]
    assert row["fold_change"] == pytest.approx(5, rel=0.2)
    assert row["plasma"] == pytest.approx(0.86)
    facts = json.loads((out / "shift.json").read_text(encoding="utf-8"))
    assert facts["verdicts"]["protected"] == 1
    assert main(["shift", str(source), "--out", str(out)]) == 2
    assert "already holds files" in capsys.readouterr().err


def test_one_condition_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shift", str(written(tmp_path, plate())), "--out", str(tmp_path / "s")]) == 2
    assert "one condition only" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
