"""What does each bit pattern of a block contribute to each feature that the block tests?

See `models.tree_tables` for the derivation. Import this module only where tables pay: it imports
numba.
"""

from __future__ import annotations

import functools

import numpy as np

from models.compiled import compiled
from models.tree_blocks import MOST_BITS, Blocks
from models.tree_structure import Trees


def fill_table(trees: Trees, blocks: Blocks, scale: np.ndarray) -> np.ndarray:
    """Table of all blocks, (slot_offset[-1],), int32, in `scale` units a response unit."""
    table = np.zeros(blocks.slot_offset[-1], dtype=np.int32)
    _fill_blocks(
        trees.left, trees.parent, trees.feature, trees.hessian, trees.value, scale,
        blocks.leaf_start, blocks.leaf_node, blocks.bit_start, blocks.bit_node,
        blocks.slot_start, blocks.slot_feature, blocks.slot_offset,
        *gauss_legendre((MOST_BITS + 1) // 2), table,
    )  # fmt: skip
    return table


@functools.cache
def gauss_legendre(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on (0, 1): row m - 1 holds the rule that is exact to degree 2 m - 1."""
    points, weights = np.zeros((2, most, most))
    for m in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(m)
        points[m - 1, :m], weights[m - 1, :m] = (x + 1) / 2, w / 2
    return points, weights


@compiled
def leaf_shares(value, ratio, points, weights, product, shares):  # type: ignore[no-untyped-def]
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
def _fill_blocks(  # type: ignore[no-untyped-def]
    left, parent, feature, hessian, value, scale,
    leaf_start, leaf_node, bit_start, bit_node, slot_start, slot_feature, slot_offset,
    points, weights, table,
):  # fmt: skip
    """Add each leaf's shares, rounded to table units, to the columns of its block."""
    most = points.shape[0] * 2
    slot, wanted, tested = np.empty((3, most), np.int64)
    ratio = np.empty(most)
    product, shares = np.empty(1 << most), np.empty((most, 1 << most))
    units = np.empty(1 << most, np.int32)
    sets = np.empty(1 << most, np.uint16)
    for block in range(leaf_start.size - 1):
        bits = bit_node[bit_start[block] : bit_start[block + 1]]
        columns = slot_feature[slot_start[block] : slot_start[block + 1]]
        patterns = 1 << bits.size
        for leaf in leaf_node[leaf_start[block] : leaf_start[block + 1]]:
            # The conditions on the way to the leaf, those on one feature taken together.
            n = 0
            node = leaf
            while parent[node] >= 0:
                above = parent[node]
                column = 0
                while columns[column] != feature[above]:
                    column += 1
                i = 0
                while i < n and slot[i] != column:
                    i += 1
                if i == n:
                    slot[i], ratio[i], wanted[i], tested[i] = column, 1.0, 0, 0
                    n += 1
                bit = 0
                while bits[bit] != above:
                    bit += 1
                ratio[i] *= hessian[node] / hessian[above]
                tested[i] |= 1 << bit
                if left[above] == node:
                    wanted[i] |= 1 << bit
                node = above
            rule = (n + 1) // 2 - 1
            leaf_shares(value[leaf], ratio[:n], points[rule], weights[rule], product, shares)
            held = sets[:patterns]
            held[:] = 0
            for i in range(n):
                mask, want, bit_i = np.uint16(tested[i]), np.uint16(wanted[i]), np.uint16(1 << i)
                for pattern in range(patterns):
                    if (np.uint16(pattern) & mask) == want:
                        held[pattern] |= bit_i
            for i in range(n):
                unit = scale[columns[slot[i]]]
                for s in range(1 << n):
                    units[s] = np.int32(np.floor(shares[i, s] * unit + 0.5))
                begin = slot_offset[slot_start[block] + slot[i]]
                cells = table[begin : begin + patterns]
                for pattern in range(patterns):
                    cells[pattern] += units[held[pattern]]
