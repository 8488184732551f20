"""How is a loop turned into machine code?

Importing this module imports numba (half a second), so it is imported only where that pays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core.compiler import Compiler


class _Apart(Compiler):
    """Numba's compiler, told that the arrays a loop is given never overlap.

    Without that promise LLVM has to look up and add one number after the other, because each sum
    that is written might be a table entry that is read next; with it the look-ups run on vectors,
    in about half the time.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self.state.flags.noalias = True


def compiled(loop: Callable[..., Any]) -> Any:
    """`loop` as machine code that holds no interpreter lock, kept on disk where there is a place.

    It is compiled at its first call on a machine, and later only loaded. Floating-point operations
    stay those, and in the order, that the source gives. The arrays that it is given, and those
    that it gives on to other such loops, must not overlap.
    """
    try:
        return numba.njit(nogil=True, cache=True, pipeline_class=_Apart)(loop)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(nogil=True, pipeline_class=_Apart)(loop)
