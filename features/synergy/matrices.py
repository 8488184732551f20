"""Dose matrices of two drugs, read from tidy tables, NCATS blocks, and single agents beside them.

A tidy table has a row a well: sample, drug1, drug2, dose1, dose2, value. Dose 0 of one drug is the
other one alone, dose 0 of both is the control. Tables of single agents (drug, dose) stand in for
those wells in every pair of their sample, as in O'Neil et al., Mol Cancer Ther 2016
(DOI 10.1158/1535-7163.MCT-15-0843). NCATS matrices are ``responses.csv`` with ``metadata.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import VALUES, is_control, meanings
from sidestep.features.assays.doses import UNITS, factor_of, unit_in_name
from sidestep.features.assays.grid import Grid, LeftOut, numbers, read_grid
from sidestep.features.assays.layouts import plate_files, read_file
from sidestep.features.assays.readings import (
    CONTROL,
    TREATED,
    Readings,
    frame_of,
    require_single_wells,
)
from sidestep.features.assays.relative import relative_to_control
from sidestep.features.assays.tidy import Given, missing_column, require_plausible
from sidestep.features.errors import InputError, study_error
from sidestep.features.identifiers import match_key

#: What makes a block: the wells of one pair in one sample.
KEYS: Final = ("sample", "drug1", "drug2", "condition", "time")
_COLUMNS: Final = (*KEYS, "dose1", "dose2", "unit1", "unit2", "replicate", "viability")
_ALONE: Final = (
    "sample", "drug", "condition", "time", "dose", "unit", "replicate", "viability",
)  # fmt: skip
_NCATS: Final = {"BlockId", "Row", "Col", "Value"}
_NCATS_NAMES: Final = {"BlockId", "RowName", "ColName", "RowConcs", "ColConcs"}
_NCATS_DERIVED: Final = {"BlockId", "ExcessHSA"}
_NCATS_BOOK: Final = "metadata.csv"


@dataclass
class Matrices:
    """Wells of pairs of drugs.

    Attributes
    ----------
    wells : pandas.DataFrame
        A row a well: sample, drug1, drug2, condition, time (hours), dose1, dose2 (micromolar, or
        micrograms a millilitre), unit1, unit2, replicate and viability (1: as the control).
    left_out : LeftOut
    notes : list of str
        What the reader decided.
    digests : dict of str to str
        sha256 of each file.
    """

    wells: pd.DataFrame
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def read_matrices(paths: list[Path], given: Given | None = None) -> Matrices:
    """Read dose matrices, and single agents beside them, into one table of wells.

    Parameters
    ----------
    paths : list of path
        Files, or folders of them.
    given : Given, optional
        What the tables do not say themselves.

    Raises
    ------
    InputError
        If a file cannot be read, no table has two drugs, or values have no control; it names line,
        column, value and the fix.
    """
    given = given or Given()
    found = Matrices(pd.DataFrame(columns=list(_COLUMNS)))
    pairs: list[pd.DataFrame] = []
    singles: list[pd.DataFrame] = []
    for path in plate_files(paths):
        grid = read_grid(path)
        header = set(grid.rows[0])
        if header >= _NCATS_NAMES or header >= _NCATS_DERIVED:
            continue  # read beside their responses; derived numbers are no wells
        if header >= _NCATS:
            readings, doses = _read_ncats(grid, path, given)
        elif _is_matrix(grid):
            readings, doses = _read_tidy_matrix(grid, given)
        else:
            readings = read_file(path, given)
            singles.append(_single_agents(readings))
            _keep_account(found, readings)
            continue
        require_single_wells(readings)
        pairs.append(_relative(readings, doses))
        _keep_account(found, readings)
    if not pairs:
        raise InputError(
            "no table has two drugs; name columns drug1, drug2, dose1, dose2 and value (or "
            "viability, percent_inhibition …), a row a well"
        )
    alone = pd.concat(singles, ignore_index=True) if singles else None
    found.wells = _joined(pd.concat(pairs, ignore_index=True), alone, found.notes)
    return found


def _keep_account(found: Matrices, readings: Readings) -> None:
    found.left_out.rows += readings.left_out.rows
    found.notes += readings.notes
    found.digests |= readings.digests


def _is_matrix(grid: Grid) -> bool:
    header = [cell for cell in grid.rows[0] if cell]
    found = set(meanings(header, grid.name))
    return {"dose1", "dose2"} <= found or {"drug1", "drug2", "dose1"} <= found


def _read_tidy_matrix(grid: Grid, given: Given) -> tuple[Readings, pd.DataFrame]:
    """Wells of a tidy table, and drugs and doses of each."""
    table = grid.table()
    found = meanings(list(table.columns), grid.name)
    kind = next((name for name in VALUES if name in found), "")
    if not kind:
        raise missing_column(grid, table, "measured values", "viability or percent_inhibition")
    for which, what in (
        ("drug1", "the names of drug1"), ("drug2", "the names of drug2"),
        ("dose1", "doses of drug1"), ("dose2", "doses of drug2"),
    ):  # fmt: skip
        if which not in found:
            raise missing_column(grid, table, what, which)
    if "sample" not in found and not given.sample:
        raise missing_column(grid, table, "samples", "sample or cell_line", "--sample NAME")
    lines = list(table.index)
    left_out = LeftOut()

    def text(meaning: str, default: str = "") -> pd.Series:
        if meaning not in found:
            return pd.Series([default] * len(table), dtype="str")
        return table[found[meaning]].reset_index(drop=True)

    def number(meaning: str) -> np.ndarray:
        if meaning not in found:
            return np.full(len(table), np.nan)
        return numbers(table[found[meaning]].tolist(), lines, found[meaning], grid, left_out)

    doses = pd.DataFrame()
    for which in ("1", "2"):
        name = text(f"drug{which}")
        dose = number(f"dose{which}")
        dose = np.where([not word or is_control(word) for word in name], 0.0, dose)
        shared = text("unit", given.unit)
        words = text(f"unit{which}") if f"unit{which}" in found else shared
        words = words.where(words != "", unit_in_name(found[f"dose{which}"]) or given.unit)
        dose, unit = _in_base(dose, words, found[f"dose{which}"], lines, grid)
        doses[f"drug{which}"], doses[f"dose{which}"], doses[f"unit{which}"] = name, dose, unit
    untreated = ((doses["dose1"] == 0) & (doses["dose2"] == 0)).to_numpy()
    value = number(kind)
    wells = frame_of(
        {
            "sample": text("sample", given.sample), "condition": text("condition"),
            "drug": (doses["drug1"] + " + " + doses["drug2"]).to_list(),
            "replicate": text("replicate"), "plate": text("plate"), "well": text("well"),
            "role": np.where(untreated, CONTROL, TREATED), "file": grid.name,
            "time": number("time"), "value": value, "line": lines,
            "control": number("control_signal"),
        },
        len(table),
    )  # fmt: skip
    kind = given.values or kind
    require_plausible(wells, kind, grid, found[next(n for n in VALUES if n in found)])
    return Readings(wells, kind, left_out, [], {grid.name: grid.digest}), doses


def _in_base(
    dose: np.ndarray, words: pd.Series, column: str, lines: list[int], grid: Grid
) -> tuple[np.ndarray, list[str]]:
    """Doses in their base unit, and that unit; 0 needs none."""
    scaled, units = dose.copy(), []
    for at, word in enumerate(words):
        if dose[at] < 0:
            raise study_error(
                f"{grid.name}, line {lines[at]}, column {column!r}: dose {dose[at]:g} is negative; "
                "write doses, not their logarithms.", grid.name
            )  # fmt: skip
        unit = factor_of(word)
        if unit is None and dose[at] > 0:
            told = f"{word!r} is no unit of doses" if word else "the unit of the dose is not told"
            raise study_error(
                f"{grid.name}, line {lines[at]}: {told}; add a column 'unit' with {UNITS}, or give "
                "--unit.", grid.name
            )  # fmt: skip
        if not np.isfinite(dose[at]):
            raise study_error(
                f"{grid.name}, line {lines[at]}, column {column!r} has no dose; write 0 where the "
                "drug was not given.", grid.name
            )  # fmt: skip
        base, factor = unit or ("uM", 1.0)
        scaled[at] *= factor
        units.append(base)
    return scaled, units


def _read_ncats(grid: Grid, path: Path, given: Given) -> tuple[Readings, pd.DataFrame]:
    """NCATS blocks: percent viability by row and column, doses in the metadata beside."""
    book = path.with_name(_NCATS_BOOK)
    if not book.exists():
        raise study_error(
            f"{grid.name} has blocks, whose drugs and doses stand in {_NCATS_BOOK}; put it beside.",
            grid.name,
        )  # fmt: skip
    names = read_grid(book).table().set_index("BlockId")
    table = grid.table()
    lines = list(table.index)
    left_out = LeftOut()
    place = {
        column: numbers(table[column].tolist(), lines, column, grid, left_out)
        for column in ("Row", "Col", "Value")
    }
    ladders = {
        (block, side): [float(cell) for cell in str(names.at[block, f"{side}Concs"]).split(",")]
        for block in names.index
        for side in ("Row", "Col")
    }
    doses = pd.DataFrame(index=range(len(table)))
    for which, side in (("1", "Row"), ("2", "Col")):
        cells = []
        for at, block in enumerate(table["BlockId"]):
            ladder = ladders.get((block, side), [])
            position = place[side][at]
            if not (1 <= position <= len(ladder)):
                raise study_error(
                    f"{grid.name}, line {lines[at]}: block {block} has no dose of {side.lower()} "
                    f"{position:g} in {_NCATS_BOOK}; mend one of them.", grid.name
                )  # fmt: skip
            cells.append(ladder[int(position) - 1])
        doses[f"drug{which}"] = names.loc[table["BlockId"], f"{side}Name"].to_numpy()
        units = names.loc[table["BlockId"], f"{side}ConcUnit"].reset_index(drop=True)
        doses[f"dose{which}"], doses[f"unit{which}"] = _in_base(
            np.array(cells), units, f"{side}Concs", lines, grid
        )
    sample = [f"{given.sample} block {b}".strip() for b in table["BlockId"]]
    wells = frame_of(
        {"sample": sample, "role": TREATED, "file": grid.name, "value": place["Value"],
         "replicate": table.get("Replicate", pd.Series("", index=table.index)), "line": lines},
        len(table),
    )  # fmt: skip
    notes = [f"{grid.name}: {len(names)} NCATS blocks, percent viability; each is a sample"]
    kind = given.values or "percent_viability"
    return Readings(wells, kind, left_out, notes, {grid.name: grid.digest}), doses


def _relative(readings: Readings, doses: pd.DataFrame) -> pd.DataFrame:
    """Viability of treated wells with their doses.

    Raises
    ------
    StudyError
        If a signal has no control.
    """
    joined = pd.concat([readings.wells.reset_index(drop=True), doses], axis=1)
    untreated = (joined["dose1"] == 0) & (joined["dose2"] == 0)
    treated = joined[~untreated & joined["value"].notna()]
    kept = pd.concat([treated, joined[untreated].assign(role=CONTROL)], ignore_index=True)
    held = Readings(kept, readings.kind)
    wells = relative_to_control(held).wells
    lacking = wells["relative"].isna()
    if lacking.any():
        first = wells[lacking].iloc[0]
        raise study_error(
            f"{first['file']}, line {first['line']:.0f}: no control with a signal (dose 0 of both "
            f"drugs) matches {first['sample']}; add it, or give relative values and say so with "
            "--values.", str(first["file"])
        )  # fmt: skip
    return wells.rename(columns={"relative": "viability"})[list(_COLUMNS)]


def _single_agents(readings: Readings) -> pd.DataFrame:
    """Viability under one drug, from a table of plates."""
    wells = relative_to_control(readings).wells
    wells = wells[wells["relative"].notna() & (wells["dose"] > 0)]
    return wells.rename(columns={"relative": "viability"})[list(_ALONE)]


def _joined(wells: pd.DataFrame, alone: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame:
    """Pairs in one order of their drugs, each with the single agents of its sample."""
    singles = [] if alone is None else [alone]
    for which, other in (("1", "2"), ("2", "1")):  # wells that name one drug only
        lone = wells[f"drug{other}"].map(lambda name: not name or is_control(name))
        part = wells[lone & (wells[f"dose{which}"] > 0)]
        named = part.rename(columns={f"{name}{which}": name for name in ("drug", "dose", "unit")})
        singles.append(named[list(_ALONE)])
        wells = wells[~lone]
    wells = _one_order(wells)
    singles = [part for part in singles if len(part)]
    if not singles:
        return wells.reset_index(drop=True)
    together = pd.concat(singles, ignore_index=True)
    notes.append(f"{len(together)} wells of single agents stand beside the pairs of their sample")
    return pd.concat([wells, *_beside(wells, together)], ignore_index=True)


def _one_order(wells: pd.DataFrame) -> pd.DataFrame:
    """A pair that is named both ways is named as it is first."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    turned = []
    for one, two in zip(wells["drug1"], wells["drug2"], strict=True):
        key = (match_key(one), match_key(two))
        pair = first.setdefault(key, first.get(key[::-1], (one, two)))
        turned.append(match_key(pair[0]) != key[0])
    turn = np.array(turned, bool)
    columns = {}
    for name in ("drug", "dose", "unit"):
        one, two = wells[f"{name}1"].to_numpy(), wells[f"{name}2"].to_numpy()
        columns[f"{name}1"] = np.where(turn, two, one)
        columns[f"{name}2"] = np.where(turn, one, two)
    return wells.assign(**columns)


def _beside(wells: pd.DataFrame, alone: pd.DataFrame) -> list[pd.DataFrame]:
    """Single agents as wells of each pair that they belong to."""
    of_sample = {
        (match_key(str(sample)), match_key(str(drug)), condition): part
        for (sample, drug, condition), part in alone.groupby(["sample", "drug", "condition"])
    }
    parts = []
    for block in wells.drop_duplicates(list(KEYS)).to_dict("records"):
        for which, other in (("1", "2"), ("2", "1")):
            drug = match_key(block[f"drug{which}"])
            part = of_sample.get((match_key(block["sample"]), drug, block["condition"]))
            if part is None:
                continue
            row = {key: block[key] for key in KEYS}
            row |= {f"dose{other}": 0.0, f"unit{other}": block[f"unit{other}"]}
            taken = part[["dose", "unit", "replicate", "viability"]].rename(
                columns={"dose": f"dose{which}", "unit": f"unit{which}"}
            )
            parts.append(taken.assign(**row)[list(_COLUMNS)])
    return parts
