"""CCLE's protein levels by RPPA: a row a line, whose name ends with its tissue."""

from __future__ import annotations

import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.originals.lines import ccle_lines, clinical_table, sample_names
from sidestep.features.originals.screens import Read


def read_ccle_rppa(table: pd.DataFrame, file: str) -> Read:
    """Protein levels of CCLE, log2.

    Raises
    ------
    InputError
        If a line has two rows, or a cell is no number.
    """
    first = table.columns[0]
    rows = table.set_index(first)
    if rows.index.has_duplicates:
        twice = sorted(set(rows.index[rows.index.duplicated()]))
        raise InputError(f"{file} has {some(twice)} twice; keep one row of each line")
    levels = rows.apply(pd.to_numeric, errors="coerce")
    broken = levels.isna() & rows.notna()
    if broken.to_numpy().any():
        line = str(broken.index[broken.any(axis=1)][0])
        antibody = str(broken.columns[broken.loc[line]][0])
        raise InputError(
            f"{file}, {line}, column {antibody}: {rows.loc[line, antibody]!r} is no number; write "
            "NA where there is none"
        )
    lines = ccle_lines(rows.index)
    names, shared = sample_names(lines)
    clinical = clinical_table(lines, names, LINEAGE=lines["apart"].str.lower())
    levels = levels.set_axis([names[line] for line in rows.index], axis=0)
    told = [f"Lines whose name another one has keep their tissue: {some(shared)}"] if shared else []
    return Read("CCLE's proteins by RPPA", clinical, rppa=levels, told=tuple(told))
