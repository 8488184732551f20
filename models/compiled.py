"""Loops as machine code, by numba, kept on disk between runs.

Importing this module imports numba (half a second), so it is imported only where that pays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(loop: Callable[..., Any]) -> Any:
    """`loop` as machine code that holds no interpreter lock, kept on disk where there is a place.

    It is compiled at its first call on a machine, and later only loaded. Floating-point operations
    stay those, and in the order, that the source gives.

    Parameters
    ----------
    loop : callable
        Over numbers and arrays, in the part of Python that numba compiles (`numba.njit`).
    """
    try:
        return numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(nogil=True)(loop)
