"""Means of replicates at each dose of many series at once."""

from __future__ import annotations

import numpy as np

# Doses whose log10 differ by less are one dose, written with other digits.
_SAME = 1e-6


def dose_means(
    log_doses: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Doses, mean values and total weights, (n_curves, n_doses) each, doses rising.

    Parameters
    ----------
    log_doses, values : numpy.ndarray
        (n_curves, n_points); points without a finite value or dose are passed over.
    weights : numpy.ndarray, optional
        1 each by default.

    Returns
    -------
    tuple of numpy.ndarray
        The ends of rows with fewer doses are NaN, with weight 0.
    """
    known = np.isfinite(values) & np.isfinite(log_doses)
    weight = np.where(known, 1.0 if weights is None else weights, 0.0)
    known &= weight > 0
    order = np.argsort(np.where(known, log_doses, np.inf), axis=1, kind="stable")
    doses, value, weight, known = (
        np.take_along_axis(array, order, axis=1) for array in (log_doses, values, weight, known)
    )
    new = known.copy()
    with np.errstate(invalid="ignore"):
        new[:, 1:] &= ~(np.abs(doses[:, 1:] - doses[:, :-1]) <= _SAME)
    place = np.cumsum(new, axis=1) - 1
    shape = (len(doses), max(int(place.max(initial=0)) + 1, 1))
    rows = np.broadcast_to(np.arange(len(doses))[:, None], doses.shape)
    at, total, mean = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)
    at[rows[new], place[new]] = doses[new]
    np.add.at(total, (rows[known], place[known]), weight[known])
    np.add.at(mean, (rows[known], place[known]), (weight * np.where(known, value, 0.0))[known])
    with np.errstate(invalid="ignore"):
        return at, np.where(total > 0, mean / total, np.nan), total
