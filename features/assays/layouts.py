"""Layouts of plates that are no tidy tables, and which one a file has.

==============  ==================================================================
layout          how it is known
==============  ==================================================================
blocks          a row ``NAME, drug concentration (uM)`` above each sample's doses, one
                replicate a column, ``mock`` as the last dose (Ba/F3 screens)
optical density ``od0.1`` to ``od9.3`` with ``c1`` to ``c9`` (Daemen et al. 2013,
                doi 10.1186/gb-2013-14-10-r110, additional file 9)
joined cells    all doses of a curve in one cell (CCLE, doi 10.1038/nature11003)
plate maps      grids of rows A, B … and columns 1, 2 …, of values and of what wells hold, in one
                file or several (`plate_maps`)
dose columns    doses as column names, one replicate a row (`dose_columns`)
tidy            columns by name
==============  ==================================================================
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import is_control
from sidestep.features.assays.dose_columns import has_dose_columns, read_dose_columns
from sidestep.features.assays.doses import UNITS, factor_of
from sidestep.features.assays.grid import Grid, LeftOut, numbers, read_grid
from sidestep.features.assays.plate_maps import has_plates, read_plate_maps
from sidestep.features.assays.readings import (
    CONTROL,
    TREATED,
    Readings,
    frame_of,
    join_readings,
)
from sidestep.features.assays.tidy import Given, read_tidy
from sidestep.features.errors import InputError, study_error
from sidestep.features.files.tables import MISSING

_BLOCK = re.compile(r"(?:drug |dose )?conc(?:entration)?s?\s*\(([^)]+)\)", re.IGNORECASE)
_OD = re.compile(r"od(\d+)\.(\d+)")
_FILES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def read_plates(paths: list[Path], given: Given | None = None) -> Readings:
    """Read plate files, whatever their layout, into one table of wells.

    Parameters
    ----------
    paths : list of path
        Files, or folders whose ``.csv``, ``.tsv`` and ``.txt`` files are read. Tables of controls
        or of time 0 stand beside that of the treated wells.
    given : Given, optional
        What the tables do not say themselves.

    Raises
    ------
    InputError
        If there is no file, or one cannot be read; it names line, column, value and the fix.
    """
    given = given or Given()
    grids = [(path, read_grid(path)) for path in plate_files(paths)]
    placed = [grid for _, grid in grids if has_plates(grid)]
    parts = [read_plate_maps(placed, given)] if placed else []
    parts += [_read(grid, path, given) for path, grid in grids if not has_plates(grid)]
    return join_readings(parts)


def plate_files(paths: list[Path]) -> list[Path]:
    """Files, and those inside folders, in order of their names.

    Raises
    ------
    InputError
        If a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.name.lower().endswith(_FILES))
            if not inside:
                raise InputError(f"{path} holds no .csv, .tsv or .txt file; name the plate files")
            files += inside
        else:
            files.append(path)
    return files


def read_file(path: Path, given: Given) -> Readings:
    """Read one plate file.

    Raises
    ------
    StudyError
        As `read_plates`.
    """
    return read_plates([path], given)


def _read(grid: Grid, path: Path, given: Given) -> Readings:
    """Read one file that tells itself what its wells hold."""
    header = set(grid.rows[0])
    if any(len(row) > 1 and row[0] and _BLOCK.fullmatch(row[1]) for row in grid.rows):
        return _read_blocks(grid, given, path)
    if {"od0.1", "c1", "T0_median_od"} <= header:
        return _read_optical_density(grid)
    if {"Doses (uM)", "Activity Data (median)"} <= header:
        return _read_joined_cells(grid)
    if has_dose_columns(grid):
        return read_dose_columns(grid, given)
    return read_tidy(grid, given)


def _read_blocks(grid: Grid, given: Given, path: Path) -> Readings:
    """Samples one below the other, doses down, replicates side by side."""
    drug = given.drug or next((c for c in grid.rows[0] if c and not _is_block(grid.rows[0])), "")
    drug = drug or path.name.partition(".")[0]
    left_out = LeftOut()
    columns: dict[str, Any] = {
        name: [] for name in ("sample", "dose", "unit", "role", "replicate", "plate", "line")
    }
    cells: list[str] = []
    aside = 0
    starts = [at for at, row in enumerate(grid.rows) if _is_block(row)]
    ends = [*starts[1:], len(grid.rows)]
    for block, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        word = _BLOCK.fullmatch(grid.rows[start][1])
        unit = factor_of(word[1]) if word else None
        line = grid.lines[start]
        if unit is None:
            shown = grid.rows[start][1]
            message = f"{grid.name}, line {line}: {shown!r} names no unit; write {UNITS} in it."
            raise study_error(message, grid.name)
        rows = [at for at in range(start + 1, end) if grid.rows[at][1]]
        width = _replicates([grid.rows[at] for at in rows])
        aside += sum(bool(cell) for at in rows for cell in grid.rows[at][2 + width :])
        for at in rows:
            given_cells = grid.rows[at][2 : 2 + width]
            name = grid.rows[at][1]
            control = is_control(name)
            dose = 0.0 if control else _dose(name, grid, at) * unit[1]
            columns["sample"] += [grid.rows[start][0]] * width
            columns["dose"] += [dose] * width
            columns["unit"] += [unit[0]] * width
            columns["role"] += [CONTROL if dose == 0 else TREATED] * width
            columns["replicate"] += [str(k + 1) for k in range(width)]
            columns["plate"] += [str(block)] * width
            columns["line"] += [grid.lines[at]] * width
            cells += given_cells + [""] * (width - len(given_cells))
    columns["value"] = numbers(cells, columns["line"], "replicates", grid, left_out)
    wells = _counted(frame_of({**columns, "drug": drug, "file": grid.name}, len(cells)))
    notes = [f"{grid.name}: {len(starts)} blocks of {drug}, replicates side by side"]
    if aside:
        notes.append(f"{grid.name}: {aside} cells beside the replicates are not used")
    return Readings(wells, "signal", left_out, notes, {grid.name: grid.digest})


def _is_block(row: list[str]) -> bool:
    return len(row) > 1 and bool(row[0]) and _BLOCK.fullmatch(row[1]) is not None


def _replicates(rows: list[list[str]]) -> int:
    """Columns of values before the first that is empty in all rows."""
    widest = max((len(row) for row in rows), default=2)
    for column in range(2, widest):
        if not any(len(row) > column and row[column] for row in rows):
            return column - 2
    return widest - 2


def _counted(wells: pd.DataFrame) -> pd.DataFrame:
    """Wells without those that hold no value."""
    return wells[wells["value"].notna()].reset_index(drop=True)


def _read_optical_density(grid: Grid) -> Readings:
    """Daemen's plates: dose 0 to 9 in triplicate, backgrounds, and a plate of day 0."""
    table = grid.table()
    left_out = LeftOut()
    lines = list(table.index)

    def number(column: str) -> np.ndarray:
        return numbers(table[column].tolist(), lines, column, grid, left_out)

    def mean(*columns: str) -> np.ndarray:
        return np.asarray(np.mean([number(column) for column in columns], axis=0))

    background = mean("background_od1", "background_od2")
    time0 = number("T0_median_od") - mean("T0_background_od1", "T0_background_od2")
    factors = [factor_of(word) for word in table["units"]]
    for line, word, factor in zip(lines, table["units"], factors, strict=True):
        if factor is None:
            message = f"{grid.name}, line {line}: {word!r} is no unit of doses; write {UNITS}."
            raise study_error(message, grid.name)
    units = [factor[0] for factor in factors if factor]
    scale = np.array([factor[1] for factor in factors if factor])
    parts = []
    for column in table.columns:
        place = _OD.fullmatch(column)
        if place is None:
            continue
        dose = np.zeros(len(table)) if place[1] == "0" else number(f"c{place[1]}") * scale
        columns = {
            "sample": table["cellline"], "drug": table["compound"], "plate": table["drug_plate_id"],
            "replicate": place[2], "dose": dose, "unit": units,
            "role": CONTROL if place[1] == "0" else TREATED, "file": grid.name, "line": lines,
            "value": number(column) - background, "time0": time0,
            # A row is a dose series with its own control wells.
            "tag": [str(line) for line in lines],
        }  # fmt: skip
        parts.append(frame_of(columns, len(table)))
    wells = _counted(pd.concat(parts, ignore_index=True))
    notes = [f"{grid.name}: {len(table)} series of optical densities, less their backgrounds"]
    return Readings(wells, "signal", left_out, notes, {grid.name: grid.digest})


def _read_joined_cells(grid: Grid) -> Readings:
    """CCLE: medians in percent, 0 without effect and -100 where nothing is left."""
    table = grid.table()
    left_out = LeftOut()
    parts = []
    series = zip(table.index, table["Doses (uM)"], table["Activity Data (median)"], strict=True)
    lines: list[int] = []
    doses: list[str] = []
    values: list[str] = []
    for line, dose_cell, value_cell in series:
        dose_list, value_list = dose_cell.split(","), value_cell.split(",")
        if len(dose_list) != len(value_list):
            raise study_error(
                f"{grid.name}, line {line}: {len(dose_list)} doses and {len(value_list)} values; "
                "give one value a dose.", grid.name
            )  # fmt: skip
        lines += [line] * len(dose_list)
        doses += dose_list
        values += value_list
    owner = table.loc[lines]
    columns = {
        "sample": owner["CCLE Cell Line Name"], "drug": owner["Compound"], "unit": "uM",
        "role": TREATED, "file": grid.name, "line": lines, "replicate": "1",
        "dose": numbers(doses, lines, "Doses (uM)", grid, left_out),
        "value": numbers(values, lines, "Activity Data (median)", grid, left_out),
    }  # fmt: skip
    parts.append(frame_of(columns, len(lines)))
    notes = [f"{grid.name}: {len(table)} series of medians in percent (0: no effect)"]
    return Readings(
        _counted(pd.concat(parts)), "activity", left_out, notes, {grid.name: grid.digest}
    )


def _number(cell: str) -> float | None:
    """Number of a cell; None where there is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) and cell not in MISSING else None


def _dose(cell: str, grid: Grid, at: int) -> float:
    value = _number(cell)
    if value is None or value < 0:
        raise study_error(
            f"{grid.name}, line {grid.lines[at]}: {cell!r} is neither a dose nor a control; write "
            "a number, or 'mock'.", grid.name
        )  # fmt: skip
    return value
