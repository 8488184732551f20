"""Tables whose text is kept as codes: the same cells, joined, packed and written out again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from sidestep.serving.disk.coded import coded, coded_schema, packed, plain, table_of, unpacked
from sidestep.serving.disk.output import TableWriter

SCHEMA = pa.schema({"name": pa.string(), "x": pa.float64(), "sure": pa.bool_(), "n": pa.int32()})
ROWS = {"name": ["b", None, "a", "b"], "x": [1.5, None, 0.1, -0.0]}
ROWS |= {"sure": [True, None, False, True], "n": [1, 2, None, 4]}
TABLE = pa.table(ROWS, SCHEMA)
OTHER = pa.table({"name": ["c", "=a,b", None], "x": [0.3] * 3, "sure": [True] * 3, "n": [7] * 3})
OTHER = OTHER.cast(SCHEMA)


def test_what_is_coded_says_the_same() -> None:
    assert plain(coded(TABLE)).equals(TABLE)
    both = pa.concat_tables([coded(TABLE), coded(OTHER)])
    assert plain(both).equals(pa.concat_tables([TABLE, OTHER]))
    assert plain(coded_schema(SCHEMA).empty_table()).schema == SCHEMA


def test_a_scalar_stands_for_all_rows_and_nan_is_missing() -> None:
    names = pa.array(["u", "v", "u"]).dictionary_encode()
    table = table_of({"name": names, "x": [float("nan"), 1.0, 2.0], "sure": None, "n": 3}, SCHEMA)
    expected = {"name": ["u", "v", "u"], "x": [None, 1.0, 2.0], "sure": [None] * 3, "n": [3] * 3}
    assert plain(table).to_pydict() == expected
    told = table_of({"name": ["u", float("nan")], "x": 1.0, "sure": True, "n": None}, SCHEMA)
    assert plain(told)["name"].to_pylist() == ["u", None]
    constant = table_of({"name": names, "x": 1.0, "sure": True, "n": 1}, SCHEMA)
    assert constant.schema == table.schema == coded_schema(SCHEMA)


@pytest.mark.parametrize("pieces", [[TABLE], [TABLE, OTHER], []])
def test_what_was_packed_comes_out_again(pieces: list[pa.Table]) -> None:
    table = pa.concat_tables([coded_schema(SCHEMA).empty_table(), *map(coded, pieces)])
    content = packed([table, TABLE, table.slice(1)])
    assert unpacked(content, 3) == [table, TABLE, table.slice(1)]
    assert packed(unpacked(content, 3)) == content


def test_codes_leave_no_trace_in_files(tmp_path: Path) -> None:
    """Nor does the order in which the words of a table were met."""
    reordered = coded(pa.concat_tables([OTHER, TABLE])).slice(len(OTHER))
    for name, tables in {
        "plain": [TABLE, OTHER],
        "coded": [coded(TABLE), coded(OTHER)],
        "reordered": [reordered, coded(OTHER)],
    }.items():
        csv = tmp_path / f"{name}.csv"
        with TableWriter(tmp_path / f"{name}.parquet", SCHEMA, csv) as writer:
            for table in tables:
                writer.append(table)
    for ending in ("parquet", "csv"):
        contents = {
            (tmp_path / f"{name}.{ending}").read_bytes() for name in ("plain", "coded", "reordered")
        }
        assert len(contents) == 1
    lines = (tmp_path / "coded.csv").read_text().splitlines()
    assert lines[:3] == ["name,x,sure,n", "b,1.5,True,1", ",,,2"]
    assert lines[3:] == [
        "a,0.1,False,",
        "b,-0,True,4",
        "c,0.3,True,7",
        '"\'=a,b",0.3,True,7',
        ",0.3,True,7",
    ]
