"""Plates as grids with maps of the same shape become the wells that a tidy table would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.plates import check_plates
from sidestep.features.assays.tidy import Given
from sidestep.features.errors import InputError
from tests.features.assays.plates import exchange, plate_of_rows, written

SMALL = "drug\n,1,2\nA,D1,DMSO\nB,D1,DMSO\n"


def grid(wells: pd.DataFrame, column: str, corner: str = "") -> str:
    """A column of a tidy plate as rows A, B … and columns 1, 2 …"""
    placed = wells.assign(row=wells["well"].str[0], at=wells["well"].str[1:].astype(int))
    wide = placed.pivot(index="row", columns="at", values=column)
    return wide.rename_axis(index=corner, columns=None).to_csv()


def plates_and_map(wells: Sequence[pd.DataFrame], head: str = "Cell line: BT474\n") -> list[str]:
    """The values of plates, one below the other, and a map of drugs and one of doses."""
    values = [f"plate,{w['plate'].iloc[0]}\n{grid(w, 'signal')}\n" for w in wells]
    maps = f"drug\n{grid(wells[0], 'drug')}\ndose (uM)\n{grid(wells[0], 'dose')}"
    return [head + "".join(values), maps]


def put(folder: Path, *texts: str) -> Path:
    for at, text in enumerate(texts):
        (folder / f"part{at}.csv").write_text(text, encoding="utf-8")
    return folder


def curves_of(path: Path, given: Given | None = None) -> pd.DataFrame:
    return fit_curves(read_plates([path], given)).table.set_index("drug")["ic50"]


@pytest.fixture
def truth(tmp_path: Path) -> pd.Series:
    wells = [plate_of_rows(n, f"P{n + 1}") for n in range(2)]
    source = tmp_path / "tidy"
    source.mkdir()
    return curves_of(written(source, *wells))


@pytest.mark.parametrize("together", [True, False])
def test_two_plates_with_a_map_are_the_tidy_table(
    tmp_path: Path, truth: pd.Series, together: bool
) -> None:
    texts = plates_and_map([plate_of_rows(n, f"P{n + 1}") for n in range(2)])
    texts[1] = "Plate map\n" + texts[1].replace("11,12\n", "11,12,mean\n")
    folder = tmp_path / "maps"
    folder.mkdir()
    put(folder, *(["\n".join(texts)] if together else texts))
    readings = read_plates([folder])
    pd.testing.assert_series_equal(fit_curves(readings).table.set_index("drug")["ic50"], truth)
    assert sorted(set(readings.wells["plate"])) == ["P1", "P2"]
    said = readings.notes[0]
    assert "plate 'P1', 8 x 12: 8 wells treated with D1 on BT474" in said
    assert "16 control" in said
    assert "drug from line" in said


def test_cells_that_tell_drug_and_dose(tmp_path: Path, truth: pd.Series) -> None:
    wells = [plate_of_rows(n, f"P{n + 1}") for n in range(2)]
    told = wells[0]["drug"] + " " + (1000 * wells[0]["dose"]).map("{:.10g}".format) + " nM"
    told = told.where(wells[0]["drug"] != "DMSO", "DMSO")
    text = plates_and_map(wells)[0] + "layout\n" + grid(wells[0].assign(told=told), "told", "<>")
    found = curves_of(put(tmp_path, text))
    np.testing.assert_allclose(found, truth, rtol=1e-6)


def test_decimal_commas_and_rows_out_of_order(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    path.write_text(
        "Sample: BT474\r\n;1;2;3;4;5\r\nB;98;95;55;18;9,5\r\nA;100;90;50;20;10\r\n\r\nlayout\r\n"
        ";1;2;3;4;5\r\nA;DMSO;L 0,01 uM;L 0,1 uM;L 1 uM;L 10 uM\r\n"
        "B;DMSO;L 0,01 uM;L 0,1 uM;L 1 uM;L 10 uM\r\n",
        newline="",
    )
    wells = read_plates([path]).wells.set_index("well")
    assert set(wells.loc[wells["role"] == "treated", "drug"]) == {"L"}
    assert (wells.at["B05", "value"], wells.at["A03", "dose"]) == (9.5, 0.1)


def test_blanks_unused_wells_and_a_reader_s_overflow_are_told(tmp_path: Path) -> None:
    wells = plate_of_rows(0, "P1")
    wells["signal"] = wells["signal"].astype(str)
    wells.loc[wells["well"] == "A02", "signal"] = "OVRFLW"
    wells.loc[wells["well"] == "H01", "drug"] = "blank"
    wells.loc[wells["well"].isin(["B03", "B04"]), ["drug", "dose"]] = ["", np.nan]
    readings = read_plates([put(tmp_path, *plates_and_map([wells]))])
    assert readings.wells["role"].value_counts().to_dict() == {
        "treated": 78, "control": 15, "blank": 1,
    }  # fmt: skip
    assert "2 of which no map says anything, not used" in readings.notes[0]
    assert readings.left_out.rows[0][3:] == ("OVRFLW", "beyond the reader's range")


def test_exchanged_rows_of_a_plate_are_detected(tmp_path: Path) -> None:
    wells = [exchange(plate_of_rows(0, "P1"), "C", "G"), plate_of_rows(1, "P2")]
    readings = read_plates([put(tmp_path, *plates_and_map(wells))])
    found = check_plates(readings, fit_curves(readings)).table.set_index("plate")["swapped"]
    assert found.to_dict() == {"P1": "rows C and G", "P2": ""}


def test_384_wells_of_two_lines_with_a_map_of_them(tmp_path: Path) -> None:
    doses = np.geomspace(30, 0.01, 22)
    rows = []
    for row in range(16):
        for column in range(24):
            dose = 0.0 if column in (0, 23) else doses[column - 1]
            half = 0.1 if row < 8 else 1.0
            rows.append({"well": f"{'ABCDEFGHIJKLMNOP'[row]}{column + 1:02}", "plate": "Q",
                         "line": "SKBR3" if row < 8 else "JIMT1", "dose": dose,
                         "signal": 1000 / (1 + dose / half)})  # fmt: skip
    wells = pd.DataFrame(rows)
    text = f"{grid(wells, 'signal')}\ncell_line\n{grid(wells, 'line')}\n"
    text += f"dose (uM)\n{grid(wells, 'dose')}"
    table = fit_curves(read_plates([put(tmp_path, text)], Given(drug="Lapatinib"))).table
    found = table.set_index("sample")["ic50"]
    np.testing.assert_allclose(found[["SKBR3", "JIMT1"]], [0.1, 1.0], rtol=1e-3)


def test_each_plate_may_have_its_own_map_and_line_and_a_plate_of_time_zero(tmp_path: Path) -> None:
    wells = [plate_of_rows(n, f"P{n + 1}") for n in range(2)]
    turned = wells[1].assign(drug=wells[1]["drug"].replace({"D1": "D10", "D10": "D1"}))
    parts = [
        f"Plate: {w['plate'].iloc[0]}\nsample,L{n}\ntime (h),72\n{grid(w, 'signal')}"
        f"drug\n{grid(m, 'drug')}dose (uM)\n{grid(w, 'dose')}"
        for n, (w, m) in enumerate(zip(wells, [wells[0], turned], strict=True))
    ]
    early = "time,0\n" + grid(wells[0].assign(signal=250), "signal")
    undrugged = "drug\n" + grid(wells[0].assign(drug="DMSO"), "drug")
    day0 = parts[0].partition("time")[0] + early + undrugged
    readings = read_plates([put(tmp_path, "\n".join(parts), day0)])
    table = fit_curves(readings).table.set_index(["sample", "drug"])
    halves = table["ic50"]
    assert halves["L0", "D1"] == pytest.approx(halves["L1", "D10"], rel=0.3)
    assert table.loc["L0", "gr50"].notna().any()
    assert table.loc["L1", "gr50"].isna().all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v, m: (v, ""), "no map tells what its wells hold"),
        (lambda v, m: ("", m), "this is a map; give the plates of values"),
        (lambda v, m: (v.replace("Cell line: BT474", ""), m), "names no sample.*--sample"),
        (lambda v, m: (v, m.replace("dose (uM)", "dose")), "unit of the doses is not told"),
        (lambda v, m: (v, m.replace("D1,", ",")), "well A02: no drug is told"),
        (lambda v, m: (v, m.partition("dose (uM)")[0]), "well A02: 'D1' has no dose"),
        (lambda v, m: (v, m.replace("\nB,", "\nA,")), "row A stands there twice"),
        (lambda v, m: (v, m + "\n" + m), "2 maps of drugs fit plate 'P1'"),
        (lambda v, m: (v, SMALL + m[m.index("dose (uM)") :]), "8 x 12.*2 x 2"),
        (lambda v, m: (v, m.replace("0.01,", "little,")), "well A02: 'little' is no dose"),
    ],
)  # fmt: skip
def test_maps_that_do_not_fit_are_refused_in_a_sentence(
    tmp_path: Path, change: Callable[[str, str], tuple[str, str]], words: str
) -> None:
    values, maps = plates_and_map([plate_of_rows(0, "P1")])
    texts = [text for text in change(values, maps) if text]
    with pytest.raises(InputError, match=words) as refusal:
        fit_curves(read_plates([put(tmp_path, *texts)]))
    assert "\n" not in str(refusal.value)
