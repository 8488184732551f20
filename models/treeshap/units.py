"""Contributions are counted in whole numbers of a small unit, a power of two for each feature.

Sums of whole numbers do not depend on their order; so neither on the batch, nor on threads, nor on
how the ensemble is cut into blocks.
"""

from __future__ import annotations

import numpy as np

from sidestep.models.treeshap.blocks import distinct
from sidestep.models.treeshap.trees import Trees

# A 32-bit number reaches 2^31; one bit is left for what rounding every leaf may add.
_BITS = 30


def units_per_response(trees: Trees) -> np.ndarray:
    """Units in 1 of the response, (n_features,): as many as no sum of contributions overflows.

    A Shapley value is a mean of differences between two weighted means of the tree's leaves, so
    it is at most twice the largest leaf; over all trees that test a feature, at most the sum of
    that. 0 for a feature that contributes nothing anywhere.
    """
    largest = np.abs(trees.value)
    for level in reversed(trees.levels):
        inner = level[trees.left[level] >= 0]
        largest[inner] = np.maximum(largest[trees.left[inner]], largest[trees.right[inner]])
    tree = np.searchsorted(trees.roots, trees.inner, side="right") - 1
    pairs = distinct(tree * trees.n_features + trees.feature[trees.inner])
    in_tree, feature = np.divmod(pairs, max(trees.n_features, 1))
    weights = 2 * largest[trees.roots][in_tree]
    bound = np.bincount(feature, weights=weights, minlength=trees.n_features)
    _, exponent = np.frexp(bound)
    return np.where(bound > 0, np.ldexp(1.0, _BITS - exponent), 0.0)


def response_per_unit(scale: np.ndarray) -> np.ndarray:
    """What one unit is in the response, float32; 0 where `scale` is."""
    size = np.zeros(scale.shape, dtype=np.float32)
    size[scale > 0] = 1 / scale[scale > 0]
    return size
