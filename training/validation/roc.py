"""Area under the ROC curve: its interval, and the paired test of two, by donor and assignment.

The area is the probability that a sample with the event is ranked above one without it.

References
----------
DeLong, DeLong and Clarke-Pearson, Biometrics 44:837-845 (1988), doi:10.2307/2531595.
Obuchowski, Biometrics 53:567-578 (1997), doi:10.2307/2533958: samples of one donor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata


def auc(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve in each draw, (n_draws,); NaN without samples of either outcome.

    Parameters
    ----------
    observed : ndarray of shape (n_samples,)
        0 or 1.
    predicted : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_draws, n_samples)
        How often each sample counts.
    """
    event = observed == 1
    above = np.sign(predicted[event][:, None] - predicted[~event][None, :])
    counts = weights[:, event] @ (0.5 * (1.0 + above)) * weights[:, ~event]
    pairs = weights[:, event].sum(axis=1) * weights[:, ~event].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(pairs > 0, counts.sum(axis=1) / pairs, np.nan))


@dataclass(frozen=True)
class RocAreas:
    """Areas under the ROC curves of several methods on the same samples.

    Attributes
    ----------
    areas : ndarray of shape (n_methods,)
        Means over the assignments to folds.
    covariance : ndarray of shape (n_methods, n_methods)
        Of the areas, over new donors.
    """

    areas: np.ndarray
    covariance: np.ndarray

    def interval(self, method: int = 0, level: float = 0.95) -> tuple[float, float]:
        """Interval of one area, between 0 and 1; NaN where there is none."""
        reach = norm.ppf(0.5 + level / 2) * float(np.sqrt(self.covariance[method, method]))
        area = float(self.areas[method])
        return max(area - reach, 0.0), min(area + reach, 1.0)

    def difference(self, a: int, b: int) -> tuple[float, float, float]:
        """Area of `a` less that of `b`, its standard error, and the two-sided p-value."""
        contrast = np.zeros(len(self.areas))
        contrast[a], contrast[b] = 1.0, -1.0
        found = float(contrast @ self.areas)
        error = float(np.sqrt(max(contrast @ self.covariance @ contrast, 0.0)))
        if error == 0.0:
            return found, error, 1.0 if found == 0.0 else 0.0
        return found, error, float(2 * norm.sf(abs(found) / error))


def roc_areas(
    observed: np.ndarray,
    predicted: np.ndarray,
    donors: np.ndarray,
    assignments: np.ndarray | None = None,
) -> RocAreas:
    """Areas of several methods, with their covariance.

    With several assignments to folds a sample stands once for each; its placement among those of
    the other outcome is averaged over them, so that repetition narrows no interval beyond what
    another split would change.

    Parameters
    ----------
    observed : ndarray of shape (n_rows,)
        0 or 1.
    predicted : ndarray of shape (n_rows, n_methods)
    donors : ndarray of shape (n_rows,)
        Samples of one donor are no independent ones.
    assignments : ndarray of shape (n_rows,), optional
        Assignment to folds of each row; all of one by default. Each has all the samples, in the
        same order.
    """
    which = np.zeros(len(observed)) if assignments is None else assignments
    parts = [np.flatnonzero(which == one) for one in np.unique(which)]
    first = parts[0]
    event = observed[first] == 1
    placements = np.mean([_placements(observed[rows], predicted[rows]) for rows in parts], axis=0)
    areas = placements[event].mean(axis=0)
    _, donor = np.unique(donors[first].astype(str), return_inverse=True)
    influence = np.where(event[:, None], 1.0 / event.sum(), 1.0 / (~event).sum())
    by_donor = np.zeros((donor.max() + 1, predicted.shape[1]))
    np.add.at(by_donor, donor, influence * (placements - areas))
    n = len(by_donor)
    return RocAreas(areas, by_donor.T @ by_donor * n / max(n - 1, 1))


def _placements(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of the samples of the other outcome that each is ranked right of, as `predicted`."""
    event = observed == 1
    found = np.empty(predicted.shape)
    for column, values in enumerate(predicted.T):
        overall = rankdata(values)
        for own, others in ((event, ~event), (~event, event)):
            below = (overall[own] - rankdata(values[own])) / others.sum()
            found[own, column] = below if own is event else 1.0 - below
    return found
