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
_LAST = np.iinfo(np.int64).max


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
        Column of `out` of each feature, ascending; all other columns are zero.
    out : ndarray of shape (n_places, n_all_features)
    """
    room, sums = np.empty(rows.shape[1]), np.empty(_SIDE_BY_SIDE)
    everywhere = seen.size == out.shape[1]
    for r in some:
        written = out[places[r]]
        values = written if everywhere else room
        total[r] = _scale_row(rows[r], means, slopes, weights[0], values, sums)
        for k in range(columns.size):
            values[columns[k]] += weights[1] * np.float64(shares[r, k])
        if marker_column[r] >= 0:
            values[marker_column[r]] += weights[2] * marker_part[r]
        if everywhere:
            continue
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
def _offer(size, number, column, sizes, numbers, columns):  # type: ignore[no-untyped-def]
    """Put a column into the heap in place of the one that comes last, if it comes before that."""
    if size >= sizes[0] and _comes_before(size, number, sizes[0], numbers[0]):
        sizes[0], numbers[0], columns[0] = size, number, column
        _sift_down(sizes, numbers, columns, 0, sizes.size)


@compiled
def _take_out(sizes, numbers, columns, chosen):  # type: ignore[no-untyped-def]
    """Write the columns of the heap into `chosen`, the largest first; this empties it."""
    for last in range(sizes.size - 1, -1, -1):
        chosen[last] = columns[0]
        sizes[0], numbers[0], columns[0] = sizes[last], numbers[last], columns[last]
        _sift_down(sizes, numbers, columns, 0, last)


@compiled
def largest_rows(values, measured, order, chosen):  # type: ignore[no-untyped-def]
    """Write the columns of each row's largest magnitudes into `chosen`, the largest first.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
    measured : ndarray of bool, shape (n_rows, n_columns)
        What was not comes after all that was.
    order : ndarray of int, shape (n_columns,)
        Of equal magnitudes the one of the lower number comes first.
    chosen : ndarray of int, shape (n_rows, n_chosen)
        At most as many as there are columns.
    """
    kept = chosen.shape[1]
    sizes, numbers, columns = np.empty(kept), np.empty(kept, np.int64), np.empty(kept, np.int64)
    for r in range(values.shape[0] if kept else 0):
        row, has = values[r], measured[r]
        for c in range(kept):
            sizes[c] = np.abs(row[c]) if has[c] else -1.0
            numbers[c], columns[c] = order[c], c
        for at in range(kept // 2 - 1, -1, -1):
            _sift_down(sizes, numbers, columns, at, kept)
        for begin in range(kept, row.size, _TOGETHER):
            together = row[begin : begin + _TOGETHER]
            n_large = 0
            for c in range(together.size):
                n_large += np.abs(together[c]) >= sizes[0]
            if n_large == 0:
                continue
            for c in range(begin, begin + together.size):
                size = np.abs(row[c]) if has[c] else -1.0
                _offer(size, order[c], c, sizes, numbers, columns)
        _take_out(sizes, numbers, columns, chosen[r])


@compiled
def _among(column, columns):  # type: ignore[no-untyped-def]
    """Whether a column is one of a few."""
    found = False
    for other in columns:
        found |= other == column
    return found


# Of all these columns at once, since to ask for each by itself, as `explain_asked` does for a few,
# makes `explain_largest` take more than twice as long.
@compiled
def _write_beyond_ridge(  # type: ignore[no-untyped-def]
    row, means, slopes, weights, shares, columns, place, marker, marker_part, apart, values
):
    """Write the contributions of the columns that more than the ridge adds to; how many there are.

    These are the columns of the trees, and last the marker's, if it is none of them; `apart` gets
    their numbers, `values` what they contribute, and `place` of the marker's column its place.
    """
    n_trees = columns.size
    n = n_trees
    if marker >= 0 and place[marker] < 0:
        place[marker], apart[n_trees], n = n_trees, marker, n_trees + 1
    for k in range(n):
        c = apart[k]
        values[k] = weights[0] * _part(row[c], means[c], slopes[c])
    for k in range(n_trees):
        values[k] += weights[1] * np.float64(shares[k])
    if marker >= 0:
        values[place[marker]] += weights[2] * marker_part
    return n


@compiled
def _value(row, c, means, slopes, weights, place, values):  # type: ignore[no-untyped-def]
    """What column `c` contributes: of `values`, if it has a place there, or the ridge's alone."""
    if place[c] >= 0:
        return values[place[c]]
    return weights[0] * _part(row[c], means[c], slopes[c])


@compiled
def explain_asked(  # type: ignore[no-untyped-def]
    rows, some, means, slopes, weights, shares, places, marker_column, marker_part, asked, of_asked
):
    """Write the contributions of the columns that are asked about, as `explain_largest` does."""
    for r in some:
        for k in range(asked.shape[1]):
            c, value = asked[r, k], 0.0
            if c >= 0:
                value = weights[0] * _part(rows[r, c], means[c], slopes[c])
                if places[c] >= 0:
                    value += weights[1] * np.float64(shares[r, places[c]])
                if c == marker_column[r]:
                    value += weights[2] * marker_part[r]
            of_asked[r, k] = value


@compiled
def explain_largest(  # type: ignore[no-untyped-def]
    rows, some, means, slopes, weights, shares, columns, places, marker_column, marker_part, order,
    asked, chosen, of_chosen, of_asked, total,
):  # fmt: skip
    """Find the largest contributions to some rows, and those of the columns that are asked about.

    They are those of `write_contributions`, to the same bytes, of which none is kept.

    Parameters
    ----------
    rows, some, means, slopes, weights, shares, columns, marker_column, marker_part, total
        As for `write_contributions`.
    places : ndarray of int, shape (n_features,)
        Place of each feature among `columns`; -1 where it is none.
    order : ndarray of int, shape (n_features,)
        As for `largest_rows`.
    asked : ndarray of int, shape (n_rows, n_asked)
        Columns, each once a row; -1 for none, which contributes nothing.
    chosen : ndarray of int, shape (n_rows, n_chosen)
        As for `largest_rows`.
    of_chosen, of_asked : ndarray of shape (n_rows, n_chosen), (n_rows, n_asked)
        The contributions of either.
    """
    n, kept, weight = rows.shape[1], chosen.shape[1], weights[0]
    whole = n // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    heap = max(kept, 1)
    sizes, numbers, largest = np.empty(heap), np.empty(heap, np.int64), np.empty(heap, np.int64)
    apart, values, place = np.append(columns, -1), np.empty(columns.size + 1), places.copy()
    sums = np.empty(_SIDE_BY_SIDE)
    for r in some:
        row, marker, known = rows[r], marker_column[r], asked[r]
        n_apart = _write_beyond_ridge(
            row, means, slopes, weights, shares[r], columns, place, marker, marker_part[r], apart,
            values,
        )  # fmt: skip
        # The more of the largest are known beforehand, the fewer others are larger than those.
        sizes[:], numbers[:] = -1.0, _LAST  # nothings, before each of which any column comes
        for k in range(known.size):
            c = known[k]
            of_asked[r, k] = 0.0
            if c >= 0:
                of_asked[r, k] = _value(row, c, means, slopes, weights, place, values)
                _offer(np.abs(of_asked[r, k]), order[c], c, sizes, numbers, largest)
        for k in range(n_apart):
            if np.abs(values[k]) >= sizes[0] and not _among(apart[k], known):
                _offer(np.abs(values[k]), order[apart[k]], apart[k], sizes, numbers, largest)
        sums[:] = 0.0
        for begin in range(0, whole, _SIDE_BY_SIDE):
            bar, n_large = sizes[0], 0
            for k in range(_SIDE_BY_SIDE):
                part = _part(row[begin + k], means[begin + k], slopes[begin + k])
                sums[k] += part
                n_large += np.abs(weight * part) >= bar
            if n_large:
                for c in range(begin, begin + _SIDE_BY_SIDE):
                    value = weight * _part(row[c], means[c], slopes[c])
                    if np.abs(value) >= sizes[0] and place[c] < 0 and not _among(c, known):
                        _offer(np.abs(value), order[c], c, sizes, numbers, largest)
        for c in range(whole, n):
            part = _part(row[c], means[c], slopes[c])
            sums[c - whole] += part
            if np.abs(weight * part) >= sizes[0] and place[c] < 0 and not _among(c, known):
                _offer(np.abs(weight * part), order[c], c, sizes, numbers, largest)
        total[r] = sums.sum()
        if kept:
            _take_out(sizes, numbers, largest, chosen[r])
        for k in range(kept):
            of_chosen[r, k] = _value(row, chosen[r, k], means, slopes, weights, place, values)
        if n_apart > columns.size:
            place[marker] = -1
