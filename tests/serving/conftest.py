"""Simulated studies, and a small model of three of their drugs to score with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from features.builders import FeatureJoiner
from features.builders.names import features_of_genes
from features.drugs import find_drug
from features.simulation import simulate
from features.study import Study, read_study
from models.blend import Blend
from models.predictor import DrugModel, PanelPredictor, ResponseScale
from models.registry import LoadedModel, load_model
from models.storage import save_predictor

# No model can predict the last one: its response is noise.
DRUGS = ("Lapatinib", "Trametinib", "SIMNULL-1")

PredictorFactory = Callable[..., PanelPredictor]


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
def fit_predictor() -> PredictorFactory:
    """Fit a small panel on a study; nothing is held out, so percentiles mean little."""

    def fit(
        study: Study,
        response: str,
        drugs: Sequence[str],
        modalities: Sequence[str] | None = None,
        clinical: Sequence[str] = (),
    ) -> PanelPredictor:
        joiner = FeatureJoiner(modalities, clinical).fit(study)
        features = joiner.transform(study)
        screen = study.response(response)
        models = {}
        for name in drugs:
            y = screen.values[name].dropna()
            drug = find_drug(name)
            genes = () if drug is None else (*drug.targets, *drug.partners)
            blend = Blend(
                features_of_genes(features.columns, genes),
                inner_folds=2,
                tree_settings={"n_trees": 25, "n_features": 60},
            ).fit(features.loc[y.index], y, study.donors.loc[y.index])
            models[name] = DrugModel(
                name=name,
                blend=blend,
                n_lines=len(y),
                held_out_predictions=np.sort(blend.predict(features.loc[y.index])),
                observed=np.sort(y.to_numpy()),
                metrics={},
                beats_baselines=name != "SIMNULL-1",
            )
        scale = ResponseScale(
            screen.stable_id, screen.metric, screen.unit, screen.higher_is_resistant
        )
        training = {
            "study_id": study.study_id,
            "study_name": study.name,
            "simulated": study.simulated,
            "digests": dict(study.digests),
        }
        return PanelPredictor(joiner, models, scale, training)

    return fit


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
