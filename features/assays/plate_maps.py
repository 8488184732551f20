"""Plates as they look: grids of rows A, B … and columns 1, 2 …, and maps of the same shape.

A file holds one grid or several, of any size (8 x 12, 16 x 24 …). What a grid is, is told by the
word above it or in its corner: a grid of ``drug``, ``dose (uM)``, ``cell_line``, ``condition`` …
(names of `columns.ASSAY_COLUMNS`) is a map; a grid of mostly words is a map of drugs, whose cells
may tell dose and unit, too (``lapatinib 0.1 uM``, ``DMSO``, ``blank``); every other grid is a plate
of values. Lines such as ``plate,P1`` or ``Cell line: BT474`` hold for the grids below them. Maps
stand in the plates' file or in one of their own, and one map without a plate's name is the map of
all plates of its shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from sidestep.features.assays.columns import BLANK_WORDS, CONTROL_WORDS, VALUES, meanings
from sidestep.features.assays.doses import UNITS, factor_of, unit_in_name
from sidestep.features.assays.grid import Grid, LeftOut, numbers
from sidestep.features.assays.readings import BLANK, CONTROL, TREATED, Readings, join_readings
from sidestep.features.assays.tidy import Given, read_tidy
from sidestep.features.assays.wells import place_of, well_name
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.files.tables import MISSING
from sidestep.features.identifiers import match_key

#: What a map, or a line above a plate, may tell of its wells.
_TOLD: Final = ("sample", "drug", "dose", "unit", "condition", "replicate", "time", "role")
#: Words above a grid, or in its corner, that say nothing of it.
_EMPTY_TITLES = frozenset(
    match_key(word) for word in ("", "<>", "plate map", "map", "layout", "raw data", "data",
                                 "results", "plate layout", "values")
)  # fmt: skip
_PLATE = re.compile(
    r"plate(?:\s*(?:id|name|no\.?|number|barcode))?\s*(?:[:#=]\s*(\S.*)|\s(\S+))", re.IGNORECASE
)
_FACT = re.compile(r"([^:=,]+?)\s*[:=]\s*(\S.*)")
_DOSE = r"(?P<dose>[\d.]+(?:e[+-]?\d+)?)\s*(?P<unit>[^\d\s]\S*)?"
_AMOUNT = re.compile(_DOSE, re.IGNORECASE)
_MIXED = re.compile(rf"(?P<drug>.*?\S)[\s@,;_]+{_DOSE}", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"(\d),(\d)")
_FEWEST_COLUMNS = 2
_HEADER: Final = (*_TOLD, "plate", "well")


@dataclass(frozen=True)
class _Sheet:
    """A grid of wells in a file.

    Attributes
    ----------
    meaning : str
        What its cells are: a word of `_TOLD` or of `columns.VALUES`; empty where nothing tells it.
    title : str
        The words above it or in its corner.
    facts : dict of str to str
        What the lines above it say, such as its plate.
    wells : dict of tuple of int to str
        (row, column), from 0 -> cell, where there is one.
    lines : dict of int to int
        Row -> line in the file.
    shape : tuple of int
    """

    grid: Grid = field(repr=False)
    meaning: str
    title: str
    facts: dict[str, str]
    wells: dict[tuple[int, int], str] = field(repr=False)
    lines: dict[int, int] = field(repr=False)
    shape: tuple[int, int]

    @property
    def place(self) -> str:
        return f"{self.grid.name}, line {min(self.lines.values())}"

    def refuse(self, words: str, at: tuple[int, int] | None = None) -> InputError:
        place = self.place
        if at is not None:
            place = f"{self.grid.name}, line {self.lines[at[0]]}, well {well_name(at)}"
        return study_error(f"{place}: {words}", self.grid.name)


def has_plates(grid: Grid) -> bool:
    """Whether a file holds a grid of rows A, B … and columns 1, 2 … of wells."""
    return any(_is_top(grid, at) for at in range(len(grid.rows)))


def read_plate_maps(grids: Sequence[Grid], given: Given) -> Readings:
    """Read plates and their maps, which may stand in different files.

    Raises
    ------
    StudyError
        If there is no plate of values, a map of another shape, two maps that could be meant, or a
        well of which sample, drug, dose or unit is not told; it names file, line and well.
    """
    sheets = [sheet for grid in grids for sheet in _sheets(grid)]
    maps = [sheet for sheet in sheets if sheet.meaning in _TOLD]
    plates = _named([sheet for sheet in sheets if sheet.meaning not in _TOLD])
    if not plates:
        raise maps[0].refuse("this is a map; give the plates of values, too.")
    parts = []
    for grid in grids:
        own = [plate for plate in plates if plate.grid is grid]
        for kind in dict.fromkeys(plate.meaning for plate in own):
            same = [plate for plate in own if plate.meaning == kind]
            parts.append(_readings(grid, same, maps, kind, given))
    joined = join_readings(parts)
    joined.digests |= {grid.name: grid.digest for grid in grids}
    return joined


def _is_top(grid: Grid, at: int) -> bool:
    """Whether a row holds the columns' numbers of a plate, and the next ones are its rows."""
    if _width(grid.rows[at]) < _FEWEST_COLUMNS:
        return False
    named = [_row_of(row[0]) for row in grid.rows[at + 1 : at + 3]]
    return bool(named) and None not in named and min(n for n in named if n is not None) <= 1


def _width(row: Sequence[str]) -> int:
    """Columns 1, 2 … that a row numbers; what stands behind them is no part of the plate."""
    wanted = 0
    for cell in row[1:]:
        if cell.lstrip("0") != str(wanted + 1):
            break
        wanted += 1
    return wanted


def _sheets(grid: Grid) -> Iterator[_Sheet]:
    """Grids of a file from above, each with what is said of it."""
    facts: dict[str, str] = {}
    title, at = "", 0
    while at < len(grid.rows):
        row = grid.rows[at]
        if not _is_top(grid, at):
            told = _fact(row)
            if told is not None:
                facts[told[0]] = told[1]
            elif sum(map(bool, row)) == 1:
                title = next(filter(None, row))
            at += 1
            continue
        end = at + 1
        while end < len(grid.rows) and _row_of(grid.rows[end][0]) is not None:
            end += 1
        words = row[0] if match_key(row[0]) not in _EMPTY_TITLES else title
        yield _sheet(grid, at, end, words, dict(facts))
        title, at = "", end


def _row_of(cell: str) -> int | None:
    place = place_of(f"{cell}1") if cell.isalpha() else None
    return None if place is None else place[0]


def _fact(row: Sequence[str]) -> tuple[str, str] | None:
    """What a line says of the grids below it: meaning and value."""
    cells = [cell for cell in row if cell]
    if len(cells) == 1:
        plate = _PLATE.fullmatch(cells[0])
        if plate is not None and match_key(cells[0]) not in _EMPTY_TITLES:
            return "plate", plate[1] or plate[2]
        pair = _FACT.fullmatch(cells[0])
        cells = [pair[1], pair[2]] if pair else cells
    if len(cells) != 2:
        return None
    name = cells[0].rstrip(":= ")
    found = meanings([name], "plate")
    meaning = next((word for word in found if word in (*_TOLD, "plate")), "")
    if not meaning:
        return None
    value = cells[1]
    if meaning == "dose" and unit_in_name(name):
        value = f"{value} {unit_in_name(name)}"
    return meaning, value


def _sheet(grid: Grid, at: int, end: int, title: str, facts: dict[str, str]) -> _Sheet:
    width = _width(grid.rows[at])
    wells: dict[tuple[int, int], str] = {}
    lines: dict[int, int] = {}
    for number in range(at + 1, end):
        cells = grid.rows[number]
        row = _row_of(cells[0])
        if row is None or row in lines:
            message = f"{grid.name}, line {grid.lines[number]}: row {cells[0]} stands there twice."
            raise study_error(message, grid.name)
        lines[row] = grid.lines[number]
        for column, cell in enumerate(cells[1 : width + 1]):
            if cell not in MISSING:
                wells[row, column] = cell
    meaning = _meaning(title, list(wells.values()), grid)
    if unit_in_name(title) and meaning == "dose":
        facts["unit"] = unit_in_name(title)
    return _Sheet(grid, meaning, title, facts, wells, lines, (max(lines) + 1, width))


def _meaning(title: str, cells: Sequence[str], grid: Grid) -> str:
    found = meanings([title], grid.name) if title else {}
    told = next((word for word in found if word in (*_TOLD, *VALUES)), "")
    if told:
        return told
    words = sum(cell[:1].isalpha() and factor_of(cell) is None for cell in cells)
    readable = sum(_AMOUNT.fullmatch(cell) is not None for cell in cells)
    return "drug" if words > readable else ""


def _named(plates: Sequence[_Sheet]) -> list[_Sheet]:
    """Plates of values, each with a name of its own in its file."""
    found: list[_Sheet] = []
    taken: dict[tuple[str, str, str], int] = {}
    for sheet in plates:
        silent = bool(sheet.meaning) or match_key(sheet.title) in _EMPTY_TITLES
        name = sheet.facts.get("plate", "" if silent else sheet.title)
        alone = sum(other.grid is sheet.grid for other in plates) == 1
        name = name or (sheet.grid.name.partition(".")[0] if alone else "")
        key = (sheet.grid.name, name, sheet.facts.get("time", ""))
        taken[key] = taken.get(key, 0) + 1
        if not name or taken[key] > 1:
            name = f"{name} {taken[key]}".strip()
        found.append(replace(sheet, facts={**sheet.facts, "plate": name}))
    return found


def _readings(
    grid: Grid, plates: Sequence[_Sheet], maps: Sequence[_Sheet], kind: str, given: Given
) -> Readings:
    """Plates of one file and kind of values, by way of a tidy table."""
    left_out, notes = LeftOut(), []
    rows: list[list[str]] = [[*_HEADER, given.values or kind or "signal"]]
    lines = [0]
    for plate in plates:
        layers = {meaning: _layer(maps, plate, meaning) for meaning in _TOLD}
        unused = 0
        wells = [
            [*_told(plate, layers, at, given), value]
            for at, value in _values(plate, left_out)
        ]  # fmt: skip
        for at, cells in zip(plate.wells, wells, strict=True):
            if not (cells[1] or cells[2] or cells[7]):
                unused += 1
                continue
            rows.append(cells)
            lines.append(plate.lines[at[0]])
        notes.append(_account(plate, layers, wells, unused))
    # Columns of which nothing is known are as good as not there.
    held = [k for k in range(len(rows[0])) if any(row[k] for row in rows[1:]) or k == len(_HEADER)]
    tidy = Grid(grid.name, [[row[k] for k in held] for row in rows], lines, ",", grid.digest)
    if len(rows) == 1:
        raise plates[0].refuse("no map tells what its wells hold; give a grid of drugs and doses.")
    readings = read_tidy(tidy, replace(given, values=given.values or kind or "signal"))
    readings.left_out.rows += left_out.rows
    readings.notes[:] = notes
    return readings


def _layer(maps: Sequence[_Sheet], plate: _Sheet, meaning: str) -> _Sheet | None:
    """The map that tells this of a plate's wells; None where none does."""
    alike = [sheet for sheet in maps if sheet.meaning == meaning]
    mine = [sheet for sheet in alike if sheet.facts.get("plate") == plate.facts["plate"]]
    fitting = mine or [sheet for sheet in alike if sheet.shape == plate.shape]
    if alike and not fitting:
        raise plate.refuse(
            f"this plate has {_size(plate)} wells and the map of {meaning}s in {alike[0].place} "
            f"{_size(alike[0])}; give a map of the plate's shape."
        )
    near = [sheet for sheet in fitting if sheet.grid is plate.grid] or fitting
    general = [sheet for sheet in near if "plate" not in sheet.facts] or near
    if len(general) > 1:
        raise plate.refuse(
            f"{len(general)} maps of {meaning}s fit plate {plate.facts['plate']!r}, such as "
            f"{general[0].place} and {general[1].place}; write a line 'plate,NAME' above each."
        )
    if not general:
        return None
    if general[0].shape != plate.shape:
        raise plate.refuse(
            f"this plate has {_size(plate)} wells and its map of {meaning}s in {general[0].place} "
            f"{_size(general[0])}; give a map of the plate's shape."
        )
    return general[0]


def _size(sheet: _Sheet) -> str:
    return f"{sheet.shape[0]} x {sheet.shape[1]}"


def _values(plate: _Sheet, left_out: LeftOut) -> Iterator[tuple[tuple[int, int], str]]:
    """Wells with their values as text; what was no measurement is an empty cell."""
    found: dict[tuple[int, int], str] = {}
    for column in sorted({at[1] for at in plate.wells}):
        places = [at for at in plate.wells if at[1] == column]
        cells = [plate.wells[at] for at in places]
        lines = [plate.lines[at[0]] for at in places]
        read = numbers(cells, lines, str(column + 1), plate.grid, left_out)
        texts = [repr(float(value)) if np.isfinite(value) else "" for value in read]
        found |= dict(zip(places, texts, strict=True))
    for at in plate.wells:
        yield at, found[at]


def _told(
    plate: _Sheet, layers: dict[str, _Sheet | None], at: tuple[int, int], given: Given
) -> list[str]:
    """What is told of a well, in the order of the header."""
    cells = {
        meaning: (layer.wells.get(at, "") if layer is not None else plate.facts.get(meaning, ""))
        for meaning, layer in layers.items()
    }
    cells["sample"] = cells["sample"] or plate.facts.get("sample", "") or given.sample
    if layers["drug"] is not None and layers["dose"] is None and not cells["dose"]:
        told = cells["drug"]
        if plate.grid.separator == ";":
            told = _DECIMAL_COMMA.sub(r"\1.\2", told)
        mixed = _MIXED.fullmatch(told)
        if mixed is not None and (not mixed["unit"] or factor_of(mixed["unit"])):
            cells |= {"drug": mixed["drug"], "dose": mixed["dose"]}
            cells["unit"] = mixed["unit"] or cells["unit"]
    word = match_key(cells["drug"])
    untreated = word in CONTROL_WORDS | BLANK_WORDS or bool(cells["role"])
    if cells["dose"]:
        cells["dose"], unit = _amount(plate, layers["dose"], at, cells["dose"])
        layer = layers["dose"]
        of_map = layer.facts.get("unit", "") if layer is not None else ""
        cells["unit"] = unit or cells["unit"] or of_map or given.unit
        if not cells["drug"] and layers["drug"] is None:
            cells["drug"] = given.drug
        if not untreated:
            _require(plate, cells, at)
    elif layers["drug"] is None:
        cells["drug"] = ""  # a well without a dose is not treated because the plate is
    elif cells["drug"] and not untreated:
        raise plate.refuse(f"{cells['drug']!r} has no dose; give it in the map of doses.", at)
    return [*(cells[name] for name in _TOLD), plate.facts["plate"], well_name(at)]


def _amount(plate: _Sheet, layer: _Sheet | None, at: tuple[int, int], cell: str) -> tuple[str, str]:
    """Dose and unit of a cell; a word for no drug is dose 0."""
    if match_key(cell) in CONTROL_WORDS:
        return "0", ""
    found = _AMOUNT.fullmatch(cell.replace(",", "."))
    if found is None or (found["unit"] and factor_of(found["unit"]) is None):
        raise (layer or plate).refuse(
            f"{cell!r} is no dose; write a number, with {UNITS} behind it or above the map.", at
        )
    return found["dose"], found["unit"] or ""


def _require(plate: _Sheet, cells: dict[str, str], at: tuple[int, int]) -> None:
    """Refuse a dosed well whose sample, drug or unit nobody names."""
    if float(cells["dose"]) == 0:
        return
    name = plate.facts["plate"]
    lacking: tuple[tuple[str, str, Callable[[], bool]], ...] = (
        ("sample", f"plate {name!r} names no sample; write a line 'sample,NAME' above it, add a "
         "map of cell_lines, or give --sample.", lambda: bool(cells["sample"])),
        ("drug", "no drug is told for this dose; add a map of drugs, or give --drug.",
         lambda: bool(cells["drug"])),
        ("unit", f"the unit of the doses is not told; write it above the map, as 'dose (uM)', or "
         f"give --unit: {UNITS}.", lambda: bool(cells["unit"])),
    )  # fmt: skip
    for _, words, is_told in lacking:
        if not is_told():
            raise plate.refuse(words, at)


def _account(
    plate: _Sheet, layers: dict[str, _Sheet | None], wells: Sequence[Sequence[str]], unused: int
) -> str:
    """What a plate became."""
    treated: dict[str, int] = {}
    roles = {CONTROL: 0, BLANK: 0}
    for sample, drug, dose, _, _, _, _, role, *_ in wells:
        words = {match_key(drug), match_key(role)}
        if words & BLANK_WORDS:
            roles[BLANK] += 1
        elif words & CONTROL_WORDS or (dose and float(dose) == 0):
            roles[CONTROL] += 1
        elif dose:
            name = f"{drug} on {sample}" if sample else drug
            treated[name] = treated.get(name, 0) + 1
    parts = [f"{count} wells {TREATED} with {name}" for name, count in list(treated.items())[:4]]
    if len(treated) > 4:
        parts.append(f"{sum(list(treated.values())[4:])} with {len(treated) - 4} more")
    parts += [f"{count} {role}" for role, count in roles.items() if count]
    if unused:
        parts.append(f"{unused} of which no map says anything, not used")
    found = [f"{name} from line {min(layer.lines.values())} of {layer.grid.name}"
             for name, layer in layers.items() if layer is not None]  # fmt: skip
    return (
        f"{plate.grid.name}: plate {plate.facts['plate']!r}, {_size(plate)}: {', '.join(parts)}"
        + (f"; {some(found, 4)}" if found else "")
    )
