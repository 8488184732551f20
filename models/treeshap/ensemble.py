"""Boosted trees as plain arrays: what they predict for a row, and by which of its features.

Contributions are looked up in tables (`tables`), which stay in memory as far as a budget for the
whole process allows, or summed leaf by leaf (`leaves`), to the same bytes.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sidestep.models.treeshap.blocks import MOST_BITS
from sidestep.models.treeshap.tables import TreeTables
from sidestep.models.treeshap.trees import (
    NoTablesError,
    Trees,
    read_trees,
    require_columns,
    require_shallow,
)
from sidestep.models.treeshap.units import units_per_response

if TYPE_CHECKING:
    import xgboost as xgb

#: Measured with 200 trees of depth 3: filling tables takes as long as summing up the leaves of some
#: seventy rows.
FEW_ROWS = 64
# Sets of missing features of which explanations are kept: the samples of a study mostly lack the
# same ones.
_MOST_SETS = 8
# Sums of weights in single precision, in whatever order.
_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Boosted trees of one output with base score zero, whose contributions can be tabulated.

    It is a few arrays, and needs no XGBoost to predict and explain.

    A row goes left at an inner node if its value of `feature` is below `condition` in single
    precision; a missing value goes left where `default_left` says so.

    Attributes
    ----------
    n_features : int
        Columns of a row.
    roots : ndarray of shape (n_trees,), int32
    left, right, feature : ndarray of shape (n_nodes,), int32
        -1 for the children of a leaf.
    condition : ndarray of shape (n_nodes,), float32
        Threshold of an inner node; what a leaf adds to the prediction.
    default_left : ndarray of shape (n_nodes,), bool
    hessian : ndarray of shape (n_nodes,), float32
        Training weight that reached the node.
    both_ways : ndarray of shape (n_features,), bool
        Features that no training row lacked. What XGBoost would do with a row that lacks one was
        learned from nothing: it goes both ways instead, weighted by `hessian`, and the feature
        contributes 0.

    Raises
    ------
    ValueError
        If the arrays do not describe trees. What a damaged file says must never become an
        address in memory.
    """

    n_features: int
    roots: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    condition: np.ndarray
    default_left: np.ndarray
    hessian: np.ndarray
    both_ways: np.ndarray

    def __post_init__(self) -> None:
        if not self._are_trees():
            raise ValueError("The arrays do not describe trees.")

    def _are_trees(self) -> bool:
        n_nodes = len(self.left)
        kinds = {
            "left": np.dtype(np.int32),
            "right": np.dtype(np.int32),
            "feature": np.dtype(np.int32),
            "condition": np.dtype(np.float32),
            "default_left": np.dtype(np.bool_),
            "hessian": np.dtype(np.float32),
        }
        if self.roots.dtype != np.int32 or any(
            getattr(self, name).dtype != kind or getattr(self, name).shape != (n_nodes,)
            for name, kind in kinds.items()
        ):
            return False
        below = np.concatenate([self.roots, self.left, self.right])
        led_to = np.bincount(below[below >= 0], minlength=n_nodes)
        return bool(
            ((self.left >= 0) == (self.right >= 0)).all()
            and (self.roots >= 0).all()
            # No way leads out, two ways to the same node, nor, from a root, in a circle.
            and len(led_to) == n_nodes
            and (led_to <= 1).all()
            and (self.feature >= 0).all()
            and (self.feature < self.n_features).all()
            and self.both_ways.dtype == np.bool_
            and self.both_ways.shape == (self.n_features,)
            and np.isfinite(self.condition).all()
            and np.isfinite(self.hessian).all()
            and (self.hessian >= np.where(self.left >= 0, np.finfo(np.float32).tiny, 0)).all()
            and self._are_shallow()
            and self._share_weight()
        )

    def _are_shallow(self) -> bool:
        """Whether no leaf lies deeper than the tables go; nothing leads in a circle by now."""
        level = self.roots
        for _ in range(MOST_BITS + 1):
            inner = level[self.left[level] >= 0]
            level = np.concatenate([self.left[inner], self.right[inner]])
            if not len(level):
                return True
        return False

    def _share_weight(self) -> bool:
        """Whether below each split lies the training weight that reached it, rounding aside."""
        inner = np.flatnonzero(self.left >= 0)
        weight = self.hessian.astype(np.float64)
        below = weight[self.left[inner]] + weight[self.right[inner]]
        return bool((np.abs(below - weight[inner]) <= _ROUNDING * weight[inner]).all())

    @classmethod
    def of(
        cls, booster: xgb.Booster, unit: float = 1.0, both_ways: np.ndarray | None = None
    ) -> Self:
        """Ensemble of a booster's trees.

        Parameters
        ----------
        booster : Booster
        unit : float
            Response units in one unit of the booster: a power of two, which is exact.
        both_ways : ndarray of bool, shape (n_features,), optional
            Features that no training row lacked; none by default, so that a row which lacks a
            value goes the way that XGBoost has learned.

        Raises
        ------
        NoTablesError
            If the booster is not plain trees of one output, or a leaf lies deeper than 12
            conditions.
        """
        trees = read_trees(booster)
        require_shallow(trees, MOST_BITS)
        return cls(
            n_features=trees.n_features,
            roots=trees.roots.astype(np.int32),
            left=trees.left.astype(np.int32),
            right=trees.right.astype(np.int32),
            feature=np.where(trees.left >= 0, trees.feature, 0).astype(np.int32),
            condition=np.where(trees.left >= 0, trees.value, trees.value * unit).astype(np.float32),
            default_left=trees.default_left,
            hessian=trees.hessian.astype(np.float32),
            both_ways=np.zeros(trees.n_features, bool) if both_ways is None else both_ways,
        )

    @property
    def trees(self) -> Trees:
        """The same trees with all that follows from these arrays."""
        state = self.get_state()
        del state["both_ways"]
        return Trees.of_nodes(**state)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Prediction of each row, (n_rows,), float32.

        To the last bit what XGBoost predicts, but for rows that lack a feature of `both_ways`.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), float32
            NaN where missing.
        """
        from sidestep.models.treeshap.loops import add_expected, add_leaves

        rows, total = np.ascontiguousarray(rows), np.zeros(len(rows), np.float32)
        ways = self._ways_down
        if self.goes_both_ways(rows).any():
            add_expected(rows, self.both_ways, *ways[:-1], self.hessian, ways[-1], total)
        else:
            add_leaves(rows, *ways, total)
        return total

    def goes_both_ways(self, rows: np.ndarray) -> np.ndarray:
        """Where a row lacks a feature of `both_ways` that a tree tests, (n_rows, n_features)."""
        require_columns(rows, self.n_features)
        return np.asarray(np.isnan(rows) & self.both_ways & self._tested)

    def contributions(self, rows: np.ndarray) -> np.ndarray:
        """Shapley values of the features of each row, and last the base value.

        They are looked up in tables, which are filled when so many rows have been asked for that
        it pays; until then they are summed leaf by leaf, to the same bytes.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), float32
            NaN where missing.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1), float32

        Raises
        ------
        ValueError
            If `rows` has not the ensemble's number of features.
        """
        return self.explained(rows)[1]

    def explained(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `predict` and `contributions` give, at once."""
        unknown: np.ndarray = self.goes_both_ways(rows)
        if not unknown.any():
            found = self._explanation(np.zeros(self.n_features, bool)).of(rows)
            return self.predict(rows) if found[0] is None else found[0], found[1]
        out = np.empty((len(rows), self.n_features + 1), np.float32)
        different, kind = np.unique(np.packbits(unknown, axis=1), axis=0, return_inverse=True)
        for number, packed in enumerate(different):
            some = np.flatnonzero(kind == number)
            gaps = np.unpackbits(packed, count=self.n_features).astype(bool)
            out[some] = self._explanation(gaps).of(rows[some])[1]
        return self.predict(rows), out

    @property
    def tables(self) -> TreeTables:
        """The contributions of rows that lack nothing, tabulated."""
        return self._explanation(np.zeros(self.n_features, bool)).tables

    def _explanation(self, unknown: np.ndarray) -> _Explanation:
        """How rows are explained that lack the features `unknown`; of the latest such sets kept."""
        kept: OrderedDict[bytes, _Explanation] = vars(self).setdefault("_kept", OrderedDict())
        key = unknown.tobytes()
        found = kept.get(key)
        if found is None:
            found = kept[key] = _Explanation(self, unknown)
        kept.move_to_end(key)
        while len(kept) > _MOST_SETS:
            kept.popitem(last=False)
        return found

    @cached_property
    def _tested(self) -> np.ndarray:
        """Whether some tree tests each feature, (n_features,)."""
        tested = np.zeros(self.n_features, bool)
        tested[self.feature[self.left >= 0]] = True
        return tested

    @cached_property
    def units(self) -> np.ndarray:
        """Units in 1 of the response that contributions are counted in, (n_features,)."""
        return units_per_response(self.trees)

    @cached_property
    def base_value(self) -> float:
        """Mean prediction of the trees over the training rows."""
        return self.trees.mean_prediction()

    @cached_property
    def _ways_down(self) -> tuple[Any, ...]:
        """What `loops.add_leaves` asks of the nodes, in its order."""
        inner = (self.left >= 0)[:, None]
        itself = np.arange(len(self.left), dtype=np.int32)[:, None]
        children = np.where(inner, np.column_stack([self.right, self.left]), itself)
        return (
            self.roots, children, self.feature, self.condition, self.default_left,
            self.trees.depth,
        )  # fmt: skip

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays, which make the same ensemble again."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Tables are quicker filled anew than sent to another process.
        return type(self), tuple(self.get_state().values())


class _Explanation:
    """Contributions to rows that lack the same features, few by leaves and many by tables."""

    def __init__(self, ensemble: TreeEnsemble, unknown: np.ndarray) -> None:
        self._ensemble = weakref.proxy(ensemble)
        self._unknown = unknown
        self._explained = 0
        self._tables: TreeTables | None = None
        self._fits = True

    def of(self, rows: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Predictions where tables have them, and contributions to rows, last the base value.

        Of rows that lack something there are no predictions.

        Returns
        -------
        predicted : ndarray of shape (n_rows,), float32, or None
        contributions : ndarray of shape (n_rows, n_features + 1), float32
        """
        explained = self._explained + len(rows)
        if self._fits and (self._tables is not None or explained > FEW_ROWS):
            try:
                predicted, found = self.tables.explained(rows)
                return None if self._unknown.any() else predicted, found
            except NoTablesError:
                self._fits = False
        from sidestep.models.treeshap.leaves import explain_few

        ensemble = self._ensemble
        shares = explain_few(ensemble.trees, rows, self._unknown, ensemble.units)
        self._explained = explained
        base_value = np.full((len(rows), 1), self._ensemble.base_value, np.float32)
        return None, np.hstack([shares, base_value])

    @property
    def tables(self) -> TreeTables:
        """The contributions, tabulated; kept if the process has room for them.

        Raises
        ------
        NoTablesError
            If they would take more than a table may.
        """
        if self._tables is not None:
            return self._tables
        ensemble = self._ensemble
        tables = TreeTables.of_trees(ensemble.trees, ensemble.base_value, unknown=self._unknown)
        if _BUDGET.claim(self, tables.n_bytes):
            self._tables = tables
        else:  # until they would pay again
            self._explained = 0
        return tables


class MemoryBudget:
    """Bytes that objects may claim for as long as they live; safe to use from several threads.

    What finds no room is made anew each time that it is needed. Nothing is thrown out for
    something newer: a panel's models are gone through in turn, chunk after chunk, so that the one
    that was used longest ago is always the one that is needed next.

    Parameters
    ----------
    most : int
        Bytes that may be claimed in all.

    Examples
    --------
    >>> class Model: ...
    >>> budget, first, second = MemoryBudget(100), Model(), Model()
    >>> budget.claim(first, 60), budget.claim(second, 60)
    (True, False)
    >>> del first
    >>> budget.claim(second, 60)
    True
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._claimed = 0
        # A finaliser may run while this very thread holds the lock.
        self._lock = threading.RLock()

    def claim(self, owner: object, n_bytes: int) -> bool:
        """Whether there is room for `n_bytes`, which `owner` then has until it is gone."""
        with self._lock:
            if self._claimed + n_bytes > self.most:
                return False
            self._claimed += n_bytes
        weakref.finalize(owner, self._give_back, n_bytes)
        return True

    def _give_back(self, n_bytes: int) -> None:
        with self._lock:
            self._claimed -= n_bytes


#: For the tables of all ensembles of a process. Those of a panel of 25 drugs with five folds take
#: about 40 MB for a combination of many modalities, with 200 trees of depth 3.
_BUDGET = MemoryBudget(256 * 2**20)
