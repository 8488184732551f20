"""Rows of a large array taken a few at a time, so that they stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator


def few_rows(n_rows: int, n_columns: int, values: int = 2**17) -> Iterator[slice]:
    """Slices that part the rows: so many as have `values` values, and one row at least.

    Parameters
    ----------
    n_rows, n_columns : int
        Of the array, or of what is made of each row.
    values : int

    Examples
    --------
    >>> [*few_rows(5, 10, 20)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    few = max(1, values // max(n_columns, 1))
    for first in range(0, n_rows, few):
        yield slice(first, min(first + few, n_rows))
