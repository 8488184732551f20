"""Exact Shapley values of boosted trees, looked up in tables instead of computed row by row.

TreeSHAP's path-dependent game [1]_ gives a tree, for a row and a set of known features, the
expectation that comes from walking down the tree: the row's own way at a split on a known feature,
and both ways, weighted by the training weight that went there, at any other. What a leaf adds to
each feature's Shapley value depends on the row only through which of the conditions above it hold.
So the ensemble is cut into blocks of few conditions (`blocks`), and for every bit pattern of a
block and every feature that it tests a table keeps the contribution, summed over the block's
leaves (`leaves`) in whole units (`units`). A row costs one look-up a block and feature, and the
result is the same to the last bit whatever the batch, the threads and the cut.

README.md in this folder derives the sums, their error and their cost.

References
----------
.. [1] Lundberg et al., From local explanations to global understanding with explainable AI for
   trees, Nat Mach Intell 2:56-67 (2020), doi 10.1038/s42256-019-0138-9.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from sidestep.models.treeshap.blocks import MOST_BITS, Blocks, cut, distinct, without
from sidestep.models.treeshap.trees import (
    NoTablesError,
    Trees,
    read_trees,
    require_columns,
    require_shallow,
)
from sidestep.models.treeshap.units import response_per_unit, units_per_response

if TYPE_CHECKING:
    import xgboost as xgb

MEMORY = 64 * 2**20
# Conditions of a block at most, and those more than a leaf lies deep. Measured: with more of them
# fewer look-ups do not make up for tables that are larger, and so leave the cache.
_BEST_BITS, _MORE_BITS = 8, 2
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
    reached : ndarray of shape (n_patterns,), float32
        Value of the leaf that rows of each block and pattern reach.
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
    reached: np.ndarray
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
    def of_trees(
        cls,
        trees: Trees,
        base_value: float,
        memory: int = MEMORY,
        unknown: np.ndarray | None = None,
    ) -> Self:
        """Tables of some trees; `base_value` is their mean prediction over the training rows.

        At splits on the features that are `unknown`, (n_features,), all rows go both ways.

        Raises
        ------
        NoTablesError
            If a leaf lies deeper than 12 conditions, or no cut fits into `memory`.
        """
        from sidestep.models.treeshap.leaves import fill_tables

        blocks = cut_to_fit(trees, memory)
        if unknown is None:
            unknown = np.zeros(trees.n_features, bool)
        if unknown.any():
            blocks = without(trees, blocks, unknown)
        scale = units_per_response(trees)
        tested = distinct(blocks.slot_feature)
        table, reached = fill_tables(trees, blocks, scale, unknown)
        return cls(
            n_features=trees.n_features,
            base_value=np.float32(base_value),
            tested=tested,
            blocks=blocks,
            threshold=trees.threshold[blocks.bit_node],
            missing_left=trees.default_left[blocks.bit_node],
            bit_column=np.searchsorted(tested, trees.feature[blocks.bit_node]),
            slot_column=np.searchsorted(tested, blocks.slot_feature),
            table=table,
            reached=reached,
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
        return self.explained(X, n_jobs)[1]

    def explained(self, X: np.ndarray, n_jobs: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Prediction (margin) of each row, (n_rows,), float32, and its `contributions`.

        To the last bit what XGBoost predicts, if no feature was `unknown` to `of_trees`.
        """
        require_columns(X, self.n_features)
        out = np.empty((len(X), self.n_features + 1), dtype=np.float32)
        predicted = np.zeros(len(X), np.float32)
        parts = [slice(start, start + _CHUNK) for start in range(0, len(X), _CHUNK)]
        if n_jobs == 1 or len(parts) == 1:
            for part in parts:
                self._explain(X[part], out[part], predicted[part])
            return predicted, out
        with ThreadPoolExecutor(n_jobs) as pool:
            list(pool.map(lambda part: self._explain(X[part], out[part], predicted[part]), parts))
        return predicted, out

    def _explain(self, rows: np.ndarray, out: np.ndarray, predicted: np.ndarray) -> None:
        from sidestep.models.treeshap.loops import add_rows

        blocks = self.blocks
        add_rows(
            np.ascontiguousarray(rows, dtype=np.float32), self.tested,
            blocks.bit_start, self.bit_column, self.threshold, self.missing_left,
            blocks.slot_start, self.slot_column, blocks.slot_offset, blocks.leaf_offset,
            self.table, self.reached, self.unit, self.base_value, out, predicted,
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
    best = max(trees.depth, min(trees.depth + _MORE_BITS, _BEST_BITS))
    for bits in range(best, trees.depth - 1, -1):
        blocks = cut(trees, bits)
        if blocks.table_bytes <= memory:
            return blocks
    raise NoTablesError(f"The tables would take {blocks.table_bytes} bytes, more than {memory}.")
