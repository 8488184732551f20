"""Metrics of out-of-fold predictions, with bootstrap intervals over donors.

References
----------
Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552: the bootstrap.
Harrell et al., JAMA 247:2543 (1982), doi:10.1001/jama.1982.03320430047030: concordance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

METRICS = ("pearson", "spearman", "concordance", "rmse", "rmse_relative", "r2")


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


def score(
    observed: np.ndarray,
    predicted: np.ndarray,
    reference: np.ndarray,
    donors: np.ndarray,
    folds: np.ndarray,
    *,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Metrics of out-of-fold predictions of one drug.

    Parameters
    ----------
    observed, predicted : ndarray of shape (n_samples,)
        In the response's unit.
    reference : ndarray of shape (n_samples,)
        Mean response of the training lines of each sample's fold.
    donors : ndarray of shape (n_samples,)
        The bootstrap draws donors, not lines, since lines of one donor are not independent.
    folds : ndarray of shape (n_samples,)
        Fold in which each sample was held out.

    Returns
    -------
    dict of str to Estimate
        `pearson`, `spearman` (ranks taken once, over all samples), `concordance` (share of
        pairs in the right order, ties in prediction count one half),
        `rmse` (response units), `rmse_relative` (to the mean of the training lines; below 1 is
        better than knowing nothing), `r2` (1 - rmse_relative squared). A predictor that is
        constant within every fold ranks nobody: its correlations are 0 and its concordance 0.5,
        where pooling over folds would give an artefact of the folds' means.
    """
    rng = np.random.default_rng(seed)
    names, donor = np.unique(donors, return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_bootstrap)
    weights = np.vstack([np.ones(len(observed)), draws[:, donor]]).astype(float)
    values = _weighted_metrics(observed, predicted, reference, weights)
    if constant_within_folds(predicted, reference, folds):
        values["pearson"] = values["spearman"] = np.zeros(len(weights))
        values["concordance"] = np.full(len(weights), 0.5)
    tail = 100 * (1 - level) / 2
    estimates = {}
    for name in METRICS:
        finite = values[name][1:][np.isfinite(values[name][1:])]
        bounds = np.percentile(finite, [tail, 100 - tail]) if len(finite) else [np.nan, np.nan]
        estimates[name] = Estimate(float(values[name][0]), float(bounds[0]), float(bounds[1]))
    return estimates


def pearson(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Pearson correlation; NaN where either is constant."""
    return float(_correlation(observed, predicted, np.ones((1, len(observed))))[0])


def constant_within_folds(predicted: np.ndarray, reference: np.ndarray, folds: np.ndarray) -> bool:
    """Whether a method predicts one number for all samples of a fold, in every fold.

    A sample alone in its fold is no evidence of that; there, the number must be the mean of the
    training lines.
    """
    for fold in np.unique(folds):
        samples = folds == fold
        numbers = predicted[samples]
        if samples.sum() == 1:
            numbers = np.append(numbers, reference[samples])
        if np.ptp(numbers) > 1e-12:
            return False
    return True


def _weighted_metrics(
    observed: np.ndarray, predicted: np.ndarray, reference: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Every metric for every row of weights (how often each sample was drawn)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = weights @ (observed - predicted) ** 2
        squared_reference = weights @ (observed - reference) ** 2
        relative = np.sqrt(squared / squared_reference)
        return {
            "pearson": _correlation(observed, predicted, weights),
            "spearman": _correlation(rankdata(observed), rankdata(predicted), weights),
            "concordance": _concordance(observed, predicted, weights),
            "rmse": np.sqrt(squared / weights.sum(axis=1)),
            "rmse_relative": relative,
            "r2": 1 - relative**2,
        }


def _correlation(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1)
    a, b = a - a.mean(), b - b.mean()
    mean_a, mean_b = weights @ a / total, weights @ b / total
    covariance = weights @ (a * b) / total - mean_a * mean_b
    variance_a = weights @ a**2 / total - mean_a**2
    variance_b = weights @ b**2 / total - mean_b**2
    product = variance_a * variance_b
    tiny = 1e-12 * max(float(np.var(a) * np.var(b)), np.finfo(float).tiny)
    return np.where(
        product > tiny, covariance / np.sqrt(np.where(product > tiny, product, 1)), np.nan
    )


def _concordance(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    ordered = np.sign(observed[:, None] - observed[None, :])
    agreement = 0.5 * (1 + ordered * np.sign(predicted[:, None] - predicted[None, :]))
    comparable = (ordered != 0).astype(float)
    agreement *= comparable
    pairs = np.einsum("bi,bi->b", weights @ comparable, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.einsum("bi,bi->b", weights @ agreement, weights) / pairs)
