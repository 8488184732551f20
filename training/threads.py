"""How many threads does linear algebra take? One, so that numbers do not depend on their number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def in_one_thread(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The same function, whose linear algebra uses one thread.

    Threads share sums out among them, and so round otherwise; and where more processes have threads
    than there are cores, they wait for each other most of the time.
    """

    @functools.wraps(function)
    def limited(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*arguments, **named)

    return limited
