"""Tables of cells: a row a cell, its sample, field and cluster, and the levels of markers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.grid import LeftOut
from sidestep.features.cells.columns import cell_meanings
from sidestep.features.cells.reading import CellRows, read_rows, table_files
from sidestep.features.cells.states import STATE_TABLE, column_of
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.files.h5ad import H5adMatrix
from sidestep.features.identifiers import match_key

#: What is known of a cell beside its levels.
MEANINGS: Final = ("sample", "cell", "cluster", "field")
#: Positions and what is no marker.
_PASSED: Final = ("x", "y", "state", "kind", "unit", "xmin", "xmax", "ymin", "ymax")
_NUMBER = re.compile(r"[<>]?\s*[-+]?[\d.,]+(?:[eE][-+]?\d+)?\s*%?")
_PEEK = 200
#: Genes of an .h5ad that are looked at as markers, unless they are named.
_MOST_MARKERS: Final = 100


@dataclass
class CellTable:
    """Cells of one or several files.

    Attributes
    ----------
    info : pandas.DataFrame
        ``sample``, ``cell``, ``cluster`` and ``field`` (empty where not told), ``file``, ``line``.
    levels : pandas.DataFrame
        (n_cells, n_markers) float64, as given; NaN where there is none.
    left_out : LeftOut
        Cells of the table that hold no level although something stands there.
    notes : list of str
    digests : dict of str to str
    counts : list of Counts
        Matrices of genes, of ``.h5ad`` files; empty for tables.
    """

    info: pd.DataFrame
    levels: pd.DataFrame
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    counts: list[Counts] = field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    """Where the cells of an ``.h5ad`` stand: its path, layer, and first cell of all."""

    path: Path
    layer: str | None
    first: int


def read_cells(
    paths: Sequence[Path],
    *,
    sample: str = "",
    about: Path | None = None,
    columns: Mapping[str, str] | None = None,
    markers: Sequence[str] = (),
    layer: str | None = None,
) -> CellTable:
    """Read tables of cells.

    Parameters
    ----------
    paths : sequence of path
        Text, Parquet or ``.h5ad`` files, or folders of the former two.
    sample : str
        Where no column names it; the name of the file by default.
    about : path, optional
        A table that tells sample, field or cluster of cells by their names.
    columns : mapping of str to str, optional
        Meaning (``sample``, ``cell``, ``cluster``, ``field``) -> column that holds it.
    markers : sequence of str
        Columns (genes) to look at; all columns of numbers by default, of an ``.h5ad`` those that
        states of cells are told by.
    layer : str, optional
        Of an ``.h5ad``; ``X`` by default.

    Raises
    ------
    InputError
        If a file cannot be read, a column that is named is not there, a cell stands twice, or no
        column holds levels; it names file, line, value and fix.
    """
    told = dict(columns or {})
    unknown = [name for name in told if name not in MEANINGS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no meaning of a column; choose {', '.join(MEANINGS)}")
    parts: list[CellTable] = []
    for path in table_files(paths):
        part = (
            _read_h5ad(path, sample, told, markers, layer)
            if path.name.lower().endswith(".h5ad")
            else _read_table(read_rows(path), sample, told, markers, about is not None)
        )
        first = sum(len(earlier.info) for earlier in parts)
        part.counts = [replace(counts, first=first) for counts in part.counts]
        parts.append(part)
    table = _joined(parts)
    if about is not None:
        _tell(table, read_rows(about), told)
    _require_single(table)
    return table


def _joined(parts: Sequence[CellTable]) -> CellTable:
    names = [set(part.levels.columns) for part in parts]
    if len(parts) > 1 and not set.intersection(*names):
        raise InputError(
            "the tables have no marker in common; give tables of one panel, or --about with what "
            "tells the cells' samples"
        )
    table = CellTable(
        pd.concat([part.info for part in parts], ignore_index=True),
        pd.concat([part.levels for part in parts], ignore_index=True),
    )
    for part in parts:
        table.left_out.rows += part.left_out.rows
        table.notes += part.notes
        table.digests |= part.digests
        table.counts += part.counts
    return table


def _read_table(
    rows: CellRows, sample: str, told: Mapping[str, str], markers: Sequence[str], partial: bool
) -> CellTable:
    names = [str(column) for column in rows.frame.columns]
    found = _meanings(names, told, rows.name, partial)
    left_out, notes = LeftOut(), list[str]()
    wanted = _named(markers, names, rows.name)
    used = {found[m] for m in (*MEANINGS, *_PASSED) if m in found}
    levels, words = {}, []
    for name in wanted or [name for name in names if name not in used]:
        if not wanted and not _is_numeric(rows, name):
            words.append(name)
            continue
        levels[name] = rows.number(name, left_out)
    if not levels:
        raise study_error(
            f"{rows.name} has no column of levels; it has {some(names, 12)}; give a column of "
            "numbers a marker.", rows.name
        )  # fmt: skip
    if words:
        notes.append(f"{rows.name}: columns of words that are passed over: {some(words)}")
    info = _info(rows, found, sample)
    notes.append(f"{rows.name}: {len(rows)} cells of {len(levels)} markers")
    return CellTable(info, pd.DataFrame(levels), left_out, notes, {rows.name: rows.digest})


def _meanings(
    names: Sequence[str], told: Mapping[str, str], name: str, partial: bool = False
) -> dict[str, str]:
    """Meaning -> column, as told or by name."""
    found = cell_meanings(names)
    for meaning, column in told.items():
        same = [n for n in names if match_key(n) == match_key(column)]
        if not same and not partial:
            raise study_error(
                f"{name} has no column {column!r}; it has {some(list(names), 12)}.", name
            )
        if same:
            found = {m: c for m, c in found.items() if c != same[0]} | {meaning: same[0]}
    return found


def _named(markers: Sequence[str], names: Sequence[str], name: str) -> list[str]:
    keys = {match_key(n): n for n in reversed(names)}
    missing = [marker for marker in markers if match_key(marker) not in keys]
    if missing:
        raise study_error(
            f"{name} has no column {', '.join(missing)}; it has {some(list(names), 12)}.", name
        )
    return [keys[match_key(marker)] for marker in markers]


def _is_numeric(rows: CellRows, column: str) -> bool:
    """Whether a column holds numbers: half of its first cells that are not blank are some."""
    values = rows.frame[column]
    if pd.api.types.is_bool_dtype(values):
        return False
    if pd.api.types.is_numeric_dtype(values):
        return True
    known = values[values != ""].head(_PEEK)
    return len(known) > 0 and float(known.str.fullmatch(_NUMBER.pattern).mean()) >= 0.5


def _info(rows: CellRows, found: Mapping[str, str], sample: str) -> pd.DataFrame:
    stem = sample or rows.name.split(".")[0]
    names = rows.text(found.get("sample"), stem)
    cells = rows.text(found.get("cell"))
    return pd.DataFrame(
        {
            "sample": names.where(names != "", stem), "cell": cells,
            "cluster": rows.text(found.get("cluster")), "field": rows.text(found.get("field")),
            "file": rows.name, "line": rows.lines,
        }
    )  # fmt: skip


def _tell(table: CellTable, rows: CellRows, told: Mapping[str, str]) -> None:
    """Fill in what another table tells of the cells."""
    found = _meanings([str(c) for c in rows.frame.columns], told, rows.name)
    rows.require(found, ("cell",), "cell, or say --column cell=NAME")
    table.digests[rows.name] = rows.digest
    known = _info(rows, found, "").set_index("cell")
    if known.index.has_duplicates:
        twice = str(known.index[known.index.duplicated()][0])
        raise study_error(
            f"{rows.name}: cell {twice} stands twice; keep one row a cell.", rows.name
        )
    cells = table.info["cell"]
    missing = ~cells.isin(known.index)
    if missing.all():
        raise study_error(
            f"{rows.name} names none of the cells; the first one is {cells.iloc[0]!r} in the "
            f"table and {known.index[0]!r} there.", rows.name
        )  # fmt: skip
    if missing.any():
        table.notes.append(f"{rows.name}: {missing.sum()} cells are not told of")
    for meaning in ("sample", "cluster", "field"):
        if meaning in found:
            said = cells.map(known[meaning])
            table.info[meaning] = said.where(said.notna(), table.info[meaning])


def _require_single(table: CellTable) -> None:
    named = table.info[table.info["cell"] != ""]
    again = named.duplicated(["sample", "field", "cell"], keep=False)
    if not again.any():
        return
    group = named[again]
    first = group.iloc[0]
    same = group[
        (group[["sample", "field", "cell"]] == first[["sample", "field", "cell"]]).all(axis=1)
    ]
    second = same.iloc[1]
    raise study_error(
        f"{second['file']}, line {second['line']}: cell {first['cell']} of sample "
        f"{first['sample']} stands in line {first['line']} of {first['file']} already; keep one "
        "row a cell, or name the field that tells them apart.", str(second["file"])
    )  # fmt: skip


def _read_h5ad(
    path: Path, sample: str, told: Mapping[str, str], markers: Sequence[str], layer: str | None
) -> CellTable:
    matrix = H5adMatrix(path, path.name, layer)
    observed = matrix.file.frame("obs")
    found = _meanings([str(name) for name in observed.columns], told, path.name)
    stem = sample or path.name.split(".")[0]
    count = len(matrix.samples)

    def text(meaning: str, default: str) -> pd.Series:
        if meaning not in found:
            return pd.Series([default] * count, dtype="str")
        return observed[found[meaning]].fillna("").str.strip().reset_index(drop=True)

    info = pd.DataFrame(
        {
            "sample": text("sample", stem), "cell": pd.Series(list(matrix.samples), dtype="str"),
            "cluster": text("cluster", ""), "field": text("field", ""),
            "file": path.name, "line": np.arange(1, count + 1),
        }
    )  # fmt: skip
    features = list(matrix.features)
    wanted = _named(markers, features, path.name) if markers else _markers_among(features)
    places = [features.index(name) for name in wanted]
    levels = np.empty((count, len(places)))
    for _, start, block in matrix.blocks():
        levels[start : start + block.shape[1]] = block[places].T
    notes = [
        f"{path.name}: {count} cells of {len(features)} genes, of which {len(wanted)} are taken "
        "as markers"
    ]
    table = CellTable(info, pd.DataFrame(levels, columns=wanted), notes=notes)
    table.counts.append(Counts(path, layer, 0))
    with path.open("rb") as file:
        table.digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return table


def _markers_among(features: Sequence[str]) -> list[str]:
    """Genes that states of cells are told by; all of a small panel."""
    if len(features) <= _MOST_MARKERS:
        return list(features)
    markers = {m.gene: m.names for state in STATE_TABLE.load().values() for m in state}
    found = [column_of(gene, features, names) for gene, names in markers.items()]
    return [name for name in found if name is not None]
