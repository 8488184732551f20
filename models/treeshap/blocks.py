"""An ensemble is cut into blocks of few split conditions, one table each.

A block is a subtree together with the conditions on the way from the tree's root to it. Which
leaves of the subtree a row can reach, and what they contribute to each feature, depends on the
row only through which of the block's conditions hold: one bit a condition. The subtrees are the
largest ones whose blocks have at most `bits` conditions, so that every leaf is in exactly one
block. In full trees they have the same height: with 10 bits it is 3 at depth 3 (7 bits), 4 (8)
and 6 (10).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sidestep.models.treeshap.trees import Trees, require_shallow

# A bit pattern is kept in 16 bits; and much before that tables outgrow the processor's caches.
MOST_BITS = 12


@dataclass(frozen=True)
class Blocks:
    """The blocks of an ensemble.

    Block b has the conditions `bit_start[b]:bit_start[b + 1]`; slots and leaves alike. The blocks
    of a tree come before those of the next. A tree of one leaf is a block without conditions.

    Attributes
    ----------
    leaf_start : ndarray of shape (n_blocks + 1,)
    leaf_node : ndarray of shape (n_leaves,)
        The leaves of each block's subtree.
    bit_start : ndarray of shape (n_blocks + 1,)
    bit_node : ndarray of shape (n_bits,)
        Inner node of each condition; a bit is 1 if the row goes left there.
    slot_start : ndarray of shape (n_blocks + 1,)
    slot_feature : ndarray of shape (n_slots,)
        The different features that the block's conditions test, one table column each.
    slot_offset : ndarray of shape (n_slots + 1,)
        Where each slot's column of 2^bits entries begins in the table.
    leaf_offset : ndarray of shape (n_blocks + 1,)
        Where the 2^bits entries of each block begin that tell which leaf a row reaches.
    """

    leaf_start: np.ndarray
    leaf_node: np.ndarray
    bit_start: np.ndarray
    bit_node: np.ndarray
    slot_start: np.ndarray
    slot_feature: np.ndarray
    slot_offset: np.ndarray
    leaf_offset: np.ndarray

    @property
    def table_bytes(self) -> int:
        """Memory of the tables, 4 bytes an entry."""
        return 4 * int(self.slot_offset[-1] + self.leaf_offset[-1])


def cut(trees: Trees, bits: int) -> Blocks:
    """Blocks of at most `bits` conditions.

    Raises
    ------
    NoTablesError
        If the way to some leaf alone has more than `bits` conditions.
    """
    require_shallow(trees, bits)
    depth, block, root = _assigned(trees, bits)
    starts = np.arange(len(root) + 1)
    leaf = np.flatnonzero((block >= 0) & (trees.left < 0))
    leaf = leaf[np.argsort(block[leaf], kind="stable")]
    owner, node = _conditions(trees, block, root)
    order = np.lexsort((node, depth[node], owner))
    return Blocks(
        leaf_start=np.searchsorted(block[leaf], starts),
        leaf_node=leaf,
        **_conditions_and_slots(trees, owner[order], node[order], starts),
    )


def distinct(numbers: np.ndarray) -> np.ndarray:
    """Different values of whole numbers, sorted, as `numpy.unique` gives them.

    For arrays of some thousands, many times: there NumPy, which since 2.3 looks for them in a hash
    table, takes up to ten times as long as sorting does.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)

    Examples
    --------
    >>> distinct(np.array([7, 3, 7, -1]))
    array([-1,  3,  7])
    """
    in_order = np.sort(numbers)
    first = np.ones(len(in_order), bool)
    np.not_equal(in_order[1:], in_order[:-1], out=first[1:])
    return np.asarray(in_order[first])


def without(trees: Trees, blocks: Blocks, unknown: np.ndarray) -> Blocks:
    """The same blocks without the conditions on the features that are `unknown`, (n_features,)."""
    starts = np.arange(len(blocks.bit_start))
    kept = ~unknown[trees.feature[blocks.bit_node]]
    owner = np.repeat(starts[:-1], np.diff(blocks.bit_start))[kept]
    node = blocks.bit_node[kept]
    return replace(blocks, **_conditions_and_slots(trees, owner, node, starts))


def _conditions_and_slots(
    trees: Trees, owner: np.ndarray, node: np.ndarray, starts: np.ndarray
) -> dict[str, np.ndarray]:
    """Parts of `Blocks` that follow from the conditions, sorted by the block that owns each."""
    bit_start = np.searchsorted(owner, starts)
    slots = distinct(owner * trees.n_features + trees.feature[node])
    slot_owner, slot_feature = np.divmod(slots, max(trees.n_features, 1))
    patterns = np.left_shift(1, np.diff(bit_start))
    return {
        "bit_start": bit_start,
        "bit_node": node,
        "slot_start": np.searchsorted(slot_owner, starts),
        "slot_feature": slot_feature,
        "slot_offset": np.concatenate([[0], np.cumsum(patterns[slot_owner])]),
        "leaf_offset": np.concatenate([[0], np.cumsum(patterns)]),
    }


def _assigned(trees: Trees, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth and block (-1: above all blocks) of each node, root of each block."""
    n_nodes = len(trees.left)
    n_inner = np.zeros(n_nodes, dtype=np.int64)
    depth = np.zeros(n_nodes, dtype=np.int64)
    for number, level in reversed(list(enumerate(trees.levels))):
        inner = level[trees.left[level] >= 0]
        n_inner[inner] = 1 + n_inner[trees.left[inner]] + n_inner[trees.right[inner]]
        depth[level] = number
    # One step down takes at least one condition from those below and adds one to those above, so
    # whatever hangs under a small enough subtree is small enough too.
    small = depth + n_inner <= bits
    is_child = trees.parent >= 0
    is_root = np.zeros(n_nodes, bool)  # nodes that were pruned away have no parent either
    is_root[trees.roots] = True
    begins = small & np.where(is_child, ~small[trees.parent], is_root)
    root = np.flatnonzero(begins)
    block = np.full(n_nodes, -1)
    block[root] = np.arange(len(root))
    for level in trees.levels[1:]:
        inside = level[~begins[level]]
        block[inside] = block[trees.parent[inside]]
    return depth, block, root


def _conditions(trees: Trees, block: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (block, node): a block's own inner nodes and those on the way to it."""
    own = np.flatnonzero((block >= 0) & (trees.left >= 0))
    owners, nodes = [block[own]], [own]
    owner, above = np.arange(len(root)), trees.parent[root]
    while len(owner):
        on_way = above >= 0
        owner, above = owner[on_way], above[on_way]
        owners.append(owner)
        nodes.append(above)
        above = trees.parent[above]
    return np.concatenate(owners), np.concatenate(nodes)
