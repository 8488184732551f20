"""What do a matrix's numbers look like as a whole? Enough to tell one kind of data from another.

The numbers are looked at once, piece by piece and in any order: the sketch is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

#: Copy-number calls of cBioPortal: from deep deletion to amplification.
CALLS = (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0)
# Sizes are counted by sign-less exponent and the first 8 of 52 binary places.
_PLACES = 8
_SHIFT = 52 - _PLACES
_BINS = 2 ** (11 + _PLACES)
# Odd numbers whose products scatter over all bits (SplitMix64, Steele et al., OOPSLA 2014).
_SCATTER = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass
class ValueSketch:
    """Sketch of the finite numbers that `add` was given.

    Attributes
    ----------
    count : int
    highest : float
        -inf without any number.
    whole : bool
        Whether all are whole numbers.
    first_other : tuple of int, int and float, or None
        Row, column and value of a number that is no copy-number call (`CALLS`).
    total : int
        Sum of 64 scattered bits of every number, which tells whether two matrices hold the same
        numbers in whatever order.
    """

    count: int = 0
    highest: float = -np.inf
    whole: bool = True
    first_other: tuple[int, int, float] | None = None
    total: int = 0
    _sizes: np.ndarray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))

    def add(self, values: np.ndarray, row: int = 0, column: int = 0) -> None:
        """Look at some numbers; NaN is none.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
        row, column : int
            Place of the first of them in the matrix.
        """
        there = np.isfinite(values)
        found = np.ascontiguousarray(values[there], dtype=np.float64) + 0.0  # no -0.0
        if not len(found):
            return
        self.count += len(found)
        self.highest = max(self.highest, float(found.max()))
        self.whole = self.whole and bool((found == np.floor(found)).all())
        bits = found.view(np.uint64)
        self._sizes += np.bincount(
            ((bits << np.uint64(1)) >> np.uint64(_SHIFT + 1)).astype(np.int64), minlength=_BINS
        )
        self.total = (self.total + int(_scattered(bits).sum(dtype=np.uint64))) % 2**64
        if self.first_other is None:
            self._look_for_others(values, there, row, column)

    def _look_for_others(
        self, values: np.ndarray, there: np.ndarray, row: int, column: int
    ) -> None:
        other = there & ~np.isin(values, CALLS)
        if other.any():
            at, of = (int(place) for place in np.argwhere(other)[0])
            self.first_other = (row + at, column + of, float(values[at, of]))

    def size_at(self, share: float) -> float:
        """Size (absolute value) that this share of the numbers does not exceed.

        It is at most 0.4 % too small; NaN without numbers.
        """
        if not self.count:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self._sizes), share * self.count))
        return float((np.uint64(place) << np.uint64(_SHIFT)).view(np.float64))

    def state(self) -> dict[str, Any]:
        """Plain values, from which `from_state` makes the same sketch."""
        used = np.flatnonzero(self._sizes)
        return {
            "count": self.count,
            "highest": self.highest,
            "whole": self.whole,
            "first_other": self.first_other,
            "total": self.total,
            "sizes": [used.tolist(), self._sizes[used].tolist()],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Sketch that `state` described."""
        other = state["first_other"]
        sketch = cls(
            state["count"],
            state["highest"],
            state["whole"],
            None if other is None else (other[0], other[1], other[2]),
            state["total"],
        )
        used, counts = state["sizes"]
        sketch._sizes[used] = counts
        return sketch


def _scattered(bits: np.ndarray) -> np.ndarray:
    """64 bits of each number, every one of which depends on all of its bits."""
    for shift, factor in zip((30, 27), _SCATTER, strict=True):
        bits = (bits ^ (bits >> np.uint64(shift))) * factor
    return np.asarray(bits ^ (bits >> np.uint64(31)))
