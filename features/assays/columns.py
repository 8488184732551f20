"""Which column of a plate table holds what, by the names that assays give them."""

from __future__ import annotations

from collections.abc import Sequence

from sidestep.features.assays.doses import unit_in_name
from sidestep.features.errors import study_error
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeTable, columns_by_meaning

#: Meaning -> column names, the one asked first in front.
ASSAY_COLUMNS = KnowledgeTable(
    "assay_columns.tsv", ("meaning", "column", "source"), columns_by_meaning
)
#: What a value column may hold: a raw signal, or a signal relative to the control.
VALUES = (
    "signal", "viability", "percent_viability", "inhibition", "percent_inhibition", "activity",
)  # fmt: skip
#: Names of what a well holds instead of a drug.
CONTROL_WORDS = frozenset(
    match_key(word)
    for word in ("control", "negative control", "ctrl", "DMSO", "vehicle", "mock", "untreated",
                 "none", "no drug", "media", "medium", "solvent")
)  # fmt: skip
TIME0_WORDS = frozenset(match_key(word) for word in ("time0", "t0", "day0", "time 0", "untreated0"))
BLANK_WORDS = frozenset(match_key(word) for word in ("blank", "background", "no cells", "empty"))


def is_control(word: str) -> bool:
    """Whether a drug's or a well's name means that no drug was given.

    Examples
    --------
    >>> is_control("dmso"), is_control("Lapatinib")
    (True, False)
    """
    return match_key(word) in CONTROL_WORDS


def meanings(columns: Sequence[str], name: str) -> dict[str, str]:
    """Meaning -> the column that holds it; case, blanks, brackets and underscores do not count.

    A unit at the end of a name is passed over: ``concentration_nM`` is a dose.

    Raises
    ------
    StudyError
        If two columns both could hold the values.
    """
    keys = {_key(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for meaning, names in ASSAY_COLUMNS.load().items():
        column = next((keys[_key(word)] for word in names if _key(word) in keys), None)
        if column is not None and column not in found.values():
            found[meaning] = column
    held = [meaning for meaning in VALUES if meaning in found]
    if len(held) > 1:
        both = " and ".join(repr(found[meaning]) for meaning in held[:2])
        message = f"{name}: {both} both look like the measured values; keep one of them."
        raise study_error(message, name)
    return found


def _key(column: str) -> str:
    unit = unit_in_name(column)
    stem = column.strip()
    if unit:
        stem = stem.rstrip("])} ")[: -len(unit)] if stem[-1] in ")]" else stem[: -len(unit)]
    return ("%" if "%" in stem else "") + match_key(stem)
