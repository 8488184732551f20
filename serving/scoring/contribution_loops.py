"""Compiled loops over contributions: their sums, and how alike two models' are.

Results do not depend on which rows stand together. Import this module only where it is needed: it
imports numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# Rows summed side by side, because an addition takes longer than it takes to begin the next.
_TOGETHER = 8
# So many values are ranked by counting.
_FEW = 32


@compiled
def _rank(values, ranks):  # type: ignore[no-untyped-def]
    """Write the ranks of `values` into `ranks`, less their mean; equal ones share a rank.

    A few are counted, which is quicker than to sort them.
    """
    n = values.size
    middle = (n - 1) / 2.0
    if n <= _FEW:
        for i in range(n):
            below, equal = 0, 0
            for j in range(n):
                below += values[j] < values[i]
                equal += values[j] == values[i]
            ranks[i] = below + (equal - 1) / 2.0 - middle
        return
    places = np.argsort(values)
    first = 0
    while first < n:
        last = first
        while last + 1 < n and values[places[last + 1]] == values[places[first]]:
            last += 1
        for at in range(first, last + 1):
            ranks[places[at]] = (first + last) / 2.0 - middle
        first = last + 1


@compiled
def compare_rows(  # type: ignore[no-untyped-def]
    of_ours, named, rows, of_named, their_top, of_top, ours_of_top, n_numbers, shares, agreements,
    n_ranked,
):  # fmt: skip
    """Count which named features another model names too, and how alike both rank the features.

    Features are meant by their numbers.

    Parameters
    ----------
    of_ours : ndarray of shape (n_samples, n_named)
        What the named features contribute by the one model.
    named : ndarray of int, shape (n_samples, n_named)
        Features that the one model's explanations name.
    rows : ndarray of int, shape (n_rows,)
        Samples that the other model was asked about.
    of_named : ndarray of shape (n_rows, n_named)
        What these features contribute by the other model.
    their_top : ndarray of int, shape (n_rows, n_top)
        The other model's own top features.
    of_top : ndarray of shape (n_rows, n_top)
        What these contribute by it.
    ours_of_top : ndarray of shape (n_rows, n_top)
        What they contribute by the one model.
    n_numbers : int
        Above all numbers.
    shares : ndarray of shape (n_samples, n_named)
        One is added where the other model's top has the feature, with any contribution.
    agreements, n_ranked : ndarray of shape (n_samples,)
        Spearman's correlation over the features in either top, and one, are added where at least
        two differ.
    """
    most = named.shape[1] + their_top.shape[1]
    first, second, our_ranks, their_ranks = np.empty((4, most))
    # Row in which a feature was last seen in the top of either.
    in_ours = np.full(n_numbers, -1)
    in_theirs = np.full(n_numbers, -1)
    for k in range(rows.size):
        r = rows[k]
        for j in range(their_top.shape[1]):
            if of_top[k, j] != 0.0:
                in_theirs[their_top[k, j]] = k
        n = 0
        for i in range(named.shape[1]):
            feature = named[r, i]
            if in_theirs[feature] == k:
                shares[r, i] += 1.0
            if of_ours[r, i] != 0.0:
                in_ours[feature] = k
                first[n] = of_ours[r, i]
                second[n] = of_named[k, i]
                n += 1
        for j in range(their_top.shape[1]):
            feature = their_top[k, j]
            if in_theirs[feature] == k and in_ours[feature] != k:
                first[n] = ours_of_top[k, j]
                second[n] = of_top[k, j]
                n += 1
        _rank(first[:n], our_ranks)
        _rank(second[:n], their_ranks)
        our_spread, their_spread, shared = 0.0, 0.0, 0.0
        for i in range(n):
            our_spread += our_ranks[i] * our_ranks[i]
            their_spread += their_ranks[i] * their_ranks[i]
            shared += our_ranks[i] * their_ranks[i]
        spread = np.sqrt(our_spread * their_spread)
        if spread > 0.0:
            agreements[r] += min(max(shared / spread, -1.0), 1.0)
            n_ranked[r] += 1.0


@compiled
def sum_groups(values, groups, sums):  # type: ignore[no-untyped-def]
    """Add each row's values to `sums`, (n_rows, n_groups), by the two groups of their column.

    `groups`, (2, n_columns), are places of groups.
    """
    n, whole = values.shape[0], values.shape[0] // _TOGETHER * _TOGETHER
    for r in range(0, whole, _TOGETHER):
        for c in range(groups.shape[1]):
            first, second = groups[0, c], groups[1, c]
            for k in range(_TOGETHER):
                sums[r + k, first] += values[r + k, c]
                sums[r + k, second] += values[r + k, c]
    for c in range(groups.shape[1]):
        for r in range(whole, n):
            sums[r, groups[0, c]] += values[r, c]
            sums[r, groups[1, c]] += values[r, c]
