"""How the levels of a marker are spread over cells: bimodality, entropy, tails."""

from __future__ import annotations

from typing import Final

import numpy as np

from sidestep.features.cells.gates import fit_mixture

#: Of a uniform distribution; above it a distribution may be of two (SAS Institute 1990).
UNIFORM: Final = 5 / 9
_BINS = 32


def bimodality_coefficient(levels: np.ndarray) -> float:
    """Sarle's coefficient, 0 to 1: (skewness^2 + 1) / kurtosis, corrected for few cells.

    Above 5/9, that of a uniform distribution, there may be two populations, or one long tail.
    """
    n = len(levels)
    if n < 4 or np.ptp(levels) == 0:
        return np.nan
    away = levels - levels.mean()
    second, third, fourth = (float((away**power).mean()) for power in (2, 3, 4))
    skewness = third / second**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourth / second**2 - 3) + 6)
    return float((skewness**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def mixture_gain(levels: np.ndarray) -> float:
    """How much better two normal distributions are than one, by the information criterion."""
    return fit_mixture(levels, starts=3).gain if len(levels) > 3 and np.ptp(levels) > 0 else np.nan


def entropy(levels: np.ndarray, ends: tuple[float, float]) -> float:
    """Shannon's, over 32 bins between `ends`: 0 all cells alike, 1 spread evenly."""
    counts, _ = np.histogram(np.clip(levels, *ends), bins=_BINS, range=ends)
    return evenness(counts) if ends[1] > ends[0] else 0.0


def evenness(counts: np.ndarray) -> float:
    """Shannon's entropy of parts over its largest value: 0 one part alone, 1 all alike."""
    if len(counts) < 2 or counts.sum() == 0:
        return 0.0
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum() / np.log(len(counts)))
