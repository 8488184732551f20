"""Baselines, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.baselines import DrugMean, GroupMean, SingleMarker

INDEX = ["A", "B", "C", "D", "E"]


def table(**columns: list[float]) -> pd.DataFrame:
    names = {"rna": "expression:ERBB2", "protein": "rppa:ERBB2"}
    return pd.DataFrame(
        {names[k]: v for k, v in columns.items()}, index=INDEX[: len(next(iter(columns.values())))]
    )


def test_the_drugs_mean():
    X = table(rna=[0.0, 1.0, 2.0])
    assert DrugMean().fit(X, [1.0, 2.0, 6.0]).predict(X).tolist() == [3.0, 3.0, 3.0]


def test_a_groups_mean_is_shrunk_by_one_line():
    X = table(rna=[0.0] * 5)
    labels = pd.Series(["lung", "lung", "skin", np.nan, "blood"], index=INDEX)
    y = [1.0, 3.0, 8.0, 4.0]
    fitted = GroupMean(labels).fit(X.iloc[:4], y)
    # Mean 4. Lung: two lines 2 below on average, and one at the mean. Skin: one line 4 above.
    expected = [4 - 4 / 3, 4 - 4 / 3, 4 + 4 / 2, 4.0, 4.0]  # no label, and a label not met
    np.testing.assert_allclose(fitted.predict(X), expected)


def test_without_prior_lines_a_group_gets_its_mean():
    X = table(rna=[0.0] * 4)
    labels = pd.Series(["a", "a", "b", "b"], index=INDEX[:4])
    fitted = GroupMean(labels, prior_lines=0).fit(X, [1.0, 3.0, 5.0, 7.0])
    np.testing.assert_allclose(fitted.predict(X), [2.0, 2.0, 6.0, 6.0])


@pytest.mark.parametrize("labels", [None, pd.Series(np.nan, index=INDEX, dtype=object)])
def test_without_labels_a_group_mean_is_the_drugs_mean(labels):
    X = table(rna=[0.0] * 3)
    np.testing.assert_allclose(GroupMean(labels).fit(X, [1.0, 2.0, 6.0]).predict(X), 3.0)


def test_the_marker_is_a_straight_line():
    X = table(rna=[0.0, 1.0, 2.0, 3.0])
    y = [1.0, 2.0, 4.0, 4.0]
    slope, intercept = np.polyfit(X["expression:ERBB2"], y, 1)
    fitted = SingleMarker(("expression:ERBB2",)).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), intercept + slope * X["expression:ERBB2"])


def test_the_first_marker_that_a_line_has_is_used():
    X = table(rna=[0.0, 1.0, 2.0, np.nan, np.nan], protein=[9.0, 9.0, 9.0, 1.5, np.nan])
    y = [1.0, 3.0, 5.0, 4.0, 3.7]  # 1 + 2 * marker, and a line without any
    fitted = SingleMarker(("expression:ERBB2", "rppa:ERBB2")).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), [1.0, 3.0, 5.0, 4.0, np.mean(y[:4])])


@pytest.mark.parametrize("markers", [(), ("expression:", "rppa:"), ("expression:UNKNOWN",)])
def test_an_unknown_marker_is_the_drugs_mean(markers):
    X = table(rna=[0.0, 1.0, 2.0])
    np.testing.assert_allclose(SingleMarker(markers).fit(X, [1.0, 2.0, 6.0]).predict(X), 3.0)


def test_a_markers_contribution_stands_at_the_feature_that_was_read():
    X = table(rna=[0.0, 1.0, 2.0, np.nan, np.nan], protein=[9.0, 9.0, 9.0, 1.5, np.nan])
    fitted = SingleMarker(("expression:ERBB2", "rppa:ERBB2")).fit(X, [1.0, 3.0, 5.0, 4.0, 3.7])
    parts = fitted.contributions(X)
    np.testing.assert_allclose(parts.base_value, 3.25)
    expected = [[-2.25, 0], [-0.25, 0], [1.75, 0], [0, 0.75], [0, 0]]
    np.testing.assert_allclose(parts.values, expected)
    np.testing.assert_allclose(fitted.feature_weights(), [0.75, 0.25])
