"""Shifts of known size are found, in the right direction, with intervals that hold the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.curves import CurveOptions
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.shifts import Shifts, find_shifts
from sidestep.features.errors import InputError
from tests.features.assays.plates import LEAST, RUNS, many_curves, plate, written

FOUR = CurveOptions(parameters=4)


@pytest.mark.parametrize(
    ("replicates", "spread", "plates", "method"),
    [
        (1, 0.0, False, "wells"),
        (3, 0.1, False, "replicates"),
        (4, 0.1, True, "plates"),
    ],
)
def test_the_true_fold_change_lies_in_its_interval(
    replicates: int, spread: float, plates: bool, method: str
) -> None:
    readings = many_curves(RUNS, 3.0, replicates, spread=spread, plates=plates)
    table = find_shifts(readings, options=FOUR).table
    assert set(table["method"]) == {method}
    inside = (table["fold_change_lower"] <= 3) & (table["fold_change_upper"] >= 3)
    assert inside.mean() >= LEAST  # 500 runs: benchmarks.known_truth
    assert table["fold_change"].median() == pytest.approx(3.0, rel=0.05)
    assert (table["verdict"] == "protected").mean() > 0.65


@pytest.mark.slow
def test_without_a_shift_none_is_called() -> None:
    table = find_shifts(many_curves(150, 1.0, 3, spread=0.1, seed=2), options=FOUR).table
    assert (table["p"] < 0.05).mean() < 0.08
    assert (table["verdict"] == "no change").mean() > 0.98


@pytest.mark.slow
def test_shared_plates_see_a_shift_that_differs_less_than_plates_do() -> None:
    paired = find_shifts(many_curves(40, 1.6, 4, spread=0.3, plates=True), options=FOUR).table
    apart = find_shifts(many_curves(40, 1.6, 4, spread=0.3), options=FOUR).table
    assert (paired["verdict"] == "protected").mean() > 0.7
    assert (apart["verdict"] == "protected").mean() < 0.2


def shifted(folder: Path, *plates: pd.DataFrame, **options: object) -> Shifts:
    return find_shifts(read_plates([written(folder, *plates)]), **options)  # type: ignore[arg-type]


def test_mutants_against_the_wild_type_with_plasma(tmp_path: Path) -> None:
    plates = [
        plate(ic50, sample=sample, drug="Imatinib", seed=seed)
        for seed, (sample, ic50) in enumerate(
            {"WT": 0.2, "T315I": 8.0, "X": 0.02, "Y": 0.2}.items()
        )
    ]
    table = shifted(tmp_path, *plates, between="sample", against="wt").table.set_index("sample")
    assert table["verdict"].to_dict() == {"T315I": "protected", "X": "sensitised", "Y": "no change"}
    assert table.at["T315I", "fold_change"] == pytest.approx(40, rel=0.3)
    assert 1 < table.at["T315I", "plasma"] < 10
    assert table.at["T315I", "plasma_source"].startswith(("PMID:", "DOI:"))
    assert table["plasma_reaches"].to_dict() == {
        "T315I": "against only", "X": "both", "Y": "both",
    }  # fmt: skip


def test_beyond_the_doses_a_fold_change_is_a_limit(tmp_path: Path) -> None:
    plates = [plate(0.3, condition="alone"), plate(1e5, condition="coculture", seed=1)]
    row = shifted(tmp_path, *plates).table.iloc[0]
    assert (row["fold_change_limit"], row["verdict"]) == (">", "protected")
    assert row["fold_change"] == pytest.approx(100, rel=0.2)
    assert np.isnan(row["fold_change_lower"])
    assert row["auc_difference"] == pytest.approx(0.5, abs=0.05)
    assert "beyond the doses" in row["reason"]


def test_a_withheld_curve_is_not_compared(tmp_path: Path) -> None:
    alone = plate(0.3, condition="alone")
    coculture = plate(0.3, condition="coculture")
    coculture = coculture[coculture["dose"] > 0]
    row = shifted(tmp_path, alone, coculture).table.iloc[0]
    assert row["verdict"] == "not told"
    assert row["reason"].startswith("no control")


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ([{}], {}, "one condition only"),
        ([{"condition": "a"}, {"condition": "b"}], {}, "Give --against one of a, b"),
        ([{"condition": "a"}, {"condition": "b"}], {"against": "c"}, "no condition is named 'c'"),
        (
            [{"sample": "a"}, {"sample": "b", "drug": "E"}],
            {"between": "sample", "against": "a"},
            "nothing stands against 'a'",
        ),
        ([{}], {"between": "moon"}, "not 'moon'"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    tmp_path: Path, columns: list[dict[str, str]], options: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        shifted(tmp_path, *(plate(**held) for held in columns), **options)  # type: ignore[arg-type]


def test_shifts_of_the_papers_planted_in_simulated_plates(tmp_path: Path) -> None:
    """Sasaki et al. 2010: TAE684 at 22 nM without F1174L and 59 nM with it, in Ba/F3 cells."""
    plates = [
        plate(ic50, sample=sample, drug="TAE684", noise=0.04, seed=seed)
        for seed, (sample, ic50) in enumerate({"RANBP2-ALK": 0.022, "F1174L": 0.059}.items())
    ]
    row = shifted(tmp_path, *plates, between="sample", against="RANBP2-ALK").table.iloc[0]
    assert row["verdict"] == "protected"
    assert row["fold_change_lower"] < 59 / 22 < row["fold_change_upper"]


def test_an_antibody_conjugate_by_weight_that_a_coculture_does_not_shift(tmp_path: Path) -> None:
    plates = [
        plate(0.1, drug="T-DM1", condition=condition, seed=seed).assign(unit="ug/ml")
        for seed, condition in enumerate(("alone", "fibroblasts"))
    ]
    row = shifted(tmp_path, *plates).table.iloc[0]
    assert (row["verdict"], row["dose_unit"]) == ("no change", "ug/ml")
    assert np.isnan(row["plasma"])
