"""What do the trees of a fitted model predict for a row, and by which of its features?

A forest is a few arrays and needs no XGBoost. Contributions are looked up in tables
(`models.tree_tables`), which are filled when so many rows have been asked for that it pays; until
then they are summed leaf by leaf (`models.tree_leaf_shares`), to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from models.memory_budget import MemoryBudget
from models.tree_structure import Trees, read_trees
from models.tree_tables import TreeTables, cut_to_fit

if TYPE_CHECKING:
    import xgboost as xgb

#: For the tables of all forests of a process. Those of a panel of 25 drugs with five folds take
#: about 100 MB for each combination of modalities, with 200 trees of depth 3.
_BUDGET = MemoryBudget(512 * 2**20)
#: Measured with the 270 trees of depth 5 of a pan-cancer model: filling tables takes as long as
#: summing up the leaves of some two hundred rows.
FEW_ROWS = 128


@dataclass(frozen=True, eq=False)
class Forest:
    """Boosted trees of one output with base score zero, whose contributions can be tabulated.

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
        """Forest of a booster.

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
        """Predict each row, to the last bit as XGBoost does: (n_rows,), float32.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), float32
            NaN where missing.
        """
        from models.tree_leaves import add_leaves

        total = np.zeros(len(rows), np.float32)
        add_leaves(np.ascontiguousarray(rows), *self._ways_down, total)
        return total

    def contributions(self, rows: np.ndarray) -> np.ndarray:
        """Shapley values of the features of each row, and last the base value.

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
            If `rows` has not the forest's number of features.
        """
        explained = vars(self).get("_explained", 0) + len(rows)
        if "_tables" in vars(self) or explained > FEW_ROWS:
            return self.tables.contributions(rows)
        from models.tree_leaf_shares import explain_few

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
        """Mean prediction of the forest's trees over the training rows; kept."""
        if "_base_value" not in vars(self):
            vars(self)["_base_value"] = trees.mean_prediction()
        return float(vars(self)["_base_value"])

    @cached_property
    def _ways_down(self) -> tuple[Any, ...]:
        """What `models.tree_leaves.add_leaves` asks of the nodes, in its order."""
        inner = (self.left >= 0)[:, None]
        itself = np.arange(len(self.left), dtype=np.int32)[:, None]
        children = np.where(inner, np.column_stack([self.right, self.left]), itself)
        return (
            self.roots, children, self.feature, self.condition, self.default_left,
            self.trees.depth,
        )  # fmt: skip

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays, which make the same forest again."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Tables are quicker filled anew than sent to another process.
        return type(self), tuple(self.get_state().values())
