"""Compiled loops over a row's features: what each adds to a blend's prediction.

Results do not depend on which rows stand together. Import this module only where it is needed: it
imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# A row is summed up in so many sums side by side, on vectors, and then those are added; in one
# sum, each addition would have to wait for the one before. The order is always the same.
_SIDE_BY_SIDE = 32


@compiled
def _part(value, mean, slope):  # type: ignore[no-untyped-def]
    """What one value adds; a missing one counts as the mean, which adds nothing."""
    difference = value - mean
    return difference * slope if difference == difference else 0.0


@compiled
def sum_parts(rows, means, slopes, total):  # type: ignore[no-untyped-def]
    """Write the sum of each row's linear parts into `total`.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float64, C order
    means, slopes : ndarray of shape (n_features,), float32
    total : ndarray of shape (n_rows,), float64
    """
    n = rows.shape[1]
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    sums = np.empty(_SIDE_BY_SIDE)
    for r in range(rows.shape[0]):
        row = rows[r]
        sums[:] = 0.0
        for c in range(0, whole, _SIDE_BY_SIDE):
            for k in range(_SIDE_BY_SIDE):
                sums[k] += _part(row[c + k], means[c + k], slopes[c + k])
        for c in range(whole, n):
            sums[c - whole] += _part(row[c], means[c], slopes[c])
        total[r] = sums.sum()


@compiled
def sum_measured(rows, weights, total):  # type: ignore[no-untyped-def]
    """Write the summed weights of the features that each row has into `total`, (n_rows,)."""
    n = rows.shape[1]
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    sums = np.empty(_SIDE_BY_SIDE)
    for r in range(rows.shape[0]):
        row = rows[r]
        sums[:] = 0.0
        for c in range(0, whole, _SIDE_BY_SIDE):
            for k in range(_SIDE_BY_SIDE):
                sums[k] += weights[c + k] if row[c + k] == row[c + k] else 0.0
        for c in range(whole, n):
            sums[c - whole] += weights[c] if row[c] == row[c] else 0.0
        total[r] = sums.sum()


@compiled
def scale_parts(rows, means, slopes, weight, out):  # type: ignore[no-untyped-def]
    """Write `weight` times each feature's linear part into `out`, (n_rows, n_features)."""
    for r in range(rows.shape[0]):
        row, parts = rows[r], out[r]
        for c in range(rows.shape[1]):
            parts[c] = weight * _part(row[c], means[c], slopes[c])


@compiled
def add_shares(shares, columns, weight, out):  # type: ignore[no-untyped-def]
    """Add `weight` times the shares of some columns to `out`, (n_rows, n_features).

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_columns or more), float32
    columns : ndarray of int, shape (n_columns,)
    """
    for r in range(out.shape[0]):
        for k in range(columns.size):
            out[r, columns[k]] += weight * np.float64(shares[r, k])
