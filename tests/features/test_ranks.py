"""Ranks are those of SciPy, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from sidestep.features.ranks import doubled_ranks


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("shape", [(4, 300), (3, 1), (2, 0), (0, 5)])
def test_ranks_are_those_of_scipy(decimals: int, shape: tuple[int, int]) -> None:
    values = np.random.default_rng(decimals).normal(size=shape).round(decimals)
    expected = 2 * rankdata(values, axis=1) if values.size else np.empty(shape)
    np.testing.assert_array_equal(doubled_ranks(values), expected)


def test_ends_of_neighbouring_rows_are_not_ties() -> None:
    assert doubled_ranks(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [[2, 4], [4, 2]]


def test_both_zeros_tie() -> None:
    assert doubled_ranks(np.array([[0.0, -0.0, 1.0]])).tolist() == [[3, 3, 6]]
