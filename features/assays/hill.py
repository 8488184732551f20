r"""Hill curves of thousands of dose series at once.

.. math:: y(x) = E_\infty + (E_0 - E_\infty) / (1 + (x / EC_{50})^h)

All curves take each step of a bounded Levenberg-Marquardt together, as one batch of arrays; a curve
leaves the batch when it has converged. Starts are the best points of a grid over EC50 and slope on
which both plateaus, in which the curve is linear, are solved for, so that the minimum is the global
one in all but freak series. Bounds are those of gDR [1]_.

References
----------
.. [1] gDRutils, `fit_curves`: slope 0.1 to 5, plateau 0 to 1 (-1 to 1 of growth rates), EC50 within
   tenfold of the doses. Hafner et al., Nat Methods 13:521-527 (2016), doi 10.1038/nmeth.3853.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from sidestep.features.assays.dose_means import dose_means

_LN10 = float(np.log(10.0))
#: Log10 of a dose that stands for no drug: every curve is at its upper plateau there.
NO_DOSE = -1000.0
_GRID_EC50 = 14
_GRID_SLOPES = (0.12, 0.35, 0.8, 1.5, 3.0, 5.0)
_STARTS = 3
_MOST_STEPS = 120
_CHUNK = 1024
# Tukey's bisquare: 95 % as efficient as least squares where errors are normal.
_BISQUARE = 4.685
_ROUNDS = 8
# Wells of one plate scatter by so much of the control's signal even where a few agree by chance.
_SMALLEST_SPREAD = 0.03


@dataclass(frozen=True)
class HillBounds:
    """Where the parameters may lie.

    Attributes
    ----------
    slope : tuple of float
        Of the Hill slope h.
    e_inf : tuple of float
        Of the plateau at infinite dose.
    e_0 : tuple of float
        Of the plateau without drug; equal ends fix it, which leaves three parameters.
    ec50_factor : float
        EC50 lies between the lowest dose over this and the highest dose times this.
    """

    slope: tuple[float, float] = (0.1, 5.0)
    e_inf: tuple[float, float] = (0.0, 1.0)
    e_0: tuple[float, float] = (1.0, 1.0)
    ec50_factor: float = 10.0

    @property
    def parameters(self) -> int:
        """Parameters that are fitted: 3 or 4."""
        return 3 if self.e_0[0] == self.e_0[1] else 4


#: Relative viability, the control as the upper plateau (three parameters).
VIABILITY = HillBounds()
#: Relative viability with an upper plateau of its own (four parameters).
VIABILITY_FREE = HillBounds(e_0=(0.0, 1.1))
#: Growth rate inhibition, as the tools of Hafner et al. bound it.
GROWTH_RATE = HillBounds(e_inf=(-1.0, 1.0), ec50_factor=100.0)


@dataclass(frozen=True)
class HillFits:
    """Fitted curves, one a row of each array.

    Attributes
    ----------
    theta : numpy.ndarray
        (n_curves, 4): log10 EC50, natural logarithm of the slope, e_inf, e_0.
    covariance : numpy.ndarray
        (n_curves, 4, 4); 0 where a parameter is fixed or lies at a bound.
    sse : numpy.ndarray
        Sum of squared residuals of all points, whatever their weight.
    n_points : numpy.ndarray
        Points with weight.
    freedom : numpy.ndarray
        Degrees of freedom of the residuals, at least 1.
    weights : numpy.ndarray
        (n_curves, n_points): 1, less for outliers where the fit is robust, 0 for padding.
    """

    theta: np.ndarray
    covariance: np.ndarray
    sse: np.ndarray
    n_points: np.ndarray
    freedom: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.theta)

    @classmethod
    def empty(cls, curves: int, points: int) -> Self:
        """Fits of so many curves, to be `put`."""
        return cls(
            np.zeros((curves, 4)), np.zeros((curves, 4, 4)), np.zeros(curves),
            np.zeros(curves, int), np.ones(curves, int), np.zeros((curves, points)),
        )  # fmt: skip

    def put(self, rows: np.ndarray, part: HillFits) -> None:
        """Put fits of some curves in their rows."""
        for name in ("theta", "covariance", "sse", "n_points", "freedom"):
            getattr(self, name)[rows] = getattr(part, name)
        self.weights[rows, : part.weights.shape[1]] = part.weights

    def take(self, rows: np.ndarray) -> HillFits:
        """Fits of some curves, in that order."""
        return HillFits(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def predict(self, log_doses: np.ndarray) -> np.ndarray:
        """Value at log10 doses, (n_curves, k) for doses of shape (k,) or (n_curves, k)."""
        width = np.shape(log_doses)[-1]
        return hill(self.theta, np.broadcast_to(log_doses, (len(self), width)))

    def log_dose_at(self, level: np.ndarray | float) -> np.ndarray:
        """Log10 dose at which a curve falls to `level`; infinite where it never does.

        ``-inf`` where it lies below the level from the start.
        """
        return dose_at(self.theta, np.broadcast_to(np.asarray(level, float), len(self)))

    def mean(self, lowest: np.ndarray | float, highest: np.ndarray | float) -> np.ndarray:
        """Mean value between two log10 doses, which is the area under the curve over its width."""
        ends = (np.broadcast_to(np.asarray(end, float), len(self)) for end in (lowest, highest))
        return mean_between(self.theta, *ends)

    def error(self, quantity: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Standard error of a function of `theta` by the delta method; NaN where it is infinite.

        Parameters
        ----------
        quantity : callable
            Takes (n_curves, 4), gives (n_curves,).
        """
        gradient = np.empty_like(self.theta)
        for column in range(self.theta.shape[1]):
            step = np.zeros_like(self.theta)
            step[:, column] = 1e-5 * np.maximum(np.abs(self.theta[:, column]), 1.0)
            with np.errstate(invalid="ignore"):
                rise = quantity(self.theta + step) - quantity(self.theta - step)
            gradient[:, column] = rise / (2 * step[:, column])
        used = np.diagonal(self.covariance, axis1=1, axis2=2) > 0
        gradient = np.where(used, gradient, 0.0)
        variance = np.einsum("ci,cij,cj->c", gradient, self.covariance, gradient)
        return np.asarray(np.sqrt(np.where(variance >= 0, variance, np.nan)))


def hill(theta: np.ndarray, log_doses: np.ndarray) -> np.ndarray:
    """Curves at log10 doses, (n_curves, n_points)."""
    rise = _sigmoid(_LN10 * np.exp(theta[:, 1:2]) * (log_doses - theta[:, 0:1]))
    return np.asarray(theta[:, 3:4] + (theta[:, 2:3] - theta[:, 3:4]) * rise)


def dose_at(theta: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Log10 dose at which each curve falls to its level; see `HillFits.log_dose_at`."""
    above, below = theta[:, 3] - level, level - theta[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = theta[:, 0] + np.log10(above / below) / np.exp(theta[:, 1])
    return np.where(above <= 0, -np.inf, np.where(below <= 0, np.inf, found))


def mean_between(theta: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Mean of each curve between two log10 doses."""
    slope = np.exp(theta[:, 1])
    ends = [_LN10 * slope * (end - theta[:, 0]) for end in (lowest, highest)]
    width = _LN10 * slope * (highest - lowest)
    with np.errstate(divide="ignore", invalid="ignore"):  # of one dose there is no mean
        share = (np.logaddexp(0.0, ends[1]) - np.logaddexp(0.0, ends[0])) / width
    return np.asarray(theta[:, 3] + (theta[:, 2] - theta[:, 3]) * share)


def fit_hill(
    log_doses: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray | None = None,
    bounds: HillBounds = VIABILITY,
    *,
    robust: bool = False,
) -> HillFits:
    """Least-squares Hill curves of many series, a row each.

    Parameters
    ----------
    log_doses, values : numpy.ndarray
        (n_curves, n_points): log10 doses in any unit, and relative values (1 without drug).
    weights : numpy.ndarray, optional
        0 marks padding (whatever stands there); NaN values are padding, too.
    bounds : HillBounds
    robust : bool
        Give outliers less weight (Tukey's bisquare), in series with three points or more beyond
        the parameters.

    Returns
    -------
    HillFits
    """
    weight = np.ones_like(values) if weights is None else np.asarray(weights, float)
    weight = np.where(np.isfinite(values) & np.isfinite(log_doses), weight, 0.0)
    y = np.where(weight > 0, values, 0.0)
    x = np.where(weight > 0, log_doses, 0.0)
    # Short series together, so that long ones do not pad them.
    last = np.where(weight > 0, np.arange(1, weight.shape[1] + 1), 0).max(axis=1, initial=0)
    order = np.argsort(last, kind="stable")
    found = HillFits.empty(*weight.shape)
    for start in range(0, len(y), _CHUNK):
        rows = order[start : start + _CHUNK]
        width = max(int(last[rows].max()), 1)
        part = _fit_part(x[rows, :width], y[rows, :width], weight[rows, :width], bounds, robust)
        found.put(rows, part)
    return found


def _fit_part(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, bounds: HillBounds, robust: bool
) -> HillFits:
    lower, upper = _limits(x, weight, bounds)
    theta, sse = None, None
    # Replicates stand as their mean with their number as its weight: the same minimum, sooner.
    doses, means, counts = dose_means(np.where(weight > 0, x, np.nan), y, weight)
    doses, means = np.where(counts > 0, doses, 0.0), np.where(counts > 0, means, 0.0)
    for start in _starts(doses, means, counts, lower, upper):
        found, left = _descend(start, doses, means, counts, lower, upper)
        if theta is None or sse is None:
            theta, sse = found, left
        else:
            better = left < sse
            theta, sse = np.where(better[:, None], found, theta), np.where(better, left, sse)
    assert theta is not None  # there is a start
    given = weight > 0
    n_points = given.sum(axis=1)
    fits = HillFits(
        theta, np.zeros((len(y), 4, 4)), np.zeros(len(y)), n_points,
        np.maximum(n_points - bounds.parameters, 1), weight,
    )  # fmt: skip
    if robust:
        fits = _reweight(fits, x, y, lower, upper)
    residuals = np.where(given, y - hill(fits.theta, x), 0.0)
    fits = replace(fits, sse=(residuals**2).sum(axis=1))
    return replace(fits, covariance=_covariance(fits, x, residuals, given, lower, upper, robust))


def _limits(x: np.ndarray, weight: np.ndarray, bounds: HillBounds) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limit of each parameter of each curve."""
    dosed = (weight > 0) & (x > NO_DOSE)
    lowest = np.where(dosed, x, np.inf).min(axis=1)
    highest = np.where(dosed, x, -np.inf).max(axis=1)
    none = ~np.isfinite(lowest)
    lowest, highest = np.where(none, 0.0, lowest), np.where(none, 0.0, highest)
    beyond = np.log10(bounds.ec50_factor)
    ends = [
        (lowest - beyond, highest + beyond),
        tuple(np.log(np.array(bounds.slope))),
        bounds.e_inf,
        bounds.e_0,
    ]
    limits = [
        np.stack([np.broadcast_to(end[side], len(x)) for end in ends], axis=1).astype(float)
        for side in (0, 1)
    ]
    return limits[0], limits[1]


def _starts(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> list[np.ndarray]:
    """The best points of a grid of EC50, one a slope, the best slopes first."""
    best: list[np.ndarray] = []
    costs: list[np.ndarray] = []
    free = bool((upper[:, 3] > lower[:, 3]).any())
    for slope in _GRID_SLOPES:
        log_slope = np.clip(np.log(slope), lower[:, 1], upper[:, 1])
        theta = np.empty((len(x), 4))
        cost = np.full(len(x), np.inf)
        for part in np.linspace(0.02, 0.98, _GRID_EC50):
            log_ec50 = lower[:, 0] + part * (upper[:, 0] - lower[:, 0])
            rise = _sigmoid(_LN10 * np.exp(log_slope)[:, None] * (x - log_ec50[:, None]))
            plateaus = _plateaus(rise, y, weight, lower, upper, free)
            at = np.column_stack([log_ec50, log_slope, *plateaus])
            fitted = at[:, 3:4] + (at[:, 2:3] - at[:, 3:4]) * rise
            now = (weight * (y - fitted) ** 2).sum(axis=1)
            better = now < cost
            theta[better], cost = at[better], np.where(better, now, cost)
        best.append(theta)
        costs.append(cost)
    order = np.argsort(np.stack(costs), axis=0)
    rows = np.arange(len(x))
    stacked = np.stack(best)
    return [stacked[order[rank], rows] for rank in range(_STARTS)]


def _plateaus(
    rise: np.ndarray, y: np.ndarray, weight: np.ndarray,
    lower: np.ndarray, upper: np.ndarray, free: bool,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Plateaus with least squares for given EC50 and slope, brought within their limits."""
    left = 1.0 - rise
    ss, sl, ll = (
        (weight * a * b).sum(axis=1) for a, b in ((rise, rise), (rise, left), (left, left))
    )
    sy, ly = ((weight * a * y).sum(axis=1) for a in (rise, left))
    e_0 = lower[:, 3]
    if free:
        determinant = np.maximum(ss * ll - sl * sl, 1e-12)
        e_0 = np.clip((ss * ly - sl * sy) / determinant, lower[:, 3], upper[:, 3])
    e_inf = (sy - e_0 * sl) / np.maximum(ss, 1e-12)
    return np.clip(e_inf, lower[:, 2], upper[:, 2]), e_0


def _descend(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.ndarray,
    lower: np.ndarray, upper: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Levenberg-Marquardt within the limits, from one start a curve."""
    theta = np.clip(theta, lower, upper)
    cost = (weight * (y - hill(theta, x)) ** 2).sum(axis=1)
    damping = np.full(len(x), 1e-3)
    active = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        if not len(active):
            break
        now, limits = theta[active], (lower[active], upper[active])
        fitted, jacobian = _jacobian(now, x[active])
        scaled = weight[active][:, :, None] * jacobian
        normal = np.einsum("cpi,cpj->cij", scaled, jacobian)
        descent = np.einsum("cpi,cp->ci", scaled, y[active] - fitted)
        pinned = ((now <= limits[0]) & (descent <= 0)) | ((now >= limits[1]) & (descent >= 0))
        step = _step(normal, descent, pinned, damping[active])
        new = np.clip(now + step, *limits)
        left = (weight[active] * (y[active] - hill(new, x[active])) ** 2).sum(axis=1)
        gain = cost[active] - left
        better = gain > 0
        moved = np.abs(new - now).max(axis=1)
        done = (np.abs(gain) <= 1e-11 * cost[active] + 1e-16) & (moved < 1e-5)
        damping[active] *= _change_of_damping(gain, normal, descent, new - now)
        theta[active] = np.where(better[:, None], new, now)
        cost[active] = np.where(better, left, cost[active])
        done |= (damping[active] > 1e9) | pinned.all(axis=1)
        active = active[~done]
    return theta, cost


def _change_of_damping(
    gain: np.ndarray, normal: np.ndarray, descent: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Less damping where the step gained what the linear model foretold, else more (Nielsen).

    Without it the steps jump to and fro across a valley whose bend the model does not see.
    """
    foretold = (step * (2 * descent - np.einsum("cij,cj->ci", normal, step))).sum(axis=1)
    ratio = np.clip(gain, 0.0, None) / np.maximum(foretold, np.maximum(gain / 2, 1e-300))
    return np.where(gain > 0, np.clip(1 - (2 * ratio - 1) ** 3, 0.2, 2.0), 4.0)


def _step(
    normal: np.ndarray, descent: np.ndarray, pinned: np.ndarray, damping: np.ndarray
) -> np.ndarray:
    """Damped step in the parameters that are not pinned to a limit."""
    free = ~pinned
    matrix = normal * (free[:, :, None] & free[:, None, :])
    diagonal = np.diagonal(normal, axis1=1, axis2=2)
    index = np.arange(normal.shape[1])
    matrix[:, index, index] = np.where(free, diagonal * (1 + damping[:, None]) + 1e-12, 1.0)
    solved = np.linalg.solve(matrix, np.where(free, descent, 0.0)[:, :, None])
    return np.asarray(solved[:, :, 0])


def _jacobian(theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values, and their derivatives by the four parameters."""
    slope = np.exp(theta[:, 1:2])
    z = _LN10 * slope * (x - theta[:, 0:1])
    rise = _sigmoid(z)
    span = theta[:, 2:3] - theta[:, 3:4]
    steep = span * rise * (1.0 - rise)
    parts = [-_LN10 * slope * steep, steep * z, rise, 1.0 - rise]
    return theta[:, 3:4] + span * rise, np.stack(parts, axis=2)


def _reweight(
    fits: HillFits, x: np.ndarray, y: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> HillFits:
    """Fit again with less weight on outliers, round by round."""
    given = fits.weights > 0
    enough = fits.n_points >= fits.n_points - fits.freedom + 3
    theta, weight = fits.theta, fits.weights
    for _ in range(_ROUNDS):
        spread = _spread(y - hill(theta, x), given, fits)
        u = (y - hill(theta, x)) / (_BISQUARE * spread[:, None])
        bisquare = np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0.0)
        new = np.where(enough[:, None], fits.weights * bisquare, fits.weights)
        # A series that would lose a fourth of its points has no clear outliers.
        lost = (given & (new < 0.05)).sum(axis=1) > fits.n_points // 4
        weight = np.where(lost[:, None], fits.weights, new)
        theta, _ = _descend(theta, x, y, weight, lower, upper)
    return replace(fits, theta=theta, weights=weight)


def _spread(residuals: np.ndarray, given: np.ndarray, fits: HillFits) -> np.ndarray:
    """Standard deviation of residuals that outliers do not raise: from quantiles."""
    # Where cells are dead, noise is small; the upper quartile speaks for the rest of the curve.
    size = np.sort(np.where(given, np.abs(residuals), np.inf), axis=1)
    last = np.maximum(fits.n_points - 1, 0)
    rows = np.arange(len(size))
    half, upper = (size[rows, np.ceil(part * last).astype(int)] for part in (0.5, 0.75))
    deviation = np.fmax(half / 0.6745, upper / 1.1503)
    deviation = np.where(np.isfinite(deviation), deviation, 0.0)
    correction = np.sqrt(np.maximum(fits.n_points, 1) / fits.freedom)
    return np.asarray(np.maximum(deviation * correction, _SMALLEST_SPREAD))


def _covariance(
    fits: HillFits, x: np.ndarray, residuals: np.ndarray, given: np.ndarray,
    lower: np.ndarray, upper: np.ndarray, robust: bool,
) -> np.ndarray:  # fmt: skip
    """Covariance of the parameters that lie within their limits."""
    _, jacobian = _jacobian(fits.theta, x)
    jacobian = jacobian * given[:, :, None]
    normal = np.einsum("cpi,cpj->cij", jacobian, jacobian)
    inside = (fits.theta > lower + 1e-9) & (fits.theta < upper - 1e-9)
    both = inside[:, :, None] & inside[:, None, :]
    diagonal = np.sqrt(np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-30))
    scale = diagonal[:, :, None] * diagonal[:, None, :]
    scaled = np.where(both, normal / scale, 0.0)
    index = np.arange(4)
    scaled[:, index, index] = 1.0 + 1e-10
    inverse = np.where(both, np.linalg.pinv(scaled, rcond=1e-9, hermitian=True) / scale, 0.0)
    variance = (residuals**2).sum(axis=1) / fits.freedom
    if robust:
        # Huber's variance of an M-estimator, with its correction for few points.
        weight = np.where(given, fits.weights, 0.0)
        root = np.sqrt(weight)
        slope = np.where(weight > 0, root * (5 * root - 4), 0.0)
        points = np.maximum(fits.n_points, 1)
        bend = np.clip(slope.sum(axis=1) / points, 0.3, 1.0)
        few = 1 + (4 - (lower == upper).sum(axis=1)) / points * (1 - bend) / bend
        variance = ((weight * residuals) ** 2).sum(axis=1) / fits.freedom / bend**2 * few
    return np.asarray(inverse * variance[:, None, None])


def _sigmoid(z: np.ndarray) -> np.ndarray:
    """Logistic function that overflows nowhere."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))
