"""Planted shares, gates and spreads are found; where there is no gate none is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.cells.attributes import cell_attributes
from sidestep.features.cells.gates import fit_mixture
from sidestep.features.cells.measures import CellOptions, measure_cells
from sidestep.features.cells.scales import ARCSINH, LINEAR, LOG2, at_the_end, scale_of
from sidestep.features.cells.shapes import UNIFORM, bimodality_coefficient, entropy, evenness
from sidestep.features.cells.shares import share_of
from sidestep.features.cells.states import STATE_TABLE, canonical_marker, column_of
from sidestep.features.cells.tables import read_cells
from sidestep.features.errors import InputError
from tests.features.cells.made_up import cells, written


@pytest.mark.parametrize("name", ["cells.csv", "cells.parquet", "cells.tsv.gz"])
def test_planted_shares_are_found(tmp_path: Path, name: str) -> None:
    table = cells({"A": 0.02, "B": 0.3})
    path = tmp_path / name
    if name.endswith(".gz"):
        table.to_csv(path, sep="\t", index=False)
    else:
        written(tmp_path, table, name)
    found = measure_cells(read_cells([path]), CellOptions(clusters=1))
    gates = {gate.marker: gate for gate in found.gates}
    assert [gates[m].status for m in ("C_HER2", "N_Ki67", "EGFR", "MET")] == [
        "gated", "gated", "one population", "one population",
    ]  # fmt: skip
    assert gates["C_HER2"].scale.name == LOG2
    assert gates["C_HER2"].threshold == pytest.approx(9, abs=0.4)
    shares = found.shares.set_index(["state", "sample"])
    for state, sample, truth in (
        ("her2_low", "A", 0.02), ("her2_low", "B", 0.3), ("resting", "A", 0.3),
        ("proliferating", "B", 0.7), ("C_HER2 high", "B", 0.7),
    ):  # fmt: skip
        row = shares.loc[(state, sample)]
        assert row["share"] == pytest.approx(truth, abs=0.02)
        assert row["lower"] <= truth <= row["upper"]
        assert row["method"] == "cells"
    assert shares.at[("resting", "A"), "definition"].startswith("N_Ki67 below ")
    assert "mesenchymal" not in shares.index.get_level_values("state")
    attributes = cell_attributes(found)
    assert attributes.loc["B", ["HER2_LOW_CELLS", "RESTING_CELLS"]].tolist() == ["many", "many"]
    assert attributes.at["A", "HER2_LOW_CELLS"] == "few"
    # One column of a marker says how it spreads.
    spread = found.markers.set_index(["marker", "sample"])
    assert spread.at[("C_HER2", "B"), "mixture_gain"] > 100
    assert spread.at[("EGFR", "B"), "mixture_gain"] < 10
    assert spread.at[("C_HER2", "B"), "bimodality"] > UNIFORM
    assert spread.at[("EGFR", "B"), "bimodality"] < UNIFORM


def test_a_sample_without_low_cells_is_gated_by_the_others(tmp_path: Path) -> None:
    table = cells({"pure": 0.0, "mixed": 0.2}, count=400)
    found = measure_cells(read_cells([written(tmp_path, table)]), CellOptions(clusters=1))
    shares = found.shares[found.shares["state"] == "her2_low"].set_index("sample")
    assert shares.at["pure", "share"] == 0
    assert shares.at["pure", "upper"] < 0.02
    assert shares.at["mixed", "share"] == pytest.approx(0.2, abs=0.02)


def test_a_state_that_is_not_told_says_why(tmp_path: Path) -> None:
    table = cells({"S": 0.0}, resting=0.0).drop(columns="MET")
    path = written(tmp_path, table)
    found = measure_cells(read_cells([path]), CellOptions(clusters=1))
    by = found.shares.set_index("state")
    assert by.at["her2_low", "status"] == "no gate"
    assert by.at["her2_low", "reason"] == "ERBB2: one population"
    # A threshold in the table's units takes the gate's place.
    options = CellOptions(thresholds={"c_her2": 2**11, "Ki67": 2**8} | {}, clusters=1)
    with pytest.raises(InputError, match="of 'Ki67', which is no marker; there are C_HER2, N_Ki67"):
        measure_cells(read_cells([path]), options)
    options = CellOptions(thresholds={"c_her2": 2**11}, clusters=1)
    by = measure_cells(read_cells([path]), options).shares.set_index("state")
    assert by.at["her2_low", "share"] == pytest.approx(0.5, abs=0.04)
    assert by.at["her2_low", "definition"] == "C_HER2 below 2048"


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = {"cells": 0, "fields": 0}
    for _ in range(300):
        share = share_of(rng.random(200) < 0.15, np.zeros(200))
        held["cells"] += share.lower <= 0.15 <= share.upper
        # Fields differ: the share of each is drawn around 0.15.
        each = rng.beta(15, 85, 6)
        fields = np.repeat(np.arange(6), 100)
        share = share_of(rng.random(600) < each[fields], fields)
        assert share.method == "fields"
        held["fields"] += share.lower <= 0.15 <= share.upper
    assert 274 <= held["cells"] <= 296  # 95 %, with 99 % of what chance does
    assert 274 <= held["fields"] <= 298
    empty = share_of(np.zeros(0, bool), np.zeros(0))
    assert np.isnan(empty.share)


def test_measures_of_spread_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    assert bimodality_coefficient(rng.random(200_000)) == pytest.approx(5 / 9, abs=0.005)
    assert bimodality_coefficient(rng.normal(size=200_000)) == pytest.approx(1 / 3, abs=0.005)
    assert np.isnan(bimodality_coefficient(np.ones(10)))
    assert evenness(np.array([10, 10, 10])) == pytest.approx(1)
    assert evenness(np.array([10, 0])) == 0
    assert entropy(np.linspace(0, 1, 3200), (0, 1)) == pytest.approx(1, abs=1e-3)
    mixture = fit_mixture(np.r_[rng.normal(0, 1, 9000), rng.normal(6, 0.5, 1000)])
    np.testing.assert_allclose(mixture.means, [0, 6], atol=0.1)
    np.testing.assert_allclose(mixture.weights, [0.9, 0.1], atol=0.01)
    np.testing.assert_allclose(mixture.sds, [1, 0.5], atol=0.1)
    assert mixture.distinct
    assert not fit_mixture(rng.normal(size=5000)).distinct
    assert not fit_mixture(rng.gamma(3, 1, 5000)).distinct  # one long tail


def test_scales_are_told_by_the_levels() -> None:
    assert scale_of(np.array([2.0, 12.0])).name == LINEAR
    assert scale_of(np.array([20.0, 65_000.0])).name == LOG2
    assert scale_of(np.array([-20.0, 0.0, 65_000.0])).name == ARCSINH
    scale = scale_of(np.array([1.0]), ARCSINH, 150.0)
    assert scale.undo(float(scale.apply(np.array([300.0]))[0])) == pytest.approx(300)
    levels = np.r_[np.arange(980.0), np.full(20, 5000.0)]
    assert at_the_end(levels).sum() == 20
    assert not at_the_end(np.arange(1000.0)).any()


@pytest.mark.parametrize(
    ("column", "canonical"),
    [
        ("C_S6 (p-S235/S236)", "RPS6_pS235_S236"), ("C_S6 (p-S240/244)", "RPS6_pS240_S244"),
        ("HER2 mean", "ERBB2"), ("NUC_ERBB2_median", "ERBB2"), ("EGFR", "EGFR"),
        ("HER2_pY1248", "ERBB2_pY1248"), ("C_E-cadherin", "CDH1"),
    ],
)  # fmt: skip
def test_columns_name_markers(column: str, canonical: str) -> None:
    assert canonical_marker(column) == canonical


def test_states_rest_on_their_sources() -> None:
    states = STATE_TABLE.load()
    assert {"her2_low", "proliferating", "resting"} <= set(states)
    resting = {marker.gene: marker for marker in states["resting"]}
    columns = ["C_ki67", "p-RB", "HER2_pY1248", "HER2"]
    assert column_of("MKI67", columns, resting["MKI67"].names) == "C_ki67"
    site = resting["RB1_pS807_S811"]
    assert column_of(site.gene, columns, site.names) == "p-RB"
    assert column_of("ERBB2", columns) == "HER2"
    assert column_of("EGFR", columns) is None


def spoiled(table: pd.DataFrame, change: str) -> pd.DataFrame:
    """The table with something wrong in it."""
    if change == "few":
        return table.head(5)
    if change == "none":
        return table.head(0)
    if change == "words":
        return table[["sample", "CellID"]]
    if change == "twice":
        return pd.concat([table, table.tail(1)])
    table = table.astype({"C_HER2": object})
    table.loc[2, "C_HER2"] = "bright"
    return table


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ("few", {}, r"no sample has 30 cells; the largest, S, has 5"),
        ("none", {}, r"has a header and no rows; give a row a cell"),
        ("words", {}, r"has no column of levels; it has sample, CellID; give a column of numbers"),
        ("twice", {}, r"line 62: cell S-\d+ of sample S stands in line 61 of cells.csv already"),
        ("word", {}, r"line 4, column 'C_HER2': 'bright' is no number"),
        ("", {"markers": ["CD44"]}, r"no column CD44; it has sample, CellID, C_HER2, N_Ki67"),
        ("", {"columns": {"sample": "well"}}, r"no column 'well'; it has sample, CellID, C_HER2"),
        ("", {"columns": {"dye": "EGFR"}}, r"'dye' is no meaning of a column; choose sample, cell"),
    ],
)
def test_what_cannot_be_is_named(
    tmp_path: Path, change: str, options: dict[str, object], message: str
) -> None:
    table = cells({"S": 0.2}, count=60)
    path = written(tmp_path, spoiled(table, change) if change else table)
    with pytest.raises(InputError, match=message):
        measure_cells(read_cells([path], **options))  # type: ignore[arg-type]


def test_what_is_no_level_is_left_out_and_named(tmp_path: Path) -> None:
    table = cells({"S": 0.2}, count=600).astype({"C_HER2": object, "MET": object})
    highest = [f"{value}" for value in table["CellID"].iloc[10:30]]
    table.loc[10:29, "EGFR"] = 65_535.0
    table.loc[0, "C_HER2"] = "#VALUE!"
    table.loc[1, "C_HER2"] = ">65535"
    table["MET"] = 7.0
    table["empty"] = ""
    table["dull"] = np.nan
    read = read_cells([written(tmp_path, table)])
    assert [row[3] for row in read.left_out.rows] == ["#VALUE!", ">65535"]
    found = measure_cells(read, CellOptions(clusters=1))
    assert {gate.marker: gate.status for gate in found.gates}["MET"] == "constant"
    assert found.overflow["cell"].tolist() == highest
    assert any("detector's end" in note and "20 of EGFR" in note for note in found.notes)
    spread = found.markers.set_index("marker")
    assert spread.at["EGFR", "overflow"] == 20
    assert spread.at["C_HER2", "missing"] == 2


def test_another_table_tells_samples_and_fields(tmp_path: Path) -> None:
    table = cells({"A": 0.1, "B": 0.4}, count=300)
    about = pd.DataFrame({"CellID": table["CellID"], "line": table["sample"],
                          "Well": np.arange(600) % 4})  # fmt: skip
    path = written(tmp_path, table.drop(columns="sample"))
    read = read_cells(
        [path], about=written(tmp_path, about, "about.csv"), columns={"field": "Well"}
    )
    assert read.info["sample"].tolist() == table["sample"].tolist()
    found = measure_cells(read, CellOptions(clusters=1)).shares.set_index(["state", "sample"])
    assert found.at[("her2_low", "B"), "method"] == "fields"
    assert found.at[("her2_low", "B"), "fields"] == 4
