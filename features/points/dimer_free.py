"""Are there cells without dimers? A mixture over cells, with the size of that subpopulation.

HER2 dimers were absent in a small subpopulation of resting SKBR3 cells (Peckys, Korf and de Jonge,
Sci Adv 2015, DOI 10.1126/sciadv.1500165). A cell is dimer-free, with pairs by chance alone, or its
share of labels in dimers is drawn from a beta distribution that falls to nothing at 0 (its first
parameter is at least 2), which makes the two distinct. Size, mean and precision are those of
maximum likelihood; the interval is that of the profile likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.stats import beta, chi2, norm, poisson

from sidestep.features.points.dimers import DimerCounts, DimerDistance

#: Cells that a mixture needs.
FEWEST_CELLS: Final = 20
_NODES = 40
#: Variance of a count from which on it is taken for normal.
_NORMAL = 25.0
_MOST_PRECISE = 2000.0


@dataclass(frozen=True)
class DimerFree:
    """The subpopulation without dimers.

    Attributes
    ----------
    share, lower, upper : float
        Of the cells, with interval.
    p : float
        That there is no such subpopulation (likelihood ratio, at the border of what may be).
    dimerising : float
        Mean share of labels in dimers in the other cells.
    probability : numpy.ndarray
        A cell: that it is one of them.
    shape : tuple of float
        Logit of the mean and log of the precision of the others' beta distribution.
    """

    share: float
    lower: float
    upper: float
    p: float
    dimerising: float
    probability: np.ndarray
    shape: tuple[float, float]


def find_dimer_free(
    counts: DimerCounts,
    dimer: DimerDistance,
    level: float = 0.95,
    all_cells: DimerFree | None = None,
) -> DimerFree | None:
    """Size of the subpopulation without dimers; None with fewer than 20 cells, or no dimers.

    Parameters
    ----------
    counts : DimerCounts
    dimer : DimerDistance
    level : float
        Of the interval.
    all_cells : DimerFree, optional
        Of a larger group, such as cells of all states, that these are some of: the others of these
        then dimerise as its others do, and any number of cells will do.
    """
    without = _log_density(counts, dimer, np.zeros((1, 1)))[:, 0]
    if all_cells is not None:
        fixed = _with_dimers(counts, dimer, all_cells.shape)
        return _sized(lambda share: _mixed(share, without, fixed), without, all_cells.shape, level)
    if len(counts.labels) < FEWEST_CELLS:
        return None
    raw = (counts.window - dimer.ratio * counts.ring) * 2 / (dimer.share * counts.labels)
    if not raw.sum() > 0:
        return None
    start = (_logit(float(np.clip(np.quantile(raw, 0.7), 0.03, 0.9))), np.log(30.0), _logit(0.2))
    found = minimize(
        lambda at: -_mixed(_expit(at[2]), without, _with_dimers(counts, dimer, at[:2])).sum(),
        np.array(start),
        method="Nelder-Mead", options={"xatol": 0.003, "fatol": 0.003, "maxiter": 600},
    )  # fmt: skip
    shape = (float(found.x[0]), float(found.x[1]))

    def profile(share: float) -> np.ndarray:
        """Log likelihood of the cells at a share, the others' shape being the best for it."""
        best = minimize(
            lambda at: -_mixed(share, without, _with_dimers(counts, dimer, at)).sum(),
            np.array(shape),
            method="Nelder-Mead", options={"xatol": 0.01, "fatol": 0.005, "maxiter": 150},
        )  # fmt: skip
        return _mixed(share, without, _with_dimers(counts, dimer, best.x))

    return _sized(profile, without, shape, level, _expit(found.x[2]))


def _sized(
    likelihood: Callable[[float], np.ndarray], without: np.ndarray, shape: tuple[float, float],
    level: float, share: float | None = None,
) -> DimerFree:  # fmt: skip
    """Share with interval and test, from the likelihood of the cells at a share."""
    if share is None:
        found = minimize_scalar(
            lambda at: -likelihood(at).sum(), bounds=(0, 1), method="bounded",
            options={"xatol": 1e-4},
        )  # fmt: skip
        share = float(found.x)
    ends = {at: float(likelihood(at).sum()) for at in (0.0, share, 1.0)}
    share = max(ends, key=lambda at: ends[at])
    most = ends[share]
    drop = float(chi2.ppf(level, 1)) / 2

    def above(at: float) -> float:
        return (ends[at] if at in ends else float(likelihood(at).sum())) - most + drop

    lower = 0.0 if above(0.0) >= 0 else brentq(above, 0.0, share, xtol=1e-3)
    upper = 1.0 if above(1.0) >= 0 else brentq(above, share, 1.0, xtol=1e-3)
    with np.errstate(divide="ignore"):
        odds = np.log(share) + without - likelihood(share)
    a, b = _beta(shape)
    return DimerFree(
        share, float(lower), float(upper), 0.5 * float(chi2.sf(2 * (most - ends[0.0]), 1)),
        a / (a + b), np.exp(np.minimum(odds, 0)), shape,
    )  # fmt: skip


def _with_dimers(
    counts: DimerCounts, dimer: DimerDistance, shape: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Log density of cells whose share in dimers is drawn from the beta distribution."""
    a, b = _beta(shape)
    nodes = beta.ppf((np.arange(_NODES) + 0.5) / _NODES, a, b)[None]
    values = _log_density(counts, dimer, nodes)
    top = values.max(axis=1)
    mean: np.ndarray = top + np.log(np.exp(values - top[:, None]).mean(axis=1))
    return mean


def _log_density(counts: DimerCounts, dimer: DimerDistance, fraction: np.ndarray) -> np.ndarray:
    """Of the pairs in the window, given the share of labels in dimers; cells x shares."""
    chance = (dimer.ratio * counts.ring)[:, None]
    detected = fraction * dimer.share
    more = counts.labels[:, None] / 2 * detected
    mean = np.maximum(chance + more, 0.1)
    # What the ring does not know of the pairs by chance adds to their own scatter.
    variance = chance * (1 + dimer.ratio) + more * (1 - detected)
    wide = np.maximum(variance, 0.1)
    observed = counts.window[:, None]
    density: np.ndarray = np.where(
        wide >= _NORMAL,
        norm.logpdf(observed, mean, np.sqrt(wide)),
        poisson.logpmf(np.round(observed), mean),
    )
    return density


def _mixed(share: float, without: np.ndarray, other: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        mixed: np.ndarray = np.logaddexp(np.log(share) + without, np.log1p(-share) + other)
    return mixed


def _beta(shape: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Parameters of the beta distribution, of which the first is at least 2."""
    mean = float(_expit(shape[0]))
    precision = min(float(np.exp(min(shape[1], 12.0))), _MOST_PRECISE)
    precision = max(precision, 2 / mean)
    return mean * precision, (1 - mean) * precision


def _logit(value: float) -> float:
    return float(np.log(value / (1 - value)))


def _expit(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -500, 500))))
