"""What a model says of its training lines and of unmeasured features, counted on simulated data."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sidestep
from benchmarks import what_is_said
from benchmarks.what_is_said import leading_rows, scored_training
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import read_study
from sidestep.models.registry.load import LoadedModel
from sidestep.training.retrain import Request, retrain
from sidestep.training.validation.cross_validation import Plan

DRUG = "Lapatinib"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of thirty simulated breast lines."""
    folder = tmp_path_factory.mktemp("lines") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=30, genes=120, seed=2, noise=0.5))
    return folder


@pytest.fixture(scope="module")
def model(lines: Path) -> LoadedModel:
    """Of one drug, by one assignment to three folds."""
    plan = Plan(trials=0, folds=3, repeats=1, jobs=1)
    found = retrain(Request(read_study(lines), "gi50", (DRUG,), plan=plan))
    return LoadedModel(found.predictor, "lines", "1", "0" * 64)


@pytest.mark.slow
def test_the_training_study_scored_has_the_cross_validated_r(lines, model) -> None:
    """The fold models of the only assignment answer, so that both are equal."""
    row = scored_training(lines, model).loc[DRUG]
    assert row["n"] == 27  # three were not tested
    assert -1 < row["scored"] < 0.99
    assert row["scored"] == pytest.approx(row["validated"], abs=1e-6)
    assert row["scored, pooled"] == pytest.approx(row["validated, pooled"], abs=1e-6)


@pytest.mark.slow
def test_no_tumour_has_a_leading_feature_that_it_lacks(model, tmp_path) -> None:
    folder = tmp_path / "cohort"
    plan = SimulationPlan(kind="cohort", lines=8, genes=120, seed=2, missing=0.4)
    simulate_study(folder, plan)
    cohort = read_study(folder)
    assert cohort.rppa is None or len(cohort.rppa) < 8
    assert leading_rows(folder, model).startswith("0 of 24 leading rows (0.0%) of 8 samples")


def test_leading_rows_without_a_value_are_counted(monkeypatch, model) -> None:
    explained = pd.DataFrame(
        {
            "sample_id": list("aaaabbbb"),
            "rank": [1, 2, 3, 4] * 2,
            "feature": ["g1", "g2", "g3", "g4"] * 2,
            "value": [1.0, np.nan, 0.0, np.nan, 1.0, 1.0, 1.0, 1.0],
        }
    )
    monkeypatch.setattr(sidestep, "score", lambda *_: SimpleNamespace(explanations=explained))
    assert what_is_said.leading_rows(Path(), model) == (
        "1 of 6 leading rows (16.7%) of 2 samples are of features that were not measured"
    )
