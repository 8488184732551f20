"""Which features moved each prediction most?"""

from __future__ import annotations

import numpy as np

# Features of a block, of which the largest is looked for first: about the square root of their
# number, so that both searches are short.
_BLOCK = 64


def largest(values: np.ndarray, order: np.ndarray, top_k: int) -> np.ndarray:
    """Columns of the largest magnitudes of each row, largest first.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    order : ndarray of shape (n_features,)
        Of equal magnitudes the one of the lower number comes first.
    top_k : int

    Returns
    -------
    ndarray of int, shape (n_samples, min(top_k, n_features))
    """
    magnitudes = np.abs(values)
    kept = min(top_k, magnitudes.shape[1])
    rows, columns = np.nonzero(magnitudes >= _least(magnitudes, kept)[:, None])
    sequence = np.lexsort((order[columns], -magnitudes[rows, columns], rows))
    rows, columns = rows[sequence], columns[sequence]
    found = np.bincount(rows, minlength=len(values))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(found) - found, found)
    chosen = np.full((len(values), kept), -1)
    chosen[rows[place < kept], place[place < kept]] = columns[place < kept]
    first = np.argsort(order, kind="stable")[:kept]
    for row in np.flatnonzero(found < kept):  # fewer features than that moved it at all
        named = chosen[row, : found[row]]
        chosen[row, found[row] :] = first[~np.isin(first, named)][: kept - found[row]]
    return chosen


def _least(magnitudes: np.ndarray, kept: int) -> np.ndarray:
    """A magnitude above zero that each row's `kept` largest reach, if they are above zero.

    The `kept` largest of a row's blocks have each a feature that reaches the least of them. It
    is far quicker found than the row's own `kept` largest, and leaves few to be sorted.
    """
    above_zero = np.nextafter(0.0, 1.0)
    starts = np.arange(0, magnitudes.shape[1], _BLOCK)
    if len(starts) < kept:
        return np.full(len(magnitudes), above_zero)
    blocks = np.maximum.reduceat(magnitudes, starts, axis=1)
    return np.asarray(np.maximum(np.partition(blocks, -kept, axis=1)[:, -kept], above_zero))
