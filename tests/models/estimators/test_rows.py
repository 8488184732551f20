"""Rows give each sub-model what it sees, whoever stands beside a sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.models.estimators.rows import FeatureRows

NAMES = ["expression:A", "expression:B", "rppa:A", "clinical:SUBTYPE=luminal"]
FITTED = (("expression", "rppa"), ("expression",))


@pytest.fixture
def rows() -> FeatureRows:
    """One sample with all, two with expression, one with clinical covariates alone."""
    values = [[1.0, 2, 3, 4], [5, 6, np.nan, 8], [9, 10, np.nan, np.nan], [np.nan] * 3 + [1]]
    return FeatureRows(pd.DataFrame(values, columns=NAMES))


def test_each_sample_goes_to_the_sub_model_of_what_it_has(rows: FeatureRows) -> None:
    found = {pattern: some.tolist() for pattern, some in rows.by_pattern(FITTED).items()}
    assert found == {("expression", "rppa"): [0], ("expression",): [1, 2], None: [3]}


def test_a_part_is_what_a_sub_model_sees_of_some_samples(rows: FeatureRows) -> None:
    part = rows.part(("expression",), np.array([2, 1]))
    np.testing.assert_array_equal(part, [[9, 10, np.nan], [5, 6, 8]])
    assert part.flags.c_contiguous
    assert rows.part(("expression",), np.array([2, 1])) is part
    everything = rows.part(("expression", "rppa"), np.arange(4))
    np.testing.assert_array_equal(everything, rows.values)


def test_rows_stay_as_they_are_and_tables_become_rows(rows: FeatureRows) -> None:
    assert FeatureRows.of(rows) is rows
    np.testing.assert_array_equal(FeatureRows.of(rows.frame).values, rows.values)


def test_other_features_are_refused(rows: FeatureRows) -> None:
    rows.require(np.array(NAMES, dtype=object))
    with pytest.raises(InputError, match=r"columns of fit in their order \(1 missing: rppa:B\)"):
        rows.require(np.array([*NAMES[:2], "rppa:B", NAMES[3]], dtype=object))
