"""The rows of an explanation, on contributions made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.scoring.explanations import EXPLANATIONS, explanation_rows
from sidestep.serving.scoring.names import NamedFeatures
from sidestep.serving.scoring.outlook import Samples
from sidestep.serving.scoring.scores import largest
from sidestep.serving.scoring.stability import Stability

NAMES = ["rppa:EGFR", "expression:ERBB2", "mutation:TP53", "expression:EGFR"]


@pytest.fixture
def samples() -> Samples:
    values = [[1.0, 2.0, np.nan, 4.0], [5.0, 6.0, 7.0, 8.0]]
    features = pd.DataFrame(values, index=["S1", "S2"], columns=NAMES)
    patterns = row_patterns(features)
    named = NamedFeatures.of(features.columns, {})
    return Samples(features, {}, named, patterns, [";".join(has) for has in patterns])


def explain(
    model: LoadedModel,
    samples: Samples,
    contributions: list[list[float]],
    top_k: int,
    shares: list[list[float]] | None = None,
) -> pd.DataFrame:
    values = np.array(contributions, dtype=float)
    chosen = largest(values, samples.named.order, top_k)
    shared = np.ones(chosen.shape) if shares is None else np.array(shares)
    drug = model.predictor.drugs["Lapatinib"]
    return explanation_rows(drug, samples, values, chosen, Stability(shared, np.ones(2)))


def test_named_features_then_the_rest(model: LoadedModel, samples: Samples) -> None:
    rows = explain(model, samples, [[0.1, -3, 2, 0.25], [9, 0, 0, -10]], 2)
    assert list(rows.columns) == EXPLANATIONS.names
    assert list(rows["feature"]) == [
        *("expression:ERBB2", "mutation:TP53", "(other)"),
        *("expression:EGFR", "rppa:EGFR", "(other)"),
    ]
    assert list(rows["contribution"]) == [-3, 2, 0.35, -10, 9, 0]
    assert list(rows["rank"]) == [1, 2, 3, 1, 2, 3]
    np.testing.assert_array_equal(rows["value"], [2, np.nan, np.nan, 8, 5, np.nan])


def test_a_feature_speaks_of_its_modality_and_mechanism(
    model: LoadedModel, samples: Samples
) -> None:
    rows = explain(model, samples, [[0, 9, 0, 1], [0, 9, 0, 1]], 1)
    assert list(rows["modality"].fillna("")) == ["expression", ""] * 2
    assert list(rows["mechanism"].fillna("")) == ["HER2 drive", ""] * 2


def test_a_feature_is_stable_if_three_in_five_folds_agree(
    model: LoadedModel, samples: Samples
) -> None:
    shares = [[3 / 5, 2 / 5], [np.nan, np.nan]]
    rows = explain(model, samples, [[0, 9, 0, 1], [0, 9, 0, 1]], 2, shares)
    np.testing.assert_array_equal(rows["top_k_share"], [0.6, 0.4, *[np.nan] * 4])
    assert list(rows["stable"]) == [True, False, None, None, None, None]


@pytest.mark.parametrize("top_k", [4, 20])
def test_a_model_of_few_features_names_them_all(
    model: LoadedModel, samples: Samples, top_k: int
) -> None:
    rows = explain(model, samples, [[1, 2, 3, 4], [-1, -2, -3, -4]], top_k)
    assert len(rows) == 2 * 5
    other = rows[rows["feature"] == "(other)"]
    assert list(other["contribution"]) == [0, 0]
    unknown = ["modality", "mechanism", "value", "top_k_share", "stable"]
    assert other[unknown].isna().all(axis=None)
