"""Compiled loops over contributions: their sums, the largest, and how alike two models' are.

Results do not depend on which rows stand together. Import this module only where it is needed: it
imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# Rows summed side by side, because an addition takes longer than it takes to begin the next.
_TOGETHER = 8


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
        row = values[r]
        for c in range(kept):
            size = np.abs(row[c])
            sizes[c] = size if size == size else -1.0
            numbers[c], columns[c] = order[c], c
        for at in range(kept // 2 - 1, -1, -1):
            _sift_down(sizes, numbers, columns, at, kept)
        for c in range(kept, row.size):
            size = np.abs(row[c])
            if size >= sizes[0] and _comes_before(size, order[c], sizes[0], numbers[0]):
                sizes[0], numbers[0], columns[0] = size, order[c], c
                _sift_down(sizes, numbers, columns, 0, kept)
        for last in range(kept - 1, -1, -1):
            chosen[r, last] = columns[0]
            sizes[0], numbers[0], columns[0] = sizes[last], numbers[last], columns[last]
            _sift_down(sizes, numbers, columns, 0, last)


@compiled
def _rank(values, ranks):  # type: ignore[no-untyped-def]
    """Write the ranks of `values` into `ranks`, less their mean; equal ones share a rank."""
    places = np.argsort(values)
    first = 0
    while first < places.size:
        last = first
        while last + 1 < places.size and values[places[last + 1]] == values[places[first]]:
            last += 1
        for at in range(first, last + 1):
            ranks[places[at]] = (first + last) / 2.0 - (places.size - 1) / 2.0
        first = last + 1


@compiled
def compare_rows(  # type: ignore[no-untyped-def]
    ours, our_column, named, rows, theirs, their_column, their_order, their_top,
    shares, agreements, n_ranked,
):  # fmt: skip
    """Count which named features another model names too, and how alike both rank the features.

    Features are meant by their numbers.

    Parameters
    ----------
    ours : ndarray of shape (n_samples, n_columns)
        Contributions by the one model.
    our_column, their_column : ndarray of int, shape (n_numbers,)
        Column of each feature in either model; -1 where it lacks the feature.
    named : ndarray of int, shape (n_samples, n_named)
        Features that the one model's explanations name.
    rows : ndarray of int, shape (n_rows,)
        Samples that the other model was asked about.
    theirs : ndarray of shape (n_rows, n_their_columns)
        Contributions by the other model.
    their_order : ndarray of int, shape (n_their_columns,)
        Feature of each of its columns.
    their_top : ndarray of int, shape (n_rows, n_top)
        Columns of its own top features.
    shares : ndarray of shape (n_samples, n_named)
        One is added where the other model's top has the feature, with any contribution.
    agreements, n_ranked : ndarray of shape (n_samples,)
        Spearman's correlation over the features in either top, and one, are added where at least
        two differ.
    """
    most = named.shape[1] + their_top.shape[1]
    first, second, our_ranks, their_ranks = np.empty((4, most))
    # Row in which a feature was last seen in the top of either.
    in_ours = np.full(our_column.size, -1)
    in_theirs = np.full(our_column.size, -1)
    for k in range(rows.size):
        r = rows[k]
        for column in their_top[k]:
            if theirs[k, column] != 0.0:
                in_theirs[their_order[column]] = k
        n = 0
        for i in range(named.shape[1]):
            feature = named[r, i]
            if in_theirs[feature] == k:
                shares[r, i] += 1.0
            if ours[r, our_column[feature]] != 0.0:
                in_ours[feature] = k
                column = their_column[feature]
                first[n] = ours[r, our_column[feature]]
                second[n] = theirs[k, column] if column >= 0 else 0.0
                n += 1
        for column in their_top[k]:
            feature = their_order[column]
            if in_theirs[feature] == k and in_ours[feature] != k:
                first[n] = ours[r, our_column[feature]] if our_column[feature] >= 0 else 0.0
                second[n] = theirs[k, column]
                n += 1
        _rank(first[:n], our_ranks)
        _rank(second[:n], their_ranks)
        spread = np.sqrt((our_ranks[:n] ** 2).sum() * (their_ranks[:n] ** 2).sum())
        if spread > 0.0:
            shared = (our_ranks[:n] * their_ranks[:n]).sum() / spread
            agreements[r] += min(max(shared, -1.0), 1.0)
            n_ranked[r] += 1.0


@compiled
def sum_groups(values, group, sums):  # type: ignore[no-untyped-def]
    """Add each row's values to `sums`, (n_rows, n_groups), by the group of their column."""
    whole = values.shape[0] // _TOGETHER * _TOGETHER
    for r in range(0, whole, _TOGETHER):
        for c in range(group.size):
            for k in range(_TOGETHER):
                sums[r + k, group[c]] += values[r + k, c]
    for r in range(whole, values.shape[0]):
        for c in range(group.size):
            sums[r, group[c]] += values[r, c]


@compiled
def sum_others(values, chosen, others):  # type: ignore[no-untyped-def]
    """Write the sum of each row's values, but for its chosen columns, into `others`, (n_rows,)."""
    left_out = np.full(values.shape[1], -1)
    for r in range(values.shape[0]):
        for column in chosen[r]:
            left_out[column] = r
        total = 0.0
        for c in range(values.shape[1]):
            total += values[r, c] if left_out[c] != r else 0.0
        others[r] = total
