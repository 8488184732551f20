"""Units and directions of responses that are doubtful, drugs with a comma, files without meta."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.check import check_study
from sidestep.features.study.responses import drug_columns
from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.response_units import (
    RESPONSE_UNITS,
    doubtful_direction,
    doubtful_values,
    unit_of,
)

META, DATA = "meta_treatment_gi50.txt", "data_treatment_gi50.txt"
#: Spelling of a unit -> what it means, a usual middle value, and one of another unit.
UNITS = {
    "-log10 of GI50 in molar": ("-log10 of molar", 6.0, 0.4),
    "pIC50": ("-log10 of molar", 6.0, -6.0),
    "log10 IC50 (molar)": ("log10 of molar", -6.0, 6.0),
    "natural log of IC50 in micromolar": ("natural logarithm of micromolar", 2.0, 1500.0),
    "LN_IC50": ("natural logarithm of micromolar", 2.0, 1500.0),
    "IC50 in uM": ("micromolar", 2.0, 2000.0),
    "IC50 (\u00b5M)": ("micromolar", 2.0, 1e-6),
    "IC50, nM": ("nanomolar", 2000.0, 0.002),
    "IC50 in M": ("molar", 2e-6, 2.0),
    "AAC": ("area above the curve", 0.2, 0.9),
    "GR_AOC": ("area above the curve", 0.2, 5.0),
    "AUC": ("area under the curve", 0.9, 0.1),
    "activity area (0-8)": ("activity area", 1.5, 30.0),
}


@pytest.mark.parametrize("words", list(UNITS))
def test_a_unit_and_its_middle_are_known(words: str) -> None:
    unit = unit_of(["", words])
    assert unit is not None
    meaning, usual, other = UNITS[words]
    assert unit.unit == meaning
    assert doubtful_values(unit, np.full(20, usual)) == ""
    assert "look whether they are in another unit" in doubtful_values(unit, np.full(20, other))
    assert doubtful_values(unit, np.full(3, other)) == ""
    assert doubtful_direction(unit, unit.higher_is_resistant) == ""
    assert doubtful_direction(unit, None) == ""
    assert "says the opposite" in doubtful_direction(unit, not unit.higher_is_resistant)


def test_words_of_no_unit_tell_nothing() -> None:
    assert unit_of(["viability of cells", "response"]) is None
    assert unit_of(["log-odds of pCR"]) is None
    assert {unit.unit for unit in RESPONSE_UNITS.load()} >= {unit for unit, _, _ in UNITS.values()}


def test_auc_as_if_it_were_aac_is_told(make_study, small) -> None:
    meta = small[META].replace("-log10 of GI50 in molar", "AUC, 0 to 1")
    study = read_study(make_study({META: meta}))
    (warned,) = [p.message for p in study.problems if p.severity == "warning"]
    assert warned.startswith(
        f"{META}: response screen_gi50: its name tells of area under the curve"
    )
    assert "'value_sort_order: DESC' says the opposite; write 'value_sort_order: ASC'" in warned


def test_values_of_another_unit_are_told_by_check(make_study, small) -> None:
    rows = "".join(f"d{n}\tDrug {n}\tNA\t{n}e-7\t2e-7\t3e-7\n" for n in range(1, 8))
    data = small[DATA].partition("\n")[0] + "\n" + rows
    check = check_study(make_study({DATA: data}))
    (warned,) = [problem.message for problem in check.warnings]
    assert warned.startswith(f"{DATA}: response screen_gi50: its name tells of -log10 of molar")


def test_a_drug_may_have_a_comma_in_its_name() -> None:
    columns = ["1,2-Dioxo drug", "Lapatinib", "Gefitinib"]
    assert drug_columns(["1,2-dioxo drug", "gefitinib, lapatinib"], columns, "x") == [
        "1,2-Dioxo drug", "Gefitinib", "Lapatinib",
    ]  # fmt: skip
    assert drug_columns(["Tykerb", "Lapatinib"], columns, "x") == ["Lapatinib"]
    with pytest.raises(InputError, match="drug 2-Dioxo is not in x"):
        drug_columns(["Lapatinib,2-Dioxo"], columns, "x")
    with pytest.raises(InputError, match="no drug of x is named"):
        drug_columns([" , "], columns, "x")


def test_a_data_file_without_a_meta_file_is_told(make_study) -> None:
    study = read_study(make_study({"meta_mutations.txt": None, "data_more.parquet": "x"}))
    warned = [p.message for p in study.problems if p.severity == "warning"]
    assert [message.partition(" is")[0] for message in warned] == [
        "data_more.parquet", "data_mutations.txt",
    ]  # fmt: skip
    assert "so it is not read; add meta_mutations.txt" in warned[1]
