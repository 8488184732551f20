"""The choice of features that an explanation names, on contributions made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.estimator import Contributions
from models.registry import LoadedModel
from serving.explanations import EXPLANATIONS, explanation_rows

NAMES = ["rppa:EGFR", "expression:ERBB2", "mutation:TP53", "expression:EGFR"]


@pytest.fixture
def features() -> pd.DataFrame:
    values = [[1.0, 2.0, np.nan, 4.0], [5.0, 6.0, 7.0, 8.0]]
    return pd.DataFrame(values, index=["S1", "S2"], columns=NAMES)


def explain(
    model: LoadedModel, features: pd.DataFrame, values: list[list[float]], top_k: int
) -> pd.DataFrame:
    drug = model.predictor.drugs["Lapatinib"]
    return explanation_rows(drug, features, Contributions(5.0, np.array(values)), top_k)


def test_largest_first_whatever_the_sign(model: LoadedModel, features: pd.DataFrame) -> None:
    rows = explain(model, features, [[0.1, -3, 2, 0.25], [9, 0, 0, -10]], 2)
    assert list(rows.columns) == EXPLANATIONS.names
    assert list(rows["feature"]) == [
        *("expression:ERBB2", "mutation:TP53", "(other)"),
        *("expression:EGFR", "rppa:EGFR", "(other)"),
    ]
    assert list(rows["contribution"]) == [-3, 2, 0.35, -10, 9, 0]
    assert list(rows["rank"]) == [1, 2, 3, 1, 2, 3]
    np.testing.assert_array_equal(rows["value"], [2, np.nan, np.nan, 8, 5, np.nan])


def test_equal_contributions_stand_by_name(model: LoadedModel, features: pd.DataFrame) -> None:
    rows = explain(model, features, [[1, -1, 1, 1], [0, 0, 0, 0]], 3)
    by_name = ["expression:EGFR", "expression:ERBB2", "mutation:TP53", "(other)"]
    assert list(rows["feature"]) == by_name * 2


@pytest.mark.parametrize("top_k", [4, 20])
def test_a_model_of_few_features_names_them_all(
    model: LoadedModel, features: pd.DataFrame, top_k: int
) -> None:
    rows = explain(model, features, [[1, 2, 3, 4], [-1, -2, -3, -4]], top_k)
    assert len(rows) == 2 * 5
    other = rows[rows["feature"] == "(other)"]
    assert list(other["contribution"]) == [0, 0]
    assert other["modality"].isna().all()
