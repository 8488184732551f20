"""How many of the findings of a table are false? Benjamini and Hochberg's q."""

from __future__ import annotations

import numpy as np
from scipy.stats import false_discovery_control


def false_discovery_rates(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's q of the p that are known; NaN for the others.

    Examples
    --------
    >>> false_discovery_rates(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q
