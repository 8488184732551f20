"""Simulated studies, a small model of three of their drugs, and made-up score folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidestep.features.simulation.simulate import simulate
from sidestep.features.study.study import Study, read_study
from sidestep.main import main
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import LoadedModel, load_model
from tests.serving.made_up_scores import write_folder

# No model can predict the last one: its response is noise.
DRUGS = ("Lapatinib", "Trametinib", "SIMNULL-1")

PredictorFactory = Callable[..., PanelPredictor]
FolderMaker = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command: its exit code, standard output and standard error."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the study folders breast_sim and cohort_sim."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, lines=40, genes=200, pancan_lines=40, cohort_samples=24)
    return folder


@pytest.fixture(scope="session")
def cohort(simulated: Path) -> Study:
    """24 tumours; some lack RPPA, some mutations, some copy number, one has expression only."""
    return read_study(simulated / "cohort_sim")


@pytest.fixture(scope="session")
def saved_model(
    simulated: Path, fit_predictor: PredictorFactory, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a model of `DRUGS` on expression, RPPA, mutations and copy number."""
    folder = tmp_path_factory.mktemp("models") / "small_panel"
    breast = read_study(simulated / "breast_sim")
    save_predictor(fit_predictor(breast, "gi50", DRUGS), folder)
    return folder


@pytest.fixture(scope="session")
def model(saved_model: Path) -> LoadedModel:
    """The saved model, loaded."""
    return load_model(str(saved_model))


@pytest.fixture(scope="session")
def rppa_folder(rppa_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the model that uses RPPA only; some samples of the cohort have none."""
    folder = tmp_path_factory.mktemp("models") / "rppa_only"
    save_predictor(rppa_model.predictor, folder)
    return folder


@pytest.fixture(scope="session")
def rppa_model(simulated: Path, fit_predictor: PredictorFactory) -> LoadedModel:
    """A model of one drug that uses RPPA, no more."""
    breast = read_study(simulated / "breast_sim")
    predictor = fit_predictor(breast, "gi50", DRUGS[:1], ["rppa"])
    return LoadedModel(predictor, "rppa_only", "7", "0" * 64)


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> FolderMaker:
    """Write a made-up score folder; the keywords are those of `write_folder`."""

    def make(**settings: Any) -> Path:
        return write_folder(tmp_path_factory.mktemp("scores") / "scores", **settings)

    return make


@pytest.fixture(scope="session")
def small_folder(make_folder: FolderMaker) -> Path:
    """Six samples, two with dangerous names, and five drugs, of which one never gets a call."""
    return make_folder()
