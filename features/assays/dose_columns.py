"""Wide tables: doses as column names, a row a replicate.

A column's name is a number, with its unit or not (``0.1``, ``0.1 uM``, ``10nM``), or a word for no
drug (``DMSO``, ``mock``). Sample, drug, condition, time, plate and replicate are columns by their
names; without a name, the first column is the sample.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import is_control, meanings
from sidestep.features.assays.doses import UNITS, factor_of
from sidestep.features.assays.grid import Grid, LeftOut, numbers
from sidestep.features.assays.readings import CONTROL, TREATED, Readings, frame_of
from sidestep.features.assays.tidy import Given, require_plausible
from sidestep.features.errors import some, study_error

_DOSE = re.compile(r"([+-]?[\d.]+(?:e[+-]?\d+)?)\s*([^\d\s].*)?", re.IGNORECASE)
_FEWEST = 3
_NAMED = ("sample", "drug", "condition", "replicate", "plate")


def has_dose_columns(grid: Grid) -> bool:
    """Whether three or more columns are named by a dose."""
    return sum(_dose(cell) is not None for cell in grid.rows[0]) >= _FEWEST


def read_dose_columns(grid: Grid, given: Given) -> Readings:
    """Read a table whose columns are doses.

    Raises
    ------
    StudyError
        If a dose has no unit, drug or sample are not told, or a cell is no number.
    """
    header = grid.rows[0]
    named = [(at, _dose(cell)) for at, cell in enumerate(header)]
    doses = [(at, dose) for at, dose in named if dose is not None]
    names = [cell for at, cell in enumerate(header) if cell and at not in dict(doses)]
    found = meanings(names, grid.name)
    rows, lines = grid.rows[1:], grid.lines[1:]

    def texts(meaning: str, default: str = "") -> list[str]:
        if meaning in found:
            at = header.index(found[meaning])
        elif meaning == "sample" and 0 not in dict(doses) and header[0] not in found.values():
            at = 0
        else:
            return [default] * len(rows)
        return [row[at] if at < len(row) else "" for row in rows]

    told = {name: texts(name, getattr(given, name, "")) for name in _NAMED}
    _require(grid, told, doses, given)
    if not any(told["replicate"]):
        told["replicate"] = _counted(told)
    left_out = LeftOut()
    time = np.full(len(rows), np.nan)
    if "time" in found:
        time = numbers(texts("time"), lines, found["time"], grid, left_out)
    parts = []
    for at, (dose, word) in doses:
        cells = [row[at] if at < len(row) else "" for row in rows]
        base, factor = factor_of(word or given.unit) or ("uM", 1.0)
        columns = {
            **told, "unit": base, "dose": dose * factor, "role": TREATED if dose else CONTROL,
            "file": grid.name, "line": lines, "time": time,
            "value": numbers(cells, lines, header[at], grid, left_out),
        }  # fmt: skip
        parts.append(frame_of(columns, len(rows)))
    kind = given.values or "signal"
    wells = pd.concat(parts, ignore_index=True)
    wells = wells[wells["value"].notna()].reset_index(drop=True)
    require_plausible(wells, kind, grid, f"{header[doses[0][0]]} and the like")
    used = [*found.values(), header[0] if "sample" not in found else ""]
    unused = [name for name in names if name not in used]
    notes = [f"{grid.name}: {len(doses)} doses as column names, {len(rows)} rows"]
    if unused:
        notes.append(f"{grid.name}: column(s) not used: {some([repr(c) for c in unused], 8)}")
    return Readings(wells, kind, left_out, notes, {grid.name: grid.digest})


def _dose(cell: str) -> tuple[float, str] | None:
    """Dose and unit that a column's name tells; None where it tells none."""
    if cell and is_control(cell):
        return 0.0, ""
    found = _DOSE.fullmatch(cell)
    if found is None or (found[2] and factor_of(found[2]) is None):
        return None
    try:
        return float(found[1]), found[2] or ""
    except ValueError:
        return None


def _require(
    grid: Grid, told: dict[str, list[str]], doses: Sequence[tuple[int, tuple[float, str]]],
    given: Given,
) -> None:  # fmt: skip
    """Refuse doses without unit or below 0, and rows without sample or drug."""
    for at, (dose, unit) in doses:
        name = grid.rows[0][at]
        if dose < 0:
            raise study_error(
                f"{grid.name}: column {name!r} is a negative dose; write doses, not their "
                "logarithms.", grid.name
            )  # fmt: skip
        if dose and not unit and not given.unit:
            raise study_error(
                f"{grid.name} has doses as column names and does not tell the unit of {name!r}; "
                f"write {UNITS} behind it, or give --unit.", grid.name
            )  # fmt: skip
    for meaning in ("sample", "drug"):
        for line, word in zip(grid.lines[1:], told[meaning], strict=True):
            if not word:
                raise study_error(
                    f"{grid.name}, line {line} has doses as column names and does not tell the "
                    f"{meaning}; name a column {meaning!r}, or give --{meaning}.", grid.name
                )  # fmt: skip


def _counted(told: dict[str, list[str]]) -> list[str]:
    """Rows of the same sample, drug, condition and plate, counted from 1."""
    seen: dict[tuple[str, ...], int] = {}
    counts = []
    for key in zip(*(told[n] for n in _NAMED if n != "replicate"), strict=True):
        seen[key] = seen.get(key, 0) + 1
        counts.append(str(seen[key]))
    return counts
