"""Sums by mechanism, on contributions made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study
from sidestep.serving.scoring.mechanisms import MECHANISM_SUMS, mechanism_rows
from sidestep.serving.scoring.outlook import Samples, samples_of


@pytest.fixture(scope="module")
def samples(model: LoadedModel, cohort: Study) -> Samples:
    return samples_of(model.predictor, cohort, model.predictor.features(cohort))


def sums(model: LoadedModel, samples: Samples, values: np.ndarray) -> pd.DataFrame:
    return mechanism_rows(model.predictor.drugs["Lapatinib"], samples, values)


def test_every_mechanism_of_every_sample_in_their_order(
    model: LoadedModel, samples: Samples
) -> None:
    rows = sums(model, samples, np.zeros(samples.features.shape))
    assert list(rows.columns) == MECHANISM_SUMS.names
    assert list(rows["mechanism"]) == list(MECHANISMS) * len(samples.features)
    assert list(rows["sample_id"]) == list(np.repeat(samples.features.index, len(MECHANISMS)))
    assert not np.signbit(rows["contribution"]).any()


def test_a_contribution_counts_for_its_mechanism(model: LoadedModel, samples: Samples) -> None:
    names = list(samples.features.columns)
    values = np.zeros(samples.features.shape)
    values[0, names.index("expression:ERBB2")] = 2.0
    values[0, names.index("rppa:ERBB2")] = -0.5
    values[1, names.index("expression:PIK3CA")] = 3.0
    rows = sums(model, samples, values).set_index(["sample_id", "mechanism"])["contribution"]
    first, second = samples.features.index[:2]
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
