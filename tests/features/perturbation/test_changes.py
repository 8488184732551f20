"""Planted inhibition is found, its intervals hold the truth; real arrays show what is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.perturbation.changes import (
    PARADOXICAL_TABLE,
    Perturbation,
    find_perturbations,
    paradoxical,
)
from sidestep.features.perturbation.treated_arrays import read_arrays
from tests.features.assays.plates import LEAST, RUNS, written
from tests.features.perturbation.arrays import MTOR, arrays


def found(folder: Path, table: pd.DataFrame, against: str = "", scale: str = "") -> Perturbation:
    return find_perturbations(read_arrays(written(folder, table), scale), against)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"replicates": 3}, "replicates"),
        ({"replicates": 4, "paired": True, "spread": 0.5}, "pairs"),
        ({"replicates": 2, "stimuli": ("EGF", "NRG1", "HGF", "PBS")}, "stimuli"),
    ],
)
def test_the_true_inhibition_lies_in_its_interval(
    tmp_path: Path, settings: dict[str, object], method: str
) -> None:
    table = arrays({"": 0.5}, samples=RUNS, **settings)  # type: ignore[arg-type]
    pathways = found(tmp_path, table).pathways
    mtor = pathways[pathways["pathway"] == "TSC/MTOR"]
    assert len(mtor) == RUNS
    assert set(mtor["method"]) == {method}
    inside = (mtor["inhibition_lower"] <= 50) & (mtor["inhibition_upper"] >= 50)
    assert inside.mean() >= LEAST  # 500 runs: benchmarks.known_truth
    assert mtor["percent_inhibition"].median() == pytest.approx(50, abs=2)


def test_a_pathway_is_inhibited_and_its_antibodies_with_it(tmp_path: Path) -> None:
    result = found(tmp_path, arrays({"": 0.6}))
    row = result.pathways.set_index("pathway").loc["TSC/MTOR"]
    assert (row["verdict"], row["members"]) == ("inhibited", len(MTOR))
    assert row["percent_inhibition"] == pytest.approx(60, abs=5)
    assert row["inhibition_lower"] < row["percent_inhibition"] < row["inhibition_upper"]
    antibodies = result.antibodies.set_index("antibody")
    assert (antibodies["verdict"] == "inhibited").sum() == len(MTOR)
    assert antibodies.at["ERBB2_pY1248", "verdict"] == "no change"
    assert result.rescue.empty


@pytest.mark.slow
def test_without_inhibition_none_is_called(tmp_path: Path) -> None:
    pathways = found(tmp_path, arrays({"": 0.0}, samples=60)).pathways
    assert (pathways["verdict"] == "no change").mean() > 0.98


def test_a_coculture_keeps_a_pathway_on(tmp_path: Path) -> None:
    table = arrays({"monoculture": 0.6, "fibroblasts": 0.0}, noise=0.1)
    result = found(tmp_path, table)
    row = result.rescue.set_index("pathway").loc["TSC/MTOR"]
    assert (row["against"], row["verdict"], row["stays_on"]) == ("monoculture", "rescued", True)
    assert row["inhibition_against"] == pytest.approx(60, abs=5)
    assert row["log2_difference"] == pytest.approx(np.log2(1 / 0.4), abs=0.2)
    reverse = found(tmp_path, table, against="Fibroblasts").rescue.set_index("pathway")
    assert reverse.at["TSC/MTOR", "verdict"] == "deepened"


def test_akt_that_a_competitive_inhibitor_raises_is_not_called_active(tmp_path: Path) -> None:
    table = arrays({"": 0.5}, drug="GSK690693")
    treated = table["drug"] == "GSK690693"
    table.loc[treated, "Akt_pS473"] *= 8
    result = found(tmp_path, table)
    row = result.antibodies.set_index("antibody").loc["AKT1_pS473"]
    assert row["verdict"] == "raised though blocked"
    assert "not to be read as activation" in row["reading"]
    other = found(tmp_path, table.replace("GSK690693", "Lapatinib")).antibodies
    assert other.set_index("antibody").at["AKT1_pS473", "verdict"] == "activated"


def test_paradoxical_sites_are_known_by_synonym_and_in_mixtures() -> None:
    assert set(paradoxical("AZD5363")) == {"AKT1_pS473", "AKT1_pT308"}
    assert set(paradoxical("GSK690693_GSK1120212")) == {"AKT1_pS473", "AKT1_pT308"}
    assert paradoxical("MK-2206") == {}
    assert {site.source.partition(":")[0] for site in PARADOXICAL_TABLE.load()} == {"DOI"}


def test_copies_of_an_array_count_once_and_logs_are_taken_as_they_are(tmp_path: Path) -> None:
    table = arrays({"": 0.5}, stimuli=("EGF",))
    again = table.assign(stimulus="HGF")
    read = read_arrays(written(tmp_path, table, again))
    assert len(read.levels) == len(table)
    assert set(read.treatment["stimulus"]) == {""}
    assert any("count once" in note for note in read.notes)
    logs = table.copy()
    logs[list(MTOR)] = np.log2(logs[list(MTOR)])
    logs[["Akt_pS473", "HER2_pY1248"]] = np.log2(logs[["Akt_pS473", "HER2_pY1248"]])
    assert np.allclose(read_arrays(written(tmp_path, logs)).levels, read.levels)


def test_times_have_controls_of_their_own(tmp_path: Path) -> None:
    parts = [
        arrays({"": 0.5}, replicates=1, noise=0.01, seed=seed).assign(Timepoint=word)
        for seed, word in enumerate(("0min", "30min", "2hr"))
    ]
    read = read_arrays(written(tmp_path, *parts))
    assert set(read.treatment["time"]) == {0.0, 0.5, 2.0}
    row = find_perturbations(read).pathways.iloc[0]
    assert (row["method"], row["units"]) == ("times", 3)
    assert row["percent_inhibition"] == pytest.approx(50, abs=2)
    single = found(tmp_path, parts[0]).pathways.iloc[0]
    assert (single["method"], single["verdict"]) == ("", "not told")
    assert single["percent_inhibition"] == pytest.approx(50, abs=3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drug": "Lapatinib"}, "no untreated control"),
        ({"drug": "DMSO"}, "no treated sample"),
        ({"cell_line": ""}, "the sample is not told"),
        ({"Akt_pS473": "high"}, "is no number"),
        ({"Akt_pS473": 0.0}, "has no logarithm"),
        ({"Timepoint": "noon"}, "'noon' is no time"),
    ],
)
def test_bad_cells_are_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        found(tmp_path, arrays({"": 0.5}).assign(**change))


def test_missing_columns_controls_and_conditions_are_named(tmp_path: Path) -> None:
    table = arrays({"": 0.5})
    for column, words in (("cell_line", "no column of samples"), ("drug", "no column of drugs")):
        with pytest.raises(InputError, match=words):
            found(tmp_path, table.drop(columns=column))
    with pytest.raises(InputError, match="no columns of antibodies"):
        found(tmp_path, table[["cell_line", "drug", "condition"]])
    apart = table.assign(condition=table["drug"].map({"DMSO": "alone", "Lapatinib": "fibroblasts"}))
    with pytest.raises(InputError, match="no treatment has an untreated control"):
        found(tmp_path, apart)
    with pytest.raises(InputError, match="no condition is named 'moon'"):
        found(tmp_path, table, against="moon")


@pytest.mark.parametrize("name", ["UACC812_main.csv", "UACC812_full.csv.gz"])
def test_akt_and_mek_inhibitors_do_in_uacc812_what_is_known(shared: Path, name: str) -> None:
    path = shared / "assays" / "hpn_dream8" / name
    if not path.exists():
        pytest.skip(f"the public arrays are not at {path}")
    result = find_perturbations(read_arrays(path))
    table = result.antibodies.set_index(["drug", "antibody"])
    akt, both = "GSK690693", "GSK690693_GSK1120212"
    assert table.at[(akt, "AKT1_pS473"), "verdict"] == "raised though blocked"
    for site in ("RPS6_pS235_S236", "RPS6_pS240_S244", "AKT1S1_pT246"):
        assert table.at[(akt, site), "verdict"] == "inhibited"
    assert table.at[(both, "MAPK1_pT202_Y204"), "percent_inhibition"] > 75
    pathways = result.pathways.set_index(["drug", "pathway"])
    for drug, pathway in ((akt, "PI3K/AKT"), (akt, "TSC/MTOR"), (both, "RAS/MAPK")):
        row = pathways.loc[(drug, pathway)]
        assert row["verdict"] == "inhibited"
        assert row["q"] < 0.05
    assert pathways.at[(akt, "PI3K/AKT"), "left_out"] == "AKT1_pS473;AKT1_pT308"
    assert pathways.at[(akt, "TSC/MTOR"), "left_out"] == ""
