"""Metrics of out-of-fold predictions, with bootstrap intervals over donors.

References
----------
Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552: the bootstrap.
Harrell et al., JAMA 247:2543 (1982), doi:10.1001/jama.1982.03320430047030: concordance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

METRICS = ("pearson", "pearson_pooled", "spearman", "concordance", "rmse", "rmse_relative", "r2")
Statistic = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_FEWEST = 3


@dataclass(frozen=True)
class Estimate:
    """A metric and its percentile bootstrap interval.

    Attributes
    ----------
    value, lower, upper : float
        NaN where the metric is not defined.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Score:
    """Metrics of one drug's predictions, and the correlations of all draws.

    Attributes
    ----------
    estimates : dict of str to Estimate
        Every one of `METRICS`.
    r : ndarray of shape (n_draws,)
        Pearson r within folds of each row of the weights, for paired comparisons.
    """

    estimates: dict[str, Estimate]
    r: np.ndarray


def score(
    observed: np.ndarray,
    predicted: np.ndarray,
    reference: np.ndarray,
    folds: np.ndarray,
    weights: np.ndarray,
    *,
    intervals_of: int | None = None,
    level: float = 0.95,
) -> Score:
    """Metrics of out-of-fold predictions of one drug.

    Parameters
    ----------
    observed, predicted : ndarray of shape (n_samples,)
        In the response's unit. With several assignments to folds a sample stands once for each.
    reference : ndarray of shape (n_samples,)
        Mean response of the training lines of each sample's fold.
    folds : ndarray of shape (n_samples,)
        Fold in which each sample was held out; of other assignments, folds of other names.
    weights : ndarray of shape (n_draws, n_samples)
        As `donor_weights` returns; the same for all methods that are to be compared.
    intervals_of : int, optional
        Draws that the intervals rest on, the first ones; all by default. Concordance takes
        n_samples squared of each.
    level : float, default 0.95
        Of the intervals.

    Returns
    -------
    Score
        Estimates of `pearson`, `spearman`, `concordance` (share of pairs in the right order, ties
        in prediction count one half): each within folds, their mean weighted by size
        (`within_folds`); `pearson_pooled`: r over all samples at once; `rmse` (response units),
        `rmse_relative` (to the mean of the training lines; below 1 is better than knowing
        nothing), `r2` (1 - rmse_relative squared).
    """
    r = within_folds(correlation, observed, predicted, folds, weights)
    few = weights if intervals_of is None else weights[: 1 + intervals_of]
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = few @ (observed - predicted) ** 2
        relative = np.sqrt(squared / (few @ (observed - reference) ** 2))
    values = {
        "pearson": r[: len(few)],
        "pearson_pooled": correlation(observed, predicted, few),
        "spearman": within_folds(_rank_correlation, observed, predicted, folds, few),
        "concordance": within_folds(_concordance, observed, predicted, folds, few),
        "rmse": np.sqrt(squared / few.sum(axis=1)),
        "rmse_relative": relative,
        "r2": 1 - relative**2,
    }
    tail = 100 * (1 - level) / 2
    estimates = {}
    for name in METRICS:
        finite = values[name][1:][np.isfinite(values[name][1:])]
        bounds = np.percentile(finite, [tail, 100 - tail]) if len(finite) else [np.nan, np.nan]
        estimates[name] = Estimate(float(values[name][0]), float(bounds[0]), float(bounds[1]))
    return Score(estimates, r)


def donor_weights(donors: np.ndarray, n_bootstrap: int, seed: int) -> np.ndarray:
    """How often each sample counts, (1 + n_bootstrap, n_samples): once, then as drawn by donor."""
    rng = np.random.default_rng(seed)
    names, donor = np.unique(donors, return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_bootstrap)
    return np.vstack([np.ones(len(donor)), draws[:, donor]]).astype(float)


def within_folds(
    statistic: Statistic,
    observed: np.ndarray,
    predicted: np.ndarray,
    folds: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Mean over the folds of a statistic within each, weighted by size, (n_draws,).

    Over all lines at once, a fold's training mean runs against the lines held out: a method that
    predicts group means of nothing at all gets an r below 0, and a true one loses. Within a fold
    all predictions come from the same model. Folds of fewer than three samples are left out;
    where those hold more than half of the samples (leave-one-out, or a small group of lines), the
    statistic is taken over all samples.

    Parameters
    ----------
    statistic : callable
        Of observed, predicted and weights; NaN in a draw where it is not defined.
    observed, predicted, folds : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_draws, n_samples)
    """
    members = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    members = [some for some in members if len(some) >= _FEWEST]
    if 2 * sum(map(len, members)) < len(folds):
        return statistic(observed, predicted, weights)
    values = np.array(
        [statistic(observed[some], predicted[some], weights[:, some]) for some in members]
    )
    sizes = np.array([weights[:, some].sum(axis=1) for some in members])
    sizes[~np.isfinite(values)] = 0.0
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(values * sizes, axis=0) / sizes.sum(axis=0))


def pearson(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Pearson correlation; NaN where `observed` is constant, 0 where only `predicted` is."""
    return float(correlation(observed, predicted, np.ones((1, len(observed))))[0])


def correlation(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson correlation in each draw, (n_draws,).

    NaN where the drawn responses have no spread. What is predicted without spread ranks nobody:
    0.
    """
    total = weights.sum(axis=1)
    a, b = observed - observed.mean(), predicted - predicted.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_a, mean_b = weights @ a / total, weights @ b / total
        covariance = weights @ (a * b) / total - mean_a * mean_b
        variance_a = weights @ a**2 / total - mean_a**2
        variance_b = weights @ b**2 / total - mean_b**2
        r = covariance / np.sqrt(variance_a * variance_b)
    r = np.where(variance_b > _nothing(predicted), r, 0.0)
    return np.where(variance_a > _nothing(observed), r, np.nan)


def _nothing(values: np.ndarray) -> float:
    """Variance that is no more than rounding errors of such values."""
    return float(max(1e-12 * np.var(values), 1e-24 * np.mean(values**2), np.finfo(float).tiny))


def _rank_correlation(
    observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Spearman correlation in each draw; ranks are taken once, over all samples given."""
    return correlation(rankdata(observed), rankdata(predicted), weights)


def _concordance(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    ordered = np.sign(observed[:, None] - observed[None, :])
    agreement = 0.5 * (1 + ordered * np.sign(predicted[:, None] - predicted[None, :]))
    comparable = (ordered != 0).astype(float)
    agreement *= comparable
    pairs = np.einsum("bi,bi->b", weights @ comparable, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.einsum("bi,bi->b", weights @ agreement, weights) / pairs)
