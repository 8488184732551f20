"""Which part of a sample's cells is in a state, and how surely is that told?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm, t

FIELDS, CELLS = "fields", "cells"
#: What tells the error -> what it means.
METHODS: Final = {
    FIELDS: "the scatter between three or more fields, images or replicates",
    CELLS: "the number of cells alone (Wilson), which knows nothing of what differs between fields",
}
_FEWEST_FIELDS = 3


@dataclass(frozen=True)
class Share:
    """A part of the cells, with interval.

    Attributes
    ----------
    share, lower, upper : float
        0 to 1; NaN without cells.
    method : str
        A word of `METHODS`.
    fields : int
    """

    share: float
    lower: float
    upper: float
    method: str
    fields: int


def share_of(inside: np.ndarray, fields: np.ndarray, level: float = 0.95) -> Share:
    """Part of the cells that are inside, from bool a cell and the name of its field.

    Cells of one field resemble each other: where there are three fields, the interval is that of a
    ratio of sums over fields (Student's t); else Wilson's.
    """
    count, hits = len(inside), int(inside.sum())
    if not count:
        return Share(np.nan, np.nan, np.nan, CELLS, 0)
    share = hits / count
    _, place = np.unique(fields, return_inverse=True)
    several = int(place.max()) + 1
    low, high = _wilson(hits, count, level)
    if several < _FEWEST_FIELDS:
        return Share(share, low, high, CELLS, several)
    sizes, found = np.bincount(place), np.bincount(place, inside.astype(float))
    spread = np.sqrt(((found - share * sizes) ** 2).sum() * several / (several - 1)) / count
    off = t.ppf(0.5 + level / 2, several - 1) * spread
    # Fields that agree better than chance lets them do not make the cells more.
    lower, upper = min(share - off, low), max(share + off, high)
    return Share(share, float(max(lower, 0.0)), float(min(upper, 1.0)), FIELDS, several)


def _wilson(hits: int, count: int, level: float) -> tuple[float, float]:
    z = float(norm.ppf(0.5 + level / 2))
    middle = (hits + z**2 / 2) / (count + z**2)
    off = z / (count + z**2) * np.sqrt(hits * (count - hits) / count + z**2 / 4)
    return float(middle - off), float(middle + off)
