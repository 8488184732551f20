"""Tables whose text is kept as codes: most of it recurs, so that each row only says which it is.

So they are small, and quick to join and to send; `plain` is what readers of a folder get.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

#: How text is kept.
CODED = pa.dictionary(pa.int32(), pa.string())
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


def coded_schema(schema: pa.Schema) -> pa.Schema:
    """The same columns, those of text as codes."""
    return pa.schema(
        [(part.name, CODED if part.type == pa.string() else part.type) for part in schema]
    )


def coded(table: pa.Table) -> pa.Table:
    """The table with its text as codes."""
    return table.cast(coded_schema(table.schema))


def plain(table: pa.Table) -> pa.Table:
    """The table with its text written out."""
    text = [(part.name, pa.string() if part.type == CODED else part.type) for part in table.schema]
    return table.cast(pa.schema(text))


def table_of(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Columns as a table of that schema, its text as codes; NaN becomes null.

    Parameters
    ----------
    columns : mapping of str to array, sequence or scalar
        A scalar stands for all rows; the first column of the schema has to be an array. Text that
        is an Arrow array is coded already.
    schema : pyarrow.Schema
        With plain text.
    """
    n_rows = len(columns[schema.names[0]])
    kinds = coded_schema(schema)
    return pa.table([_column(columns[part.name], part.type, n_rows) for part in kinds], kinds)


def _column(cells: Any, kind: pa.DataType, n_rows: int) -> pa.Array | pa.ChunkedArray:
    if isinstance(cells, pa.Array | pa.ChunkedArray):
        return cells
    if cells is None:
        return pa.nulls(n_rows, kind)
    if isinstance(cells, str | bool | int | float):
        return pa.repeat(pa.scalar(cells, kind, from_pandas=True), n_rows)
    return pa.array(cells, kind, from_pandas=True)


def packed(tables: Sequence[pa.Table]) -> bytes:
    """The tables, one after the other, as compressed bytes."""
    content = pa.BufferOutputStream()
    for table in tables:
        with pa.ipc.new_stream(content, table.schema, options=_PACKED) as stream:
            stream.write_table(table)
    whole: bytes = content.getvalue().to_pybytes()
    return whole


def unpacked(content: bytes, n_tables: int) -> list[pa.Table]:
    """The tables that were `packed`."""
    source = pa.BufferReader(content)
    return [pa.ipc.open_stream(source).read_all() for _ in range(n_tables)]
