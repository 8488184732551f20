"""Compiled loops over a row's features: what each adds to a blend's prediction, and which add most.

Results do not depend on which rows stand together. All loops that need one another are in this
file, because numba compiles a loop anew only when its own file has changed. Import this module only
where it is needed: it imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# A row is summed up in so many sums side by side, on vectors, and then those are added; in one
# sum, each addition would have to wait for the one before. The order is always the same.
_SIDE_BY_SIDE = 32
# Magnitudes that are looked through together, on vectors, for one that is large enough.
_TOGETHER = 16


@compiled
def _part(value, mean, slope):  # type: ignore[no-untyped-def]
    """What one value adds; a missing one counts as the mean, which adds nothing."""
    difference = value - mean
    return difference * slope if difference == difference else 0.0


@compiled
def sum_parts(rows, some, means, slopes, total):  # type: ignore[no-untyped-def]
    """Write the sum of the linear parts of some rows into `total`.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float64, C order
    some : ndarray of int
        The rows that are wanted.
    means, slopes : ndarray of shape (n_features,), float32
    total : ndarray of shape (n_rows,), float64
    """
    n = rows.shape[1]
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    sums = np.empty(_SIDE_BY_SIDE)
    for r in some:
        row = rows[r]
        sums[:] = 0.0
        for c in range(0, whole, _SIDE_BY_SIDE):
            for k in range(_SIDE_BY_SIDE):
                sums[k] += _part(row[c + k], means[c + k], slopes[c + k])
        for c in range(whole, n):
            sums[c - whole] += _part(row[c], means[c], slopes[c])
        total[r] = sums.sum()


@compiled
def _scale_row(row, means, slopes, weight, parts, sums):  # type: ignore[no-untyped-def]
    """Write `weight` times each feature's linear part into `parts`; their sum without the weight.

    The sum is that of `sum_parts`, to the same bytes.
    """
    n = row.size
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    sums[:] = 0.0
    for c in range(0, whole, _SIDE_BY_SIDE):
        for k in range(_SIDE_BY_SIDE):
            part = _part(row[c + k], means[c + k], slopes[c + k])
            sums[k] += part
            parts[c + k] = weight * part
    for c in range(whole, n):
        part = _part(row[c], means[c], slopes[c])
        sums[c - whole] += part
        parts[c] = weight * part
    return sums.sum()


@compiled
def write_contributions(  # type: ignore[no-untyped-def]
    rows, some, means, slopes, weights, shares, columns, marker_column, marker_part, places, seen,
    out, total,
):  # fmt: skip
    """Write what every feature contributes to some rows into rows of `out`.

    Parameters
    ----------
    rows, some, means, slopes, total
        As for `sum_parts`; the sum of the linear parts is without a weight.
    weights : ndarray of shape (3,)
        Of ridge, trees and marker.
    shares : ndarray of shape (n_rows, n_columns or more), float32
        What the trees have some columns contribute.
    columns : ndarray of int, shape (n_columns,)
    marker_column : ndarray of int, shape (n_rows,)
        Of each row's marker; -1 where it has none.
    marker_part : ndarray of shape (n_rows,)
        What the marker adds, without its weight.
    places : ndarray of int, shape (n_rows,)
        Row of `out` that each row is written to.
    seen : ndarray of int, shape (n_features,)
        Column of `out` of each feature; all other columns are zero.
    out : ndarray of shape (n_places, n_all_features)
    """
    values, sums = np.empty(rows.shape[1]), np.empty(_SIDE_BY_SIDE)
    for r in some:
        total[r] = _scale_row(rows[r], means, slopes, weights[0], values, sums)
        for k in range(columns.size):
            values[columns[k]] += weights[1] * np.float64(shares[r, k])
        if marker_column[r] >= 0:
            values[marker_column[r]] += weights[2] * marker_part[r]
        written = out[places[r]]
        written[:] = 0.0
        for c in range(seen.size):
            written[seen[c]] = values[c]


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
def _comes_before(size, number, other_size, other_number):  # type: ignore[no-untyped-def]
    """Whether a magnitude is the larger, or of two equal ones has the lower number."""
    return size > other_size or (size == other_size and number < other_number)


@compiled
def _sift_down(sizes, numbers, columns, at, n):  # type: ignore[no-untyped-def]
    """Restore the heap, whose root comes last of all, below one place."""
    while True:
        child = 2 * at + 1
        if child >= n:
            return
        if child + 1 < n and _comes_before(
            sizes[child], numbers[child], sizes[child + 1], numbers[child + 1]
        ):
            child += 1
        if not _comes_before(sizes[at], numbers[at], sizes[child], numbers[child]):
            return
        sizes[at], sizes[child] = sizes[child], sizes[at]
        numbers[at], numbers[child] = numbers[child], numbers[at]
        columns[at], columns[child] = columns[child], columns[at]
        at = child


@compiled
def _largest(row, order, least, sizes, numbers, columns):  # type: ignore[no-untyped-def]
    """Gather a row's largest magnitudes in the heap, of which none is smaller than `least`."""
    kept = sizes.size
    for c in range(kept):
        size = np.abs(row[c])
        sizes[c] = size if size == size else -1.0
        numbers[c], columns[c] = order[c], c
    for at in range(kept // 2 - 1, -1, -1):
        _sift_down(sizes, numbers, columns, at, kept)
    for begin in range(kept, row.size, _TOGETHER):
        together = row[begin : begin + _TOGETHER]
        bar, n_large = max(least, sizes[0]), 0
        for c in range(together.size):
            n_large += np.abs(together[c]) >= bar
        if n_large == 0:
            continue
        for c in range(begin, begin + together.size):
            size = np.abs(row[c])
            if size >= sizes[0] and _comes_before(size, order[c], sizes[0], numbers[0]):
                sizes[0], numbers[0], columns[0] = size, order[c], c
                _sift_down(sizes, numbers, columns, 0, kept)


@compiled
def _take_out(sizes, numbers, columns, chosen):  # type: ignore[no-untyped-def]
    """Write the columns of the heap into `chosen`, the largest first; this empties it."""
    for last in range(sizes.size - 1, -1, -1):
        chosen[last] = columns[0]
        sizes[0], numbers[0], columns[0] = sizes[last], numbers[last], columns[last]
        _sift_down(sizes, numbers, columns, 0, last)


@compiled
def largest_rows(values, order, chosen):  # type: ignore[no-untyped-def]
    """Write the columns of each row's largest magnitudes into `chosen`, the largest first.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        What is no number counts as less than nothing.
    order : ndarray of int, shape (n_columns,)
        Of equal magnitudes the one of the lower number comes first.
    chosen : ndarray of int, shape (n_rows, n_chosen)
        At most as many as there are columns.
    """
    kept = chosen.shape[1]
    sizes, numbers, columns = np.empty(kept), np.empty(kept, np.int64), np.empty(kept, np.int64)
    for r in range(values.shape[0] if kept else 0):
        _largest(values[r], order, 0.0, sizes, numbers, columns)
        _take_out(sizes, numbers, columns, chosen[r])


@compiled
def explain_largest(  # type: ignore[no-untyped-def]
    rows, some, means, slopes, weights, shares, columns, marker_column, marker_part, order, asked,
    chosen, of_chosen, of_asked, total,
):  # fmt: skip
    """Find the largest contributions to some rows, and those of the columns that are asked about.

    It is `write_contributions` and `largest_rows` row by row, to the same bytes, without
    contributions being kept.

    Parameters
    ----------
    rows, some, means, slopes, total
        As for `sum_parts`.
    weights, shares, columns, marker_column, marker_part
        As for `write_contributions`.
    order : ndarray of int, shape (n_features,)
        As for `largest_rows`.
    asked : ndarray of int, shape (n_rows, n_asked)
        Columns, each once a row; -1 for none, which contributes nothing.
    chosen : ndarray of int, shape (n_rows, n_chosen)
        As for `largest_rows`.
    of_chosen, of_asked : ndarray of shape (n_rows, n_chosen), (n_rows, n_asked)
        The contributions of either.
    """
    kept = chosen.shape[1]
    sizes, numbers, places = np.empty(kept), np.empty(kept, np.int64), np.empty(kept, np.int64)
    values, sums = np.empty(rows.shape[1]), np.empty(_SIDE_BY_SIDE)
    for r in some:
        total[r] = _scale_row(rows[r], means, slopes, weights[0], values, sums)
        for k in range(columns.size):
            values[columns[k]] += weights[1] * np.float64(shares[r, k])
        if marker_column[r] >= 0:
            values[marker_column[r]] += weights[2] * marker_part[r]
        # As many others are no smaller than the smallest that is asked about.
        least = np.inf if asked.shape[1] >= kept else 0.0
        for k in range(asked.shape[1]):
            value = values[asked[r, k]] if asked[r, k] >= 0 else 0.0
            of_asked[r, k] = value
            least = min(least, np.abs(value))
        if kept:
            _largest(values, order, least, sizes, numbers, places)
            _take_out(sizes, numbers, places, chosen[r])
        for k in range(kept):
            of_chosen[r, k] = values[chosen[r, k]]
