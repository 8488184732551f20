"""Where a well lies on its plate, and what a place is called."""

from __future__ import annotations

import re

_WELL = re.compile(r"([A-Za-z]{1,2})[\s-]*0*(\d{1,2})")


def place_of(well: str) -> tuple[int, int] | None:
    """Row and column of a well, from 0; None if its name tells none.

    Examples
    --------
    >>> place_of("A01"), place_of("h12"), place_of("left")
    ((0, 0), (7, 11), None)
    """
    found = _WELL.fullmatch(well.strip())
    if found is None:
        return None
    row = 0
    for letter in found[1].upper():
        row = 26 * row + ord(letter) - ord("A") + 1
    return row - 1, int(found[2]) - 1


def row_name(at: int) -> str:
    """Letter of a row, from 0: A, B … Z, AA."""
    return chr(ord("A") + at) if at < 26 else f"A{chr(ord('A') + at - 26)}"


def well_name(place: tuple[int, int]) -> str:
    """Name of a well of its row and column, from 0.

    Examples
    --------
    >>> well_name((7, 11)), well_name((0, 0))
    ('H12', 'A01')
    """
    return f"{row_name(place[0])}{place[1] + 1:02}"
