"""What do a forest's trees contribute to a few rows, for which tables would not pay?

See `models.tree_tables` for the derivation. Each leaf's shares are computed and rounded as for
the tables, and of all bit patterns only those of the rows at hand are looked at; so the sums are
the same to the last bit. Import this module only where it is needed: it imports numba.
"""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from models.tree_blocks import MOST_BITS
from models.tree_fill import gauss_legendre, leaf_shares
from models.tree_structure import Trees, require_columns, require_shallow
from models.tree_units import response_per_unit, units_per_response


def explain_few(trees: Trees, rows: np.ndarray) -> np.ndarray:
    """Shapley values of the features of each row.

    Takes O(n^2 2^n + n_rows n) operations a leaf under n features.

    Parameters
    ----------
    trees : Trees
    rows : ndarray of shape (n_rows, n_features), float32
        NaN where missing.

    Returns
    -------
    ndarray of shape (n_rows, n_features), float32

    Raises
    ------
    NoTablesError
        If a leaf lies deeper than 12 conditions.
    ValueError
        If `rows` has not the trees' number of features.
    """
    require_shallow(trees, MOST_BITS)
    require_columns(rows, trees.n_features)
    scale = units_per_response(trees)
    # Features by rows, so that what is done for all rows runs on vectors.
    sums = np.zeros(rows.shape[::-1], np.int32)
    _add_leaves(
        np.ascontiguousarray(rows.T), trees.leaves, trees.left, trees.parent, trees.feature,
        trees.threshold, trees.default_left, trees.hessian, trees.value, scale,
        *gauss_legendre((MOST_BITS + 1) // 2), sums,
    )  # fmt: skip
    shares = sums.astype(np.float32) * response_per_unit(scale)[:, None]
    return np.ascontiguousarray(shares.T)


@compiled
def _add_leaves(  # type: ignore[no-untyped-def]
    columns, leaves, left, parent, feature, threshold, default_left, hessian, value, scale,
    points, weights, sums,
):  # fmt: skip
    """Add each leaf's shares, rounded to table units, to the columns of the features above it."""
    most, n_rows = points.shape[0] * 2, columns.shape[1]
    goes_left = np.empty((left.size, n_rows), np.uint16)
    for node in range(left.size):
        if left[node] >= 0:
            column, condition = columns[feature[node]], threshold[node]
            if default_left[node]:
                for r in range(n_rows):
                    goes_left[node, r] = np.uint16(0) if column[r] >= condition else np.uint16(1)
            else:
                for r in range(n_rows):
                    goes_left[node, r] = np.uint16(1) if column[r] < condition else np.uint16(0)
    tested = np.empty(most, np.int64)
    ratio = np.empty(most)
    met = np.empty((most, n_rows), np.uint16)
    held = np.empty(n_rows, np.uint16)
    product, shares = np.empty(1 << most), np.empty((most, 1 << most))
    for leaf in leaves:
        # The conditions on the way to the leaf, those on one feature taken together.
        n, node = 0, leaf
        while parent[node] >= 0:
            above = parent[node]
            i = 0
            while i < n and tested[i] != feature[above]:
                i += 1
            if i == n:
                tested[i], ratio[i] = feature[above], 1.0
                met[i] = np.uint16(1)
                n += 1
            ratio[i] *= hessian[node] / hessian[above]
            wanted = np.uint16(left[above] == node)
            for r in range(n_rows):
                met[i, r] &= np.uint16(goes_left[above, r] == wanted)
            node = above
        if n == 0:
            continue
        rule = (n + 1) // 2 - 1
        leaf_shares(value[leaf], ratio[:n], points[rule], weights[rule], product, shares)
        held[:] = 0
        for i in range(n):
            for r in range(n_rows):
                held[r] |= met[i, r] << np.uint16(i)
        for i in range(n):
            unit = scale[tested[i]]
            for r in range(n_rows):
                sums[tested[i], r] += np.int32(np.floor(shares[i, held[r]] * unit + 0.5))
