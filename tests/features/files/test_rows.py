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


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_sketch_knows_the_numbers_that_it_was_given(kind: type) -> None:
    drawn = np.random.default_rng(1).normal(2.0, 3.0, (400, 300)).astype(kind)
    drawn[::9, ::4] = np.nan
    drawn[5] = 0.0
    sketch = ValueSketch()
    for start in (0, 150):  # the second block as a transposed file gives it
        sketch.add(np.asfortranarray(drawn[start : start + 150]), start, 0)
    sketch.add(drawn[300:], 300, 0)
    numbers = drawn[~np.isnan(drawn)].astype(np.float64)
    assert (sketch.count, sketch.lowest) == (len(numbers), numbers.min())
    assert (sketch.highest, sketch.whole) == (numbers.max(), False)
    assert sketch.negative_share == (numbers < 0).mean()
    for share in (0.1, 0.5, 0.9):
        exact = np.quantile(numbers, share, method="inverted_cdf")
        assert sketch.quantile(share) == pytest.approx(exact, rel=0.004)
        exact = np.quantile(np.abs(numbers), share, method="inverted_cdf")
        assert sketch.size_at(share) == pytest.approx(exact, rel=0.004)


def test_matrices_of_the_same_numbers_are_known_by_their_sketches() -> None:
    drawn = np.random.default_rng(2).normal(size=(200, 500))
    drawn[0, 0], drawn[0, 1] = 0.0, np.nan

    def sketch_of(values: np.ndarray) -> ValueSketch:
        sketch = ValueSketch()
        sketch.add(values)
        return sketch

    turned = np.where(drawn == 0, -0.0, drawn)[::-1].T
    almost = drawn.copy()
    almost[7, 7] = np.nextafter(almost[7, 7], np.inf)
    assert sketch_of(drawn).holds_the_same_as(sketch_of(turned))
    assert not sketch_of(drawn).holds_the_same_as(sketch_of(almost))
    assert not sketch_of(drawn).holds_the_same_as(sketch_of(drawn[:-1]))
