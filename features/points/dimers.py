"""Which labels stand in pairs? The dimer distance, and the share of labels in dimers, cell by cell.

Pairs at the dimer distance are dimers and neighbours by chance. How many the latter are is told by
the pairs a little further out, in the ring from 1.5 to 3 times the window's end, per area: this
holds where labels cluster at larger scales, too. A label whose partner carries no label is a
monomer here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import nbinom, norm, poisson

#: Ring of the neighbours by chance, in units of the window's outer end.
RING: Final = (1.5, 3.0)
#: Half-width of the window in standard deviations of the dimer distance.
_SPREADS = 2.5
#: Least standard deviation, as a part of the distance.
_NARROWEST = 0.02
#: Half-widths that are tried for the peak, as parts of its distance.
_WIDTHS: Final = (0.05, 0.1, 0.2, 0.4)
#: Excess in standard errors from which on it is a peak.
_SURE = 5.0


@dataclass(frozen=True)
class DimerDistance:
    """How far apart the labels of a dimer stand.

    Attributes
    ----------
    distance, spread : float
        Mean and standard deviation, in the unit of the labels.
    low, high : float
        Window in which pairs count.
    share : float
        Of the dimers that lie in it.
    excess : float
        How far the pairs there are beyond chance, in standard errors.
    """

    distance: float
    spread: float
    low: float
    high: float
    share: float
    excess: float

    @property
    def reach(self) -> float:
        """Distance up to which pairs are needed."""
        return RING[1] * self.high

    @property
    def ratio(self) -> float:
        """Area of the window over that of the ring."""
        ring = (RING[1] ** 2 - RING[0] ** 2) * self.high**2
        return (self.high**2 - self.low**2) / ring


@dataclass(frozen=True)
class DimerCounts:
    """Pairs of cells in the window and in the ring, corrected for edges.

    Attributes
    ----------
    labels, window, ring : numpy.ndarray
        A value a cell.
    """

    labels: np.ndarray
    window: np.ndarray
    ring: np.ndarray

    def of(self, cells: np.ndarray) -> DimerCounts:
        """Some of the cells."""
        return DimerCounts(self.labels[cells], self.window[cells], self.ring[cells])


def find_distance(
    distances: np.ndarray, weights: np.ndarray, largest: float, expected: float | None = None
) -> DimerDistance | None:
    """Distance of dimers, from the pairs of all cells; None where no short distance stands out.

    Parameters
    ----------
    distances, weights : numpy.ndarray
        Of pairs up to `largest`, and how much each counts.
    largest : float
        The ring of a distance must lie below it.
    expected : float, optional
        About where it is, such as 20 nm; within a third of it the peak is looked for. Without pairs
        that stand out it is taken as it is.
    """
    order = np.argsort(distances)
    at, total = distances[order], np.r_[0.0, np.cumsum(weights[order])]

    def within(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        counted: np.ndarray = total[np.searchsorted(at, high)] - total[np.searchsorted(at, low)]
        return counted

    best: tuple[float, float, float] | None = None
    for width in _WIDTHS:
        last = largest / (RING[1] * (1 + width))
        middle = np.geomspace(last / 100, last, 400)
        if expected is not None:
            middle = middle[np.abs(middle / expected - 1) < 1 / 3]
        if not len(middle):
            continue
        low, high = middle * (1 - width), middle * (1 + width)
        ring = within(RING[0] * high, RING[1] * high)
        ratio = (high**2 - low**2) / ((RING[1] ** 2 - RING[0] ** 2) * high**2)
        chance = ratio * ring
        error = np.sqrt(np.maximum(chance * (1 + ratio), 1.0))
        pairs = within(low, high)
        # Of few pairs the normal distribution knows too little.
        excess = np.minimum((pairs - chance) / error, norm.isf(poisson.sf(pairs - 1, chance)))
        place = int(np.argmax(excess))
        if best is None or excess[place] > best[0]:
            best = (float(excess[place]), float(middle[place]), width)
    if best is None or best[0] < _SURE:
        return None if expected is None else _window(expected, 0.1 * expected, best, largest)
    distance, spread = _refined(at, weights[order], best[1], best[2])
    return _window(distance, spread, best, largest)


def _window(
    distance: float, spread: float, best: tuple[float, float, float] | None, largest: float
) -> DimerDistance:
    spread = max(spread, _NARROWEST * distance)
    low = max(distance - _SPREADS * spread, 0.0)
    high = min(distance + _SPREADS * spread, largest / RING[1])  # whose ring is known
    ends = norm.cdf([low, high], distance, spread)
    share = float(ends[1] - ends[0])
    return DimerDistance(distance, spread, low, high, share, best[0] if best else 0.0)


def _refined(
    at: np.ndarray, weights: np.ndarray, distance: float, width: float
) -> tuple[float, float]:
    """Mean and standard deviation of a normal peak on pairs that grow with the distance (EM)."""
    end = distance * (1 + 3 * width)
    near = at <= end
    d, w = at[near], weights[near]
    mean, spread, share = distance, width * distance / 2, 0.5
    chance = 2 * d / end**2
    for _ in range(500):
        peak = share * norm.pdf(d, mean, spread)
        belongs = w * peak / (peak + (1 - share) * chance + 1e-300)
        count = belongs.sum()
        if count < 1:
            break
        before = mean, spread
        mean = float(belongs @ d / count)
        spread = max(float(np.sqrt(belongs @ (d - mean) ** 2 / count)), _NARROWEST * mean)
        share = float(count / w.sum())
        if abs(mean - before[0]) + abs(spread - before[1]) < 1e-6 * mean:
            break
    return mean, spread


def count_pairs(
    cells: Sequence[tuple[np.ndarray, np.ndarray]], labels: Sequence[int], dimer: DimerDistance
) -> DimerCounts:
    """Pairs in window and ring of each cell, from its distances and weights."""
    inner, outer = RING[0] * dimer.high, RING[1] * dimer.high
    window, ring = np.zeros(len(cells)), np.zeros(len(cells))
    for place, (distances, weights) in enumerate(cells):
        window[place] = weights[(distances >= dimer.low) & (distances <= dimer.high)].sum()
        ring[place] = weights[(distances >= inner) & (distances <= outer)].sum()
    return DimerCounts(np.asarray(labels, float), window, ring)


def dimer_fraction(
    counts: DimerCounts, dimer: DimerDistance, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of labels in dimers a cell, with its interval.

    Twice the pairs beyond chance over the labels. The pairs by chance are predicted from the ring
    (negative binomial); the interval is that of the count less their quantiles.

    Parameters
    ----------
    counts : DimerCounts
    dimer : DimerDistance
    level : float

    Returns
    -------
    tuple of numpy.ndarray
        Estimate (below 0 where there are fewer pairs than by chance), lower and upper end within 0
        and 1.
    """
    chance = dimer.ratio * counts.ring
    scale = 2 / (dimer.share * np.maximum(counts.labels, 1))
    tail = (1 - level) / 2
    odds = 1 / (1 + dimer.ratio)
    most = nbinom.ppf(1 - tail, counts.ring + 0.5, odds)
    least = nbinom.ppf(tail, counts.ring + 0.5, odds)
    # Dimers whose distance lies beyond the window are a draw, too.
    missed = norm.ppf(1 - tail) * np.sqrt(np.maximum(counts.window - chance, 0) * (1 - dimer.share))
    lower = scale * (counts.window - most - missed)
    upper = scale * (counts.window - least + missed)
    return scale * (counts.window - chance), np.clip(lower, 0, 1), np.clip(upper, 0, 1)
