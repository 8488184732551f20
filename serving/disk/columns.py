"""Tables of a score folder as columns of plain values, of which each sample has a part.

A column is an array: of objects for text, where a missing one is None, and of numbers otherwise,
where it is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Columns = Mapping[str, np.ndarray]
#: Without which a row of scores or of contributions says nothing.
_NUMBERS = frozenset({"prediction", "base_value", "contribution"})


def columns_of(table: pa.Table) -> dict[str, np.ndarray]:
    """The columns of a table by name.

    Raises
    ------
    ValueError
        If a prediction, base value or contribution is missing.
    """
    for name in _NUMBERS.intersection(table.column_names):
        if table[name].null_count:
            raise ValueError(f"a {name.replace('_', ' ')} is missing")
    whole = table.combine_chunks()
    return {name: _values(whole[name]) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), None, dtype=object)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (text or pa.types.is_dictionary(kind)):
        numbers: np.ndarray = column.to_numpy()
        return numbers
    if not len(column):
        return np.empty(0, dtype=object)
    # Few texts recur: each is made once.
    coded = column.chunk(0).dictionary_encode()
    words = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    texts: np.ndarray = words[coded.indices.fill_null(len(words) - 1).to_numpy()]
    return texts


def by_sample(pieces: Iterable[pa.Table]) -> Iterator[tuple[str, Columns]]:
    """Each sample with its rows, which stand together, in their order.

    Parameters
    ----------
    pieces : iterable of pyarrow.Table
        With `sample_id`; a sample at the end of one may go on in the next.
    """
    rest: pa.Table | None = None
    for piece in pieces:
        if len(piece):
            table = piece if rest is None else pa.concat_tables([rest, piece])
            *whole, (_, last) = _runs(columns_of(table))
            yield from whole
            rest = table.slice(len(table) - len(last["sample_id"]))
    if rest is not None:
        yield from _runs(columns_of(rest))


def _runs(columns: Columns) -> Iterator[tuple[str, Columns]]:
    names = columns["sample_id"]
    starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    for start, end in pairwise(starts):
        yield (
            str(names[start]),
            {name: column[start:end] for name, column in columns.items()},
        )


def by_drug(columns: Columns) -> dict[str, Columns]:
    """The rows of each drug, in their order."""
    drugs = columns["drug"].tolist()
    runs = [(str(drug), len([*rows])) for drug, rows in groupby(drugs)]
    if len(dict(runs)) < len(runs):
        together = np.argsort(pd.factorize(columns["drug"])[0], kind="stable")
        return by_drug({name: column[together] for name, column in columns.items()})
    parts: dict[str, Columns] = {}
    start = 0
    for drug, count in runs:
        parts[drug] = {name: column[start : start + count] for name, column in columns.items()}
        start += count
    return parts


def rows_of(columns: Columns) -> Iterator[dict[str, Any]]:
    """The columns row by row."""
    cells = zip(*(column.tolist() for column in columns.values()), strict=True)
    return (dict(zip(columns, row, strict=True)) for row in cells)
