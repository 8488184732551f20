"""Which features moved each prediction most?"""

from __future__ import annotations

import numpy as np


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
    from serving.contribution_rows import largest_rows

    chosen = np.empty((len(values), min(top_k, values.shape[1])), dtype=np.int64)
    largest_rows(np.ascontiguousarray(values, dtype=float), order, chosen)
    return chosen
