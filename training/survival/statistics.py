"""Concordance index, Cox model and log-rank test of one gene's level and time to an event.

References
----------
Cox, J. R. Stat. Soc. B 34:187 (1972), doi:10.1111/j.2517-6161.1972.tb00899.x.
Efron, J. Am. Stat. Assoc. 72:557 (1977), doi:10.1080/01621459.1977.10480613: ties.
Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552: the bootstrap.
Harrell et al., JAMA 247:2543 (1982), doi:10.1001/jama.1982.03320430047030: concordance.
Mantel, Cancer Chemother. Rep. 50:163 (1966), PMID:5910392: the log-rank test.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sksurv.compare import compare_survival
from sksurv.exceptions import NoComparablePairException
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored

from sidestep.training.validation.metrics import Estimate, donor_weights

#: Levels closer than this are ties, as in scikit-survival.
_TIE = 1e-8
_EVENTS_AT_ONCE = 256
# Where a level settles who has the event first, the likelihood rises for ever: the coefficient
# or its standard error ends beyond this, a hazard ratio of e^10.
_LARGEST = 10.0
_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Hazard:
    """Hazard ratio for one standard deviation more, with interval, and its Wald p.

    All NaN where the Cox model has no finite estimate.
    """

    ratio: Estimate
    p: float


def concordance(
    event: np.ndarray,
    months: np.ndarray,
    level: np.ndarray,
    *,
    draws: int,
    confidence: float,
    seed: int,
) -> Estimate:
    """Harrell's concordance index of a level with an earlier event, with bootstrap interval.

    The share, among the pairs of patients of whom one is known to have had the event first, in
    which that one has the higher level; equal levels count one half. Above 0.5, a high level
    goes with a worse outcome. The interval is that of the percentiles over samples of patients
    drawn with replacement.

    Parameters
    ----------
    event : ndarray of bool, shape (n_patients,)
    months : ndarray of shape (n_patients,)
    level : ndarray of shape (n_patients,)
    draws : int
        Bootstrap samples.
    confidence : float
        Of the interval, such as 0.95.
    seed : int

    Returns
    -------
    Estimate
        NaN where no pair can be compared.
    """
    try:
        with np.errstate(invalid="ignore"):  # no pair either, where all have the event at once
            value = float(concordance_index_censored(event, months, level)[0])
    except NoComparablePairException:
        return _UNKNOWN
    if np.isnan(value):
        return _UNKNOWN
    values = _drawn_concordance(event, months, level, draws, seed)
    values = values[np.isfinite(values)]
    tail = 50 * (1 - confidence)
    lower, upper = np.percentile(values, [tail, 100 - tail]) if len(values) else (np.nan, np.nan)
    return Estimate(value, float(lower), float(upper))


def _drawn_concordance(
    event: np.ndarray, months: np.ndarray, level: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Concordance in each bootstrap sample; NaN where it has no comparable pair.

    A patient drawn k times counts k times in every pair. All sums are of whole and half numbers,
    which are exact, so that the result is the same on every machine.
    """
    weights = donor_weights(np.arange(len(event)), draws, seed)[1:]
    pairs, agreeing = np.zeros(draws), np.zeros(draws)
    with_event = np.flatnonzero(event)
    for start in range(0, len(with_event), _EVENTS_AT_ONCE):
        first = with_event[start : start + _EVENTS_AT_ONCE]
        time = months[first, None]
        later = (months > time) | ((months == time) & ~event)
        higher = level[first, None] - level
        agrees = np.where(np.abs(higher) <= _TIE, 0.5, higher > 0) * later
        pairs += np.einsum("bi,bi->b", weights @ later.T.astype(float), weights[:, first])
        agreeing += np.einsum("bi,bi->b", weights @ agrees.T, weights[:, first])
    with np.errstate(invalid="ignore"):
        return agreeing / pairs


def cox(event: np.ndarray, months: np.ndarray, level: np.ndarray, *, confidence: float) -> Hazard:
    """Cox proportional hazards model with the level alone, ties after Efron.

    The interval is Wald's, from the observed information.

    Parameters
    ----------
    event, months : ndarray of shape (n_patients,)
        With at least one event.
    level : ndarray of shape (n_patients,)
        In standard deviations.
    confidence : float
        Of the interval, such as 0.95.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            model = CoxPHSurvivalAnalysis(ties="efron").fit(level[:, None], _outcome(event, months))
        except (ArithmeticError, ValueError, Warning):  # the likelihood has no maximum
            return Hazard(_UNKNOWN, np.nan)
    coefficient = float(model.coef_[0])
    if not abs(coefficient) <= _LARGEST:
        return Hazard(_UNKNOWN, np.nan)
    information = _information(event, months, level, coefficient)
    if not information >= _LARGEST**-2:
        return Hazard(_UNKNOWN, np.nan)
    error = 1 / np.sqrt(information)
    reach = norm.isf((1 - confidence) / 2) * error
    low, mid, high = np.exp([coefficient - reach, coefficient, coefficient + reach])
    ratio = Estimate(float(mid), float(low), float(high))
    return Hazard(ratio, float(2 * norm.sf(abs(coefficient) / error)))


def _information(
    event: np.ndarray, months: np.ndarray, level: np.ndarray, coefficient: float
) -> float:
    """Minus the second derivative of the partial log-likelihood, ties after Efron."""
    moments = np.exp(coefficient * level) * np.vstack([np.ones(len(level)), level, level**2])
    information = 0.0
    for time in np.unique(months[event]):
        at_risk = moments[:, months >= time].sum(axis=1)
        tied = moments[:, (months == time) & event]
        for number in range(tied.shape[1]):
            part = at_risk - number / tied.shape[1] * tied.sum(axis=1)
            information += part[2] / part[0] - (part[1] / part[0]) ** 2
    return float(information)


def log_rank(event: np.ndarray, months: np.ndarray, high: np.ndarray) -> float:
    """Two-sided p of the log-rank test between two groups.

    NaN where a group is empty, or both are never at risk together when an event comes.
    """
    if high.all() or not high.any():
        return np.nan
    try:
        p = float(compare_survival(_outcome(event, months), high)[1])
    except np.linalg.LinAlgError:
        return np.nan
    return p


def _outcome(event: np.ndarray, months: np.ndarray) -> np.ndarray:
    outcome = np.empty(len(event), dtype=[("event", bool), ("months", float)])
    outcome["event"], outcome["months"] = event, months
    return outcome
