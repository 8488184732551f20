"""Different numbers, as NumPy finds them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidestep.models.treeshap.blocks import distinct


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)))
def test_distinct_numbers_are_those_of_numpy(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.int64)
    found = distinct(array)
    np.testing.assert_array_equal(found, np.unique(array))
    assert found.dtype == array.dtype
