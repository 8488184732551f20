"""What is learnt of a matrix's numbers while they are read."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.files.rows import ValueSketch


@pytest.mark.slow_but_first
@pytest.mark.parametrize("rows_a_block", [1000, 300, 1])
def test_the_first_number_that_is_no_call_is_found_wherever_it_stands(rows_a_block: int) -> None:
    calls = np.random.default_rng(0).choice([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan], (1000, 3))
    values = calls.copy()
    values[700, 2], values[700, 1], values[900, 0] = 0.5, 7.0, -3.0
    sketch, of_calls = ValueSketch(), ValueSketch()
    for start in range(0, len(values), rows_a_block):
        sketch.add(values[start : start + rows_a_block], start, 10)
        of_calls.add(calls[start : start + rows_a_block], start, 10)
    assert sketch.first_other == (700, 11, 7.0)
    assert of_calls.first_other is None
