"""`sidestep perturb` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.study.study import read_study
from sidestep.main import main
from tests.features.assays.plates import written
from tests.features.perturbation.arrays import arrays


@pytest.mark.slow
def test_a_coculture_keeps_mtor_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, arrays({"alone": 0.6, "fibroblasts": 0.0}, noise=0.1))
    out = tmp_path / "perturb"
    assert main(["perturb", str(source), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "S0 Lapatinib · alone: TSC/MTOR inhibited by " in printed
    assert "S0 Lapatinib: TSC/MTOR stays on under fibroblasts" in printed
    assert {path.name for path in out.iterdir()} == {
        "pathways.csv", "pathways.parquet", "antibodies.csv", "antibodies.parquet", "rescue.csv",
        "rescue.parquet", "attributes.csv",
        "attributes.parquet", "study", "S0.png", "S0.svg", "index.html", "perturb.json",
    }  # fmt: skip
    assert pd.read_parquet(out / "rescue.parquet")["stays_on"].any()
    attributes = pd.read_parquet(out / "attributes.parquet").set_index("SAMPLE_ID")
    assert attributes.at["S0", "TSC_MTOR_UNDER_LAPATINIB_ALONE"] == "inhibited"
    assert attributes.at["S0", "TSC_MTOR_UNDER_LAPATINIB_FIBROBLASTS"] == "on"
    clinical = read_study(out / "study").clinical
    assert clinical.at["S0", "TSC_MTOR_UNDER_LAPATINIB_FIBROBLASTS"] == "on"
    facts = json.loads((out / "perturb.json").read_text(encoding="utf-8"))
    assert facts["verdicts"]["inhibited"] == 1
    assert main(["perturb", str(source), "--out", str(out)]) == 2
    assert "already holds files" in capsys.readouterr().err


def test_no_control_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = arrays({"": 0.5})
    source = written(tmp_path, table[table["drug"] != "DMSO"])
    assert main(["perturb", str(source), "--out", str(tmp_path / "p")]) == 2
    assert "no untreated control" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
