"""Positions of labels: a row a label, with its cell, and the window that each cell was seen in.

Positions are held in nanometres. Nothing is taken for a unit that is not named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.grid import LeftOut
from sidestep.features.cells.columns import UNITS, cell_meanings, length_in_name, length_of
from sidestep.features.cells.reading import CellRows, read_rows, table_files
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.identifiers import match_key
from sidestep.features.points.windows import Window

RECTANGLE, HULL = "rectangle", "hull"
REFUSE, ONCE, KEEP = "refuse", "once", "keep"
#: What may become of labels at one place.
DUPLICATES: Final = (REFUSE, ONCE, KEEP)
_KEYS = ("sample", "cell")
#: Two cells whose extents differ by more were not given in one unit.
_MOST_APART = 300.0
#: A metre, in nm.
_FARTHEST = 1e9


@dataclass
class Labels:
    """Labels of cells.

    Attributes
    ----------
    table : pandas.DataFrame
        ``sample``, ``cell``, ``state``, ``kind`` (of label; empty where there is one only), ``x``,
        ``y`` in nm, ``file`` and ``line``.
    windows : dict of (str, str) to Window
        Sample and cell -> where labels could be, in nm.
    told : bool
        Whether the windows were given; else they are the labels' own extents.
    left_out : LeftOut
    notes : list of str
    digests : dict of str to str
    """

    table: pd.DataFrame
    windows: dict[tuple[str, str], Window]
    told: bool
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def read_labels(
    paths: Sequence[Path],
    *,
    unit: str = "",
    sample: str = "",
    window: str = RECTANGLE,
    duplicates: str = REFUSE,
) -> Labels:
    """Read positions of labels.

    Parameters
    ----------
    paths : sequence of path
        Files, or folders of them. Without a column that names the cell, a file is a cell.
    unit : str
        Of positions whose columns do not say it.
    sample : str
        Where no column names it.
    window : str
        ``"rectangle"`` or ``"hull"`` of a cell's labels, enlarged for what they leave out, or a
        file: ``xmin, xmax, ymin, ymax`` a cell, or ``x, y`` of a polygon's corners in order.
    duplicates : {"refuse", "once", "keep"}
        What becomes of labels of one kind at one place.

    Raises
    ------
    InputError
        If a column is missing, the unit is not told or mixed, a label stands twice or outside its
        window, or there is no label; it names file, line, value and fix.
    """
    if unit and length_of(unit) is None:
        raise InputError(
            f"{unit!r} is no unit of length; choose {UNITS}; of pixels give their size"
        )
    if duplicates not in DUPLICATES:
        raise InputError(f"duplicates is {duplicates!r}; choose {', '.join(DUPLICATES)}")
    left_out, notes = LeftOut(), list[str]()
    digests: dict[str, str] = {}
    parts = []
    files = table_files(paths)
    for path in files:
        rows = read_rows(path)
        digests[rows.name] = rows.digest
        parts.append(_labels_of(rows, unit, sample, left_out, notes))
    table = pd.concat(parts, ignore_index=True)
    table = _once(table, duplicates, notes)
    told = window not in (RECTANGLE, HULL)
    if told:
        shapes = read_windows(Path(window), unit)
        windows = _given(shapes, table, window)
        _require_inside(table, windows)
    else:
        windows = _own(table, hull=window == HULL)
        notes.append(
            f"no window is given: each cell's is the {'hull' if window == HULL else 'extent'} of "
            "its labels, enlarged for what they leave out"
        )
    _require_one_scale(windows)
    return Labels(table, windows, told, left_out, notes, digests)


def _labels_of(
    rows: CellRows, unit: str, sample: str, left_out: LeftOut, notes: list[str]
) -> pd.DataFrame:
    found = cell_meanings([str(column) for column in rows.frame.columns])
    rows.require(found, ("x", "y"), "x_nm and y_nm, in nm or another unit")
    if match_key(found.get("cell", "")) == "INDEX" and rows.text(found["cell"]).is_unique:
        del found["cell"]  # numbers of the rows, as pandas leaves them
    factor = _factors(rows, found, unit)
    stem = rows.name.split(".")[0]
    names = rows.text(found.get("sample"), sample or stem)
    table = pd.DataFrame(
        {
            "sample": names.where(names != "", sample or stem),
            "cell": rows.text(found.get("cell"), stem),
            "state": rows.text(found.get("state")),
            "kind": rows.text(found.get("kind")),
            "x": rows.number(found["x"], left_out) * factor,
            "y": rows.number(found["y"], left_out) * factor,
            "file": rows.name,
            "line": rows.lines,
        }
    )
    if "cell" not in found:
        notes.append(f"{rows.name} has no column of cells and is taken for one cell")
    used = {found[m] for m in ("sample", "cell", "state", "kind", "x", "y", "unit") if m in found}
    passed = [str(column) for column in rows.frame.columns if column not in used]
    if passed:
        notes.append(f"{rows.name}: columns that mean nothing here: {some(passed)}")
    far = np.flatnonzero((table[["x", "y"]].abs() > _FARTHEST).any(axis=1))
    if len(far):
        row = table.iloc[far[0]]
        raise study_error(
            f"{rows.name}, line {row['line']}: x {row['x']:g}, y {row['y']:g} nm is nowhere on a "
            "slide; mend the unit or the label.", rows.name
        )  # fmt: skip
    unnamed = np.flatnonzero(table["cell"] == "")
    if len(unnamed):
        raise study_error(
            f"{rows.name}, line {rows.lines[unnamed[0]]}: the cell is not named; name it, or leave "
            "the row out.", rows.name
        )  # fmt: skip
    known = table[["x", "y"]].notna().all(axis=1)
    if not known.all():
        notes.append(f"{rows.name}: {(~known).sum()} labels lack x or y and are left out")
    states = table[known].groupby(list(_KEYS))["state"].nunique()
    if (states > 1).any():
        cell = states.index[states > 1][0][1]
        raise study_error(
            f"{rows.name}: cell {cell} has labels of several states; a cell has one.", rows.name
        )
    return table[known]


def _factors(rows: CellRows, found: dict[str, str], unit: str) -> np.ndarray:
    """Nanometres of each row's unit."""
    named = {axis: length_in_name(found[axis]) for axis in ("x", "y")}
    if named["x"] and named["y"] and length_of(named["x"]) != length_of(named["y"]):
        raise study_error(
            f"{rows.name}: {found['x']!r} and {found['y']!r} are in different units; give both in "
            "one.", rows.name
        )  # fmt: skip
    words = rows.text(found.get("unit"), named["x"] or named["y"] or unit)
    words = words.where(words != "", named["x"] or named["y"] or unit)
    factors = {word: length_of(word) for word in words.unique()}
    for word, factor in factors.items():
        line = rows.lines[int(np.flatnonzero(words == word)[0])]
        if not word:
            raise study_error(
                f"{rows.name}, line {line}: the unit of x and y is not told; name the columns x_nm "
                "and y_nm, add a column unit, or give --unit nm.", rows.name
            )  # fmt: skip
        if factor is None:
            raise study_error(
                f"{rows.name}, line {line}: {word!r} is no unit of length; give {UNITS}, of pixels "
                "multiplied by their size.", rows.name
            )  # fmt: skip
    values = words.map(factors).to_numpy(float)
    if "unit" in found and named["x"] and {length_of(named["x"])} != set(factors.values()):
        raise study_error(
            f"{rows.name}: {found['x']!r} and the column {found['unit']!r} name different units; "
            "keep one of them.", rows.name
        )  # fmt: skip
    if "unit" in found and "cell" in found and len(set(factors.values())) > 1:
        mixed = pd.Series(values).groupby(rows.text(found["cell"])).nunique()
        if (mixed > 1).any():
            cell = mixed.index[mixed > 1][0]
            raise study_error(
                f"{rows.name}: cell {cell} has labels in {' and in '.join(factors)}; give one "
                "unit a cell.", rows.name
            )  # fmt: skip
    return values


def _once(table: pd.DataFrame, duplicates: str, notes: list[str]) -> pd.DataFrame:
    key = [*_KEYS, "kind", "x", "y"]
    again = table.duplicated(key).to_numpy()
    if not again.any() or duplicates == KEEP:
        return table
    if duplicates == ONCE:
        notes.append(f"{again.sum()} labels stand at the place of another one and count once")
        return table[~again].reset_index(drop=True)
    row = table[again].iloc[0]
    same = table[(table[key] == row[key]).all(axis=1)]
    first = same.iloc[0]
    raise study_error(
        f"{row['file']}, line {row['line']}: cell {row['cell']} has a label at x {row['x']:g}, y "
        f"{row['y']:g} nm in line {first['line']} already ({again.sum()} in all), which would "
        "count as a dimer; remove it, or give --duplicates once (or keep).", str(row["file"])
    )  # fmt: skip


def read_windows(path: Path, unit: str = "") -> dict[tuple[str, str], Window]:
    """Windows of cells: a row ``xmin, xmax, ymin, ymax`` a cell, or a row a corner.

    Sample and cell are empty where the file does not name them: the window is that of every cell.

    Raises
    ------
    InputError
        If a column is missing, the unit is not told, or a window has no area.
    """
    rows = read_rows(path)
    found = cell_meanings([str(column) for column in rows.frame.columns])
    left_out = LeftOut()
    ends = ("xmin", "xmax", "ymin", "ymax")
    boxes = all(end in found for end in ends)
    if not boxes:
        rows.require(found, ("x", "y"), "xmin, xmax, ymin and ymax, or x and y of corners")
    axes = {"x": found["xmin"], "y": found["ymin"]} if boxes else found
    factor = _factors(rows, {**axes, **{m: found[m] for m in ("unit", "cell") if m in found}}, unit)
    names = [rows.text(found.get(key)) for key in _KEYS]
    numbers = [rows.number(found[c], left_out) * factor for c in (ends if boxes else ("x", "y"))]
    values = np.column_stack(numbers)
    if np.isnan(values).any():
        line = rows.lines[int(np.flatnonzero(np.isnan(values).any(axis=1))[0])]
        raise study_error(f"{rows.name}, line {line}: an end of the window is missing.", rows.name)
    windows = {}
    places_of: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(*names, strict=True)):
        places_of.setdefault(key, []).append(place)
    for key, places in places_of.items():
        of = f" of cell {key[1]}" if key[1] else ""
        try:
            if boxes and len(places) > 1:
                raise InputError("it has several rows; give one a cell")
            part = values[places]
            windows[key] = Window.rectangle(*part[0].tolist()) if boxes else Window.polygon(part)
        except InputError as error:
            raise study_error(
                f"{rows.name}, line {rows.lines[places[0]]}, the window{of}: {error}.", rows.name
            ) from error
    return windows


def _given(
    shapes: dict[tuple[str, str], Window], table: pd.DataFrame, name: str
) -> dict[tuple[str, str], Window]:
    windows, missing = {}, []
    for sample, cell in dict.fromkeys(zip(table["sample"], table["cell"], strict=True)):
        window = next(
            (shapes[key] for key in ((sample, cell), ("", cell), (sample, ""), ("", ""))
             if key in shapes),
            None,
        )  # fmt: skip
        if window is None:
            missing.append(cell)
        else:
            windows[(sample, cell)] = window
    if missing:
        raise InputError(
            f"{Path(name).name} has no window of {len(missing)} cell(s): {some(missing)}; add them"
        )
    return windows


def _own(table: pd.DataFrame, *, hull: bool) -> dict[tuple[str, str], Window]:
    windows = {}
    for key, group in table.groupby(list(_KEYS), sort=False):
        points = group[["x", "y"]].to_numpy(float)
        if (np.ptp(points, axis=0) > 0).all() and len(points) >= 3:
            windows[(str(key[0]), str(key[1]))] = Window.around(points, hull=hull)
        elif len(points) >= 3:
            row = group.iloc[0]
            axis = "x" if np.ptp(points[:, 0]) == 0 else "y"
            raise study_error(
                f"{row['file']}: all labels of cell {row['cell']} have the {axis} {row[axis]:g} "
                "nm; give the positions, not a constant.", str(row["file"])
            )  # fmt: skip
    return windows


def _require_inside(table: pd.DataFrame, windows: dict[tuple[str, str], Window]) -> None:
    for key, group in table.groupby(list(_KEYS), sort=False):
        window = windows[(str(key[0]), str(key[1]))]
        outside = ~window.holds(group[["x", "y"]].to_numpy(float))
        if outside.any():
            row = group[outside].iloc[0]
            (x0, y0), (x1, y1) = window.corners.min(axis=0), window.corners.max(axis=0)
            raise study_error(
                f"{row['file']}, line {row['line']}: the label at x {row['x']:g}, y {row['y']:g} "
                f"nm lies outside the window of cell {row['cell']} (x {x0:g} to {x1:g}, y {y0:g} "
                f"to {y1:g} nm), as {outside.sum()} of its {len(group)} do; mend the window, its "
                "unit, or the label.", str(row["file"])
            )  # fmt: skip


def _require_one_scale(windows: dict[tuple[str, str], Window]) -> None:
    if len(windows) < 2:
        return
    sizes = {key: float(window.sides.max()) for key, window in windows.items()}
    middle = float(np.median(list(sizes.values())))
    for (_, cell), size in sizes.items():
        if not 1 / _MOST_APART < size / middle < _MOST_APART:
            raise InputError(
                f"cell {cell} spans {size:g} nm where the middle cell spans {middle:g} nm; were "
                "its positions given in another unit? Add a column unit, or mend them"
            )
