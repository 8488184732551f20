"""Which modalities a row counts as having, and which combinations get a sub-model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.patterns import (
    best_pattern,
    pattern_columns,
    pattern_name,
    pattern_named,
    patterns_to_fit,
    row_patterns,
)

ALL = ("expression", "rppa", "mutation", "copy_number")


def table(rows: list[tuple[str, ...]], size: int = 5) -> pd.DataFrame:
    """Rows that have these modalities; five features each, and one clinical covariate."""
    names = [f"{modality}:G{g}" for modality in ALL for g in range(size)]
    X = pd.DataFrame(1.0, index=range(len(rows)), columns=[*names, "clinical:SUBTYPE=luminal"])
    for row, has in enumerate(rows):
        for modality in set(ALL) - set(has):
            X.loc[row, X.columns.str.startswith(f"{modality}:")] = np.nan
    return X


@pytest.mark.parametrize("has", [(), ("rppa",), ("expression", "copy_number"), ALL])
def test_a_row_has_the_modalities_that_were_measured(has):
    assert row_patterns(table([ALL, has])) == [ALL, has]


@pytest.mark.parametrize(("measured", "counts"), [(0, False), (1, False), (2, True), (10, True)])
def test_a_fifth_of_the_features_is_enough(measured, counts):
    X = table([("expression",)], size=10)
    X.loc[0, [f"rppa:G{g}" for g in range(measured)]] = 0.0
    assert row_patterns(X) == [("expression", "rppa") if counts else ("expression",)]


@pytest.mark.parametrize("measured", [0, 1])
def test_one_signature_is_enough(measured):
    X = table([("rppa",)], size=10)
    X[[f"signature:S{number}" for number in range(10)]] = np.nan
    X.loc[0, [f"signature:S{number}" for number in range(measured)]] = 0.0
    assert row_patterns(X) == [("rppa", "signature") if measured else ("rppa",)]


def test_an_infinite_value_is_not_measured():
    X = table([ALL]).replace({1.0: np.inf})
    assert row_patterns(X) == [()]


def test_clinical_covariates_are_no_modality():
    assert row_patterns(table([ALL, ()])[["clinical:SUBTYPE=luminal"]]) == [(), ()]


def test_modalities_stand_in_one_order_whatever_the_columns():
    X = table([ALL])
    assert row_patterns(X[X.columns[::-1]]) == [ALL]


def test_no_rows_have_no_patterns():
    assert row_patterns(table([ALL]).iloc[:0]) == []


def test_complete_lines_get_every_common_combination():
    assert patterns_to_fit(table([ALL] * 10)) == [
        ALL,
        ("expression", "mutation", "copy_number"),
        ("expression", "mutation"),
        ("rppa", "mutation"),
        ("mutation", "copy_number"),
        ("expression",),
        ("rppa",),
        ("mutation",),
        ("copy_number",),
    ]


@pytest.mark.parametrize(("n", "fitted"), [(9, False), (10, True)])
def test_a_combination_needs_ten_lines(n, fitted):
    found = patterns_to_fit(table([("expression", "mutation")] * 40 + [("rppa",)] * n))
    assert (("rppa",) in found) is fitted
    assert ("expression", "mutation") in found


def test_a_frequent_combination_that_is_not_common_gets_a_model():
    unusual = ("expression", "rppa")
    assert unusual in patterns_to_fit(table([ALL] * 40 + [unusual] * 10))
    assert unusual not in patterns_to_fit(table([ALL] * 40 + [unusual] * 9))
    # Of 120 lines, ten are no tenth.
    assert unusual not in patterns_to_fit(table([ALL] * 110 + [unusual] * 10))


def test_lines_with_more_count_for_a_part_of_it():
    assert ("rppa", "mutation") in patterns_to_fit(table([ALL] * 5 + [("rppa", "mutation")] * 5))


def test_all_modalities_come_first_even_if_no_line_has_them_all():
    found = patterns_to_fit(table([("expression",)] * 20 + [("rppa", "mutation")] * 20))
    assert found[0] == ("expression", "rppa", "mutation")
    assert set(found[1:]) == {("expression",), ("rppa", "mutation"), ("rppa",), ("mutation",)}
    assert len(found) == len(set(found))


def test_few_lines_get_one_model():
    assert patterns_to_fit(table([ALL] * 9)) == [ALL]


def test_lines_with_nothing_measured_get_the_model_of_every_column():
    assert patterns_to_fit(table([()] * 12)) == [ALL]


def test_the_fitted_pattern_with_most_modalities_is_best():
    fitted = [ALL, ("expression", "mutation"), ("rppa",), ("mutation",)]
    assert best_pattern(ALL, fitted) == ALL
    assert best_pattern(("expression", "rppa", "mutation"), fitted) == ("expression", "mutation")
    assert best_pattern(("rppa", "mutation"), fitted) == ("rppa",)  # the first of equals
    assert best_pattern(("mutation", "copy_number"), fitted) == ("mutation",)


@pytest.mark.parametrize("has", [(), ("copy_number",)])
def test_a_sample_that_no_model_fits_has_no_pattern(has):
    assert best_pattern(has, [ALL, ("expression",)]) is None


def test_a_sub_model_sees_its_modalities_and_the_clinical_covariates():
    X = table([ALL])
    seen = X.columns[pattern_columns(list(X.columns), ("rppa", "copy_number"))]
    assert {name.split(":")[0] for name in seen} == {"rppa", "copy_number", "clinical"}
    assert len(seen) == 11


@pytest.mark.parametrize("pattern", [(), ("rppa",), ALL])
def test_a_name_gives_its_pattern_back(pattern):
    assert pattern_named(pattern_name(pattern)) == pattern
