"""Tables as columns: each sample has its rows, however they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sidestep.serving.disk.columns import by_drug, by_sample, columns_of, rows_of

TABLE = pa.table(
    {
        "sample_id": ["A"] * 3 + ["B"] * 2 + ["C"] * 4,
        "drug": ["X", "X", "Y", "Y", "X", "X", "Y", "X", "Y"],
        "contribution": np.arange(9.0),
        "her2": [None, "high", None, *["not high"] * 6],
        "observed": pa.nulls(9),
    }
)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
def test_a_sample_that_goes_on_in_the_next_piece_is_whole(size: int) -> None:
    pieces = [TABLE.slice(start, size) for start in range(0, len(TABLE), size)]
    found = {sample: columns["contribution"].tolist() for sample, columns in by_sample(pieces)}
    assert found == {"A": [0, 1, 2], "B": [3, 4], "C": [5, 6, 7, 8]}


def test_without_rows_there_is_no_sample() -> None:
    assert list(by_sample([TABLE.slice(0, 0)])) == []


def test_rows_are_what_the_table_has() -> None:
    assert list(rows_of(columns_of(TABLE))) == TABLE.to_pylist()


def test_rows_of_a_drug_come_together_wherever_they_stood() -> None:
    (*_, (_, mixed)) = by_sample([TABLE])
    parts = by_drug(mixed)
    assert {drug: part["contribution"].tolist() for drug, part in parts.items()} == {
        "X": [5, 7], "Y": [6, 8],
    }  # fmt: skip
    assert list(by_drug(columns_of(TABLE.slice(3, 2)))) == ["Y", "X"]


def test_a_contribution_that_is_missing_is_told() -> None:
    table = pa.table({"sample_id": ["A"], "contribution": pa.array([None], pa.float64())})
    with pytest.raises(ValueError, match="a contribution is missing"):
        columns_of(table)
