"""Shapley values leaf by leaf: for every bit pattern of a block, or for a few rows.

README.md in this folder derives them. For a few rows, for which tables would not pay, each leaf's
shares are computed and rounded as for the tables, and of all bit patterns only those of the rows at
hand are looked at; so the sums are the same to the last bit. Both ways are in one file, because
numba compiles a loop anew only when its own file has changed.

Import this module only where it is needed: it imports numba.
"""

from __future__ import annotations

import functools

import numpy as np

from sidestep.models.compiled import compiled
from sidestep.models.treeshap.blocks import MOST_BITS, Blocks
from sidestep.models.treeshap.trees import Trees, require_columns, require_shallow
from sidestep.models.treeshap.units import response_per_unit, units_per_response


def fill_tables(
    trees: Trees, blocks: Blocks, scale: np.ndarray, unknown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tables of all blocks.

    Parameters
    ----------
    trees : Trees
    blocks : Blocks
    scale : ndarray of shape (n_features,)
        Units in 1 of the response.
    unknown : ndarray of bool, shape (n_features,)
        Features whose conditions stay open; the blocks have none of them.

    Returns
    -------
    table : ndarray of shape (slot_offset[-1],), int32
        What each slot's feature contributes, in units.
    reached : ndarray of shape (leaf_offset[-1],), float32
        Value of the leaf that a row reaches, 0 where it lies in another block; of rows that lack
        nothing.
    """
    table = np.zeros(blocks.slot_offset[-1], dtype=np.int32)
    reached = np.zeros(blocks.leaf_offset[-1], dtype=np.float32)
    _fill_blocks(
        trees.left, trees.parent, trees.feature, trees.hessian, trees.value, unknown, scale,
        blocks.leaf_start, blocks.leaf_node, blocks.bit_start, blocks.bit_node,
        blocks.slot_start, blocks.slot_feature, blocks.slot_offset,
        blocks.leaf_offset, *gauss_legendre((MOST_BITS + 1) // 2), table, reached,
    )  # fmt: skip
    return table, reached


def explain_few(
    trees: Trees, rows: np.ndarray, unknown: np.ndarray, scale: np.ndarray | None = None
) -> np.ndarray:
    """Shapley values of the features of each row.

    Takes O(n^2 2^n + n_rows n) operations a leaf under n features.

    Parameters
    ----------
    trees : Trees
    rows : ndarray of shape (n_rows, n_features)
        Values in single precision, NaN where missing.
    unknown : ndarray of bool, shape (n_features,)
        Features at whose splits all rows go both ways; they contribute 0.
    scale : ndarray of shape (n_features,), optional
        Units in 1 of the response (`units_per_response`), if they are known.

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
    if scale is None:
        scale = units_per_response(trees)
    # Features by rows, so that what is done for all rows runs on vectors.
    sums = np.zeros(rows.shape[::-1], np.int32)
    _add_leaves(
        np.ascontiguousarray(rows.T, np.float32), trees.leaves, trees.left, trees.parent,
        trees.feature, trees.threshold, trees.default_left, trees.hessian, trees.value, unknown,
        scale, *gauss_legendre((MOST_BITS + 1) // 2), sums,
    )  # fmt: skip
    shares = sums.astype(np.float32) * response_per_unit(scale)[:, None]
    return np.ascontiguousarray(shares.T)


@functools.cache
def gauss_legendre(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on (0, 1): row m - 1 holds the rule that is exact to degree 2 m - 1."""
    points, weights = np.zeros((2, most, most))
    for m in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(m)
        points[m - 1, :m], weights[m - 1, :m] = (x + 1) / 2, w / 2
    return points, weights


@compiled
def _shares(value, ratio, points, weights, product, shares):  # type: ignore[no-untyped-def]
    """Shapley values of one leaf's game, for every set of features whose conditions hold.

    `shares[i, held]` belongs to the i-th feature; bit i of `held` says whether its conditions
    hold; `ratio[i]` is the share of training weight that would go on if they were unknown.
    """
    n = ratio.size
    sets = 1 << n
    shares[:n, :sets] = 0.0
    for q in range((n + 1) // 2):
        t = points[q]
        product[0] = value * weights[q]
        for i in range(n):
            unknown = (1.0 - t) * ratio[i]
            for held in range(1 << i):
                product[held + (1 << i)] = product[held] * (unknown + t)
                product[held] *= unknown
        for i in range(n):
            if_held = (1.0 - ratio[i]) / ((1.0 - t) * ratio[i] + t)
            if_not = -1.0 / (1.0 - t)
            for held in range(sets):
                shares[i, held] += product[held] * (if_held if held >> i & 1 else if_not)


@compiled
def _way_up(  # type: ignore[no-untyped-def]
    leaf, left, parent, feature, hessian, unknown, above, went_left, of, tested, ratio
):
    """How many features are tested on the way to a leaf, by how many conditions, and what is left.

    Condition c is that of node `above[c]`, whose left child is on the way if `went_left[c]` is 1;
    it tests feature `tested[of[c]]`. `ratio` is the share of training weight, feature by feature.
    Unknown features are not among them: what is left is the share of a row that goes on at them.
    """
    n, n_above, node, left_over = 0, 0, leaf, 1.0
    while parent[node] >= 0:
        split = parent[node]
        if unknown[feature[split]]:
            left_over *= hessian[node] / hessian[split]
            node = split
            continue
        i = 0
        while i < n and tested[i] != feature[split]:
            i += 1
        if i == n:
            tested[i], ratio[i] = feature[split], 1.0
            n += 1
        ratio[i] *= hessian[node] / hessian[split]
        above[n_above], of[n_above] = split, i
        went_left[n_above] = np.uint16(left[split] == node)
        n_above += 1
        node = split
    return n, n_above, left_over


@compiled
def _fill_blocks(  # type: ignore[no-untyped-def]
    left, parent, feature, hessian, value, unknown, scale,
    leaf_start, leaf_node, bit_start, bit_node, slot_start, slot_feature, slot_offset,
    leaf_offset, points, weights, table, reached,
):  # fmt: skip
    """Add each leaf's shares, rounded to table units, to its block's columns; keep its value."""
    most = points.shape[0] * 2
    above, of, tested, slot, mask, wanted = np.empty((6, most), np.int64)
    went_left, ratio = np.empty(most, np.uint16), np.empty(most)
    product, shares = np.empty(1 << most), np.empty((most, 1 << most))
    units = np.empty(1 << most, np.int32)
    sets = np.empty(1 << most, np.uint16)
    for block in range(leaf_start.size - 1):
        bits = bit_node[bit_start[block] : bit_start[block + 1]]
        columns = slot_feature[slot_start[block] : slot_start[block + 1]]
        patterns = 1 << bits.size
        values = reached[leaf_offset[block] : leaf_offset[block + 1]]
        for leaf in leaf_node[leaf_start[block] : leaf_start[block + 1]]:
            n, n_above, left_over = _way_up(
                leaf, left, parent, feature, hessian, unknown, above, went_left, of, tested, ratio
            )
            if n == 0:
                values[:] = value[leaf]
                continue
            for i in range(n):
                slot[i], mask[i], wanted[i] = 0, 0, 0
                while columns[slot[i]] != tested[i]:
                    slot[i] += 1
            for c in range(n_above):
                bit = 0
                while bits[bit] != above[c]:
                    bit += 1
                mask[of[c]] |= 1 << bit
                if went_left[c]:
                    wanted[of[c]] |= 1 << bit
            rule = (n + 1) // 2 - 1
            worth = value[leaf] * left_over
            _shares(worth, ratio[:n], points[rule], weights[rule], product, shares)
            held = sets[:patterns]
            held[:] = 0
            for i in range(n):
                bits_i, want, bit_i = np.uint16(mask[i]), np.uint16(wanted[i]), np.uint16(1 << i)
                for pattern in range(patterns):
                    if (np.uint16(pattern) & bits_i) == want:
                        held[pattern] |= bit_i
            for pattern in range(patterns):
                if held[pattern] == (1 << n) - 1:
                    values[pattern] = value[leaf]
            for i in range(n):
                unit = scale[columns[slot[i]]]
                for s in range(1 << n):
                    units[s] = np.int32(np.floor(shares[i, s] * unit + 0.5))
                begin = slot_offset[slot_start[block] + slot[i]]
                cells = table[begin : begin + patterns]
                for pattern in range(patterns):
                    cells[pattern] += units[held[pattern]]


@compiled
def _add_leaves(  # type: ignore[no-untyped-def]
    columns, leaves, left, parent, feature, threshold, default_left, hessian, value, unknown,
    scale, points, weights, sums,
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
    above, of, tested = np.empty((3, most), np.int64)
    went_left, ratio = np.empty(most, np.uint16), np.empty(most)
    met = np.empty((most, n_rows), np.uint16)
    held = np.empty(n_rows, np.uint16)
    product, shares = np.empty(1 << most), np.empty((most, 1 << most))
    for leaf in leaves:
        n, n_above, left_over = _way_up(
            leaf, left, parent, feature, hessian, unknown, above, went_left, of, tested, ratio
        )
        if n == 0:
            continue
        rule = (n + 1) // 2 - 1
        worth = value[leaf] * left_over
        _shares(worth, ratio[:n], points[rule], weights[rule], product, shares)
        met[:n] = np.uint16(1)
        for c in range(n_above):
            i, split, wanted = of[c], above[c], went_left[c]
            for r in range(n_rows):
                met[i, r] &= np.uint16(goes_left[split, r] == wanted)
        held[:] = 0
        for i in range(n):
            for r in range(n_rows):
                held[r] |= met[i, r] << np.uint16(i)
        for i in range(n):
            unit = scale[tested[i]]
            for r in range(n_rows):
                sums[tested[i], r] += np.int32(np.floor(shares[i, held[r]] * unit + 0.5))
