"""Protein arrays of treated cells: who was given what, and log2 levels, whatever the table.

Two sources: a table with a row a sample, some columns that say the treatment and the others
antibodies (as those of the HPN-DREAM challenge, with or without a quality-control header; Hill et
al., Nat Methods 2016, DOI 10.1038/nmeth.3773), or a study folder with RPPA whose clinical
attributes say the treatment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import is_control, meanings
from sidestep.features.assays.grid import Grid, LeftOut, numbers, read_grid
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.identifiers import match_key
from sidestep.features.study.antibodies import parse_antibody
from sidestep.features.study.study import read_study

#: What is known of each sample of an array.
TREATMENT: Final = ("sample", "drug", "dose", "time", "stimulus", "condition", "replicate")
_STIMULI = frozenset(map(match_key, ("stimulus", "ligand", "growth factor", "stimulation")))
_TIMES = frozenset(map(match_key, ("timepoint", "time point", "time_min", "minutes")))
_TIME = re.compile(
    r"(\d+(?:\.\d+)?)\s*(s|sec|min|m|h|hr|hrs|hour|hours|d|day|days)?", re.IGNORECASE
)
_HOURS = {"s": 1 / 3600, "m": 1 / 60, "h": 1.0, "d": 24.0}
#: Columns of arrays that are neither treatment nor antibody.
_ASIDE = frozenset(map(match_key, ("CF", "In Main", "QC Score", "Slide ID", "Order", "Set")))
_FEWEST_ANTIBODIES = 2


@dataclass
class TreatedArrays:
    """Arrays of treated and untreated cells.

    Attributes
    ----------
    treatment : pandas.DataFrame
        A row an array, with the columns of `TREATMENT`: text, empty where it is not told; `drug`
        is empty for a control, `time` in hours (NaN where it is not told).
    levels : pandas.DataFrame
        Log2 levels of the same rows, columns canonical antibodies; NaN where not measured.
    left_out : LeftOut
    notes : list of str
        What the reader decided.
    digests : dict of str to str
        sha256 of each file.
    """

    treatment: pd.DataFrame
    levels: pd.DataFrame
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def read_arrays(path: Path, scale: str = "") -> TreatedArrays:
    """Read arrays of treated cells from a table or a study folder.

    Parameters
    ----------
    path : path
    scale : {"", "linear", "log2"}
        Of a table's levels; by default log2 where a level is negative, else linear.

    Raises
    ------
    InputError
        If the treatment is not told, there is no untreated control, or a level cannot be.
    """
    arrays = _read_study(path) if path.is_dir() else _read_table(path, scale)
    treated = arrays.treatment["drug"] != ""
    if not treated.any():
        raise InputError(f"{path.name} has no treated sample; name the drugs in a column 'drug'")
    if treated.all():
        drugs = some(sorted(set(arrays.treatment["drug"])))
        raise InputError(
            f"{path.name} has no untreated control; call its drug DMSO, vehicle or none (its drugs "
            f"are {drugs})"
        )
    return _without_copies(arrays)


def _read_table(path: Path, scale: str) -> TreatedArrays:
    grid = _from_header(read_grid(path))
    table = grid.table()
    found = _treatment_columns(list(table.columns), grid.name)
    for meaning, names in (("sample", "sample or cell_line"), ("drug", "drug or inhibitor")):
        if meaning not in found:
            raise study_error(
                f"{grid.name} has no column of {meaning}s; name one {names}. Its columns are "
                f"{some(list(table.columns), 8)}.", grid.name
            )  # fmt: skip
    taken = {*found.values(), "index"}
    antibodies = [c for c in table.columns if c not in taken and match_key(c) not in _ASIDE]
    if len(antibodies) < _FEWEST_ANTIBODIES:
        raise study_error(
            f"{grid.name} has no columns of antibodies beside its treatment.", grid.name
        )
    lines, left_out = list(table.index), LeftOut()
    values = {c: numbers(table[c].tolist(), lines, c, grid, left_out) for c in antibodies}
    levels, notes = _canonical(pd.DataFrame(values), grid.name)
    levels, on_scale = _log2(levels, scale, lines, grid.name)
    treatment = _treatment(
        {m: table[c].tolist() for m, c in found.items()}, len(table), lines, grid
    )
    notes.append(f"{grid.name}: {len(table)} arrays of {levels.shape[1]} antibodies, {on_scale}")
    return TreatedArrays(treatment, levels, left_out, notes, {grid.name: grid.digest})


def _from_header(grid: Grid) -> Grid:
    """The grid from the row that names sample and drug on: above stands quality control."""
    for at, row in enumerate(grid.rows[:30]):
        cells = [cell for cell in row if cell]
        if len(set(cells)) == len(cells) and {"sample", "drug"} <= set(meanings(cells, grid.name)):
            return Grid(grid.name, grid.rows[at:], grid.lines[at:], grid.separator, grid.digest)
    return grid


def _treatment_columns(columns: Sequence[str], name: str) -> dict[str, str]:
    """What of the treatment stands in which column."""
    stimulus = next((c for c in columns if match_key(c) in _STIMULI), None)
    time = next((c for c in columns if match_key(c) in _TIMES), None)
    found = meanings([c for c in columns if c not in (stimulus, time)], name)
    kept: dict[str, str] = {name: found[name] for name in TREATMENT if name in found}
    if stimulus is not None:
        kept["stimulus"] = stimulus
    if time is not None:
        kept.setdefault("time", time)
    return kept


def _treatment(
    told: Mapping[str, list[str]], length: int, lines: Sequence[int], grid: Grid
) -> pd.DataFrame:
    frame = pd.DataFrame({name: told.get(name, [""] * length) for name in TREATMENT}, dtype="str")
    frame["drug"] = [
        "" if word in ("", "0") or is_control(word) else word for word in frame["drug"]
    ]
    blank = np.flatnonzero((frame["sample"] == "").to_numpy())
    if len(blank):
        raise study_error(
            f"{grid.name}, line {lines[blank[0]]}: the sample is not told; name the cell line.",
            grid.name,
        )  # fmt: skip
    hours = []
    for at, word in enumerate(frame["time"]):
        known = _TIME.fullmatch(word)
        if word and known is None:
            raise study_error(
                f"{grid.name}, line {lines[at]}: {word!r} is no time; write hours, or a unit such "
                "as 30min or 4hr.", grid.name
            )  # fmt: skip
        unit = (known[2] or _unit_of_times(grid)) if known else "h"
        hours.append(float(known[1]) * _HOURS[unit[0].lower()] if known else np.nan)
    return frame.assign(time=hours)


def _unit_of_times(grid: Grid) -> str:
    """HPN's main tables count minutes in a column Timepoint; others hours."""
    return "min" if any(match_key(cell) in _TIMES for cell in grid.rows[0]) else "h"


def _canonical(levels: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Columns by canonical antibody; of two of one name the first stays."""
    canonical = [parse_antibody(str(column)).canonical for column in levels.columns]
    renamed = levels.set_axis(canonical, axis=1)
    again = renamed.columns.duplicated()
    notes = []
    if again.any():
        dropped = [str(column) for column in levels.columns[again]]
        notes.append(f"{name}: antibody twice, the first one is used: {some(dropped)}")
    return renamed.loc[:, ~again], notes


def _log2(
    levels: pd.DataFrame, scale: str, lines: Sequence[int], name: str
) -> tuple[pd.DataFrame, str]:
    """Log2 levels, and which scale they had."""
    values = levels.to_numpy(float)
    if scale == "log2" or (not scale and np.nanmin(values, initial=np.inf) < 0):
        return levels, "log2 levels"
    bad = np.argwhere(values <= 0)
    if len(bad):
        row, column = bad[0]
        raise study_error(
            f"{name}, line {lines[row]}, column {levels.columns[column]!r}: level "
            f"{values[row, column]:g} has no logarithm; leave the cell empty, or give "
            "--scale log2.",
            name,
        )  # fmt: skip
    return pd.DataFrame(np.log2(values), columns=levels.columns), "linear levels, taken to log2"


def _read_study(path: Path) -> TreatedArrays:
    study = read_study(path)
    if study.rppa is None:
        raise InputError(f"{path} has no RPPA; give a study with PROTEIN_LEVEL, or a table")
    if study.rppa_kind != "log2":
        raise InputError(
            f"the RPPA of {path} is in {study.rppa_kind}s, whose differences are no log2 ratios; "
            "give its log2 levels"
        )
    clinical = study.clinical.loc[study.rppa.index]
    found = _treatment_columns([str(column) for column in clinical.columns], "clinical data")
    if "drug" not in found:
        raise InputError(
            f"the clinical data of {path} do not tell the drug; add an attribute DRUG (and DOSE, "
            "TIME, STIMULUS, CONDITION, CELL_LINE where they differ)"
        )
    told = {m: clinical[c].fillna("").astype(str).tolist() for m, c in found.items()}
    told.setdefault("sample", [str(study.donors[sample]) for sample in clinical.index])
    header = Grid("clinical data", [list(map(str, clinical.columns))], [1], "\t", "")
    lines = list(range(1, len(clinical) + 1))
    treatment = _treatment(told, len(clinical), lines, header)
    levels, notes = _canonical(study.rppa.reset_index(drop=True), path.name)
    if study.simulated:
        notes.append("Simulated data")
    notes.append(f"{path.name}: {len(levels)} arrays of {levels.shape[1]} antibodies, log2 levels")
    return TreatedArrays(treatment, levels, LeftOut(), notes, dict(study.digests))


def _without_copies(arrays: TreatedArrays) -> TreatedArrays:
    """One row for arrays that stand several times, such as time 0 under every stimulus."""
    keys = arrays.treatment.drop(columns=["stimulus", "replicate"]).astype("str")
    whole = pd.concat([keys, arrays.levels.reset_index(drop=True)], axis=1)
    again = whole.duplicated().to_numpy()
    if not again.any():
        return arrays
    group = whole.groupby(list(whole.columns), dropna=False, sort=False).ngroup().to_numpy()
    several = arrays.treatment["stimulus"].groupby(group).nunique()
    treatment = arrays.treatment.copy()
    treatment.loc[several.to_numpy()[group] > 1, "stimulus"] = ""
    arrays.notes.append(f"{again.sum()} arrays repeat others to the last digit and count once")
    kept = ~again
    arrays.treatment = treatment[kept].reset_index(drop=True)
    arrays.levels = arrays.levels[kept].reset_index(drop=True)
    return arrays
