"""Logarithms of base e and 10, told apart from those of base 2, which Sidestep works with.

Where the values of whole transcriptomes give it away, they decide: TPM and CPM of a sample add up
to a million, and counts of a single cell are scaled to ten thousand. No other base than theirs
brings logarithms to such a sum. Else the words of the meta file decide, and base 2 where they say
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sidestep.features.files.rows import MatrixRows
from sidestep.features.study.profiles import LN, LOG10, Profile

#: Base -> factor that makes log2 of its logarithms.
FACTORS = {LN: 1 / math.log(2), LOG10: math.log2(10)}
_BASES = {"log2": 2.0, LN: math.e, LOG10: 10.0}
# What a sample's TPM or CPM add up to, and its counts once they are scaled (scanpy, Seurat).
_TOTALS = (1e6, 1e4)
_TOLERANCE = 0.02
_SAMPLES = 8
_FEWEST_GENES = 5000
# The highest TPM of a sample is some 10,000, of which the logarithm to base 10 is 4.
_LOW_FOR_LOG2 = 6.0


@dataclass(frozen=True)
class Logarithm:
    """Base of a file's logarithms.

    Attributes
    ----------
    base : str
        ``"log2"``, ``"ln"`` or ``"log10"``.
    decided_by : str
        How that was decided; empty where nothing speaks for another base than 2.
    warning : str
        What the user should know; else empty.
    """

    base: str = "log2"
    decided_by: str = ""
    warning: str = ""

    def to_log2(self, values: np.ndarray) -> np.ndarray:
        """The same on base 2."""
        return values * FACTORS[self.base]


def declared_base(profile: Profile) -> str:
    """Base that the words of a meta file say; ``"log2"`` where they say none."""
    return profile.scale if profile.scale in FACTORS else "log2"


def expression_base(numbers: MatrixRows, profile: Profile, file: str) -> Logarithm:
    """Base of the logarithms of a file of expression.

    Parameters
    ----------
    numbers : MatrixRows
        Of its samples the first eight are looked at.
    profile : Profile
    file : str
        For messages.
    """
    said = declared_base(profile)
    sketch = numbers.sketch
    shown, total = _base_by_totals(numbers)
    if shown:
        by = f"its values, as {shown}, add up to {total:,.0f} in each sample"
        other = f"{file} is described as {said}, and {by}: it is read as {shown}."
        contradicted = shown != said and profile.scale in (*FACTORS, "log2")
        return Logarithm(shown, by, other if contradicted else "")
    if said != "log2":
        return Logarithm(said, "the words of its meta file")
    low = sketch.lowest >= 0 and 0 < sketch.highest < _LOW_FOR_LOG2
    doubt = (
        f"{file}: its highest value is {sketch.highest:.3g}, which is little for log2 expression; "
        f"if it holds log10 or natural logarithms, write so into the profile_description of "
        f"{profile.meta.name}, such as 'log10(TPM+1)'."
    )
    return Logarithm(warning=doubt if low and sketch.count >= _FEWEST_GENES else "")


def _base_by_totals(numbers: MatrixRows) -> tuple[str, float]:
    """Base that brings all samples looked at to one known total, and that; else empty, 0."""
    if len(numbers.lines) < _FEWEST_GENES or not numbers.measured.any():
        return "", 0.0
    values = numbers.rows.take(np.flatnonzero(numbers.measured)[:_SAMPLES])
    measured = np.isfinite(values)
    for base, number in _BASES.items():
        powers = np.power(number, np.where(measured, values, -np.inf))
        for offset in (1.0, 0.0):  # log(x + 1) and log(x)
            totals = (powers - offset * measured).sum(axis=1)
            for total in _TOTALS:
                if np.all(np.abs(totals / total - 1) < _TOLERANCE):
                    return base, total
    return "", 0.0
