"""Every layout is read for what it is, and what is no plate is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.doses import factor_of
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.tidy import Given
from sidestep.features.errors import InputError
from tests.features.assays.plates import DOSES, plate, written

BLOCKS = """Imatinib,,,,,
WT,drug concentration(uM),,,,
,10,50,60,,#DIV/0!
,1,20000,22000,,#DIV/0!
,0.1,{cell},98000,,1.5%
,0.01,100000,101000,,
,mock,100000,100000,,
,,,,,
T315I,drug concentration(nM),,,,
,10000,80000,70000,,
,mock,100000,90000,,
"""


def test_names_units_and_controls_of_a_tidy_table(tmp_path: Path) -> None:
    wells = plate().rename(columns={"sample": "Cell Line", "dose": "Concentration (nM)"})
    wells["Concentration (nM)"] *= 1000
    readings = read_plates([written(tmp_path, wells.drop(columns="unit"))])
    assert readings.kind == "signal"
    assert readings.wells["role"].value_counts().to_dict() == {"treated": 27, "control": 6}
    np.testing.assert_allclose(readings.treated["dose"].unique(), DOSES)


def test_blocks_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "screen.csv"
    path.write_text(BLOCKS.format(cell="9.9E+04"), encoding="utf-8")
    readings = read_plates([path])
    wells = readings.wells
    assert set(wells["sample"]) == {"WT", "T315I"}
    assert set(wells["drug"]) == {"Imatinib"}
    assert set(wells["replicate"]) == {"1", "2"}
    assert wells.loc[wells["sample"] == "T315I", "dose"].max() == pytest.approx(10.0)
    assert any("3 cells beside the replicates" in note for note in readings.notes)


@pytest.mark.parametrize("cell", ["#DIV/0!", "OVRFLW", ">1e6", "inf", ""])
def test_cells_without_a_measurement_are_left_out_and_told(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "screen.csv"
    path.write_text(BLOCKS.format(cell=cell), encoding="utf-8")
    readings = read_plates([path])
    assert len(readings.wells) == 13
    told = [] if not cell else [("screen.csv", 5, cell)]
    assert [row[:2] + row[3:4] for row in readings.left_out.rows] == told


def test_optical_densities_with_day_zero(tmp_path: Path) -> None:
    header = ["cellline", "compound", "drug_plate_id", "background_od1", "background_od2"]
    header += [f"od{dose}.{well}" for dose in range(10) for well in (1, 2, 3)]
    header += ["T0_background_od1", "T0_background_od2", "T0_median_od"]
    header += [f"c{dose}" for dose in range(1, 10)] + ["units"]
    values = [2000.0] * 3 + [v for dose in DOSES for v in [100 + 1900 / (1 + dose / 0.3)] * 3]
    row = ["BT474", "Lapatinib", "1", "100", "100", *map(str, values), "100", "100", "575"]
    row += [str(dose * 1e-6) for dose in DOSES] + ["M"]
    path = tmp_path / "od.txt"
    path.write_text("\t".join(header) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    table = fit_curves(read_plates([path])).table
    # Growth from 475 to 1,900: half of it is at 0.625 of the control, a dose of 0.6 times the IC50.
    assert table["ic50"].iloc[0] == pytest.approx(0.3, rel=1e-3)
    assert table["gi50"].iloc[0] == pytest.approx(0.18, rel=1e-3)


def test_doses_as_column_names_take_unit_and_drug(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",10,1,0.1,0.01,mock,n10\nWT,1,20,90,100,100,0.01\nWT,2,25,95,99,98,0.02\n")
    with pytest.raises(InputError, match="--unit"):
        read_plates([path])
    readings = read_plates([path], Given(unit="uM", drug="Imatinib"))
    assert len(readings.treated) == 8
    assert set(readings.wells["replicate"]) == {"1", "2"}


def test_doses_as_column_names_with_units_and_named_columns(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(
        "Comment,cell_line,agent,condition,DMSO,10 nM,0.1uM,1 uM,10 uM\n"
        + "".join(f",{s},{d},{c},100,90,60,{v},5\n" for s, d, c, v in [
            ("BT474", "Lapatinib", "", 20), ("BT474", "Lapatinib", "", 22),
            ("BT474", "Lapatinib", "coculture", 70), ("JIMT1", "Neratinib", "", 50)])
    )  # fmt: skip
    readings = read_plates([path])
    np.testing.assert_allclose(sorted(set(readings.treated["dose"])), [0.01, 0.1, 1, 10])
    assert len(readings.wells) == 20
    assert set(zip(readings.wells["drug"], readings.wells["replicate"], strict=True)) == {
        ("Lapatinib", "1"), ("Lapatinib", "2"), ("Neratinib", "1"),
    }  # fmt: skip
    assert "column(s) not used: 'Comment'" in readings.notes[1]
    assert len(fit_curves(readings).table) == 3


def test_a_decimal_comma_and_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "plates.csv"
    text = plate().to_csv(index=False, sep=";", decimal=",")
    path.write_text(text, encoding="utf-8")
    np.testing.assert_allclose(read_plates([path]).treated["dose"].unique(), DOSES)


@pytest.mark.parametrize(
    ("word", "base", "factor"),
    [
        ("M", "uM", 1e6),
        ("mM", "uM", 1e3),
        ("µM", "uM", 1.0),
        ("nmol/L", "uM", 1e-3),
        ("mg/mL", "ug/ml", 1e3),
        ("ng/ml", "ug/ml", 1e-3),
    ],
)
def test_units(word: str, base: str, factor: float) -> None:
    assert factor_of(word) == (base, factor)


def _twice(wells: pd.DataFrame) -> pd.DataFrame:
    named = wells.assign(plate="P1", well=[f"A{n:02}" for n in range(1, len(wells) + 1)])
    named.loc[1, "well"] = "A01"
    return named


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda w: w.assign(signal=w["signal"].astype(str).where(w.index != 3, "many")),
            "line 5.*'many' is no number",
        ),
        (lambda w: w.assign(signal=w["signal"].where(w.index != 3, -5)), "line 5.*negative"),
        (lambda w: w.assign(unit="spoons"), "line 2.*'spoons' is no unit"),
        (lambda w: w.drop(columns="unit"), "unit of the doses.*--unit"),
        (lambda w: w.assign(dose=np.log10(w["dose"].clip(0.001))), "negative; write doses"),
        (lambda w: w.assign(unit=w["unit"].where(w.index != 0, "mg/ml")), "by weight"),
        (_twice, "plate P1, well A01 stands in line 2 and in line 3"),
        (lambda w: w.drop(columns="signal"), "no column of measured values"),
        (lambda w: w.drop(columns="sample"), "no column of samples"),
        (lambda w: w.drop(columns="drug"), "no column of drugs.*--drug"),
        (lambda w: w.assign(drug=w["drug"].where(w.index != 4, "")), "line 6.*drug of a treated"),
        (lambda w: w.assign(viability=0.5), "both look like the measured values"),
        (lambda w: w.rename(columns={"signal": "viability"}), "--values percent_viability"),
        (
            lambda w: w.assign(percent_inhibition=w["signal"] / 1e6).drop(columns="signal"),
            "should be in percent",
        ),
    ],
)  # fmt: skip
def test_what_is_no_plate_is_refused_in_a_sentence(
    tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], words: str
) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        read_plates([written(tmp_path, spoil(plate()))])
    assert "\n" not in str(refusal.value)


def test_plates_without_a_control_are_refused(tmp_path: Path) -> None:
    wells = plate()
    with pytest.raises(InputError, match="no treated well has an untreated control"):
        fit_curves(read_plates([written(tmp_path, wells[wells["dose"] > 0])]))


def test_controls_without_a_signal_are_refused(tmp_path: Path) -> None:
    wells = plate()
    wells.loc[wells["drug"] == "DMSO", "signal"] = 0
    with pytest.raises(InputError, match="signal of every control is 0"):
        fit_curves(read_plates([written(tmp_path, wells)]))


def test_a_copied_block_is_told(tmp_path: Path) -> None:
    readings = read_plates([written(tmp_path, plate(), plate())])
    assert any("33 rows repeat another" in note for note in readings.notes)
    assert read_plates([written(tmp_path, plate())]).notes == []


def test_a_folder_without_plates_and_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.csv"):
        read_plates([tmp_path])
    (tmp_path / "empty.csv").write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        read_plates([tmp_path])
