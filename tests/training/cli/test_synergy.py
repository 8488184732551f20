"""`sidestep synergy` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sidestep.main import main
from tests.features.assays.plates import written
from tests.features.synergy.pairs import matrix


@pytest.mark.slow
def test_a_planted_synergy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, matrix(0.15))
    out = tmp_path / "synergy"
    assert main(["synergy", str(source), "--out", str(out), "--draws", "30"]) == 0
    printed = capsys.readouterr().out
    assert "Lapatinib + Dasatinib · BT474: synergistic" in printed
    assert "1 pairs in samples, by Bliss: 1 synergistic" in printed
    assert {path.name for path in out.iterdir()} == {
        "synergy.csv", "synergy.parquet", "surfaces.csv", "surfaces.parquet", "index.html", "pairs",
        "synergy.json",
    }  # fmt: skip
    stem = "Lapatinib-Dasatinib-BT474"
    assert {path.name for path in (out / "pairs").iterdir()} == {f"{stem}.png", f"{stem}.svg"}
    assert f"pairs/{stem}.svg" in (out / "index.html").read_text(encoding="utf-8")
    surface = pd.read_parquet(out / "surfaces.parquet")
    assert len(surface) == 25
    assert surface["bliss"].mean() == pytest.approx(15, abs=2)
    assert (
        json.loads((out / "synergy.json").read_text(encoding="utf-8"))["verdicts"]["unclear"] == 0
    )
    assert main(["synergy", str(source), "--out", str(out)]) == 2
    assert "already holds files" in capsys.readouterr().err


def test_a_table_of_one_drug_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = matrix().drop(columns=["drug2", "dose2"]).rename(columns={"dose1": "dose"})
    source = written(tmp_path, table.rename(columns={"drug1": "drug"}))
    assert main(["synergy", str(source), "--out", str(tmp_path / "s")]) == 2
    assert "no table has two drugs" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
