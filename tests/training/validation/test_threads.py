"""Linear algebra in one thread."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from sidestep.training.validation.lines import in_one_thread


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_one_thread_inside_and_as_many_as_before_outside():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    assert before
    assert set(in_one_thread(blas_threads)()) == {1}
    assert blas_threads() == before


def test_arguments_result_and_name_are_the_functions():
    @in_one_thread
    def ratio(a: float, *, b: float) -> float:
        return a / b

    assert ratio(6.0, b=3.0) == 2.0
    assert ratio.__name__ == "ratio"
    with pytest.raises(ZeroDivisionError):
        ratio(1.0, b=0.0)
