"""The survival screen against closed forms, published numbers and planted effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import kstest, norm
from sksurv.metrics import concordance_index_censored

from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.training.survival.cohort import Cohort, Group
from sidestep.training.survival.follow_up import Survival
from sidestep.training.survival.screen import COLUMNS, NOT_THERE, Settings, screen_genes
from sidestep.training.survival.statistics import concordance, cox, log_rank
from sidestep.training.validation.metrics import Estimate

pytestmark = pytest.mark.slow

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
FAST = Settings(bootstrap=100)

# Remission in weeks under 6-mercaptopurine and placebo (Freireich et al., Blood 21:699, 1963).
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+".split()
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23".split()


def simulated(
    hazard: np.ndarray, rng: np.random.Generator, follow_up: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Events and months: exponential with that log hazard, seen until a random month."""
    died = rng.exponential(60 * np.exp(-hazard))
    seen = rng.uniform(0, follow_up, len(hazard)) if np.isfinite(follow_up) else np.inf
    return died <= seen, np.minimum(died, seen)


def cohort_of(event: np.ndarray, months: np.ndarray, **genes: np.ndarray) -> Cohort:
    patients = pd.Index([f"P{number}" for number in range(len(event))], dtype="str")
    return Cohort(
        study=replace(NOTHING, study_id="small"),
        group=Group("all", "every sample", patients),
        survival=Survival("os", pd.Series(months, patients), pd.Series(event, patients)),
        expression=pd.DataFrame(genes, index=patients),
        counts={"with_expression": len(event), "events": int(np.sum(event))},
        notes=(),
    )


def row_of(table: pd.DataFrame, gene: str) -> pd.Series:
    return table.set_index("gene").loc[gene]


def index_of(
    event: np.ndarray, months: np.ndarray, level: np.ndarray, draws: int = 100, seed: int = 0
) -> Estimate:
    return concordance(event, months, level, draws=draws, confidence=0.95, seed=seed)


# Statistics of one gene


def expected_concordance(log_hazard: float) -> float:
    """For normal levels and exponential times: of two patients, the one with the higher dies first.

    The odds of that are e to the log hazard times the difference of the levels, which is normal
    with variance 2.
    """
    return quad(lambda d: 2 * expit(log_hazard * d) * norm.pdf(d, scale=np.sqrt(2)), 0, 20)[0]


@pytest.mark.parametrize("log_hazard", [-0.8, 0.0, 0.4, 1.2])
def test_concordance_of_a_planted_hazard_is_what_theory_says(log_hazard: float) -> None:
    rng = np.random.default_rng(1)
    level = rng.standard_normal(2000)
    event, months = simulated(log_hazard * level, rng)
    assert index_of(event, months, level).value == pytest.approx(
        expected_concordance(log_hazard), abs=0.02
    )


def test_the_interval_covers_the_true_concordance_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    truth, covered, runs = expected_concordance(0.5), 0, 200
    for seed in range(runs):
        level = rng.standard_normal(80)
        found = index_of(*simulated(0.5 * level, rng), level, draws=200, seed=seed)
        covered += found.lower <= truth <= found.upper
    assert 0.90 <= covered / runs <= 0.985


@pytest.mark.parametrize("digits", [6, 0])
def test_drawing_everybody_once_gives_the_librarys_concordance(digits: int) -> None:
    """Against scikit-survival with repeated patients written out, ties and all."""
    rng = np.random.default_rng(3)
    level = np.round(2 * rng.standard_normal(60), digits)
    event, months = simulated(0.5 * level, rng, follow_up=80)
    months = np.round(months / 10, digits)
    found = index_of(event, months, level, draws=300, seed=5)
    drawn = np.random.default_rng(5).multinomial(60, np.full(60, 1 / 60), size=300)
    repeated = [np.repeat(np.arange(60), times) for times in drawn]
    direct = [concordance_index_censored(event[r], months[r], level[r])[0] for r in repeated]
    np.testing.assert_allclose(
        [found.lower, found.upper], np.percentile(direct, [2.5, 97.5]), rtol=1e-12
    )


def test_a_published_trial_gives_its_published_numbers() -> None:
    """Cox model with Efron's ties, coefficient 1.572 (0.412), and log-rank chi-square 16.79."""
    weeks = [*TREATED, *PLACEBO]
    months = np.array([float(week.rstrip("+")) for week in weeks])
    event = np.array([not week.endswith("+") for week in weeks])
    placebo = np.repeat([0.0, 1.0], 21)
    found = cox(event, months, placebo, confidence=0.95)
    assert np.log(found.ratio.value) == pytest.approx(1.5721, abs=1e-3)
    assert np.log(found.ratio.upper / found.ratio.lower) / (2 * 1.95996) == pytest.approx(
        0.4124, abs=1e-3
    )
    assert found.ratio.value == pytest.approx(4.817, abs=5e-3)
    assert norm.isf(log_rank(event, months, placebo > 0) / 2) ** 2 == pytest.approx(16.79, abs=0.01)


def test_a_planted_hazard_ratio_is_found_within_its_interval() -> None:
    rng = np.random.default_rng(4)
    ratios, covered, runs = [], 0, 60
    for _ in range(runs):
        level = rng.standard_normal(150)
        found = cox(*simulated(0.5 * level, rng, follow_up=150), level, confidence=0.95)
        ratios.append(np.log(found.ratio.value))
        covered += found.ratio.lower <= np.exp(0.5) <= found.ratio.upper
    assert np.mean(ratios) == pytest.approx(0.5, abs=0.06)
    assert covered >= 0.85 * runs


def test_p_of_the_log_rank_test_is_uniform_where_there_is_nothing() -> None:
    rng = np.random.default_rng(5)
    p = []
    for _ in range(600):
        level = rng.standard_normal(60)
        event, months = simulated(np.zeros(60), rng, follow_up=150)
        p.append(log_rank(event, months, level > np.median(level)))
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.075
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("side", [0, 1])
def test_a_group_with_nobody_in_it_has_no_log_rank_test(side: int) -> None:
    event, months = np.ones(6, bool), np.arange(1.0, 7.0)
    assert np.isnan(log_rank(event, months, np.full(6, bool(side))))


def test_groups_that_are_never_at_risk_together_have_no_log_rank_test() -> None:
    event = np.array([False, False, True, True])
    months = np.array([1.0, 2.0, 3.0, 4.0])
    assert np.isnan(log_rank(event, months, np.array([True, True, False, False])))


@pytest.mark.parametrize("steps", [30, 4, 2])
def test_a_level_that_settles_who_dies_first_has_no_finite_hazard_ratio(steps: int) -> None:
    months = np.arange(1.0, 31.0)
    level = np.ceil(months / (30 / steps))
    for standard in ((level - level.mean()) / level.std(), (level.mean() - level) / level.std()):
        found = cox(np.ones(30, bool), months, standard, confidence=0.95)
        assert np.isnan(found.p)
        assert np.isnan([found.ratio.value, found.ratio.lower, found.ratio.upper]).all()


def test_a_perfect_order_has_a_concordance_of_one_or_none() -> None:
    months = np.arange(1.0, 31.0)
    assert index_of(np.ones(30, bool), months, -months) == Estimate(1.0, 1.0, 1.0)
    assert index_of(np.ones(30, bool), months, months) == Estimate(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("event", "months"),
    [([False, False, True], [1.0, 2.0, 3.0]), ([True, True, True], [4.0, 4.0, 4.0])],
)
def test_without_a_pair_to_compare_there_is_no_concordance(
    event: list[bool], months: list[float]
) -> None:
    found = index_of(np.array(event), np.array(months), np.array([1.0, 2.0, 3.0]))
    assert np.isnan([found.value, found.lower, found.upper]).all()


# The screen


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
    assert absent["note"] == NOT_THERE
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
        table = screen_genes(cohort, names, Settings(fdr=0.3, bootstrap=100)).table
        called = table.loc[table["significant"], "gene"]
        false = sum(int(gene[1:]) >= 5 for gene in called)
        shares.append(false / max(len(called), 1))
        found += len(called) - false
    assert found > 30
    assert 0.1 < np.mean(shares) < 0.35  # expected: 0.3 times the 25 of 30 that do not matter
