"""A simulated study to learn from, a cohort to score, and a small model of two drugs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sidestep
from sidestep.features.study.study import Study
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import LoadedModel
from sidestep.scores import Scores

DRUGS = ("Lapatinib", "Trametinib")


@pytest.fixture(scope="session")
def lines() -> Study:
    """Forty breast lines with little noise."""
    return sidestep.simulate(lines=40, genes=150, noise=0.3, missing=0.1)


@pytest.fixture(scope="session")
def cohort_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of twelve tumours; some lack a modality."""
    folder = tmp_path_factory.mktemp("studies") / "cohort_sim"
    sidestep.simulate(folder, kind="cohort", lines=12, genes=150)
    return folder


@pytest.fixture(scope="session")
def model_folder(
    lines: Study,
    fit_predictor: Callable[..., PanelPredictor],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Folder of a model of `DRUGS`."""
    folder = tmp_path_factory.mktemp("models") / "two_drugs"
    save_predictor(fit_predictor(lines, "gi50", DRUGS), folder)
    return folder


@pytest.fixture(scope="session")
def rppa_model(lines: Study, fit_predictor: Callable[..., PanelPredictor]) -> LoadedModel:
    """A model that uses RPPA, no more."""
    predictor = fit_predictor(lines, "gi50", DRUGS[:1], ["rppa"])
    return LoadedModel(predictor, "rppa_only", "7", "0" * 64)


@pytest.fixture(scope="session")
def scores(cohort_folder: Path, model_folder: Path) -> Scores:
    """The cohort, scored in memory."""
    return sidestep.score(cohort_folder, model_folder)
