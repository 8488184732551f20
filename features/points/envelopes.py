"""Are labels thrown at random? A global envelope test, with the envelope to look at.

The statistic is L(r) - r with the translation correction, of the mean K of the cells weighted by
their labels. As many labels as each cell has are thrown at random into its window, again and again;
the observed curve is ordered among these by extreme rank length, which makes one test of all
distances (Myllymaki et al., J R Stat Soc B 2017, DOI 10.1111/rssb.12172).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import rankdata

from sidestep.features.errors import InputError
from sidestep.features.points.correlation import TRANSLATION, pairs_within, steps_of
from sidestep.features.points.windows import Window

CLUSTERED, REGULAR, RANDOM = "clustered", "regular", "random"
#: Verdict -> what it means.
ARRANGEMENTS: Final = {
    CLUSTERED: "more neighbours than random labels have, at the distances given",
    REGULAR: "fewer neighbours than random labels have, at the distances given",
    RANDOM: "nothing beyond what random labels show",
}
_FEWEST_SIMULATIONS: Final = 19


@dataclass(frozen=True)
class Envelope:
    """The observed curve among those of random labels.

    Attributes
    ----------
    r : numpy.ndarray
    observed, lower, upper : numpy.ndarray
        L(r) - r of the labels, and the ends of the global envelope.
    p : float
        Of complete randomness, over all distances at once.
    verdict : str
    above, below : tuple of float
        First and last distance at which the curve leaves the envelope; empty where it does not.
    simulations : int
    """

    r: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p: float
    verdict: str
    above: tuple[float, ...]
    below: tuple[float, ...]
    simulations: int


def envelope_test(
    cells: Sequence[tuple[np.ndarray, Window]],
    r: np.ndarray,
    *,
    simulations: int = 199,
    alpha: float = 0.05,
    seed: int = 0,
) -> Envelope:
    """Hold cells against complete randomness.

    Parameters
    ----------
    cells : sequence of (labels, window)
        Labels (n, 2) and where they could be.
    r : numpy.ndarray
        Distances, evenly spaced from 0.
    simulations : int
        At least 19; the smallest p is 1 / (simulations + 1).
    alpha : float
        Of the envelope and the verdict.
    seed : int

    Raises
    ------
    InputError
        If there are too few simulations for `alpha`.
    """
    fewest = max(_FEWEST_SIMULATIONS, int(np.ceil(1 / alpha)) - 1)
    if simulations < fewest:
        raise InputError(
            f"{simulations} simulations cannot tell at {alpha:g}; give at least {fewest}"
        )
    rng = np.random.default_rng(seed)
    curves = [_mean_l([points for points, _ in cells], cells, r)]
    for _ in range(simulations):
        drawn = [window.draw(len(points), rng) for points, window in cells]
        curves.append(_mean_l(drawn, cells, r))
    return _envelope(np.array(curves) - r, r, alpha)


def _mean_l(
    drawn: Sequence[np.ndarray], cells: Sequence[tuple[np.ndarray, Window]], r: np.ndarray
) -> np.ndarray:
    """L of the cells' mean K."""
    k, total = np.zeros(len(r)), 0
    for points, (_, window) in zip(drawn, cells, strict=True):
        found = pairs_within(points, window, float(r[-1]), (TRANSLATION,))
        place = steps_of(found.distances, r)
        weights = found.weights[TRANSLATION]
        counted = np.bincount(place, weights, minlength=len(r) + 1)[: len(r)]
        k += window.area / max(len(points) - 1, 1) * np.cumsum(counted)
        total += len(points)
    return np.sqrt(k / (total * np.pi))


def _envelope(curves: np.ndarray, r: np.ndarray, alpha: float) -> Envelope:
    """The first of the curves among all of them."""
    count = len(curves)
    rank = rankdata(curves, axis=0)
    extreme = np.sort(np.minimum(rank, count + 1 - rank), axis=1)
    order = np.lexsort(extreme.T[::-1])
    place = np.empty(count, int)
    place[order] = np.arange(count)
    same = (extreme == extreme[0]).all(axis=1)
    # Curves of equal ranks are as extreme as this one.
    p = float(np.count_nonzero((place <= place[0]) | same) / count)
    inside = curves[order[int(np.floor(alpha * count)) :]]
    lower, upper = inside.min(axis=0), inside.max(axis=0)
    above, below = (_ends(r, out) for out in (curves[0] > upper, curves[0] < lower))
    verdict = RANDOM
    if p <= alpha and (above or below):
        first = min([*above, *below])
        verdict = CLUSTERED if above and above[0] == first else REGULAR
    return Envelope(r, curves[0], lower, upper, p, verdict, above, below, count - 1)


def _ends(r: np.ndarray, out: np.ndarray) -> tuple[float, ...]:
    at = np.flatnonzero(out)
    return (float(r[at[0]]), float(r[at[-1]])) if len(at) else ()
