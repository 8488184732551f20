"""Tidy plate tables: one row a well, columns found by their names.

Controls are wells of the same table (dose 0, a drug named DMSO, or a column that says the role), a
column beside the values, or tables of their own for controls and for time 0, as the tools of
Hafner et al. (Nat Methods 2016, doi 10.1038/nmeth.3853) read them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import (
    BLANK_WORDS,
    CONTROL_WORDS,
    TIME0_WORDS,
    VALUES,
    meanings,
)
from sidestep.features.assays.doses import UNITS, factor_of, unit_in_name
from sidestep.features.assays.grid import Grid, LeftOut, numbers
from sidestep.features.assays.readings import (
    BLANK,
    CONTROL,
    TIME0,
    TREATED,
    Readings,
    frame_of,
)
from sidestep.features.errors import InputError, some, study_error
from sidestep.features.identifiers import match_key

Text = Callable[..., pd.Series]
Number = Callable[[str], np.ndarray]
_YES = frozenset({"1", "TRUE", "YES", "Y"})
#: Repeated rows that are no chance.
_MANY = 8
_NO = frozenset({"0", "FALSE", "NO", "N", ""})


@dataclass(frozen=True)
class Given:
    """What the user says of tables that do not say it themselves.

    Attributes
    ----------
    unit : str
        Of the doses.
    drug, sample : str
        Where a table is of one drug or one sample.
    values : str
        What the values are, a word of `columns.VALUES`; empty: by the column's name.
    """

    unit: str = ""
    drug: str = ""
    sample: str = ""
    values: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown unit or kind of values."""
        if self.unit and factor_of(self.unit) is None:
            raise InputError(f"{self.unit!r} is no unit of doses; choose {UNITS}")
        if self.values and self.values not in VALUES:
            raise InputError(f"{self.values!r} is no kind of values; choose {', '.join(VALUES)}")


def read_tidy(grid: Grid, given: Given) -> Readings:
    """Read a tidy table: of all wells, or of control or time-0 wells alone.

    Raises
    ------
    StudyError
        If a column that is needed is missing, a cell is no number, the doses' unit is unknown, or
        the values cannot be what their column says.
    """
    table = grid.table()
    found = meanings(list(table.columns), grid.name)
    left_out = LeftOut()
    kind = next((name for name in VALUES if name in found), "")
    if not kind:
        raise missing_column(grid, table, "measured values", "cell_count, signal or viability")
    lines = list(table.index)

    def text(meaning: str, default: str = "") -> pd.Series:
        if meaning not in found:
            return pd.Series([default] * len(table), dtype="str")
        return table[found[meaning]].reset_index(drop=True)

    def number(meaning: str) -> np.ndarray:
        if meaning not in found:
            return np.full(len(table), np.nan)
        return numbers(table[found[meaning]].tolist(), lines, found[meaning], grid, left_out)

    roles = _roles(found, text, number)
    doses, unit = _doses(grid, found, text, number, given, roles)
    well = text("well")
    if "well" not in found and {"well_row", "well_column"} <= set(found):
        well = text("well_row") + text("well_column").str.zfill(2)
    value = number(kind)
    for meaning, names in (("sample", "sample or cell_line"), ("drug", "drug or agent")):
        word = getattr(given, meaning)
        _require_names(grid, table, found, meaning, names, word, text(meaning, word), roles)
    wells = frame_of(
        {
            "sample": text("sample", given.sample), "drug": text("drug", given.drug),
            "condition": text("condition"), "replicate": text("replicate"),
            "plate": text("plate"), "well": well.to_list(), "tag": text("control_tag"),
            "tag0": text("time0_tag"), "unit": unit, "role": roles, "file": grid.name,
            "time": number("time"), "dose": doses, "value": value,
            "control": number("control_signal"), "time0": number("time0_signal"), "line": lines,
        },
        len(table),
    )  # fmt: skip
    require_plausible(wells, given.values or kind, grid, found[kind])
    notes = _passed_over(grid, table, found) + _repeated(grid, table, found)
    return Readings(wells, given.values or kind, left_out, notes, {grid.name: grid.digest})


def _roles(found: dict[str, str], text: Text, number: Number) -> np.ndarray:
    """What each well holds."""
    roles = np.full(len(text("drug")), TREATED, dtype=object)
    told = text("role")
    key = told.map(match_key)
    named = text("drug").map(match_key)
    for words, role in ((CONTROL_WORDS, CONTROL), (TIME0_WORDS, TIME0), (BLANK_WORDS, BLANK)):
        roles[(key.isin(words - {""}) | named.isin(words - {""})).to_numpy()] = role
    if "role" in found and set(key) <= _YES | _NO:
        roles[key.isin(_YES).to_numpy()] = CONTROL
    if "dose" in found:
        roles[(roles == TREATED) & (number("dose") == 0)] = CONTROL
    elif "drug" not in found:
        # A table of its own: of controls if it tells a time or ties wells to controls.
        controls = "time" in found or "control_tag" in found
        roles[roles == TREATED] = CONTROL if controls else TIME0
    times = number("time")
    if np.nanmax(times, initial=0.0) > 0:
        roles[(roles != BLANK) & (times == 0)] = TIME0
    return roles


def _doses(
    grid: Grid, found: dict[str, str], text: Text, number: Number, given: Given, roles: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Doses in the base unit, and that unit."""
    treated = roles == TREATED
    if "dose" not in found:
        if treated.any():
            message = f"{grid.name} has no column of doses; name one 'dose' or 'concentration'."
            raise study_error(message, grid.name)
        return np.zeros(len(roles)), ["uM"] * len(roles)
    column = found["dose"]
    doses = number("dose")
    words = text("unit", given.unit or unit_in_name(column))
    words = words.where(words != "", given.unit or unit_in_name(column))
    needed = treated & (doses != 0)
    known = {word: factor_of(word) for word in dict.fromkeys(words)}
    for at in np.flatnonzero(needed):
        if known[words.iloc[at]] is None:
            what = (
                f"{words.iloc[at]!r} is no unit of doses" if words.iloc[at]
                else f"the unit of the doses in column {column!r} is not told"
            )  # fmt: skip
            raise study_error(
                f"{grid.name}, line {grid.lines[at + 1]}: {what}; add a column 'unit' with "
                f"{UNITS}, or give --unit.", grid.name
            )  # fmt: skip
    bad = np.flatnonzero(needed & (doses < 0))
    if len(bad):
        raise study_error(
            f"{grid.name}, line {grid.lines[bad[0] + 1]}, column {column!r}: dose "
            f"{doses[bad[0]]:g} is negative; write doses, not their logarithms.", grid.name
        )  # fmt: skip
    pairs = [known[word] or ("uM", 1.0) for word in words]
    return doses * np.array([factor for _, factor in pairs]), [base for base, _ in pairs]


def _require_names(
    grid: Grid, table: pd.DataFrame, found: dict[str, str], meaning: str, names: str, given: str,
    told: pd.Series, roles: np.ndarray,
) -> None:  # fmt: skip
    """Refuse treated wells whose sample or drug nobody names."""
    treated = roles == TREATED
    if not treated.any():
        return
    if meaning not in found and not given:
        raise missing_column(grid, table, f"{meaning}s", names, f"--{meaning} NAME")
    blank = np.flatnonzero(treated & (told == "").to_numpy())
    if len(blank):
        line = grid.lines[blank[0] + 1]
        raise study_error(
            f"{grid.name}, line {line}, column {found[meaning]!r}: the {meaning} of a treated well "
            f"is not told; name it (a control has dose 0, or DMSO as its drug).", grid.name
        )  # fmt: skip


def require_plausible(wells: pd.DataFrame, kind: str, grid: Grid, column: str) -> None:
    """Refuse values that cannot be what their column's name says."""
    values = wells["value"].to_numpy()
    treated = (wells["role"] == TREATED).to_numpy() & np.isfinite(values)
    if kind == "signal" and (values < 0).any():
        at = int(np.flatnonzero(values < 0)[0])
        raise study_error(
            f"{grid.name}, line {wells['line'].iloc[at]:.0f}, column {column!r}: {values[at]:g} is "
            "negative, which no signal is; give the signal before background is taken off, or say "
            "what the values are with --values.", grid.name, column=column
        )  # fmt: skip
    largest = np.quantile(np.abs(values[treated]), 0.9) if treated.any() else 0.0
    if kind in ("viability", "inhibition") and largest > 3:
        raise study_error(
            f"{grid.name}, column {column!r} holds values such as {largest:.4g}, which are no "
            f"fractions of 1; if they are percent, give --values percent_{kind}.",
            grid.name, column=column,
        )  # fmt: skip
    if kind in ("percent_viability", "percent_inhibition", "activity") and 0 < largest < 1.5:
        raise study_error(
            f"{grid.name}, column {column!r} should be in percent and holds values up to "
            f"{largest:.4g}; if they are fractions of 1, give --values "
            f"{kind.removeprefix('percent_')}.", grid.name, column=column
        )  # fmt: skip


def missing_column(
    grid: Grid, table: pd.DataFrame, what: str, names: str, option: str = ""
) -> InputError:
    """The error that a table lacks a column, with the names it may have and those it has."""
    instead = f", or give {option}" if option else ""
    return study_error(
        f"{grid.name} has no column of {what}; name one {names}{instead}. Its columns are "
        f"{some(list(table.columns), 8)}.", grid.name
    )  # fmt: skip


def _passed_over(grid: Grid, table: pd.DataFrame, found: dict[str, str]) -> list[str]:
    """Columns that mean nothing here, named."""
    unknown = [c for c in table.columns if c not in found.values() and c != "index"]
    return [f"{grid.name}: column(s) not used: {some(unknown, 8)}"] if unknown else []


def _repeated(grid: Grid, table: pd.DataFrame, found: dict[str, str]) -> list[str]:
    """Treated rows that repeat another in every cell, which a copied block does."""
    again = int(table.duplicated().sum())
    if "well" in found or again < max(_MANY, len(table) // 10):
        return []
    return [
        f"{grid.name}: {again} rows repeat another in every cell and count as replicates; remove "
        "them if they were copied"
    ]
