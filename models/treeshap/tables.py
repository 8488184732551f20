"""How are the exact Shapley values of boosted trees looked up instead of computed row by row?

The game
    TreeSHAP's path-dependent game gives a tree, for a row x and a set S of known features, the
    expectation v(S) that comes from walking down the tree: at a split on a feature of S the row's
    own way, at any other split both ways, weighted by the training weight (`sum_hessian`) that
    went there. v(S) is a sum over leaves. Take together the conditions of one feature i on the
    way to a leaf of value w: let o_i be 1 if x meets them all, else 0, and z_i the product of
    their weight ratios. The leaf adds

        w * prod_{i in S} o_i * prod_{i not in S} z_i

    to v(S), the products over the features on its way.

One leaf
    A coalition of s out of n features has the Shapley weight s! (n-1-s)! / n!, which is the
    integral of t^s (1-t)^(n-1-s) over (0, 1). Summed over coalitions, feature i gets

        phi_i = w (o_i - z_i) int_0^1 prod_{j != i} (t o_j + (1-t) z_j) dt.

    The integrand is a polynomial of degree n - 1, so a Gauss-Legendre rule of ceil(n/2) points is
    exact. The features not on the way get nothing.

Tables
    phi depends on x only through which conditions hold. A forest is cut into blocks of few
    conditions (`treeshap.blocks`); for every bit pattern of a block and every feature that it
    tests, a table keeps the contribution summed over the block's leaves. To explain a row is to
    read each block's bit pattern and add one table entry a feature of the block.

Sums
    Entries are whole numbers of a small unit (`treeshap.leaves`); each leaf's share is rounded
    to them. So the result is the same to the last bit whatever the batch, the threads, and the
    cut. With B the sum over the trees that test a feature of twice their largest leaf, a unit is
    at most 2^-29 B, and each of the leaves under those splits adds at most half a unit of error.

Cost
    A block of b conditions on f features takes 4 f 2^b bytes, and a leaf under n features
    O(n^2 2^n + n 2^b) operations to fill in. A row costs b comparisons and f look-ups a block,
    where TreeSHAP takes O(2^d d^2) operations a full tree of depth d. Cut at 8 bits such a tree
    has 1 block of 7 bits at depth 3, 2 of 8 at depth 4, 8 of 6 at depth 5 and 16 of 7 at depth
    6. Ten bits (8 blocks) would spare depth 6 a quarter of its look-ups, but five times the
    memory no longer stays in the cache next to the core, and took up to twice as long a row.

References
----------
Lundberg et al., From local explanations to global understanding with explainable AI for trees,
Nat Mach Intell 2020 (the game). Owen, Multilinear extensions of games, Manage Sci 1972 (the
integral).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from sidestep.models.treeshap.blocks import MOST_BITS, Blocks, cut, distinct
from sidestep.models.treeshap.leaves import response_per_unit, units_per_response
from sidestep.models.treeshap.trees import (
    NoTablesError,
    Trees,
    read_trees,
    require_columns,
    require_shallow,
)

if TYPE_CHECKING:
    import xgboost as xgb

MEMORY = 64 * 2**20
# Measured: with more bits, fewer look-ups do not make up for tables that leave the cache.
_BEST_BITS = 8
# Rows converted, and handed to a thread, at a time.
_CHUNK = 8192


@dataclass(frozen=True)
class TreeTables:
    """Contributions of a booster's features, tabulated.

    Attributes
    ----------
    n_features : int
    base_value : float32
        Mean prediction (margin) over the training rows, as XGBoost sums it.
    tested : ndarray of shape (n_tested,)
        Features that some tree tests; the others contribute 0.
    blocks : Blocks
    threshold, missing_left : ndarray of shape (n_bits,)
        Of each block's conditions.
    bit_column, slot_column : ndarray of shape (n_bits,), (n_slots,)
        Position among `tested` of each condition's and slot's feature.
    table : ndarray of shape (n_entries,), int32
    unit : ndarray of shape (n_tested,), float32
        Response units in one table unit.
    """

    n_features: int
    base_value: np.float32
    tested: np.ndarray
    blocks: Blocks
    threshold: np.ndarray
    missing_left: np.ndarray
    bit_column: np.ndarray
    slot_column: np.ndarray
    table: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(
        cls,
        booster: xgb.Booster,
        n_rounds: int | None = None,
        memory: int = MEMORY,
    ) -> Self:
        """Tables of a booster's trees.

        Parameters
        ----------
        booster : Booster
        n_rounds : int, optional
            Boosting rounds to explain, from the first; all by default.
        memory : int
            Bytes that the table may take.

        Raises
        ------
        NoTablesError
            If the booster is not one output's plain trees, a leaf lies deeper than 12 conditions,
            or no cut fits into `memory`.
        """
        nowhere = np.full((1, booster.num_features()), np.nan, dtype=np.float32)
        base_value = contributions_by_xgboost(booster, nowhere, n_rounds)[0, -1]
        return cls.of_trees(read_trees(booster, n_rounds), base_value, memory)

    @classmethod
    def of_trees(cls, trees: Trees, base_value: float, memory: int = MEMORY) -> Self:
        """Tables of some trees; `base_value` is their mean prediction over the training rows.

        Raises
        ------
        NoTablesError
            If a leaf lies deeper than 12 conditions, or no cut fits into `memory`.
        """
        from sidestep.models.treeshap.leaves import fill_table

        blocks = cut_to_fit(trees, memory)
        scale = units_per_response(trees)
        tested = distinct(blocks.slot_feature)
        return cls(
            n_features=trees.n_features,
            base_value=np.float32(base_value),
            tested=tested,
            blocks=blocks,
            threshold=trees.threshold[blocks.bit_node],
            missing_left=trees.default_left[blocks.bit_node],
            bit_column=np.searchsorted(tested, trees.feature[blocks.bit_node]),
            slot_column=np.searchsorted(tested, blocks.slot_feature),
            table=fill_table(trees, blocks, scale),
            unit=response_per_unit(scale[tested]),
        )

    @property
    def n_bytes(self) -> int:
        """Memory of all arrays."""
        held = [*vars(self).values(), *vars(self.blocks).values()]
        return sum(part.nbytes for part in held if isinstance(part, np.ndarray))

    def contributions(self, X: np.ndarray, n_jobs: int = 1) -> np.ndarray:
        """Shapley values of the features of each row, and last the base value.

        Many rows are best explained some thousands at a time. One large result is memory that the
        system has to clear first, which for small models and many features takes as long as the
        look-ups; chunk after chunk gets the same memory again.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Values in single precision, NaN where missing.
        n_jobs : int
            Threads.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1), float32
            What ``booster.predict(DMatrix(X), pred_contribs=True)`` returns.

        Raises
        ------
        ValueError
            If `X` has not the booster's number of features.
        """
        require_columns(X, self.n_features)
        out = np.empty((len(X), self.n_features + 1), dtype=np.float32)
        starts = range(0, len(X), _CHUNK)
        if n_jobs == 1 or len(starts) == 1:
            for start in starts:
                self._explain(X[start : start + _CHUNK], out[start : start + _CHUNK])
            return out
        with ThreadPoolExecutor(n_jobs) as pool:
            parts = [(X[start : start + _CHUNK], out[start : start + _CHUNK]) for start in starts]
            list(pool.map(lambda part: self._explain(*part), parts))
        return out

    def _explain(self, rows: np.ndarray, out: np.ndarray) -> None:
        from sidestep.models.treeshap.loops import add_rows

        blocks = self.blocks
        add_rows(
            np.ascontiguousarray(rows, dtype=np.float32), self.tested,
            blocks.bit_start, self.bit_column, self.threshold, self.missing_left,
            blocks.slot_start, self.slot_column, blocks.slot_offset,
            self.table, self.unit, self.base_value, out,
        )  # fmt: skip


def contributions_by_xgboost(
    booster: xgb.Booster,
    X: np.ndarray,
    n_rounds: int | None = None,
    n_jobs: int = 1,
) -> np.ndarray:
    """The same contributions from XGBoost's own TreeSHAP, (n_rows, n_features + 1), float32."""
    import xgboost as xgb

    return booster.predict(
        xgb.DMatrix(X, nthread=n_jobs),
        pred_contribs=True,
        iteration_range=(0, n_rounds or 0),
        validate_features=False,
    )


def cut_to_fit(trees: Trees, memory: int = MEMORY) -> Blocks:
    """The best cut, or the nearest to it that takes no more than `memory` bytes.

    Raises
    ------
    NoTablesError
        If a leaf lies deeper than 12 conditions, or no cut fits into `memory`.
    """
    require_shallow(trees, MOST_BITS)
    for bits in range(max(trees.depth, _BEST_BITS), trees.depth - 1, -1):
        blocks = cut(trees, bits)
        if blocks.table_bytes <= memory:
            return blocks
    raise NoTablesError(f"The tables would take {blocks.table_bytes} bytes, more than {memory}.")
