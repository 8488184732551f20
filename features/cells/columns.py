"""Which column of a table of cells holds what, and in which unit positions are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeTable, columns_by_meaning

#: Meaning -> column names, the one asked first in front.
CELL_COLUMNS = KnowledgeTable(
    "cell_columns.tsv", ("meaning", "column", "source"), columns_by_meaning
)
#: Unit of length -> nanometres.
LENGTHS: Final = {
    "nm": 1.0, "nanometre": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometres": 1.0,
    "um": 1e3, "micron": 1e3, "microns": 1e3, "micrometre": 1e3, "micrometer": 1e3,
    "micrometres": 1e3, "micrometers": 1e3, "mm": 1e6, "angstrom": 0.1, "a": 0.1,
}  # fmt: skip
#: Words that look like a unit and are none.
_PIXELS: Final = frozenset({"px", "pix", "pixel", "pixels"})
UNITS: Final = "nm, um (µm), mm or angstrom"
_OF_COLUMN = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$|[_\s.]([A-Za-zµμ]+)\s*$")


def length_of(unit: str) -> float | None:
    """Nanometres that a unit has; None for one that is no unit of length.

    Examples
    --------
    >>> length_of("nm"), length_of("µm"), length_of("px")
    (1.0, 1000.0, None)
    """
    word = unit.strip().replace("µ", "u").replace("μ", "u").replace("Å", "a").replace("Å", "a")
    return LENGTHS.get(word.casefold())


def length_in_name(column: str) -> str:
    """Unit of length, or word for pixels, that a column's name ends with; empty if none.

    Examples
    --------
    >>> length_in_name("x [nm]"), length_in_name("y_um"), length_in_name("x"), length_in_name("x_a")
    ('nm', 'um', '', '')
    >>> length_in_name("x [px]")
    'px'
    """
    found = _OF_COLUMN.search(column)
    word = "" if found is None else next(filter(None, found.groups()), "")
    known = length_of(word) is not None or word.casefold() in _PIXELS
    return word if word.casefold() != "a" and known else ""


def cell_meanings(columns: Sequence[str]) -> dict[str, str]:
    """Meaning -> the column that holds it; case, blanks, brackets and underscores do not count."""
    keys = {_key(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for meaning, names in CELL_COLUMNS.load().items():
        free = {key: column for key, column in keys.items() if column not in found.values()}
        column = next((free[match_key(word)] for word in names if match_key(word) in free), None)
        if column is not None:
            found[meaning] = column
    return found


def tells_labels(columns: Sequence[str], unit: str = "") -> bool:
    """Whether columns are of positions of labels: x and y in a unit of length, or nothing else."""
    found = cell_meanings(columns)
    if not {"x", "y"} <= set(found):
        return False
    told = bool(unit or "unit" in found or length_of(length_in_name(found["x"])))
    return told or len(found) == len(columns)


def _key(column: str) -> str:
    unit = length_in_name(column)
    stem = column.strip()
    if unit:
        stem = re.sub(r"[\s_.(\[]*" + re.escape(unit) + r"[)\]\s]*$", "", stem)
    return match_key(stem)
