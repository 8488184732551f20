"""Planted synergy is found, with intervals that hold the truth; published measures are met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.assays.tidy import Given
from sidestep.features.errors import InputError
from sidestep.features.synergy.matrices import read_matrices
from sidestep.features.synergy.verdicts import Synergy, SynergyOptions, find_synergy
from tests.features.assays.plates import DOSES, LEAST, RUNS, viability, written
from tests.features.synergy.pairs import many_pairs, matrix

BLISS = SynergyOptions(models=("bliss",), draws=200)
QUICK = SynergyOptions(draws=40)


def judged(folder: Path, *tables: pd.DataFrame, options: SynergyOptions = QUICK) -> Synergy:
    return find_synergy(read_matrices([written(folder, *tables)]), options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"replicates": 2}, "wells"),
        ({"replicates": 4, "plate_spread": 0.03}, "replicates"),
    ],
)
def test_the_planted_excess_lies_in_its_interval(settings: dict[str, float], method: str) -> None:
    table = find_synergy(many_pairs(RUNS, **settings), BLISS).table
    assert set(table["method"]) == {method}
    inside = (table["bliss_lower"] <= 10) & (table["bliss_upper"] >= 10)
    assert inside.mean() >= LEAST  # 500 runs: benchmarks.known_truth
    assert table["bliss"].mean() == pytest.approx(10, abs=0.5)


@pytest.mark.slow
def test_verdicts_of_planted_pairs(tmp_path: Path) -> None:
    tables = [
        matrix(excess, sample=sample, seed=seed)
        for seed, (sample, excess) in enumerate({"up": 0.12, "null": 0.0, "down": -0.12}.items())
    ]
    table = judged(tmp_path, *tables).table.set_index("sample")
    assert table["verdict"].to_dict() == {
        "up": "synergistic", "null": "additive", "down": "antagonistic",
    }  # fmt: skip
    # Curves along the axes start at the single agents, which takes a part of the excess from ZIP.
    for model, within in (("bliss", 2), ("hsa", 2), ("loewe", 2), ("zip", 5)):
        assert table.at["up", model] - table.at["down", model] == pytest.approx(24, abs=within)
    assert table.at["up", "combination_index"] < table.at["null", "combination_index"]
    assert table.at["up", "reason"].startswith("Bliss excess 1")


def test_a_drug_with_itself_is_additive_by_loewe_with_an_index_of_one(tmp_path: Path) -> None:
    table = matrix(same_drug=True, noise=0.01)
    row = judged(tmp_path, table, options=SynergyOptions(model="loewe", draws=40)).table.iloc[0]
    assert row["loewe"] == pytest.approx(0, abs=1)
    assert row["combination_index"] == pytest.approx(1, abs=0.1)
    assert row["verdict"] == "additive"


@pytest.mark.slow
def test_single_agents_of_a_table_of_their_own_stand_in(tmp_path: Path) -> None:
    pair = matrix(0.1, noise=0.0)
    pair = pair[(pair["dose1"] > 0) & (pair["dose2"] > 0)]
    swapped = pair.rename(
        columns={"drug1": "drug2", "drug2": "drug1", "dose1": "dose2", "dose2": "dose1"}
    )
    half = pair["replicate"] == 1
    both = pd.concat([pair[half], swapped[~half]])
    alone = [
        pd.DataFrame({"sample": "bt-474", "drug": drug, "dose (uM)": DOSES,
                      "viability": viability(DOSES, *curve)})
        for drug, curve in (
            ("lapatinib", (0.5, 1.5, 0.2)), ("Dasatinib", (0.8, 1.2, 0.3)),
        )
    ]  # fmt: skip
    paths = [written(tmp_path, both), written(tmp_path, *alone, name="alone.csv")]
    table = find_synergy(read_matrices(paths), QUICK).table
    assert len(table) == 1
    assert table["drug1"][0] == "Lapatinib"
    assert table["bliss"][0] == pytest.approx(10, abs=0.5)
    assert np.isnan(table["hsa_sum"][0])  # their doses are not those of the matrix


def test_signals_are_held_against_their_control(tmp_path: Path) -> None:
    table = matrix(0.1, noise=0.0)
    signals = table.assign(signal=2000 * table.pop("viability"))
    control = signals.head(3).assign(dose1=0, dose2=0, signal=2000)
    row = judged(tmp_path, signals, control).table.iloc[0]
    assert row["bliss"] == pytest.approx(10, abs=0.01)
    with pytest.raises(InputError, match=r"no control with a signal .* matches BT474"):
        judged(tmp_path, signals)


def test_wells_that_stand_once_without_curves_are_unclear(tmp_path: Path) -> None:
    table = matrix(0.3, replicates=1)
    few = table[table["dose1"].isin([0, 0.1, 1.0]) & table["dose2"].isin([0, 0.1, 1.0])]
    row = judged(tmp_path, few).table.iloc[0]
    assert (row["verdict"], row["method"]) == ("unclear", "")
    assert "tell no error" in row["reason"]
    nothing = table[(table["dose1"] > 0) & (table["dose2"] > 0)]
    row = judged(tmp_path, nothing).table.iloc[0]
    assert row["verdict"] == "unclear"
    assert "single agents" in row["reason"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"viability": "n/a?"}, "is no number"),
        ({"viability": 55.0}, "--values percent_viability"),
        ({"dose1": -1.0}, "is negative; write doses"),
        ({"dose2": ""}, "has no dose; write 0"),
        ({"unit": "parsec"}, "'parsec' is no unit of doses"),
    ],
)
def test_bad_cells_are_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        judged(tmp_path, matrix().assign(**change))


@pytest.mark.parametrize(
    ("dropped", "words"),
    [
        ("sample", "no column of samples"),
        ("drug2", "the names of drug2"),
        ("viability", "no column of measured values"),
        ("unit", "unit of the dose is not told"),
        ("dose2", "no column of doses of drug2"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, dropped: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        judged(tmp_path, matrix().drop(columns=dropped))


def test_tables_without_a_pair_are_refused(tmp_path: Path) -> None:
    alone = pd.DataFrame(
        {"sample": "A", "drug": "B", "dose": [1.0], "unit": "uM", "viability": 0.5}
    )
    with pytest.raises(InputError, match="no table has two drugs"):
        judged(tmp_path, alone)
    only = matrix()
    with pytest.raises(InputError, match="no well holds two drugs"):
        judged(tmp_path, only[only["dose2"] == 0])


@pytest.mark.slow
def test_excess_over_the_better_drug_is_that_of_ncats(shared: Path) -> None:
    folder = shared / "assays" / "ncats_matrices"
    if not folder.is_dir():
        pytest.skip(f"the public dose matrices are not at {folder}")
    matrices = read_matrices([folder], Given(sample="Pf"))
    options = SynergyOptions(model="hsa", models=("hsa",), draws=20)
    table = find_synergy(matrices, options).table
    published = pd.read_csv(folder / "calc.csv")["ExcessHSA"].to_numpy()
    assert len(table) == 12
    assert table["hsa_sum"].to_numpy() == pytest.approx(published, rel=1e-4)
