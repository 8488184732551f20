"""Tables with something above them: GCT, GEO's series matrices and annotations, and plain ones.

What stands above says which columns are samples and what is known of these.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Final

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.originals.given import Given, read_below, read_given, text_lines
from sidestep.features.originals.workbooks import is_workbook, workbook_lines

_GCT: Final = ("#1.2", "#1.3")
_SAMPLE: Final = "!Sample_"
#: Lines of a series matrix that say something of the samples, and what it is called then.
_OF_SAMPLES: Final = {
    "title": "TITLE",
    "source_name_ch1": "SOURCE_NAME",
    "organism_ch1": "ORGANISM",
    "platform_id": "PLATFORM",
}
_CHARACTERISTICS: Final = "characteristics_ch1"


def open_table(path: Path, *, empty: bool = False) -> Given:
    """Open a table of any kind, as its content tells: workbook, GCT, GEO, text or Parquet.

    Parameters
    ----------
    path : Path
    empty : bool
        Whether there may be no row below the header.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if not path.is_file():
        return read_given(path)
    if is_workbook(path):
        lines = workbook_lines(path)
        return read_below(path, next(lines, ""), lines, empty=empty)
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PA":
        return read_given(path, empty=empty)
    lines = text_lines(path)
    first = next(lines, "")
    if first.strip() in _GCT:
        return _gct(path, first.strip(), lines)
    if first.startswith(("!", "^")):
        return _soft(path, chain([first], lines))
    return read_given(path, empty=empty)


def _gct(path: Path, version: str, lines: Iterator[str]) -> Given:
    """A GCT file, whose second line counts rows and columns."""
    try:
        counts = [int(cell) for cell in next(lines, "").split("\t") if cell.strip()]
        rows, samples = counts[0], counts[1]
        beside, above = (counts[2], counts[3]) if version == "#1.3" else (1, 0)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{path}: line 2 of a GCT file counts its rows and columns; write it again"
        ) from error
    header = next(lines, "")
    described = [line.split("\t") for line in islice(lines, above)]
    given = read_below(path, header, lines, number=3 + above)
    first = 1 + beside
    names = given.names[first:]
    if (len(given.table), len(names)) != (rows, samples):
        raise InputError(
            f"{path} says that it has {rows:,} rows and {samples:,} samples, and has "
            f"{len(given.table):,} and {len(names):,}; download it again"
        )
    columns = {row[0]: pd.array(row[first:], dtype="str") for row in described}
    attributes = pd.DataFrame(columns, index=pd.Index(names, dtype="str")) if columns else None
    return replace(given, samples=given.table.columns[first:], attributes=attributes)


def _soft(path: Path, lines: Iterable[str]) -> Given:
    """A series matrix or an annotation of GEO: the table in it, and what is said of its samples."""
    said: list[list[str]] = []
    number = 0
    rest = iter(lines)
    for number, line in enumerate(rest, start=1):  # noqa: B007
        if line.rstrip().endswith("_table_begin"):
            break
        if line.startswith(_SAMPLE):
            said += csv.reader([line], delimiter="\t")
    else:
        raise InputError(
            f"{path} holds no table, as a series matrix of GEO does; download it whole"
        )
    header = next(rest, "")
    table = (line for line in rest if not line.rstrip().endswith("_table_end"))
    given = read_below(path, header, table, number=number + 1)
    if not said:
        return given
    names = list(given.names[1:])
    attributes = _attributes(said, names)
    return replace(given, samples=given.table.columns[1:], attributes=attributes)


def _attributes(said: Sequence[Sequence[str]], names: Sequence[str]) -> pd.DataFrame:
    """What a series matrix says of its samples: ``key: value`` is an attribute ``key``."""
    found: dict[str, dict[str, str]] = {}
    for key, *cells in said:
        if len(cells) != len(names):
            continue
        word = key.removeprefix(_SAMPLE)
        for name, cell in zip(names, cells, strict=True):
            if word in _OF_SAMPLES:
                found.setdefault(_OF_SAMPLES[word], {})[name] = cell
            elif word == _CHARACTERISTICS and ":" in cell:
                attribute, _, value = cell.partition(":")
                found.setdefault(attribute.strip(), {})[name] = value.strip()
    columns = {
        attribute: pd.array([values.get(name) or None for name in names], dtype="str")
        for attribute, values in found.items()
    }
    return pd.DataFrame(columns, index=pd.Index(list(names), dtype="str"))
