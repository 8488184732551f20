"""Measured synergy stands in front of a partner's reason, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.combinations.measured import read_measured
from sidestep.serving.combinations.words import NO_SYNERGY

ROWS = pd.DataFrame(
    {
        "sample_id": ["EFM192B", "EFM192B", "BT474"],
        "drug": "Lapatinib",
        "partner": ["Dasatinib", None, "Dasatinib"],
        "reason": "Named by a rule",
        "caveat": NO_SYNERGY,
        "source": "PMID:1",
    }
)


def written(folder: Path, text: str) -> Path:
    path = folder / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_published_scores_are_said_of_their_pair_and_sample_alone(tmp_path: Path) -> None:
    table = "drug_a,drug_b,cell_line,score\nLAPATINIB,DASATINIB,EFM-192B,60\n"
    table += "Dasatinib,lapatinib,EFM192B,70\nLapatinib,MK-2206,EFM192B,80\n"
    measured = read_measured(written(tmp_path, table))
    found = measured.annotated(ROWS)
    assert found["reason"][0] == (
        "Measured in EFM192B with Lapatinib: score 65.0; number 2 of 2 partners. Named by a rule"
    )
    assert "No synergy is claimed" not in found["caveat"][0]
    assert found["source"][0] == "PMID:1;scores.csv"
    pd.testing.assert_frame_equal(found.iloc[1:], ROWS.iloc[1:], check_dtype=False)
    assert list(measured.lines(ROWS.drop_duplicates("sample_id"), 5)) == [
        "Measured with Lapatinib in EFM192B (scores.csv, score): MK-2206 (80.0), DASATINIB (65.0)"
    ]


def test_verdicts_of_sidestep_synergy_are_told_as_they_are(tmp_path: Path) -> None:
    table = "sample,drug1,drug2,bliss,verdict,reason\n"
    table += "BT474,Dasatinib,Lapatinib,12.5,synergistic,Bliss excess 12.5 points\n"
    found = read_measured(written(tmp_path, table)).annotated(ROWS)
    assert found["reason"][2].startswith(
        "Measured in BT474 with Lapatinib: synergistic, Bliss excess 12.5 points; number 1 of 1"
    )
    assert found["reason"][0] == "Named by a rule"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("drug_a,drug_b,score\na,b,1\n", "no column of sample"),
        ("drug_a,cell_line,score\na,b,1\n", "no column of drug2"),
        ("drug_a,drug_b,cell_line\na,b,c\n", "no column of score"),
        ("drug_a,drug_b,cell_line,score\na,b,c,much\n", "'much' is no number"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_measured(written(tmp_path, table))


@pytest.mark.slow
def test_oneil_puts_four_drugs_first_with_lapatinib_in_efm192b(shared: Path) -> None:
    path = shared / "assays" / "oneil" / "loewe_synergy.csv.gz"
    if not path.exists():
        pytest.skip(f"the published scores are not at {path}")
    best = [name for name, _ in read_measured(path).partners("EFM192B", "Lapatinib")[:4]]
    assert best == ["DASATINIB", "MK-8669", "BEZ-235", "MK-2206"]
