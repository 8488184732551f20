"""What the benchmark of explanations measures and says."""

from __future__ import annotations

import pytest

from benchmarks.explain import Cell, Timing, available_engines, break_even, fitted, measure
from benchmarks.explain import Task as Rows


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (
            {1: (0.5, 0.5, 2), 20: (0.9, 2, 2), 200: (2, 2, 2)},
            "200 rows, with half of them from 20",
        ),
        ({1: (2, 2, 2), 20: (0.9, 3, 3), 200: (2, 2, 2)}, "200 rows, with half of them from 1"),
        ({1: (2, 2, 2), 20: (2, 2, 2)}, "1 rows, with half of them from 1"),
        ({1: (2, 2, 2), 20: (0.5, 2, 0.5)}, "with every model never, with half of them never"),
    ],
)
def test_the_rows_from_which_ours_is_quicker(others: dict[int, tuple[float, ...]], said: str):
    cells = [
        Cell(n_rows, {"ours": Timing(1.0, n_rows), "theirs": Timing(seconds, n_rows)}, 0.0)
        for n_rows, models in others.items()
        for seconds in models
    ]
    assert said in break_even(cells, "theirs")


def test_the_class_that_scoring_asks_is_what_is_measured():
    rows = Rows.simulated(fitted(depth=3, trees=5, features=20, threads=1), 300)
    engines = available_engines(threads=1)
    cell = Cell.of(rows, {name: engines[name] for name in ("ours", "pred_contribs")}, 1, 1.0)
    assert cell.error < 1e-5
    assert set(cell.ratios) == {"pred_contribs"}
    assert measure(rows.first(1), {"ours": engines["ours"]}, 1, 1.0)["ours"].measured_rows == 1
