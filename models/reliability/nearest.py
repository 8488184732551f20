"""Compiled loop: the distance of a row to the few training lines that are nearest to it.

Results do not depend on which rows stand together. Import this module only where it is needed: it
imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# Sums kept side by side, as in `models.estimators.shares`.
_SIDE_BY_SIDE = 32


@compiled
def nearest_rows(rows, donors, lines, line_donors, weights, n_nearest, out):  # type: ignore[no-untyped-def]
    """Write the mean distance of each row to its nearest lines into `out`, (n_rows,).

    The distance is the weighted mean squared difference over what both have; infinite where they
    share nothing.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float32
        NaN where missing.
    donors : ndarray of int, shape (n_rows,)
        Lines of a row's own donor are left out.
    lines : ndarray of shape (n_lines, n_features), float32
    line_donors : ndarray of int, shape (n_lines,)
    weights : ndarray of shape (n_features,), float64
    n_nearest : int
        Lines that a distance is the mean over.
    """
    n = weights.size
    total, shared = np.empty(_SIDE_BY_SIDE), np.empty(_SIDE_BY_SIDE)
    least = np.empty(n_nearest)
    row = np.empty(n)
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    for r in range(rows.shape[0]):
        row[:] = rows[r]
        least[:] = np.inf
        for at in range(lines.shape[0]):
            if line_donors[at] == donors[r]:
                continue
            line = lines[at]
            total[:] = 0.0
            shared[:] = 0.0
            for c in range(0, whole, _SIDE_BY_SIDE):
                for k in range(_SIDE_BY_SIDE):
                    difference = row[c + k] - np.float64(line[c + k])
                    weight = weights[c + k] if difference == difference else 0.0
                    squared = difference * difference if difference == difference else 0.0
                    total[k] += weight * squared
                    shared[k] += weight
            for c in range(whole, n):
                difference = row[c] - np.float64(line[c])
                if difference == difference:
                    total[c - whole] += weights[c] * (difference * difference)
                    shared[c - whole] += weights[c]
            both = shared.sum()
            if both <= 0.0:
                continue
            distance = total.sum() / both
            place = n_nearest
            while place > 0 and distance < least[place - 1]:
                place -= 1
            for later in range(n_nearest - 1, place, -1):
                least[later] = least[later - 1]
            if place < n_nearest:
                least[place] = distance
        out[r] = least.sum() / n_nearest
