r"""Is there an effect of the drug, or surely none? Four verdicts, as CurveCurator gives them.

A curve of four parameters is held against the mean by a recalibrated F,
:math:`F = \frac{SSE_0 - SSE_1}{SSE_1} \cdot \frac{n}{4}`, whose null distribution is an F with
degrees of freedom of its own, since a sigmoid bends to noise more than four parameters tell. The
effect joins in as in SAM: :math:`1/\sqrt{F_{adj}} = 1/\sqrt{F} + s_0/|effect|`, so that a tiny
effect needs more evidence. Decoys, flat series with the noise of the real ones and the same doses,
go the same way and tell the false discovery rate.

References
----------
Bayer, Gander, Kuster and The, CurveCurator: a recalibrated F-statistic to assess, classify, and
explore significance of dose-response curves, Nat Commun 14:7902 (2023), doi
10.1038/s41467-023-43696-z. Tusher, Tibshirani and Chu, PNAS 98:5116-5121 (2001), doi
10.1073/pnas.091062498 (SAM).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.curves import Curves
from sidestep.features.assays.hill import NO_DOSE, HillBounds, fit_hill, hill

DOWN, UP, NOT, UNCLASSIFIED = "down", "up", "not", "unclassified"
#: Verdict -> what it means.
VERDICTS: Final = {
    DOWN: "the drug lowers the signal: relevance and effect reach their limits",
    UP: "the drug raises the signal",
    NOT: "the drug does nothing: the points lie close around the control, and no curve is relevant",
    UNCLASSIFIED: "neither an effect nor its absence can be told",
}
_BOUNDS: Final = HillBounds(slope=(0.01, 10.0), e_inf=(1e-4, 1e3), e_0=(1e-4, 1e3), ec50_factor=100)
_FEWEST_POINTS: Final = 6
_DECOYS: Final = 1000
# The null distribution of F: numerator, and shift.
_NUMERATOR, _SHIFT = 5.0, 0.12
_SMALLEST: Final = 1e-10


@dataclass(frozen=True)
class Limits:
    """When an effect counts.

    Attributes
    ----------
    alpha : float
        Significance that a curve with a large effect needs.
    effect : float
        Log2 of the fitted signal at the highest over that at the lowest dose.
    flat_spread : float
        Root mean square around the mean up to which a series may be called flat.
    """

    alpha: float = 0.05
    effect: float = 0.45
    flat_spread: float = 0.1


@dataclass(frozen=True)
class _Tested:
    """F-tests of series."""

    f: np.ndarray
    points: np.ndarray
    effect: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    noise: np.ndarray

    def p(self, f: np.ndarray) -> np.ndarray:
        """Tail of the null distribution."""
        freedom = denominator(self.points)
        return np.asarray(stats.f.sf(f, _NUMERATOR, freedom, loc=_SHIFT))

    def relevance(self, limits: Limits) -> np.ndarray:
        """-log10 of p of the F to which the effect has joined."""
        freedom = denominator(self.points)
        critical = stats.f.ppf(1 - limits.alpha, _NUMERATOR, freedom, loc=_SHIFT)
        s0 = limits.effect / np.sqrt(critical)
        with np.errstate(divide="ignore", invalid="ignore"):
            joined = 1 / (1 / np.sqrt(self.f) + s0 / np.abs(self.effect)) ** 2
        joined = np.where(np.isfinite(joined), joined, 0.0)
        found = -stats.f.logsf(joined, _NUMERATOR, freedom, loc=_SHIFT) / np.log(10)
        return np.where(np.isfinite(self.f), found, np.nan)


def false_discovery_rates(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's q of the p that are known; NaN for the others.

    Examples
    --------
    >>> false_discovery_rates(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known])
    return q


def denominator(points: np.ndarray) -> np.ndarray:
    """Degrees of freedom of the denominator for so many points, the control as one of them."""
    n = np.maximum(points, _FEWEST_POINTS).astype(float)
    return np.asarray((0.8 - 1 / ((n - 4) ** 4 / n + 4)) * (n - 2.5))


def classified(curves: Curves, limits: Limits | None = None, seed: int = 0) -> Curves:
    """Curves whose table also says whether there is an effect.

    Returns
    -------
    Curves
        With the columns ``effect`` (log2), ``p`` (recalibrated), ``relevance`` (-log10 of the
        adjusted p), ``q`` (share of decoys among curves of that relevance or more), ``verdict``
        and ``verdict_reason``.
    """
    limits = limits or Limits()
    log_doses, values = _with_control(curves)
    tested = _test(log_doses, values)
    relevance = tested.relevance(limits)
    decoys = _decoys(log_doses, values, tested, seed)
    q = _decoy_rates(relevance, decoys.relevance(limits))
    verdicts, reasons = _verdicts(tested, relevance, limits)
    told = pd.DataFrame(
        {"effect": tested.effect, "p": tested.p(tested.f), "relevance": relevance, "q": q,
         "verdict": verdicts, "verdict_reason": reasons}
    )  # fmt: skip
    return replace(curves, table=pd.concat([curves.table, told], axis=1))


def _with_control(curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Points of each series, and the control as one more of ratio 1 without drug."""
    series = curves.series
    values = series["relative"]
    any_point = np.isfinite(values).any(axis=1)[:, None]
    log_doses = np.hstack([np.where(any_point, NO_DOSE, np.nan), series.log_doses])
    return log_doses, np.hstack([np.where(any_point, 1.0, np.nan), values])


def _test(log_doses: np.ndarray, values: np.ndarray) -> _Tested:
    """Recalibrated F of each series, and its effect."""
    known = np.isfinite(values) & np.isfinite(log_doses)
    points = known.sum(axis=1)
    fits = fit_hill(log_doses, values, bounds=_BOUNDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=1) / points
        around = np.where(known, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        f = (around - fits.sse) / np.maximum(fits.sse, _SMALLEST) * points / 4
    few = points < _FEWEST_POINTS
    dosed = np.where(known & (log_doses > NO_DOSE), log_doses, np.nan)
    ends = (function.reduce(dosed, axis=1, initial=np.nan) for function in (np.fmin, np.fmax))
    first, last = (
        np.maximum(hill(fits.theta, np.nan_to_num(end)[:, None])[:, 0], 1e-4) for end in ends
    )
    return _Tested(
        f=np.where(few, np.nan, np.maximum(f, 0.0)),
        points=points,
        effect=np.where(few, np.nan, np.log2(last / first)),
        mean=mean,
        spread=np.sqrt(around / np.maximum(points, 1)),
        noise=np.sqrt(fits.sse / np.maximum(points - 4, 1)),
    )


def _decoys(log_doses: np.ndarray, values: np.ndarray, tested: _Tested, seed: int) -> _Tested:
    """Flat series with the doses of real ones and the noise of others."""
    usable = np.flatnonzero(np.isfinite(tested.f))
    if not len(usable):
        return _test(log_doses[:0], values[:0])
    rng = np.random.default_rng(seed)
    rows = rng.choice(usable, _DECOYS)
    noise = tested.noise[rng.choice(usable, _DECOYS)]
    shape = log_doses[rows].shape
    drawn = 1 + noise[:, None] * rng.standard_normal(shape)
    return _test(log_doses[rows], np.where(np.isfinite(values[rows]), drawn, np.nan))


def _decoy_rates(targets: np.ndarray, decoys: np.ndarray) -> np.ndarray:
    """Share of decoys among curves of that relevance or more; never falls with the relevance."""
    q = np.full(len(targets), np.nan)
    known = np.flatnonzero(np.isfinite(targets))
    if not len(known):
        return q
    order = known[np.argsort(-targets[known], kind="stable")]
    ranked = np.sort(decoys[np.isfinite(decoys)])
    above = len(ranked) - np.searchsorted(ranked, targets[order], side="left")
    ratio = len(known) / max(len(ranked), 1)
    share = (above + 1) / (np.arange(len(order)) + 2) * ratio
    q[order] = np.minimum(np.minimum.accumulate(share[::-1])[::-1], 1.0)
    return q


def _verdicts(
    tested: _Tested, relevance: np.ndarray, limits: Limits
) -> tuple[list[str], list[str]]:
    verdicts, reasons = [], []
    least = -np.log10(limits.alpha)
    for f, n, effect, mean, spread, found in zip(
        tested.f, tested.points, tested.effect, tested.mean, tested.spread, relevance, strict=True
    ):
        if not np.isfinite(f):
            verdicts.append(UNCLASSIFIED)
            reasons.append(f"{n} points with the control; the test takes {_FEWEST_POINTS}")
            continue
        size = f"effect {effect:+.2f}, relevance {found:.1f}"
        near = spread <= limits.flat_spread and abs(np.log2(max(mean, 1e-4))) <= limits.effect / 2
        if found >= least and abs(effect) >= limits.effect:
            verdicts.append(DOWN if effect < 0 else UP)
            reasons.append(size)
        elif found < least and near:
            verdicts.append(NOT)
            reasons.append(f"{size}; spread {spread:.2f} around {mean:.2f} of the control")
        else:
            verdicts.append(UNCLASSIFIED)
            why = (
                f"spread {spread:.2f} around {mean:.2f} of the control is too wide to call it flat"
                if found < least
                else f"relevant, with an effect below {limits.effect:g}"
            )
            reasons.append(f"{size}; {why}")
    return verdicts, reasons
