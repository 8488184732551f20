"""What is worked out of a study's tables once, however many builders ask for it.

The final model, each fold of its cross-validation and the evidence look at the same samples.
The order of genes in a sample, say, is the same for all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
# Function and identities of its arguments -> the arguments, which keeps their identities theirs,
# and the answer. None outside `sharing`.
_Kept = dict[tuple[object, ...], tuple[tuple[Any, ...], Any]]
_KEPT: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Within, functions marked `once` answer once for the same tables; then all is forgotten.

    Tables must not be changed in their place meanwhile. One within another is the outer one.
    """
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, which within `sharing` answers once for the same objects as arguments.

    Nobody may change an answer in its place.

    Examples
    --------
    >>> asked = []
    >>> @once
    ... def length(table):
    ...     asked.append(table)
    ...     return len(table)
    >>> table = [1, 2, 3]
    >>> with sharing():
    ...     length(table), length(table)
    (3, 3)
    >>> len(asked)
    1
    """

    @functools.wraps(function)
    def kept(*args: _P.args, **options: _P.kwargs) -> _R:
        known = _KEPT.get()
        if known is None or options:
            return function(*args, **options)
        key = (function, *map(id, args))
        if key not in known:
            known[key] = args, function(*args, **options)
        answer: _R = known[key][1]
        return answer

    return kept
