"""The rows of explanations and of mechanisms, on contributions made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.features.study.study import Study
from sidestep.models.estimators.blend_contributions import BlendContributions
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.coded import plain
from sidestep.serving.job import score_study
from sidestep.serving.scoring.contributions import grouped_sums
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.explanations import (
    EXPLANATIONS,
    MECHANISM_SUMS,
    explanation_rows,
    mechanism_rows,
)
from sidestep.serving.scoring.samples import NamedFeatures, Samples, samples_of
from sidestep.serving.scoring.stability import Stability

NAMES = ["rppa:EGFR", "expression:ERBB2", "mutation:TP53", "expression:EGFR"]


@pytest.fixture
def samples() -> Samples:
    values = [[1.0, 2.0, np.nan, 4.0], [5.0, 6.0, 7.0, 8.0]]
    features = pd.DataFrame(values, index=["S1", "S2"], columns=NAMES)
    patterns = row_patterns(features)
    named = NamedFeatures.of(features.columns, {})
    return Samples(features, {}, named, patterns, [";".join(has) for has in patterns])


class Planted(BlendContributions):
    """Contributions that are known beforehand."""

    predicted = base_value = np.zeros(2)

    def __init__(self, planted: np.ndarray) -> None:
        self.planted = planted

    def write(
        self,
        values: np.ndarray,
        places: np.ndarray,
        columns: np.ndarray,
        among: slice | None = None,
    ) -> None:
        some = slice(None) if among is None else among
        values[places[some]] = self.planted[some]


def explain(
    model: LoadedModel,
    samples: Samples,
    contributions: list[list[float]],
    top_k: int,
    shares: list[list[float]] | None = None,
) -> pd.DataFrame:
    values = np.array(contributions, dtype=float)
    rows, pattern = np.arange(len(values)), samples.patterns[-1]
    explained = Explained.told({pattern: (rows, Planted(values))}, samples, top_k)
    shared = np.ones(explained.columns.shape) if shares is None else np.array(shares)
    drug = model.predictor.drugs["Lapatinib"]
    rows = explanation_rows(drug, samples, explained, Stability(shared, np.ones(2)))
    return plain(rows).to_pandas()


def test_named_features_then_the_rest(model: LoadedModel, samples: Samples) -> None:
    rows = explain(model, samples, [[0.1, -3, 0, 0.25], [9, 0, 0, -10]], 2)
    assert list(rows.columns) == EXPLANATIONS.names
    assert list(rows["feature"]) == [
        *("expression:ERBB2", "expression:EGFR", "(other)"),
        *("expression:EGFR", "rppa:EGFR", "(other)"),
    ]
    assert list(rows["contribution"]) == [-3, 0.25, 0.1, -10, 9, 0]
    assert list(rows["rank"]) == [1, 2, 3, 1, 2, 3]
    np.testing.assert_array_equal(rows["value"], [2, 4, np.nan, 8, 5, np.nan])


@pytest.mark.parametrize("top_k", [2, 4])
def test_what_was_not_measured_is_part_of_the_rest(
    model: LoadedModel, samples: Samples, top_k: int
) -> None:
    rows = explain(model, samples, [[0.25, -3, 7, 0.5], [1, 2, 3, 4]], top_k)
    first = rows[rows["sample_id"] == "S1"]
    named = ["expression:ERBB2", "expression:EGFR", "rppa:EGFR"][:top_k]
    assert list(first["feature"]) == [*named, "(other)"]
    assert list(first["rank"]) == list(range(1, len(named) + 2))
    assert first["contribution"].iloc[-1] == (7.25 if top_k == 2 else 7)
    assert first["contribution"].sum() == 4.75


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
    assert list(rows.groupby("sample_id").size()) == [4, 5]
    other = rows[rows["feature"] == "(other)"]
    assert list(other["contribution"]) == [3, 0]
    unknown = ["modality", "mechanism", "value", "top_k_share", "stable"]
    assert other[unknown].isna().all(axis=None)


# Mechanisms


@pytest.fixture(scope="module")
def tumours(model: LoadedModel, cohort: Study) -> Samples:
    return samples_of(model.predictor, cohort, model.predictor.features(cohort))


def sums(model: LoadedModel, tumours: Samples, values: np.ndarray) -> pd.DataFrame:
    named = tumours.named
    _, by_mechanism = grouped_sums(named.modality_places, named.mechanism_places, values)
    rows = mechanism_rows(model.predictor.drugs["Lapatinib"], tumours, by_mechanism)
    return plain(rows).to_pandas()


def test_every_mechanism_of_every_sample_in_their_order(
    model: LoadedModel, tumours: Samples
) -> None:
    rows = sums(model, tumours, np.zeros(tumours.features.shape))
    assert list(rows.columns) == MECHANISM_SUMS.names
    assert list(rows["mechanism"]) == list(MECHANISMS) * len(tumours.features)
    assert list(rows["sample_id"]) == list(np.repeat(tumours.features.index, len(MECHANISMS)))
    assert not np.signbit(rows["contribution"]).any()


def test_a_contribution_counts_for_its_mechanism(model: LoadedModel, tumours: Samples) -> None:
    names = list(tumours.features.columns)
    values = np.zeros(tumours.features.shape)
    values[0, names.index("expression:ERBB2")] = 2.0
    values[0, names.index("rppa:ERBB2")] = -0.5
    values[1, names.index("expression:PIK3CA")] = 3.0
    rows = sums(model, tumours, values).set_index(["sample_id", "mechanism"])["contribution"]
    first, second = tumours.features.index[:2]
    assert rows[rows != 0].to_dict() == {
        (first, "HER2 drive"): 1.5,
        (second, "PI3K/AKT/MTOR"): 3.0,
    }


def test_a_study_of_one_modality_has_all_mechanisms_too(
    cohort: Study, rppa_model: LoadedModel, tmp_path: Path
) -> None:
    score_study(cohort, rppa_model, tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out" / "mechanisms.parquet")
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert len(rows) == len(scores) * len(MECHANISMS)
    total = rows.groupby("sample_id", sort=False)["contribution"].sum().to_numpy()
    np.testing.assert_allclose(total, scores["contribution_rppa"], atol=1e-9)
