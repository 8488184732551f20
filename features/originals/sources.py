"""Which published file is this? Told by its columns, whatever its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.limits import readable_size, table_limits
from sidestep.features.identifiers import without_tissue
from sidestep.features.originals.proteins import read_ccle_rppa
from sidestep.features.originals.screens import Read, read_ccle_drugs, read_ctrp, read_gdsc

_GDSC: Final = frozenset(
    "COSMIC_ID CELL_LINE_NAME SANGER_MODEL_ID TCGA_DESC DRUG_ID DRUG_NAME LN_IC50 AUC".split()
)
_CCLE_DRUGS: Final = frozenset({"CCLE Cell Line Name", "Compound", "ActArea"})
#: Table of CTRPv2 -> its columns; each release names its files otherwise.
_CTRP: Final = {
    "curves": frozenset({"experiment_id", "area_under_curve", "master_cpd_id"}),
    "experiments": frozenset({"experiment_id", "master_ccl_id"}),
    "lines": frozenset({"master_ccl_id", "ccl_name"}),
    "compounds": frozenset({"master_cpd_id", "cpd_name"}),
}
_KNOWN: Final = (
    "GDSC's fitted responses, CCLE's RPPA, CCLE's screen of 24 drugs (as CSV or tab-separated), or "
    "the folder of CTRPv2's tables"
)
_TEXT: Final = (".csv", ".tsv", ".txt")


def is_published(source: Path) -> bool:
    """Whether something is a table or a folder of tables, and so no archive."""
    return source.is_dir() or source.name.lower().endswith((*_TEXT, ".xlsx"))


def read_published(source: Path) -> Read:
    """Read a published file, or a folder of CTRPv2's.

    Raises
    ------
    InputError
        If it is none that is known, or cannot be read.
    """
    if source.is_dir():
        return _ctrp(source)
    table = _table(source)
    columns = set(table.columns)
    if columns >= _GDSC:
        return read_gdsc(table, source.name)
    if columns >= _CCLE_DRUGS:
        return read_ccle_drugs(table, source.name)
    if _are_ccle_lines(table.iloc[:, 0]) and table.shape[1] > 1:
        return read_ccle_rppa(table, source.name)
    raise InputError(f"{source} is none of the files that are known: {_KNOWN}")


def _are_ccle_lines(column: pd.Series) -> bool:
    """Whether most names of a column end with a tissue, as CCLE's do."""
    names = [str(name) for name in column.dropna()]
    ending = sum(without_tissue(name) != name for name in names)
    return bool(names) and 2 * ending > len(names)


def _ctrp(folder: Path) -> Read:
    parts: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or not path.name.lower().endswith(_TEXT):
            continue
        table = _table(path).rename(columns={"expt_id": "experiment_id"})
        kind = next((kind for kind, own in _CTRP.items() if own <= set(table.columns)), None)
        if kind is not None:
            parts.setdefault(kind, []).append(table)
    if missing := [kind for kind in _CTRP if kind not in parts]:
        needed = "; ".join(f"{kind} ({', '.join(sorted(_CTRP[kind]))})" for kind in missing)
        raise InputError(f"{folder} lacks tables of CTRPv2: {needed}; known are {_KNOWN}")
    tables = {kind: pd.concat(some, ignore_index=True) for kind, some in parts.items()}
    return read_ctrp(tables, folder.name)


def _table(path: Path) -> pd.DataFrame:
    """A table as text, NaN where a cell is empty or NA."""
    if path.name.lower().endswith(".xlsx"):
        raise InputError(f"{path} is a workbook; save its sheet as CSV, and import that")
    most = table_limits().size
    try:
        if path.stat().st_size > most:
            raise InputError(f"{path} has more than {readable_size(most)}")
        comma = path.name.lower().endswith(".csv")
        return pd.read_csv(path, dtype="str", sep="," if comma else "\t")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).partition("\n")[0]
        message = f"{path} cannot be read as a table ({reason}); see that it is whole"
        raise InputError(message) from error
