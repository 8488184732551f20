"""A trained panel in memory: how well it predicts lines held out, and the model to score with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.whole import folder_beside, put_in_place, reason_of
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import LoadedModel, load_model
from sidestep.training.reports.tables import headline, text_table
from sidestep.training.retrain import Retrain
from sidestep.training.validation.gate import Verdict

if TYPE_CHECKING:
    from sidestep.training.tracking.tracking import TrackedRun


@dataclass(frozen=True, repr=False)
class TrainedPanel:
    """What `sidestep.train` returns; `sidestep.score` takes it as a model.

    Attributes
    ----------
    retrain : Retrain
        Study, panel, cross-validation and predictor.
    model : LoadedModel
        The predictor as it is read back from disk, with its digest.
    run : TrackedRun or None
        The MLflow run, the model and the registered version; None where nothing was kept.
    """

    retrain: Retrain
    model: LoadedModel
    run: TrackedRun | None

    @classmethod
    def in_memory(cls, retrain: Retrain) -> TrainedPanel:
        """A retrain that no store keeps; the model goes by the name of its study."""
        with TemporaryDirectory(prefix="sidestep-model-") as name:
            folder = Path(name) / "model"
            save_predictor(retrain.predictor, folder)
            model = load_model(str(folder))
        return cls(retrain, replace(model, name=retrain.study.study_id), None)

    @classmethod
    def of_run(cls, retrain: Retrain, run: TrackedRun, tracking_uri: str | None) -> TrainedPanel:
        """A retrain that MLflow keeps."""
        uri = run.model_uri if run.registration is None else run.registration.uri
        return cls(retrain, load_model(uri, tracking_uri), run)

    @property
    def predictor(self) -> PanelPredictor:
        """What predicts, fitted on all lines."""
        return self.model.predictor

    @property
    def verdict(self) -> Verdict:
        """Whether the panel passes the gate, and why."""
        return self.retrain.verdict

    @property
    def metrics(self) -> pd.DataFrame:
        """Out-of-fold Pearson r a drug, the best predicted first, beside its baselines.

        Columns: `n` (lines), `pearson` with `lower` and `upper` (95 %, bootstrap over donors), one
        for each other method, `best_baseline`, `best_baseline_pearson`, `gain` and `probability`.
        """
        return headline(self.retrain)

    @property
    def out_of_fold(self) -> pd.DataFrame:
        """Every held-out prediction: a row a line and drug, with what was observed."""
        return self.retrain.validation.predictions

    def save(self, folder: str | Path) -> Path:
        """Write the model into a folder that `load_model` and `sidestep score` take, whole or not.

        Parameters
        ----------
        folder : path
            A new or an empty one.

        Raises
        ------
        InputError
            If it holds something, or cannot be written.
        """
        path = Path(folder)
        try:
            with folder_beside(path, parents=True) as partial:
                save_predictor(self.predictor, partial / "model")
                put_in_place(partial / "model", path)
        except OSError as failure:
            raise InputError(
                f"{folder} cannot be written ({reason_of(failure)}); give a new or empty folder in "
                "a place that you can write to"
            ) from failure
        return path

    def __repr__(self) -> str:
        """Study and response, the metrics, and the gate's verdict."""
        response = self.retrain.panel.response
        made_up = ", SIMULATED DATA" if self.retrain.study.simulated else ""
        verdict = "passed" if self.verdict.passes else "FAILED"
        return (
            f"{self.retrain.study.study_id}, {response.stable_id} ({response.unit}){made_up}: "
            f"Pearson r, out of fold\n{text_table(self.retrain)}\n"
            f"Gate {verdict}: {self.verdict.reason}."
        )

    def _repr_html_(self) -> str:
        """The same for notebooks."""
        return f"<pre>{escape(repr(self))}</pre>"
