"""How many more pairs than by chance: Ripley's K, Besag's L and the pair correlation g.

K(r) = |W| / (n (n - 1)) sum over ordered pairs of 1[d <= r] e, and
g(r) = |W| / (n (n - 1)) sum over ordered pairs of k(r - d) e / (2 pi r), with the edge weights e of
`windows` and the Epanechnikov kernel k of half-width ``0.15 / sqrt(n / |W|)`` (Stoyan and Stoyan
1994). Between two kinds of labels n (n - 1) becomes n1 n2 and the pairs go from one to the other.
These are the estimators of spatstat (Kest, Kcross, pcf with divisor "r"). Divided by d in place of
r, g is even where it is steep at distances no longer than the kernel is wide (Guan 2007, DOI
10.1016/j.spl.2007.02.004; divisor "d").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from sidestep.features.points.windows import Window

TRANSLATION, ISOTROPIC = "translation", "isotropic"
CORRECTIONS: Final = (TRANSLATION, ISOTROPIC)
#: Of the half-width of the kernel, in units of the mean distance 1 / sqrt(density).
STOYAN: Final = 0.15
#: Steps of a bandwidth in which distances are counted.
_FINE = 40


@dataclass(frozen=True)
class Correlation:
    """What a pattern's pairs say of each distance.

    Attributes
    ----------
    r : numpy.ndarray
        Distances, in the unit of the labels.
    k, g : dict of str to numpy.ndarray
        Correction -> K(r) and g(r); g is NaN at distance 0.
    pairs : int
        Unordered pairs (between kinds: pairs) up to the largest distance.
    labels : int
    area : float
    bandwidth : float
        Half-width of the kernel.
    """

    r: np.ndarray
    k: dict[str, np.ndarray]
    g: dict[str, np.ndarray]
    pairs: int
    labels: int
    area: float
    bandwidth: float

    def l(self, correction: str) -> np.ndarray:  # noqa: E743 - Besag's name
        """Besag's L: sqrt(K / pi), which is r itself where labels lie at random."""
        return np.sqrt(self.k[correction] / np.pi)


@dataclass(frozen=True)
class Pairs:
    """Pairs up to a distance, each from both ends.

    Attributes
    ----------
    distances : numpy.ndarray
    weights : dict of str to numpy.ndarray
        Correction -> sum (within a kind) of the weights of both directions.
    first, second : numpy.ndarray
        Places of the labels.
    """

    distances: np.ndarray
    weights: dict[str, np.ndarray]
    first: np.ndarray
    second: np.ndarray


def pairs_within(
    points: np.ndarray,
    window: Window,
    largest: float,
    corrections: tuple[str, ...] = CORRECTIONS,
    others: np.ndarray | None = None,
) -> Pairs:
    """Pairs of labels up to `largest` apart, with their edge weights.

    Parameters
    ----------
    points : numpy.ndarray
        (n, 2).
    window : Window
    largest : float
    corrections : tuple of str
    others : numpy.ndarray, optional
        Labels of another kind: pairs go from `points` to these, and count once.
    """
    tree = cKDTree(points)
    if others is None:
        found = tree.query_pairs(largest, output_type="ndarray")
        first, second, ends = found[:, 0], found[:, 1], points
    else:
        ends = np.asarray(others, float).reshape(-1, 2)
        near = tree.sparse_distance_matrix(cKDTree(ends), largest, output_type="ndarray")
        first, second = near["i"], near["j"]
    moved = ends[second] - points[first]
    distances = np.hypot(moved[:, 0], moved[:, 1])
    weights = {}
    if TRANSLATION in corrections:
        once = window.translation_weights(moved)
        weights[TRANSLATION] = once if others is not None else 2 * once
    if ISOTROPIC in corrections:
        border = window.distance(points)
        both = window.isotropic_weights(points[first], distances, border[first])
        if others is None:
            both += window.isotropic_weights(points[second], distances, border[second])
        weights[ISOTROPIC] = both
    return Pairs(distances, weights, first, second)


def steps_of(distances: np.ndarray, r: np.ndarray) -> np.ndarray:
    """The first of the evenly spaced `r` that each distance reaches no further than."""
    step = (r[-1] - r[0]) / (len(r) - 1)
    return np.asarray(np.ceil(distances / step * (1 - 1e-12)), int)


def default_distances(window: Window, steps: int = 512) -> np.ndarray:
    """From 0 to a quarter of the shorter side, as spatstat takes them."""
    return np.linspace(0, float(window.sides.min()) / 4, steps + 1)


def kernel_width(labels: int, area: float) -> float:
    """Half-width of the kernel by the rule of Stoyan and Stoyan; of the kind pairs go to."""
    return STOYAN / float(np.sqrt(labels / area))


def correlate(
    points: np.ndarray,
    window: Window,
    r: np.ndarray | None = None,
    *,
    bandwidth: float | None = None,
    corrections: tuple[str, ...] = CORRECTIONS,
    others: np.ndarray | None = None,
) -> Correlation:
    """K and g of labels, or of one kind of labels around another.

    Parameters
    ----------
    points : numpy.ndarray
        (n, 2); two or more, or one with `others`.
    window : Window
    r : numpy.ndarray, optional
        Distances, ascending and evenly spaced from 0; `default_distances` by default.
    bandwidth : float, optional
        Half-width of the kernel; that of `kernel_width` by default. spatstat's ``bw`` is its
        standard deviation, half-width / sqrt(5).
    corrections : tuple of str
    others : numpy.ndarray, optional
        Labels of another kind, around `points`.

    Returns
    -------
    Correlation
    """
    at = default_distances(window) if r is None else np.asarray(r, float)
    count = len(points) if others is None else len(others)
    half = kernel_width(count, window.area) if bandwidth is None else float(bandwidth)
    found = pairs_within(points, window, float(at[-1]) + half, corrections, others)
    possible = len(points) * (count - 1 if others is None else count)
    return correlation_of(found, at, half, possible, count, window.area)


def correlation_of(
    found: Pairs,
    r: np.ndarray,
    half: float,
    possible: int,
    labels: int,
    area: float,
    divisor: str = "r",
) -> Correlation:
    """K and g of pairs that are found already.

    Parameters
    ----------
    found : Pairs
        Up to the last distance and the half-width of the kernel more.
    r : numpy.ndarray
        Evenly spaced from 0.
    half : float
        Half-width of the kernel.
    possible : int
        Ordered pairs there could be.
    labels : int
    area : float
    divisor : {"r", "d"}
        What g divides by: each distance asked for, or that of each pair.
    """
    scale = area / max(possible, 1)
    k, g = {}, {}
    place = steps_of(found.distances, r)
    smooth, fine = _kernel(r, half)
    for correction, weights in found.weights.items():
        counted = np.bincount(place, weights, minlength=len(r) + 1)[: len(r)]
        k[correction] = scale * np.cumsum(counted)
        with np.errstate(divide="ignore", invalid="ignore"):
            if divisor == "d":
                away = np.where(found.distances > 0, weights / found.distances, 0.0)
                density = smooth @ _binned(found.distances, away, fine, smooth.shape[1])
            else:
                density = smooth @ _binned(found.distances, weights, fine, smooth.shape[1]) / r
            values = scale * density / (2 * np.pi)
        values[r == 0] = np.nan
        g[correction] = values
    pairs = int(np.count_nonzero(place < len(r)))
    return Correlation(r, k, g, pairs, labels, area, half)


_KERNELS: dict[tuple[float, int, float], tuple[np.ndarray, float]] = {}


def _kernel(r: np.ndarray, half: float) -> tuple[np.ndarray, float]:
    """Kernel between distances and the edges of fine bins, and their width."""
    key = (float(r[-1]), len(r), half)
    if key not in _KERNELS:
        fine = half / _FINE
        edges = np.arange(int(np.ceil((r[-1] + half) / fine)) + 2) * fine
        apart = (r[:, None] - edges[None]) / half
        if len(_KERNELS) > 8:
            _KERNELS.clear()
        _KERNELS[key] = (0.75 / half * np.clip(1 - apart**2, 0, None), fine)
    return _KERNELS[key]


def _binned(distances: np.ndarray, weights: np.ndarray, fine: float, bins: int) -> np.ndarray:
    """Weights shared between the edges of the bins that distances lie in."""
    at = distances / fine
    low = np.minimum(at.astype(int), bins - 2)
    share = at - low
    left = np.bincount(low, weights * (1 - share), minlength=bins)
    right = np.bincount(low + 1, weights * share, minlength=bins)
    return np.asarray(left + right)
