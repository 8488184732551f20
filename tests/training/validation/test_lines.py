"""The lines of a drug and of a fold, and linear algebra in one thread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from sidestep.training.validation.lines import DrugResponses, FoldLines, in_one_thread
from sidestep.training.validation.panel import PanelDrug

LINES = pd.Index([f"L{line}" for line in range(12)], dtype="str")
TRAIN, TEST = LINES[:8], LINES[8:]


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    values = np.random.default_rng(0).standard_normal((12, 5))
    return pd.DataFrame(values, index=LINES, columns=[f"rppa:P{p}" for p in range(5)])


@pytest.fixture(scope="module")
def fold(features) -> FoldLines:
    return FoldLines.of(features, TRAIN, TEST)


@pytest.fixture(scope="module")
def responses() -> DrugResponses:
    """Return responses of five lines, in an order of their own."""
    names = LINES[[9, 2, 7, 11, 0]]
    numbers = LINES.get_indexer(names)
    donors = np.array([f"D{n}" for n in numbers], dtype=object)
    lineage = np.array(["lung", "lung", "skin", "skin", "lung"], dtype=object)
    return DrugResponses(PanelDrug("A", (), ""), names, numbers / 10, numbers, donors, lineage)


def test_a_drugs_lines_are_parted_as_the_fold_parts_them(fold, responses, features):
    training, held_out = fold.training_lines(responses), fold.test_lines(responses)
    assert list(training.X.index) == ["L2", "L7", "L0"]
    assert list(held_out.X.index) == ["L9", "L11"]
    for lines in (training, held_out):
        pd.testing.assert_frame_equal(lines.X, features.loc[lines.X.index])
        np.testing.assert_array_equal(lines.y, LINES.get_indexer(lines.X.index) / 10)
        np.testing.assert_array_equal(lines.numbers, LINES.get_indexer(lines.X.index))
        assert list(lines.donors) == [f"D{n}" for n in lines.numbers]
    assert list(training.lineage) == ["lung", "skin", "lung"]


def test_models_get_the_rows_of_the_matrix(fold, responses, features):
    lines = fold.training_lines(responses).lines
    assert lines.matrix is fold.matrix
    np.testing.assert_array_equal(lines.matrix.values[lines.rows], features.loc[["L2", "L7", "L0"]])
    few = fold.training_lines(responses).among(pd.Index(["L0", "L7"])).lines
    np.testing.assert_array_equal(few.matrix.values[few.rows], features.loc[["L7", "L0"]])


def test_without_a_matrix_the_lines_make_their_own(responses, features):
    lines = responses.on(features.loc[TEST]).lines
    np.testing.assert_array_equal(lines.matrix.values, features.loc[["L9", "L11"]])


def test_errors_of_responses_go_with_their_lines(fold, responses, features):
    errors = np.array([0.9, 0.2, 0.7, 1.1, np.nan])
    known = replace(responses, errors=errors)
    training, held_out = fold.training_lines(known), fold.test_lines(known)
    for lines, expected in ((training, [0.2, 0.7, np.nan]), (held_out, [0.9, 1.1])):
        np.testing.assert_array_equal(lines.errors, expected)
        np.testing.assert_array_equal(lines.lines.errors, expected)
    few = training.among(pd.Index(["L0", "L7"]))
    np.testing.assert_array_equal(few.lines.seeing(("rppa",)).errors, [0.7, np.nan])
    assert fold.training_lines(responses).lines.errors is None


def test_a_fold_may_hold_no_line_of_a_drug(fold, responses):
    elsewhere = FoldLines.of(fold.held_out, TEST[:1], TEST[2:2])
    assert len(elsewhere.test_lines(responses).y) == 0


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
