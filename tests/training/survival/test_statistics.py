"""Concordance, Cox model and log-rank test against closed forms and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import kstest, norm
from sksurv.metrics import concordance_index_censored

from sidestep.training.survival.statistics import concordance, cox, log_rank
from sidestep.training.validation.metrics import Estimate
from tests.training.survival.patients import simulated

pytestmark = pytest.mark.slow

# Remission in weeks under 6-mercaptopurine and placebo (Freireich et al., Blood 21:699, 1963).
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+".split()
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23".split()


def index_of(
    event: np.ndarray, months: np.ndarray, level: np.ndarray, draws: int = 100, seed: int = 0
) -> Estimate:
    return concordance(event, months, level, draws=draws, confidence=0.95, seed=seed)


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
