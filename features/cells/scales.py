"""On which scale do the levels of a marker lie, and which of them are at the detector's end?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

LINEAR, LOG2, ARCSINH = "linear", "log2", "arcsinh"
SCALES: Final = (LINEAR, LOG2, ARCSINH)
#: log2 of the largest signal that instruments count in; levels up to it may be logarithms already.
_LARGEST_LOG2: Final = 32.0
#: Cells at one and the same highest level that are no chance.
_PILE, _PILE_SHARE = 10, 0.005


@dataclass(frozen=True)
class Scale:
    """A marker's scale: ``linear`` is as given, ``arcsinh`` that of the level over `cofactor`."""

    name: str
    cofactor: float = 5.0

    def apply(self, levels: np.ndarray) -> np.ndarray:
        """Levels on the scale; what has no logarithm is NaN."""
        if self.name == LINEAR:
            return levels
        if self.name == ARCSINH:
            return np.asarray(np.arcsinh(levels / self.cofactor))
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = np.log2(levels)
        return np.where(levels > 0, scaled, np.nan)

    def undo(self, value: float) -> float:
        """The level that lies at a value of the scale."""
        if self.name == LINEAR:
            return value
        return float(self.cofactor * np.sinh(value) if self.name == ARCSINH else 2.0**value)


def scale_of(levels: np.ndarray, wanted: str = "", cofactor: float = 5.0) -> Scale:
    """Scale of a marker by its levels, unless it is told.

    Levels up to 32 (log2 of what any instrument counts) are taken as logarithms already; larger
    ones go to log2, or to arcsinh where some are 0 or below, as cytometers give them.
    """
    if wanted:
        return Scale(wanted, cofactor)
    if np.nanmax(np.abs(levels), initial=0.0) <= _LARGEST_LOG2:
        return Scale(LINEAR)
    return Scale(LOG2 if np.nanmin(levels, initial=np.inf) > 0 else ARCSINH, cofactor)


def at_the_end(levels: np.ndarray) -> np.ndarray:
    """Which cells are saturated: many share the very highest level; bool."""
    highest = np.nanmax(levels, initial=-np.inf)
    same = levels == highest
    several = np.unique(levels[np.isfinite(levels)]).size > 2 * _PILE
    count = np.count_nonzero(same)
    enough = count >= max(_PILE, _PILE_SHARE * len(levels))
    return same if several and enough else np.zeros(len(levels), bool)
