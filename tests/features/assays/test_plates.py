"""Plates with planted faults are named for them, and sound ones are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.plates import Plates, check_plates
from tests.features.assays.plates import exchange, plate_of_rows, written


def checked(folder: Path, *plates: pd.DataFrame) -> Plates:
    readings = read_plates([written(folder, *plates)])
    return check_plates(readings, fit_curves(readings))


def test_a_sound_plate_has_no_problem_and_a_map(tmp_path: Path) -> None:
    plates = checked(tmp_path, plate_of_rows(0, "P1"), plate_of_rows(1, "P2"))
    assert plates.problems() == []
    assert plates.table["z_prime"].min() > 0.5
    heat = plates.maps["plates.csv", "P1"]
    assert heat.shape == (8, 12)
    assert heat[7, 1] < 0.1 < 0.9 < heat[0, 10]


@pytest.mark.parametrize("alone", [True, False])
def test_exchanged_rows_are_detected(tmp_path: Path, alone: bool) -> None:
    spoilt = exchange(plate_of_rows(0, "P1"), "C", "G")
    others = [] if alone else [plate_of_rows(1, "P2"), plate_of_rows(2, "P3")]
    plates = checked(tmp_path, spoilt, *others)
    assert plates.table["swapped"].tolist() == ["rows C and G"] + [""] * len(others)
    assert "rows C and G look exchanged" in plates.problems()[0]


def test_drifting_controls_edges_and_noise_are_named(tmp_path: Path) -> None:
    drifting, edged, noisy = (plate_of_rows(n, f"P{n}") for n in range(3))
    row = drifting["well"].str[0].map("ABCDEFGH".index)
    drifting["signal"] *= 0.8 + 0.4 * row / 7
    outer = edged["well"].str[0].isin(["A", "H"]) & (edged["drug"] != "DMSO")
    edged.loc[outer, "signal"] += 250
    dmso = noisy["drug"] == "DMSO"
    noisy.loc[dmso, "signal"] *= np.random.default_rng(3).uniform(0.3, 1.7, dmso.sum())
    said = checked(tmp_path, drifting, edged, noisy).table.set_index("plate")["problems"]
    assert "controls drift by +40%" in said["P0"]
    assert "edge wells differ by +0." in said["P1"]
    assert "control wells scatter" in said["P2"]
    assert "Z' is" in said["P2"]


def test_wells_without_a_place_are_not_judged(tmp_path: Path) -> None:
    plates = checked(tmp_path, plate_of_rows(0, "P1").drop(columns="well"))
    assert plates.table.empty
    assert plates.maps == {}
