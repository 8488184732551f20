"""Compiled loop: the distance of a row to the few training lines that are nearest to it.

Results do not depend on which rows stand together. Import this module only where it is needed: it
imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled


@compiled
def nearest_rows(  # type: ignore[no-untyped-def]
    values, rows, columns, sd, donors, lines, line_donors, weights, n_nearest, out
):
    """Write the mean distance of each row to its nearest lines into `out`, (n_rows,).

    The distance is the weighted mean squared difference over what both have; infinite where they
    share nothing.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_all_features), C order
        NaN where missing.
    rows : ndarray of int, shape (n_rows,)
        Those of the samples that are asked about.
    columns : ndarray of int, shape (n_features,)
        Those of the features that count.
    sd : ndarray of shape (n_features,), float64
        What they are divided by, as the lines are; then they are rounded as the lines are, so that
        a sample like a line is as far as the line.
    donors : ndarray of int, shape (n_rows,)
        Lines of a row's own donor are left out.
    lines : ndarray of shape (n_lines, n_features), float32
    line_donors : ndarray of int, shape (n_lines,)
    weights : ndarray of shape (n_features,), float64
    n_nearest : int
        Lines that a distance is the mean over.
    """
    n_lines, n = lines.shape
    # Feature by feature, so that all lines are compared with at once, on vectors.
    by_feature, all_have = np.empty((n, n_lines)), np.full(n, True)
    for at in range(n_lines):
        for c in range(n):
            by_feature[c, at] = lines[at, c]
            all_have[c] &= lines[at, c] == lines[at, c]
    total, shared = np.empty((2, n_lines))
    row, least = np.empty(n), np.empty(n_nearest)
    for r in range(rows.size):
        total[:] = 0.0
        shared[:] = 0.0
        shared_by_all = 0.0
        # All at once, as they lie far apart in memory.
        for c in range(n):
            row[c] = np.float32(values[rows[r], columns[c]] / sd[c])
        for c in range(n):
            value, of_lines, weight = row[c], by_feature[c], weights[c]
            if value != value:
                continue
            if all_have[c]:
                shared_by_all += weight
                for at in range(n_lines):
                    difference = value - of_lines[at]
                    total[at] += weight * (difference * difference)
            else:
                for at in range(n_lines):
                    difference = value - of_lines[at]
                    both = difference == difference
                    total[at] += weight * (difference * difference) if both else 0.0
                    shared[at] += weight if both else 0.0
        least[:] = np.inf
        for at in range(n_lines):
            weight = shared_by_all + shared[at]
            if line_donors[at] == donors[r] or weight <= 0.0:
                continue
            distance = total[at] / weight
            place = n_nearest
            while place > 0 and distance < least[place - 1]:
                place -= 1
            for later in range(n_nearest - 1, place, -1):
                least[later] = least[later - 1]
            if place < n_nearest:
                least[place] = distance
        out[r] = least.sum() / n_nearest
