"""The survival screen against planted effects and published findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.training.survival.cohort import Cohort
from sidestep.training.survival.follow_up import Survival
from sidestep.training.survival.screen import ABSENT, COLUMNS, Settings, screen_genes
from tests.training.survival.patients import cohort_of, simulated

pytestmark = pytest.mark.slow

FAST = Settings(bootstrap=100)


def row_of(table: pd.DataFrame, gene: str) -> pd.Series:
    return table.set_index("gene").loc[gene]


@pytest.fixture(scope="module")
def planted() -> Cohort:
    """Three hundred patients; two genes matter, one in each direction."""
    rng = np.random.default_rng(6)
    genes = {name: rng.standard_normal(300) for name in ("IGF1R", "MET", "AXL", "ROR2", "NOISE")}
    hazard = 0.8 * genes["IGF1R"] - 0.8 * genes["MET"] - 0.8 * genes["ROR2"]
    return cohort_of(*simulated(hazard, rng, follow_up=150), **genes)


def test_planted_genes_are_found_in_their_direction(planted: Cohort) -> None:
    table = screen_genes(planted, ["NOISE", "IGF1R", "MET", "ROR2", "AXL"], FAST).table
    assert tuple(table.columns) == COLUMNS
    assert list(table["logrank_p"]) == sorted(table["logrank_p"])
    up, down, noise = (row_of(table, gene) for gene in ("IGF1R", "MET", "NOISE"))
    assert (up["direction"], down["direction"], noise["direction"]) == (
        "worse",
        "better",
        "unclear",
    )
    assert up["c_index_lower"] > 0.5 > down["c_index_upper"]
    assert up["hazard_ratio_lower"] > 1 > down["hazard_ratio_upper"]
    assert up["significant"]
    assert down["significant"]
    assert not noise["significant"]
    assert (up["n"], up["n_low"], up["n_high"]) == (300, 150, 150)
    assert up["events"] == planted.survival.event.sum()


def test_the_published_finding_stands_beside_each_gene(planted: Cohort) -> None:
    table = screen_genes(planted, list(planted.expression), FAST).table
    beside = table.set_index("gene")[["paper_outcome", "paper_agreement", "rtk_role"]]
    assert list(beside.loc["IGF1R"]) == ["worse", "agrees", "rescues"]
    assert list(beside.loc["MET"]) == ["better", "agrees", "better outcome"]
    assert list(beside.loc["ROR2"]) == ["worse", "differs", "no effect"]
    assert list(beside.loc["AXL"]) == ["", "no finding", "not tested"]
    assert list(beside.loc["NOISE"]) == ["", "no finding", ""]


def test_a_published_gene_without_a_direction_here_is_undecided() -> None:
    rng = np.random.default_rng(7)
    cohort = cohort_of(*simulated(np.zeros(60), rng), TYRO3=rng.standard_normal(60))
    assert row_of(screen_genes(cohort, ["TYRO3"], FAST).table, "TYRO3")["paper_agreement"] == (
        "undecided"
    )


def test_a_gene_reads_the_same_alone_and_among_others_save_for_q(planted: Cohort) -> None:
    alone = screen_genes(planted, ["AXL"], FAST).table
    among = screen_genes(planted, ["NOISE", "AXL", "IGF1R"], FAST).table
    own = [column for column in COLUMNS if column not in ("q", "significant")]
    pd.testing.assert_series_equal(
        row_of(alone[own], "AXL"), row_of(among[own], "AXL"), check_exact=True
    )


def test_genes_that_the_study_lacks_have_a_row_that_says_so(planted: Cohort) -> None:
    screen = screen_genes(planted, ["NOPE", "met", "MET", "Axl", "ALSO_NOT"], FAST)
    assert sorted(screen.table["gene"][:2]) == ["AXL", "MET"]
    assert list(screen.table["gene"][2:]) == ["NOPE", "ALSO_NOT"]
    assert screen.absent == ["NOPE", "ALSO_NOT"]
    absent = row_of(screen.table, "NOPE")
    assert absent["note"] == ABSENT
    assert absent["n"] == 0
    assert np.isnan(absent["q"])
    assert not absent["significant"]


def test_a_published_gene_that_the_study_lacks_is_not_tested(planted: Cohort) -> None:
    absent = row_of(screen_genes(planted, ["AXL", "PDGFRB"], FAST).table, "PDGFRB")
    assert absent["direction"] == ""
    assert (absent["paper_outcome"], absent["paper_agreement"]) == ("worse", "not tested")


def test_a_study_with_none_of_the_genes_is_refused(planted: Cohort) -> None:
    with pytest.raises(InputError, match=r"expression of 5 genes, and none of the 2 asked for"):
        screen_genes(planted, ["NOPE", "NEITHER"], FAST)


def test_patients_without_the_gene_are_left_out_of_it_alone(planted: Cohort) -> None:
    gaps = planted.expression.copy()
    gaps.loc[gaps.index[:100], "AXL"] = np.nan
    table = screen_genes(replace(planted, expression=gaps), ["AXL", "MET"], FAST).table
    rest = planted.survival.event.index[100:]
    without = Cohort(
        planted.study,
        planted.group,
        Survival("os", planted.survival.months[rest], planted.survival.event[rest]),
        planted.expression.loc[rest],
        planted.counts,
        (),
    )
    direct = row_of(screen_genes(without, ["AXL"], FAST).table, "AXL")
    found = row_of(table, "AXL")
    assert (found["n"], row_of(table, "MET")["n"]) == (200, 300)
    for name in ("c_index", "c_index_lower", "hazard_ratio", "logrank_p", "events", "n_high"):
        assert found[name] == direct[name]


def test_genes_that_cannot_be_tested_say_why() -> None:
    rng = np.random.default_rng(8)
    event, months = simulated(np.zeros(40), rng)
    event[:20] = False
    cohort = cohort_of(
        event,
        months,
        FINE=rng.standard_normal(40),
        SAME=np.full(40, 0.1),
        ONE=np.where(np.arange(40) == 3, 1.0, np.nan),
        NONE=np.full(40, np.nan),
        CENSORED=np.where(np.arange(40) < 20, rng.standard_normal(40), np.nan),
        FLOOR=np.where(np.arange(40) < 30, 9.0, rng.standard_normal(40)),
        MOSTLY=np.where(np.arange(40) < 35, -9.0, rng.standard_normal(40)),
    )
    table = screen_genes(cohort, list(cohort.expression), FAST).table
    notes = table.set_index("gene")["note"]
    assert notes["FINE"] == ""
    assert notes["SAME"] == "the same expression in every patient"
    assert notes["ONE"] == "expression of 1 patient(s) only"
    assert notes["NONE"] == "expression of 0 patient(s) only"
    assert notes["CENSORED"] == "no event among the patients with this gene"
    assert notes["FLOOR"] == "nobody is above the median, so no log-rank test"
    assert notes["MOSTLY"] == "many ties at the median make the parts unequal"
    untested = table[table["gene"].isin(["SAME", "ONE", "NONE", "CENSORED"])]
    assert untested[["c_index", "hazard_ratio", "logrank_p", "q"]].isna().all(axis=None)
    floor = row_of(table, "FLOOR")
    assert np.isfinite(floor["c_index"])
    assert np.isnan(floor["q"])


def test_few_events_are_noted() -> None:
    rng = np.random.default_rng(9)
    event, months = simulated(np.zeros(40), rng)
    event[4:] = False
    table = screen_genes(cohort_of(event, months, A=rng.standard_normal(40)), ["A"], FAST).table
    assert row_of(table, "A")["note"] == "4 event(s) only"


def test_a_screen_in_which_no_gene_can_be_tested_is_refused() -> None:
    cohort = cohort_of(np.ones(9, bool), np.arange(1.0, 10.0), SAME=np.zeros(9))
    with pytest.raises(InputError, match=r"none of the 2 genes can be tested \(SAME: the same exp"):
        screen_genes(cohort, ["SAME", "ABSENT"], FAST)


def test_the_scale_of_the_expression_does_not_matter(planted: Cohort) -> None:
    scaled = replace(planted, expression=5.0 + 1e-9 * planted.expression)
    here = row_of(screen_genes(planted, ["IGF1R"], FAST).table, "IGF1R")
    there = row_of(screen_genes(scaled, ["IGF1R"], FAST).table, "IGF1R")
    for name in ("c_index", "hazard_ratio", "logrank_p"):
        assert there[name] == pytest.approx(here[name], rel=1e-4)


@pytest.mark.slow
def test_false_discoveries_are_as_rare_as_asked_for() -> None:
    """Five genes that matter among thirty; the share of false ones among those significant."""
    rng = np.random.default_rng(10)
    shares, found = [], 0
    for _ in range(30):
        levels = rng.standard_normal((120, 30))
        event, months = simulated(0.6 * levels[:, :5].sum(axis=1), rng, follow_up=400)
        names = [f"G{number}" for number in range(30)]
        cohort = cohort_of(event, months, **dict(zip(names, levels.T, strict=True)))
        table = screen_genes(cohort, names, Settings(fdr=0.3, bootstrap=10)).table
        called = table.loc[table["significant"], "gene"]
        false = sum(int(gene[1:]) >= 5 for gene in called)
        shares.append(false / max(len(called), 1))
        found += len(called) - false
    assert found > 30
    assert 0.1 < np.mean(shares) < 0.35  # expected: 0.3 times the 25 of 30 that do not matter
