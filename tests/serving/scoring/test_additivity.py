"""Every level of explanation adds up to the prediction, whatever a sample lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.names import MODALITIES
from sidestep.features.mechanisms.of_features import MECHANISMS, mechanism_of
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study

KEY = ["sample_id", "drug"]


@pytest.fixture(scope="module")
def folder(cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort, scored once."""
    out = tmp_path_factory.mktemp("explained") / "out"
    score_study(cohort, model, out)
    return out


@pytest.fixture(scope="module")
def scores(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "scores.parquet").set_index(KEY)


@pytest.fixture(scope="module")
def explanations(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "explanations.parquet")


@pytest.fixture(scope="module")
def mechanisms(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "mechanisms.parquet")


def test_modalities_add_up_to_the_prediction(scores: pd.DataFrame) -> None:
    assert scores["modalities"].nunique() > 3  # samples that lack one, two, and three
    levels = scores.filter(regex="^contribution_")
    assert levels.shape[1] == len(MODALITIES)
    total = scores["base_value"] + levels.sum(axis=1)
    np.testing.assert_allclose(total, scores["prediction"], rtol=1e-6)
    # Samples with the same modalities are predicted by the same sub-model.
    assert scores.groupby(["drug", "modalities"])["base_value"].nunique().eq(1).all()


@pytest.mark.parametrize("level", ["explanations", "mechanisms"])
def test_features_and_mechanisms_add_up_to_the_prediction(
    scores: pd.DataFrame, level: str, request: pytest.FixtureRequest
) -> None:
    parts = request.getfixturevalue(level).groupby(KEY, sort=False)["contribution"].sum()
    pd.testing.assert_index_equal(parts.index, scores.index)
    total = scores["base_value"] + parts
    np.testing.assert_allclose(total, scores["prediction"], rtol=1e-6)


def test_mechanisms_are_the_sums_of_their_features(
    mechanisms: pd.DataFrame, cohort: Study, model: LoadedModel
) -> None:
    features = model.predictor.features(cohort)
    of_feature = [mechanism_of(name) for name in features.columns]
    found = mechanisms.set_index([*KEY, "mechanism"])["contribution"].unstack()
    assert set(found.columns) == set(MECHANISMS)
    for name, drug in model.predictor.drugs.items():
        values = model.predictor.explain(features, drug).values
        expected = pd.DataFrame(values.T).groupby(of_feature).sum().T.set_axis(features.index)
        own = found.xs(name, level="drug").loc[features.index, expected.columns]
        np.testing.assert_allclose(own, expected, atol=1e-12)
    named = found.drop(columns="other").abs().sum(axis=1)
    assert (named[named.index.get_level_values("drug") == "Lapatinib"] > 0).all()


def test_explanations_name_the_largest_features_with_their_values(
    explanations: pd.DataFrame, cohort: Study, model: LoadedModel
) -> None:
    features = model.predictor.features(cohort)
    drug = model.predictor.drugs["Lapatinib"]
    values = model.predictor.explain(features, drug).values
    of_drug = explanations[explanations["drug"] == "Lapatinib"]
    for row, sample in enumerate(cohort.samples):
        own = of_drug[of_drug["sample_id"] == sample]
        assert list(own["rank"]) == list(range(1, 22))
        assert list(own["feature"])[-1] == "(other)"
        unknown = ["modality", "mechanism", "value", "top_k_share", "stable"]
        assert own[unknown].iloc[-1].isna().all()
        named = own.iloc[:-1].set_index("feature")
        expected = sorted(zip(-np.abs(values[row]), features.columns, strict=True))[:20]
        assert list(named.index) == [name for _, name in expected]
        assert list(named["modality"]) == [name.split(":")[0] for name in named.index]
        assert list(named["mechanism"]) == [mechanism_of(name) for name in named.index]
        measured = features.loc[sample, named.index]
        pd.testing.assert_series_equal(
            named["value"], measured, check_names=False, check_index_type=False
        )


def test_each_named_feature_says_in_how_many_folds_it_stands(explanations: pd.DataFrame) -> None:
    named = explanations[explanations["feature"] != "(other)"]
    assert set(named["top_k_share"]) == {0.0, 0.5, 1.0}  # of two folds
    assert (named["stable"] == (named["top_k_share"] >= 0.6)).all()


def test_without_folds_stability_is_left_empty(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    drug = replace(model.predictor.drugs["Lapatinib"], fold_blends={}, errors={})
    predictor = replace(model.predictor, drugs={"Lapatinib": drug})
    manifest = score_study(cohort, replace(model, predictor=predictor), tmp_path / "out")
    assert manifest["counts"]["rows"] == 24
    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    assert explained[["top_k_share", "stable"]].isna().all(axis=None)
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert scores["explanation_agreement"].isna().all()
