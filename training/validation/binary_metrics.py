"""Metrics of out-of-fold log-odds of a binary response, with intervals over donors.

References
----------
Brier, Monthly Weather Review 78:1-3 (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
Van Calster et al., BMC Med 17:230 (2019), doi:10.1186/s12916-019-1466-7: calibration.
Vickers and Elkin, Med Decis Making 26:565-574 (2006), doi:10.1177/0272989X06295361: the decision
curve.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from sidestep.training.validation.metrics import Estimate, Score, within_folds
from sidestep.training.validation.roc import auc, roc_areas

METRICS = (
    "auc", "brier", "brier_relative", "log_loss", "calibration_slope", "calibration_intercept"
)  # fmt: skip
#: Probabilities at which somebody would treat otherwise.
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 16))
_STEPS = 25
_LARGEST = 30.0


def score_binary(
    observed: np.ndarray,
    predicted: np.ndarray,
    reference: np.ndarray,
    assignments: np.ndarray,
    weights: np.ndarray,
    donors: np.ndarray,
    *,
    intervals_of: int | None = None,
    level: float = 0.95,
) -> Score:
    """Metrics of out-of-fold log-odds.

    Parameters
    ----------
    observed : ndarray of shape (n_samples,)
        0 or 1. With several assignments to folds a sample stands once for each.
    predicted : ndarray of shape (n_samples,)
        Log-odds.
    reference : ndarray of shape (n_samples,)
        Rate of the event among the training samples of each sample's fold.
    assignments : ndarray of shape (n_samples,)
        Assignment to folds; the area under the ROC curve is the mean over them.
    weights : ndarray of shape (n_draws, n_samples)
        As `training.validation.metrics.donor_weights` returns.
    donors : ndarray of shape (n_samples,)
    intervals_of : int, optional
        Draws that the intervals rest on, the first ones; all by default.
    level : float, default 0.95

    Returns
    -------
    Score
        Estimates of `auc` (interval after DeLong), `brier`, `brier_relative` (to that of the
        training rate; below 1 is better than knowing nothing), `log_loss`, `calibration_slope` and
        `calibration_intercept` (1 and 0 where probabilities are right); `r` has the areas of all
        draws.
    """
    areas = within_folds(auc, observed, predicted, assignments, weights)
    few = weights if intervals_of is None else weights[: 1 + intervals_of]
    total = few.sum(axis=1)
    squared = few @ (observed - expit(predicted)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = squared / (few @ (observed - reference) ** 2)
    log_loss = few @ (np.logaddexp(0.0, predicted) - observed * predicted) / total
    slope, intercept = calibration(observed, predicted, few)
    values = {
        "auc": areas[: len(few)],
        "brier": squared / total,
        "brier_relative": relative,
        "log_loss": log_loss,
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }
    tail = 100 * (1 - level) / 2
    estimates = {}
    for name in METRICS:
        finite = values[name][1:][np.isfinite(values[name][1:])]
        bounds = np.percentile(finite, [tail, 100 - tail]) if len(finite) else [np.nan, np.nan]
        estimates[name] = Estimate(float(values[name][0]), float(bounds[0]), float(bounds[1]))
    if np.isfinite(estimates["auc"].value):
        found = roc_areas(observed, predicted[:, None], donors, assignments)
        estimates["auc"] = Estimate(estimates["auc"].value, *found.interval(level=level))
    return Score(estimates, areas)


def calibration(
    observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of observed outcomes on predicted log-odds, in each draw, (n_draws,).

    The slope is that of a logistic regression on the log-odds; the intercept, "in the large", is
    that of one whose slope is 1. NaN where log-odds do not vary or only one outcome was drawn.
    """
    slopes, large = np.full((2, len(weights)), np.nan)
    x = np.clip(predicted, -_LARGEST, _LARGEST)
    both = (weights @ observed > 0) & (weights @ (1 - observed) > 0)
    b0, b1, b = np.zeros((3, len(weights)))
    b1 += 1.0
    varies = np.ptp(x) > 1e-9
    for _ in range(_STEPS):
        p = expit(np.clip(b0[:, None] + b1[:, None] * x, -_LARGEST, _LARGEST))
        w = weights * p * (1 - p)
        g0 = (weights * (observed - p)).sum(axis=1)
        g1 = (weights * (observed - p)) @ x
        a, c, d = w.sum(axis=1), w @ x, w @ x**2
        det = a * d - c * c
        with np.errstate(divide="ignore", invalid="ignore"):
            s0, s1 = (d * g0 - c * g1) / det, (a * g1 - c * g0) / det
        b0, b1 = b0 + np.clip(np.nan_to_num(s0), -2, 2), b1 + np.clip(np.nan_to_num(s1), -1, 1)
        q = expit(b[:, None] + x)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (weights * (observed - q)).sum(axis=1) / (weights * q * (1 - q)).sum(axis=1)
        b = b + np.clip(np.nan_to_num(step), -2, 2)
    if varies:
        slopes[both] = b1[both]
    large[both] = b[both]
    return slopes, large


def decision_curve(observed: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Net benefit of acting on a probability, at each of `THRESHOLDS`.

    Parameters
    ----------
    observed : ndarray of shape (n_samples,)
        0 or 1.
    probability : ndarray of shape (n_samples,)
        Of a 1.

    Returns
    -------
    DataFrame
        Columns `threshold`, and net benefit of the `model`, of treating `all` and `none`.
    """
    rows = []
    rate = float(observed.mean())
    for threshold in THRESHOLDS:
        odds = threshold / (1 - threshold)
        acted = probability >= threshold
        true, false = np.mean(acted * observed), np.mean(acted * (1 - observed))
        rows.append((threshold, float(true - odds * false), rate - odds * (1 - rate), 0.0))
    return pd.DataFrame(rows, columns=["threshold", "model", "all", "none"])
