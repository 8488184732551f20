"""Statistics that several assays need."""

from __future__ import annotations

import numpy as np
from scipy import stats


def false_discovery_rates(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's q of the p that are known, NaN of the others.

    Examples
    --------
    >>> import numpy as np
    >>> false_discovery_rates(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known])
    return q
