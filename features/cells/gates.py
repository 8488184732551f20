"""Where a marker parts cells into low and high: by a mixture of two normals, or a threshold.

A gate is that of all samples together, each counting alike, so that shares can be compared. It is
drawn only where there are two populations: the mixture beats one normal distribution by the
Bayesian information criterion, and its parts are further apart than they are wide (Ashman's D above
2, DOI 10.1086/117248).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm

from sidestep.features.cells.scales import Scale
from sidestep.features.errors import InputError

GATED, GIVEN = "gated", "given"
ONE_POPULATION, TOO_FEW, CONSTANT, UNMEASURED = (
    "one population", "too few cells", "constant", "not measured",
)  # fmt: skip
#: Status of a gate -> what it means.
GATES: Final = {
    GATED: "two populations; the threshold is where a cell is as likely of the one as of the other",
    GIVEN: "the threshold was given",
    ONE_POPULATION: "no two populations that are further apart than they are wide",
    TOO_FEW: "fewer than 100 cells",
    CONSTANT: "all cells have one level",
    UNMEASURED: "no cell has a level",
}
FEWEST_CELLS: Final = 100
_BINS, _ROUNDS = 256, 300
#: Gain of the log likelihood in a round under which it has arrived.
_ARRIVED: Final = 1e-3
#: Gain of the Bayesian information criterion that is very strong evidence (Kass and Raftery 1995).
_GAIN: Final = 10.0
_DISTINCT: Final = 2.0
_SMALLEST: Final = 0.005


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions, the lower one first.

    Attributes
    ----------
    weights, means, sds : numpy.ndarray
        (2,)
    gain : float
        Of the Bayesian information criterion over one normal distribution; above 0 two are better.
    """

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    gain: float

    @property
    def separation(self) -> float:
        """Ashman's D: difference of the means over the root mean square of the widths."""
        return float(np.diff(self.means)[0] / np.sqrt((self.sds**2).mean()))

    @property
    def distinct(self) -> bool:
        """Whether these are two populations."""
        return bool(
            self.gain >= _GAIN and self.separation > _DISTINCT and self.weights.min() > _SMALLEST
        )

    def border(self) -> float:
        """Between the means, where both are as likely."""
        at = np.linspace(self.means[0], self.means[1], 2001)
        low, high = (w * norm.pdf(at, m, s) for w, m, s in zip(*self._parts(), strict=True))
        return float(at[int(np.argmax(high >= low))])

    def density(self, at: np.ndarray) -> np.ndarray:
        """Of both parts, (2, n)."""
        return np.array([w * norm.pdf(at, m, s) for w, m, s in zip(*self._parts(), strict=True)])

    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.weights, self.means, self.sds


@dataclass(frozen=True)
class Gate:
    """Where a marker parts cells.

    Attributes
    ----------
    marker : str
    scale : Scale
    status : str
        A word of `GATES`.
    threshold : float
        On the scale; NaN where there is none.
    cells : int
        Cells with a level.
    mixture : Mixture or None
    """

    marker: str
    scale: Scale
    status: str
    threshold: float = np.nan
    cells: int = 0
    mixture: Mixture | None = None


def find_gate(
    marker: str, samples: Sequence[np.ndarray], scale: Scale, given: float | None = None
) -> Gate:
    """Gate of a marker from its levels (on its scale, without gaps) in each sample.

    Parameters
    ----------
    marker : str
    samples : sequence of numpy.ndarray
    scale : Scale
    given : float, optional
        Threshold in the units of the table.

    Raises
    ------
    InputError
        If the threshold does not lie on the scale.
    """
    filled = [levels for levels in samples if len(levels)]
    cells = sum(map(len, filled))
    mixture = None
    status = UNMEASURED if not cells else TOO_FEW if cells < FEWEST_CELLS else GATED
    if status == GATED:
        everything = np.concatenate(filled)
        if everything.min() == everything.max():
            status = CONSTANT
        else:
            weights = np.concatenate([np.full(len(v), 1 / len(v)) for v in filled])
            mixture = fit_mixture(everything, weights * cells / weights.sum())
            status = GATED if mixture.distinct else ONE_POPULATION
    if given is not None and cells:
        at = float(scale.apply(np.array([given]))[0])
        if not np.isfinite(at):
            raise InputError(
                f"{marker} is looked at on the {scale.name} scale, which has no {given:g}"
            )
        return Gate(marker, scale, GIVEN, at, cells, mixture)
    at = mixture.border() if mixture is not None and status == GATED else np.nan
    return Gate(marker, scale, status, at, cells, mixture)


#: Quantiles that the means set out from.
_STARTS: Final = ((0.25, 0.75), (0.02, 0.5), (0.5, 0.98), (0.1, 0.6), (0.4, 0.9))


def fit_mixture(
    levels: np.ndarray, weights: np.ndarray | None = None, starts: int = len(_STARTS)
) -> Mixture:
    """Two normal distributions by expectation and maximisation, on a fine histogram.

    Parameters
    ----------
    levels : numpy.ndarray
        Without gaps, not all the same.
    weights : numpy.ndarray, optional
        How much each cell counts; 1 by default.
    starts : int
        From how many places the means set out; the best ends count.
    """
    ends = np.quantile(levels, [0.0005, 0.9995])
    if ends[0] == ends[1]:
        ends = np.array([levels.min(), levels.max()])
    counts, edges = np.histogram(np.clip(levels, *ends), bins=_BINS, range=ends, weights=weights)
    at, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    total = float(counts.sum())
    mean = counts @ at / total
    sd = max(float(np.sqrt(counts @ (at - mean) ** 2 / total)), width)
    one = float(counts @ norm.logpdf(at, mean, sd))
    best: tuple[float, np.ndarray, np.ndarray, np.ndarray] | None = None
    spread = np.cumsum(counts) / total
    for low, high in _STARTS[:starts]:
        start = at[np.searchsorted(spread, [low, high]).clip(max=_BINS - 1)]
        found = _climb(at, counts, np.array(start), np.full(2, sd / 2), width)
        if best is None or found[0] > best[0]:
            best = found
    assert best is not None
    order = np.argsort(best[2])
    gain = 2 * (best[0] - one) - 3 * np.log(total)
    return Mixture(best[1][order], best[2][order], best[3][order], float(gain))


def _climb(
    at: np.ndarray, counts: np.ndarray, means: np.ndarray, sds: np.ndarray, width: float
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Log likelihood, weights, means and standard deviations from a start."""
    weights, before = np.array([0.5, 0.5]), -np.inf
    filled = counts > 0
    at, counts = at[filled], counts[filled]
    for _ in range(_ROUNDS):
        away = (at[None] - means[:, None]) / sds[:, None]
        height = (weights / (sds * np.sqrt(2 * np.pi)))[:, None]
        parts = height * np.exp(-0.5 * away**2) + 1e-300
        whole = parts.sum(axis=0)
        likelihood = float(counts @ np.log(whole))
        if likelihood - before < _ARRIVED:
            break
        before = likelihood
        belongs = counts * parts / whole
        size = belongs.sum(axis=1) + 1e-12
        weights = size / size.sum()
        means = belongs @ at / size
        spread = (belongs * (at[None] - means[:, None]) ** 2).sum(axis=1) / size
        sds = np.maximum(np.sqrt(spread), 2 * width)
    return before, weights, means, sds
