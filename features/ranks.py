"""Ranks of values along rows, as whole numbers.

`scipy.stats.rankdata` gives the same ranks; to import it takes half a second, a seventh of the time
in which ten samples are scored.
"""

from __future__ import annotations

import numpy as np


def doubled_ranks(values: np.ndarray) -> np.ndarray:
    """Twice the rank of each value in its row: 2 for the lowest; ties share the mean of theirs.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Finite. A mean of ranks is a multiple of one half, so that its double is a whole number.

    Returns
    -------
    ndarray of int, shape (n_rows, n_columns)

    Examples
    --------
    >>> doubled_ranks(np.array([[0.5, 0.1, 0.5, 0.9]])).tolist()
    [[5, 2, 5, 8]]
    """
    n_columns = values.shape[1]
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    is_first = np.ones(values.shape, dtype=bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    # Equal values stand side by side: from the place of the first to that of the last.
    first = np.flatnonzero(is_first)
    length = np.diff(first, append=is_first.size)
    shared = 2 * (first % max(n_columns, 1)) + length + 1
    ranks = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.repeat(shared, length).reshape(values.shape), axis=1)
    return ranks
