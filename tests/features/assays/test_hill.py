"""Curves of known truth are found again, as SciPy finds them, and their errors are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from sidestep.features.assays.hill import (
    GROWTH_RATE,
    VIABILITY,
    VIABILITY_FREE,
    HillBounds,
    dose_at,
    fit_hill,
    hill,
    mean_between,
)

LOG_DOSES = np.linspace(-3, 1.5, 10)


def truth(curves: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.uniform(-1.8, 0.6, curves),
            np.log(rng.uniform(0.7, 2.5, curves)),
            rng.uniform(0.0, 0.4, curves),
            np.ones(curves),
        ]
    )


@pytest.mark.parametrize("bounds", [VIABILITY, VIABILITY_FREE, GROWTH_RATE])
def test_noiseless_curves_are_found_again(bounds: HillBounds) -> None:
    theta = truth(60)
    x = np.tile(LOG_DOSES, (len(theta), 1))
    fits = fit_hill(x, hill(theta, x), bounds=bounds)
    np.testing.assert_allclose(fits.theta, theta, atol=2e-3)
    assert fits.sse.max() < 1e-7


def test_residuals_are_those_of_scipy() -> None:
    theta = truth(25, seed=1)
    x = np.tile(LOG_DOSES, (len(theta), 1))
    y = hill(theta, x) + np.random.default_rng(2).normal(0, 0.07, x.shape)
    fits = fit_hill(x, y)

    def curve(x: np.ndarray, middle: float, slope: float, bottom: float) -> np.ndarray:
        return bottom + (1 - bottom) / (1 + 10 ** (slope * (x - middle)))

    for row in range(len(theta)):
        found, _ = curve_fit(
            curve, x[row], y[row], p0=[-0.5, 1.5, 0.2], bounds=([-4, 0.1, 0], [2.5, 5, 1])
        )
        sse = ((y[row] - curve(x[row], *found)) ** 2).sum()
        assert fits.sse[row] <= sse * (1 + 1e-4)


def test_padding_and_company_change_nothing() -> None:
    theta = truth(12, seed=3)
    x = np.tile(LOG_DOSES, (12, 1))
    y = hill(theta, x) + np.random.default_rng(4).normal(0, 0.05, x.shape)
    together = fit_hill(x, y, robust=True)
    padded = np.full((1, 25), np.nan)
    log_doses = padded.copy()
    padded[0, :10], log_doses[0, :10] = y[5], x[5]
    alone = fit_hill(log_doses, padded, robust=True)
    np.testing.assert_allclose(alone.theta[0], together.theta[5], atol=1e-9)


def test_replicates_count_as_wells_of_their_own() -> None:
    theta = truth(1, seed=5)
    x = np.repeat(LOG_DOSES, 3)[None, :]
    y = hill(theta, x) + np.random.default_rng(6).normal(0, 0.05, x.shape)
    fits = fit_hill(x, y)
    assert fits.n_points[0] == 30
    assert fits.sse[0] == pytest.approx(((y - hill(fits.theta, x)) ** 2).sum())


def test_one_bad_well_moves_a_robust_curve_little() -> None:
    theta = np.array([[-0.5, np.log(1.5), 0.05, 1.0]])
    x = np.repeat(LOG_DOSES, 2)[None, :]
    y = hill(theta, x) + np.random.default_rng(7).normal(0, 0.02, x.shape)
    y[0, 8] = 0.0
    plain, robust = fit_hill(x, y), fit_hill(x, y, robust=True)
    assert robust.weights[0, 8] < 0.01
    half = np.array([0.5])
    assert abs(dose_at(robust.theta, half)[0] - dose_at(theta, half)[0]) < 0.03
    assert abs(dose_at(plain.theta, half)[0] - dose_at(theta, half)[0]) > 0.04


@pytest.mark.parametrize("robust", [False, True])
def test_intervals_of_ic50_and_area_cover_the_truth(robust: bool) -> None:
    theta = np.tile([[-0.6, np.log(1.3), 0.1, 1.0]], (800, 1))
    x = np.tile(np.repeat(LOG_DOSES, 3), (800, 1))
    y = hill(theta, x) + np.random.default_rng(8).normal(0, 0.06, x.shape)
    fits = fit_hill(x, y, robust=robust)
    quantile = stats.t.ppf(0.975, fits.freedom)
    half = np.full(800, 0.5)
    ends = (np.full(800, -3.0), np.full(800, 1.5))
    for quantity in (lambda t: dose_at(t, half), lambda t: mean_between(t, *ends)):
        missed = np.abs(quantity(fits.theta) - quantity(theta)) > quantile * fits.error(quantity)
        assert 0.92 <= 1 - missed.mean() <= 0.975


def test_levels_that_are_never_met_are_infinite() -> None:
    theta = np.array([[0.0, 0.0, 0.7, 1.0], [0.0, 0.0, 0.1, 0.4], [0.0, 0.0, 0.0, 1.0]])
    assert dose_at(theta, np.full(3, 0.5)).tolist() == [np.inf, -np.inf, 0.0]


def test_the_mean_is_the_area_over_the_width() -> None:
    theta = truth(5, seed=9)
    grid = np.linspace(-2, 1, 4001)
    values = hill(theta, np.tile(grid, (5, 1)))
    area = np.trapezoid(values, grid, axis=1) / 3
    np.testing.assert_allclose(
        mean_between(theta, np.full(5, -2.0), np.full(5, 1.0)), area, atol=1e-6
    )


def test_no_curves_and_empty_curves_pass() -> None:
    assert len(fit_hill(np.empty((0, 4)), np.empty((0, 4)))) == 0
    empty = fit_hill(np.full((2, 4), np.nan), np.full((2, 4), np.nan), robust=True)
    assert np.isfinite(empty.theta).all()
    assert (empty.sse == 0).all()
