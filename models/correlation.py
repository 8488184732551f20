"""How strongly does every feature go with a response, for many sets of lines at once?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FEATURES_AT_ONCE = 2048
# A spread this small, relative to the squares that it is what is left of, is rounding.
_ROUNDING = 1e-10
# A spread this small, relative to the largest response, is none.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Measured:
    """Which lines have which features, each of the few patterns that there are once.

    Attributes
    ----------
    kinds : ndarray of shape (n_lines, n_kinds)
        1 where features of a kind are measured, else 0.
    kind : ndarray of shape (n_features,)
        Kind of each feature.
    """

    kinds: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, measured: np.ndarray) -> Measured:
        """From whether each line has each feature, (n_lines, n_features)."""
        packed = np.ascontiguousarray(np.packbits(measured, axis=0).T)
        as_one = packed.view(f"V{packed.shape[1]}").ravel()
        _, first, kind = np.unique(as_one, return_index=True, return_inverse=True)
        return cls(measured[:, first].astype(float), kind)


def correlation_strengths(
    standard: np.ndarray, measured: Measured, members: np.ndarray, responses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute correlation of every feature, times the root of the share of lines that have it.

    All sums over lines are matrix products, so that the features are read once for all sets.

    Parameters
    ----------
    standard : ndarray of shape (n_lines, n_features)
        About the lines' mean, for the sake of rounding; zero where not measured.
    measured : Measured
    members : ndarray of shape (n_lines, n_sets)
        1 where a line belongs to a set, else 0.
    responses : ndarray of shape (n_lines, n_sets)
        About the mean of the set; zero outside it.

    Returns
    -------
    strengths : ndarray of shape (n_features, n_sets)
        Zero where the feature, or the response of the lines that have it, does not vary.
    varies : ndarray of bool of shape (n_features, n_sets)
        Whether the feature differs between lines of the set.
    """
    n_features, n_sets = standard.shape[1], members.shape[1]
    x, xx, xy = np.empty((3, n_features, n_sets))
    both = np.hstack([members, responses])
    for start in range(0, n_features, _FEATURES_AT_ONCE):
        block = slice(start, start + _FEATURES_AT_ONCE)
        part = standard[:, block]
        sums = part.T @ both
        x[block], xy[block] = sums[:, :n_sets], sums[:, n_sets:]
        xx[block] = (part**2).T @ members
    count, y, yy = (
        (measured.kinds.T @ values)[measured.kind] for values in (members, responses, responses**2)
    )
    count = np.maximum(count, 1.0)
    spread_x, spread_y = xx - x**2 / count, yy - y**2 / count
    varies = spread_x > _ROUNDING * xx
    spread = np.sqrt(np.maximum(spread_x * spread_y, 0.0))
    nothing = _NOTHING * np.abs(responses).max(axis=0)
    told = varies & (spread_y > _ROUNDING * yy) & (spread > nothing)
    covariance = np.abs(xy - x * y / count)
    strengths = np.where(told, covariance, 0.0) / np.where(told, spread, 1.0)
    return strengths * np.sqrt(count / members.sum(axis=0)), varies
