"""Published numbers from the real plates: growth rates as two tools give them, BCR-ABL mutants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sidestep.features.assays.curves import CurveOptions, fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.shifts import find_shifts
from sidestep.features.assays.tidy import Given

LAYOUTS = [
    ("input1",),
    *(tuple(f"input{n}_{p}" for p in ("data", "ctrl", "time0")) for n in (2, 3)),
]


@pytest.fixture(scope="session")
def assays(shared: Path) -> Path:
    """Folder of the public assay data; skips without it."""
    folder = shared / "assays"
    if not folder.is_dir():
        pytest.skip(f"the public assays are not at {folder}")
    return folder


@pytest.mark.parametrize("layout", LAYOUTS, ids=["one table", "means apart", "wells apart"])
def test_growth_rates_are_those_of_the_r_and_python_tools(
    assays: Path, layout: tuple[str, ...]
) -> None:
    paths = [assays / "gr_metrics" / f"INPUT_toy_example_{part}.tsv" for part in layout]
    readings = read_plates(paths, Given(unit="uM"))
    table = fit_curves(readings, CurveOptions(apart=("replicate",))).table
    table = table.assign(
        perturbation=table["condition"].astype(int), replicate=table["replicate"].astype(int)
    )
    for tool, aoc in (("python", "GR_AUC"), ("R", "GR_AOC")):
        path = assays / "gr_metrics" / f"OUTPUT_{tool}_input1_GRmetrics.tsv"
        theirs = pd.read_csv(path, sep="\t").rename(
            columns={"cell_line": "sample", "agent": "drug"}
        )
        both = table.merge(theirs, on=["sample", "drug", "perturbation", "replicate", "time"])
        assert len(both) == 112
        found = np.isfinite(both["GR50"])
        assert (both["gr50_fitted"].notna() == found).all()
        # Beyond the doses the two tools themselves are 0.3 % apart.
        inside = found & (both["gr50_limit"] == "")
        assert inside.sum() > 85
        np.testing.assert_allclose(both["gr50"][inside], both["GR50"][inside], rtol=0.005)
        np.testing.assert_allclose(both["gr_max"], both["GRmax"], atol=0.001)
        np.testing.assert_allclose(both["gr_aoc"], both[aoc], atol=0.001)


def test_imatinib_ic50s_of_the_mutants_rank_as_published(assays: Path) -> None:
    folder = assays / "bcrabl_baf3"
    published = pd.read_csv(folder / "Combined_data_frame_IC_Mutprob_abundance.csv")
    readings = read_plates([folder / "raw_Imatinib.csv"])
    for parameters in (3, 4):
        table = fit_curves(readings, CurveOptions(parameters=parameters)).table
        both = table.merge(published, left_on="sample", right_on="Compound")
        assert len(both) == 19
        assert spearmanr(both["ic50"], both["IC50"]).statistic > 0.95
        assert table.set_index("sample").at["WT", "ic50"] == pytest.approx(0.2, abs=0.05)


def test_mutants_resist_imatinib_as_published(assays: Path) -> None:
    readings = read_plates([assays / "bcrabl_baf3" / "raw_Imatinib.csv"])
    shifts = find_shifts(readings, "sample", "WT", CurveOptions(parameters=4))
    table = shifts.table.set_index("sample")
    assert table["fold_change"].idxmax() == "T315I"
    # M244V is published as resistant too; at half the signal these plates show none.
    for mutant in ("T315I", "F359V", "Q252H", "E355G"):
        row = table.loc[mutant]
        assert row["verdict"] == "protected"
        assert 1 < row["fold_change_lower"] < row["fold_change"] < row["fold_change_upper"]
    assert table.at["M244V", "fold_change_lower"] < 1 < table.at["M244V", "fold_change_upper"]
