"""Into which leaves does a row fall? A forest's prediction.

Import this module only where it is needed: it imports numba.
"""

from __future__ import annotations

import numpy as np

from models.compiled import compiled


@compiled
def add_leaves(  # type: ignore[no-untyped-def]
    rows, roots, children, feature, condition, default_left, n_levels, total
):
    """Add to `total` the value of each row's leaf, tree after tree.

    A row goes down as many levels as the deepest tree has, and from a leaf to itself: with
    nothing to guess, the processor takes a third of the time that it takes to stop at the leaf.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float32
    roots : ndarray of shape (n_trees,)
    children : ndarray of shape (n_nodes, 2)
        The right and the left child of each node; of a leaf, itself.
    feature, condition, default_left : ndarray of shape (n_nodes,)
        As in `models.forest.Forest`; a leaf's feature is any.
    n_levels : int
    total : ndarray of shape (n_rows,), float32
    """
    node = np.empty(total.size, np.int32)
    for root in roots:
        node[:] = root
        for _ in range(n_levels):
            for r in range(total.size):
                at = node[r]
                x = rows[r, feature[at]]
                goes_left = (x < condition[at]) | ((x != x) & default_left[at])
                node[r] = children[at, np.int64(goes_left)]
        for r in range(total.size):
            total[r] += condition[node[r]]
