"""The trees of a booster as arrays over all their nodes, read from XGBoost's JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    import xgboost as xgb


class NoTablesError(ValueError):
    """A booster's explanations cannot be tabulated; XGBoost itself has to explain it."""


@dataclass(frozen=True)
class Trees:
    """The trees of a booster with one output, node by node.

    A node is a position in these arrays. A row goes left at an inner node if its value of
    `feature` is below `threshold` in single precision; a missing value goes left where
    `default_left` says so.

    Attributes
    ----------
    n_features : int
        Columns of the booster's input.
    roots : ndarray of shape (n_trees,)
    left, right, parent : ndarray of shape (n_nodes,)
        -1 where there is none: a leaf's children, a root's parent.
    feature, threshold, default_left : ndarray of shape (n_nodes,)
        Condition of an inner node.
    value : ndarray of shape (n_nodes,)
        What a leaf adds to the prediction (margin), shrinkage included.
    hessian : ndarray of shape (n_nodes,)
        Summed second derivatives of the training rows that reached the node: its weight.
    levels : tuple of ndarray
        Nodes of depth 0, 1, 2 ... over all trees. A node in none of them was pruned away.
    """

    n_features: int
    roots: np.ndarray
    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    default_left: np.ndarray
    value: np.ndarray
    hessian: np.ndarray
    levels: tuple[np.ndarray, ...]

    @classmethod
    def of_nodes(
        cls,
        n_features: int,
        roots: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        feature: np.ndarray,
        condition: np.ndarray,
        default_left: np.ndarray,
        hessian: np.ndarray,
    ) -> Self:
        """Trees whose `condition` is the threshold of an inner node and the value of a leaf."""
        parent = np.full(len(left), -1)
        levels = []
        level = roots
        while len(level):
            levels.append(level)
            inner = level[left[level] >= 0]
            parent[left[inner]] = parent[right[inner]] = inner
            level = np.concatenate([left[inner], right[inner]])
        return cls(
            n_features=n_features,
            roots=roots,
            left=left,
            right=right,
            parent=parent,
            feature=feature,
            threshold=condition.astype(np.float32),
            default_left=default_left,
            value=condition.astype(np.float64),
            hessian=hessian.astype(np.float64),
            levels=tuple(levels),
        )

    @property
    def depth(self) -> int:
        """Conditions above the deepest leaf; -1 without trees."""
        return len(self.levels) - 1

    @property
    def inner(self) -> np.ndarray:
        """Nodes that split."""
        return np.asarray(self._nodes[self.left[self._nodes] >= 0])

    @property
    def leaves(self) -> np.ndarray:
        """Nodes that do not split."""
        return np.asarray(self._nodes[self.left[self._nodes] < 0])

    def mean_prediction(self) -> float:
        """Mean prediction over the training rows: what a row gets of which nothing is known."""
        mean = self.value.copy()
        for level in reversed(self.levels):
            inner = level[self.left[level] >= 0]
            below = [self.left[inner], self.right[inner]]
            weighted = [self.hessian[nodes] * mean[nodes] for nodes in below]
            mean[inner] = sum(weighted) / self.hessian[inner]
        return float(mean[self.roots].sum())

    @cached_property
    def _nodes(self) -> np.ndarray:
        """Nodes that belong to a tree."""
        nodes: np.ndarray = np.concatenate([*self.levels, self.roots[:0]])
        return nodes


def read_trees(booster: xgb.Booster, n_rounds: int | None = None) -> Trees:
    """Trees of the first `n_rounds` boosting rounds, or of all.

    Raises
    ------
    NoTablesError
        If the booster has several outputs or categorical splits, or is not made of plain trees.
    """
    # XGBoost writes as many digits as tell a float32 from every other one.
    model = json.loads(booster.save_raw("json"))["learner"]
    kind = model["gradient_booster"]["name"]
    if kind != "gbtree":
        raise NoTablesError(f"The booster is a {kind!r}, not plain boosted trees ('gbtree').")
    grown = model["gradient_booster"]["model"]
    trees = grown["trees"]
    if n_rounds:
        trees = trees[: grown["iteration_indptr"][n_rounds]]
    if any(grown["tree_info"]) or any(_outputs(tree) > 1 for tree in trees):
        raise NoTablesError("The booster has several outputs.")
    if any(any(tree["split_type"]) for tree in trees):
        raise NoTablesError("The booster splits on categories.")
    found = _joined(trees, int(model["learner_model_param"]["num_feature"]))
    if not (found.hessian[found.inner] > 0).all():
        raise NoTablesError("A split of the booster has no training weight.")
    if not np.isfinite(found.value).all():
        raise NoTablesError("A leaf or threshold of the booster is not finite.")
    return found


def require_shallow(trees: Trees, most: int) -> None:
    """Refuse trees whose leaves lie deeper than `most` conditions.

    Raises
    ------
    NoTablesError
        If they do.
    """
    if trees.depth > most:
        raise NoTablesError(f"A leaf lies deeper than {most} conditions.")


def require_columns(rows: np.ndarray, n_features: int) -> None:
    """Refuse rows that do not have `n_features`: what a compiled loop reads has to be there.

    Raises
    ------
    ValueError
        If they have more or less.
    """
    if rows.ndim != 2 or rows.shape[1] != n_features:
        raise ValueError(f"X has shape {rows.shape}; expected (n_rows, {n_features}).")


def _outputs(tree: dict[str, Any]) -> int:
    return int(tree["tree_param"]["size_leaf_vector"])


def _joined(trees: list[dict[str, Any]], n_features: int) -> Trees:
    """One set of arrays for all trees; the first node of each is its root."""

    def all_nodes(name: str, kind: type) -> np.ndarray:
        return np.array([value for tree in trees for value in tree[name]], kind)

    sizes = np.array([len(tree["left_children"]) for tree in trees], dtype=np.int64)
    roots = np.cumsum(sizes) - sizes
    first = np.repeat(roots, sizes)
    left, right = all_nodes("left_children", np.int64), all_nodes("right_children", np.int64)
    is_inner = left >= 0
    return Trees.of_nodes(
        n_features=n_features,
        roots=roots,
        left=np.where(is_inner, left + first, -1),
        right=np.where(is_inner, right + first, -1),
        feature=all_nodes("split_indices", np.int64),
        condition=all_nodes("split_conditions", np.float32),
        default_left=all_nodes("default_left", np.bool_),
        hessian=all_nodes("sum_hessian", np.float32),
    )
