"""Curves of plates: numbers as planted, a status for each, and controls that belong to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.curves import STATUSES, CurveOptions, Curves, fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.responses import study_of
from sidestep.features.assays.tidy import Given
from sidestep.features.errors import InputError
from tests.features.assays.plates import DOSES, plate, viability, written


def fitted(folder: Path, *plates: pd.DataFrame, options: CurveOptions | None = None) -> Curves:
    return fit_curves(read_plates([written(folder, *plates)]), options)


def test_planted_numbers_are_found(tmp_path: Path) -> None:
    curves = fitted(tmp_path, plate(0.3, bottom=0.2, noise=0.01))
    row = curves.table.iloc[0]
    assert row["status"] == "fitted"
    # 0.2 + 0.8 / (1 + (x / 0.3) ** 1.5) is 0.5 at 0.3 * (0.8 / 0.3 - 1) ** (1 / 1.5).
    true = 0.3 * (0.8 / 0.3 - 1) ** (1 / 1.5)
    assert row["ic50"] == pytest.approx(true, rel=0.1)
    assert row["ic50_lower"] < true < row["ic50_upper"]
    grid = np.geomspace(DOSES[0], DOSES[-1], 2001)
    area = np.trapezoid(viability(grid, 0.3, bottom=0.2), np.log10(grid)) / 4
    assert row["auc"] == pytest.approx(area, abs=0.01)
    assert row["aac"] == pytest.approx(1 - row["auc"])
    assert row["emax"] == pytest.approx(0.2, abs=0.02)
    assert row["activity_area_tested"] == 1.0


def test_wells_that_a_column_calls_controls_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"every well with a dose is a control by its role .*'con"):
        fitted(tmp_path, plate().assign(control=1))
    with pytest.raises(InputError, match="no well holds a drug: name a column of doses and one"):
        fitted(tmp_path, plate().query("dose == 0"))


def test_every_series_has_a_row_and_a_status(tmp_path: Path) -> None:
    rising = plate(0.3, sample="up")
    late = (rising["dose"] > 3) & (rising["dose"] < 30)
    rising.loc[late, "signal"] = 20_000
    noisy = plate(0.3, sample="noisy", condition="noisy")
    noisy.loc[noisy["drug"] == "DMSO", "signal"] = [2e3, 8e3, 20e3, 30e3, 45e3, 9e3]
    lonely = plate(0.3, sample="lonely")
    plates = [
        plate(0.3, sample="curve"),
        plate(1e6, sample="alive"),
        plate(1e-6, sample="dead"),
        plate(100, sample="beyond"),
        plate(0.3, sample="few").query("dose < 0.05"),
        lonely[lonely["dose"] > 0],
        rising,
        noisy,
    ]
    table = fitted(tmp_path, *plates).table.set_index("sample")
    assert table["status"].to_dict() == {
        "curve": "fitted", "alive": "flat", "dead": "flat", "beyond": "extrapolated",
        "few": "too few doses", "lonely": "no control", "up": "non-monotone",
        "noisy": "noisy control",
    }  # fmt: skip
    assert set(table["status"]) <= set(STATUSES)
    assert "all alive" in table.at["alive", "reason"]
    assert (table.at["alive", "ic50_limit"], table.at["alive", "ic50"]) == (">", pytest.approx(30))
    assert "all dead" in table.at["dead", "reason"]
    assert (table.at["dead", "ic50_limit"], table.at["dead", "ic50"]) == ("<", pytest.approx(0.003))
    assert table.at["beyond", "ic50_limit"] == ">"
    assert np.isnan(table.at["lonely", "ic50"])
    assert table.loc[table["status"] != "fitted", "reason"].ne("").all()


def test_one_dose_is_too_few(tmp_path: Path) -> None:
    wells = plate()
    table = fitted(tmp_path, wells[wells["dose"].isin([0.0, DOSES[4]])]).table
    assert table["status"].tolist() == ["too few doses"]
    assert "1 dose(s)" in table["reason"].iloc[0]


def test_each_condition_and_plate_has_its_own_control(tmp_path: Path) -> None:
    alone = plate(0.1, seed=1, condition="alone", plate="P1")
    coculture = plate(1.0, seed=2, condition="coculture", plate="P2", control=50_000)
    table = fitted(tmp_path, alone, coculture).table.set_index("condition")
    assert table.at["alone", "ic50"] == pytest.approx(0.1, rel=0.15)
    assert table.at["coculture", "ic50"] == pytest.approx(1.0, rel=0.15)


def test_one_bad_control_well_moves_nothing(tmp_path: Path) -> None:
    wells = plate(0.3, noise=0.01)
    wells.loc[wells.index[-1], "signal"] = 200
    assert fitted(tmp_path, wells).table["ic50"].iloc[0] == pytest.approx(0.3, rel=0.08)


@pytest.mark.parametrize(
    ("column", "scale"),
    [
        ("viability", lambda v: v),
        ("percent_viability", lambda v: 100 * v),
        ("inhibition", lambda v: 1 - v),
        ("% inhibition", lambda v: 100 * (1 - v)),
        ("activity", lambda v: 100 * (v - 1)),
    ],
)
def test_relative_values_need_no_control(tmp_path: Path, column: str, scale: object) -> None:
    wells = pd.DataFrame({"line": "L", "drug": "D", "dose_uM": DOSES})
    wells[column] = scale(viability(DOSES, 0.3))  # type: ignore[operator]
    table = fitted(tmp_path, wells).table
    assert table["ic50"].iloc[0] == pytest.approx(0.3, rel=1e-3)
    assert "gr50" not in table


def test_growth_rates_in_closed_form(tmp_path: Path) -> None:
    # GR falls from 1 to -0.5 with half growth at 0.2 uM; control doubles twice.
    gr = -0.5 + 1.5 / (1 + (DOSES / 0.2) ** 1.2)
    count = 1000 * 2 ** (2 * np.log2(gr + 1))
    wells = pd.DataFrame(
        {"cell_line": "L", "agent": "D", "concentration": DOSES, "unit": "uM", "time": 72.0,
         "cell_count": count, "cell_count__ctrl": 4000.0, "cell_count__time0": 1000.0}
    )  # fmt: skip
    row = fitted(tmp_path, wells).table.iloc[0]
    assert row["gr_inf"] == pytest.approx(-0.5, abs=1e-3)
    assert row["gec50"] == pytest.approx(0.2, rel=1e-3)
    assert row["gr50"] == pytest.approx(0.2 * 0.5 ** (1 / 1.2), rel=1e-3)
    assert row["gr_max"] == pytest.approx(gr[-1])


def test_a_time_course_sees_that_growth_stops_late(tmp_path: Path) -> None:
    # Until 24 h all wells double; then those above 0.3 uM stand still.
    parts = []
    for time, value in (
        (24.0, np.full(9, 2000.0)),
        (48.0, 2000 * 2 ** (1 / (1 + (DOSES / 0.3) ** 4))),
    ):
        parts.append(
            pd.DataFrame(
                {"sample": "L", "drug": "D", "dose": DOSES, "unit": "uM", "time": time,
                 "cell_count": value, "cell_count__ctrl": 1000 * 2 ** (time / 24),
                 "cell_count__time0": 1000.0}
            )
        )  # fmt: skip
    since_start = fitted(tmp_path, *parts).table.set_index("time")
    course = fitted(tmp_path, *parts, options=CurveOptions(time_course=True)).table.set_index(
        "time"
    )
    assert since_start.at[48.0, "gr_max"] == pytest.approx(np.sqrt(2) - 1, abs=1e-3)
    assert course.at[24.0, "gr_max"] == pytest.approx(1.0, abs=1e-6)
    assert course.at[48.0, "gr_max"] == pytest.approx(0.0, abs=1e-3)


def test_a_study_has_limits_conditions_and_directions(tmp_path: Path) -> None:
    curves = fitted(
        tmp_path,
        plate(0.3, sample="A", condition="alone"),
        plate(1e6, sample="B", condition="alone"),
        plate(3.0, sample="A", condition="co culture"),
    )
    files = {file.name: file for file in study_of(curves, "s", "S", []).files}
    assert {"treatment_ic50_alone", "treatment_ic50_co_culture", "treatment_auc_alone"} <= set(
        files
    )
    cells = files["treatment_ic50_alone"].table.iloc[0]
    assert float(cells["A"]) == pytest.approx(6 - np.log10(0.3), abs=0.1)
    assert cells["B"].startswith("<4.5")
    assert files["treatment_ic50_alone"].meta["value_sort_order"] == "DESC"
    assert files["treatment_auc_alone"].meta["value_sort_order"] == "ASC"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"parameters": 5}, "3 or 4 parameters"),
        ({"area": (5.0, 1.0)}, "must rise"),
        ({"apart": ("moon",)}, "not by 'moon'"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        CurveOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no unit"):
        Given(unit="parsec")
