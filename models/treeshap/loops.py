"""Compiled loops over rows: the leaves that a row falls into, and what the tables say of it.

README.md in this folder derives the tables. Import this module only where it is needed: it imports
numba.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.compiled import compiled

# Rows taken together. Their columns are contiguous, so that comparisons and additions run on
# vectors, and together they stay in the cache while all blocks go over them: as many rows as have
# so many values, within bounds. Results do not depend on it.
_TILE_VALUES = 2**17
_FEWEST, _MOST = 128, 512
# Rows turned at a time: a number that is fixed when compiling, so that their loop is unrolled.
_TURNED = 8


@compiled
def add_leaves(  # type: ignore[no-untyped-def]
    rows, roots, children, feature, condition, default_left, n_levels, total
):
    """Add to `total` the value of each row's leaf, tree after tree: a prediction.

    A row goes down as many levels as the deepest tree has, and from a leaf to itself: with
    nothing to guess, the processor takes a third of the time that it takes to stop at the leaf.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float32
    roots : ndarray of shape (n_trees,)
    children : ndarray of shape (n_nodes, 2)
        The right and the left child of each node; of a leaf, itself.
    feature, condition, default_left : ndarray of shape (n_nodes,)
        As in `ensemble.TreeEnsemble`; a leaf's feature is any.
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


@compiled
def add_expected(  # type: ignore[no-untyped-def]
    rows, both_ways, roots, children, feature, condition, default_left, hessian, n_levels, total
):
    """Add to `total` what each row is expected to get of every tree, where values are missing.

    At a split on a missing feature of `both_ways` a row goes both ways, weighted by the training
    weight that went there; a row without such a feature gets what `add_leaves` adds.

    Parameters
    ----------
    rows, roots, children, feature, condition, default_left, n_levels, total
        As for `add_leaves`.
    both_ways : ndarray of bool, shape (n_features,)
    hessian : ndarray of shape (n_nodes,)
    """
    waiting, share = np.empty(n_levels + 2, np.int64), np.empty(n_levels + 2)
    for root in roots:
        for r in range(total.size):
            expected, n = 0.0, 1
            waiting[0], share[0] = root, 1.0
            while n:
                n -= 1
                at, weight = waiting[n], share[n]
                while children[at, 0] != at:
                    x = rows[r, feature[at]]
                    if x != x and both_ways[feature[at]]:
                        right, left = children[at]
                        waiting[n] = right
                        share[n] = weight * (np.float64(hessian[right]) / np.float64(hessian[at]))
                        n += 1
                        weight *= np.float64(hessian[left]) / np.float64(hessian[at])
                        at = left
                    else:
                        goes_left = (x < condition[at]) | ((x != x) & default_left[at])
                        at = children[at, np.int64(goes_left)]
                expected += weight * np.float64(condition[at])
            total[r] += np.float32(expected)


@compiled
def add_rows(  # type: ignore[no-untyped-def]
    rows, used, bit_start, bit_column, bit_threshold, bit_left,
    slot_start, slot_column, slot_offset, leaf_offset, table, reached, unit, base, out, total,
):  # fmt: skip
    """Look the contributions of `rows` up in tables, and what the trees predict.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float32, C order
    used : ndarray of shape (n_used,)
        Features that some tree tests.
    bit_start, slot_start, slot_offset, leaf_offset : ndarray
        As in `blocks.Blocks`.
    bit_column, slot_column : ndarray
        Position among `used` of the feature of each condition and slot.
    bit_threshold, bit_left : ndarray
        Of each condition: the threshold, and whether a missing value goes left.
    table : ndarray of shape (n_entries,), int32
    reached : ndarray of shape (n_patterns,), float32
        Value of the leaf that rows of each block and pattern reach.
    unit : ndarray of shape (n_used,), float32
        Response units in one table unit.
    base : float32
    out : ndarray of shape (n_rows, n_features + 1), float32, C order
        Contributions, and last the base value.
    total : ndarray of shape (n_rows,), float32
        Predictions, summed tree after tree as by `add_leaves`.
    """
    tile = max(_FEWEST, min(_MOST, _TILE_VALUES // max(used.size, 1)))
    tile = min(tile, rows.shape[0])
    # A cache line more a column, so that the columns do not all fall on the same cache sets.
    values = np.empty((used.size, tile + 16), np.float32)
    sums = np.empty((used.size, tile + 16), np.int32)
    pattern = np.empty(tile, np.uint16)
    for begin in range(0, rows.shape[0], tile):
        n = min(tile, rows.shape[0] - begin)
        _turn_in(rows[begin : begin + n], used, values)
        sums[:] = 0
        for block in range(bit_start.size - 1):
            first, last = bit_start[block], bit_start[block + 1]
            _read_pattern(
                values, bit_column[first:last], bit_threshold[first:last], bit_left[first:last],
                pattern[:n],
            )  # fmt: skip
            for slot in range(slot_start[block], slot_start[block + 1]):
                column = table[slot_offset[slot] : slot_offset[slot + 1]]
                _add(column, pattern[:n], sums[slot_column[slot], :n])
            values_of = reached[leaf_offset[block] : leaf_offset[block + 1]]
            _add(values_of, pattern[:n], total[begin : begin + n])
        _turn_out(sums, used, unit, base, out[begin : begin + n])


@compiled
def _turn_in(rows, used, values):  # type: ignore[no-untyped-def]
    """Copy the used columns of `rows`, rows by columns, into `values`, columns by rows."""
    whole = rows.shape[0] // _TURNED * _TURNED
    for r in range(0, whole, _TURNED):
        for c in range(used.size):
            column = used[c]
            for k in range(_TURNED):
                values[c, r + k] = rows[r + k, column]
    for r in range(whole, rows.shape[0]):
        for c in range(used.size):
            values[c, r] = rows[r, used[c]]


@compiled
def _turn_out(sums, used, unit, base, out):  # type: ignore[no-untyped-def]
    """Copy `sums`, columns by rows, in response units into the used columns of `out`.

    The other columns become 0; that brings the rows into the cache in order, too.
    """
    whole = out.shape[0] // _TURNED * _TURNED
    out[whole:] = 0.0
    for r in range(0, whole, _TURNED):
        out[r : r + _TURNED] = 0.0
        for c in range(used.size):
            column, size = used[c], unit[c]
            for k in range(_TURNED):
                out[r + k, column] = np.float32(sums[c, r + k]) * size
        out[r : r + _TURNED, -1] = base
    for r in range(whole, out.shape[0]):
        for c in range(used.size):
            out[r, used[c]] = np.float32(sums[c, r]) * unit[c]
        out[r, -1] = base


@compiled
def _read_pattern(values, columns, thresholds, missing_left, pattern):  # type: ignore[no-untyped-def]
    """Which conditions hold in each row, one bit each; no comparison holds for a missing value."""
    pattern[:] = 0
    for b in range(columns.size):
        column, threshold, bit = values[columns[b]], thresholds[b], np.uint16(1 << b)
        if missing_left[b]:
            for r in range(pattern.size):
                pattern[r] |= np.uint16(0) if column[r] >= threshold else bit
        else:
            for r in range(pattern.size):
                pattern[r] |= bit if column[r] < threshold else np.uint16(0)


@compiled
def _add(entries, pattern, sums):  # type: ignore[no-untyped-def]
    for r in range(pattern.size):
        sums[r] += entries[pattern[r]]
