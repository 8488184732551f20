"""`sidestep pairs` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.main import main
from tests.features.pairs.biopsies import two_biopsies


@pytest.mark.slow
def test_a_study_of_pairs_leaves_tables_pictures_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_study(tmp_path / "study", study_draft(two_biopsies(), "Two biopsies."))
    out = tmp_path / "pairs"
    given = ["pairs", str(study), "--before", "baseline", "--after", "TIMEPOINT=surgery"]
    told = ["--response", "PCR", "--responder", "pCR", "--out", str(out)]
    assert main([*given, *told]) == 0
    printed = capsys.readouterr().out
    assert "Simulated data" in printed
    assert "24 patients (12 response, 12 no response), before: TIMEPOINT=baseline" in printed
    assert "expression:IGF1R rises (no response)" in printed
    assert "agrees with PMID:27903634" in printed
    assert {path.name for path in out.iterdir()} == {
        "tests.csv", "tests.parquet", "changes.csv", "changes.parquet", "pairs.csv",
        "pairs.parquet", "patient_evidence.csv", "patient_evidence.parquet",
        "cohort_evidence.csv", "cohort_evidence.parquet", "changes.png", "changes.svg",
        "facts.png", "facts.svg", "pairs.json", "index.html",
    }  # fmt: skip
    facts = json.loads((out / "pairs.json").read_text(encoding="utf-8"))
    assert facts["patients"] == 24
    assert facts["simulated"] is True
    assert facts["response"].startswith("PCR: response is pCR")
    table = pd.read_parquet(out / "changes.parquet")
    assert list(table.columns[6:8]) == ["P00", "P01"]
    assert main([*given, "--out", str(out)]) == 2
    assert "already holds files" in capsys.readouterr().err
    assert main([*given, "--response", "PCR", "--out", str(tmp_path / "other")]) == 2
    assert "--responder" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
