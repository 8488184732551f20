"""Boosted trees as plain arrays: what they predict for a row, and by which of its features.

Contributions are looked up in tables (`tables`), which stay in memory as far as a budget for the
whole process allows, or summed leaf by leaf (`leaves`), to the same bytes.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sidestep.models.treeshap.tables import TreeTables, cut_to_fit
from sidestep.models.treeshap.trees import Trees, read_trees

if TYPE_CHECKING:
    import xgboost as xgb

#: Measured with the 270 trees of depth 5 of a pan-cancer model: filling tables takes as long as
#: summing up the leaves of some two hundred rows.
FEW_ROWS = 128


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
        )

    @classmethod
    def of(cls, booster: xgb.Booster, unit: float = 1.0) -> Self:
        """Ensemble of a booster's trees.

        Parameters
        ----------
        booster : Booster
        unit : float
            Response units in one unit of the booster: a power of two, which is exact.

        Raises
        ------
        NoTablesError
            If the booster is not plain trees of one output, or they cannot be tabulated.
        """
        trees = read_trees(booster)
        cut_to_fit(trees)  # which fails where there can be no tables
        return cls(
            n_features=trees.n_features,
            roots=trees.roots.astype(np.int32),
            left=trees.left.astype(np.int32),
            right=trees.right.astype(np.int32),
            feature=np.where(trees.left >= 0, trees.feature, 0).astype(np.int32),
            condition=np.where(trees.left >= 0, trees.value, trees.value * unit).astype(np.float32),
            default_left=trees.default_left,
            hessian=trees.hessian.astype(np.float32),
        )

    @property
    def trees(self) -> Trees:
        """The same trees with all that follows from these arrays."""
        return Trees.of_nodes(**self.get_state())

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Prediction of each row, (n_rows,), float32: to the last bit what XGBoost predicts.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), float32
            NaN where missing.
        """
        from sidestep.models.treeshap.loops import add_leaves

        total = np.zeros(len(rows), np.float32)
        add_leaves(np.ascontiguousarray(rows), *self._ways_down, total)
        return total

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
        explained = vars(self).get("_explained", 0) + len(rows)
        if "_tables" in vars(self) or explained > FEW_ROWS:
            return self.tables.contributions(rows)
        from sidestep.models.treeshap.leaves import explain_few

        trees = self.trees
        shares = explain_few(trees, rows)
        vars(self)["_explained"] = explained
        return np.hstack([shares, np.full((len(rows), 1), self._base(trees), np.float32)])

    @property
    def tables(self) -> TreeTables:
        """The contributions, tabulated; kept if the process has room for them."""
        kept: TreeTables | None = vars(self).get("_tables")
        if kept is not None:
            return kept
        trees = self.trees
        tables = TreeTables.of_trees(trees, self._base(trees))
        if _BUDGET.claim(self, tables.n_bytes):
            vars(self)["_tables"] = tables
        else:  # until they would pay again
            vars(self)["_explained"] = 0
        return tables

    def _base(self, trees: Trees) -> float:
        """Mean prediction of the trees over the training rows; kept."""
        if "_base_value" not in vars(self):
            vars(self)["_base_value"] = trees.mean_prediction()
        return float(vars(self)["_base_value"])

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
#: about 100 MB for each combination of modalities, with 200 trees of depth 3.
_BUDGET = MemoryBudget(512 * 2**20)
