"""The predictor as a plain MLflow pyfunc, for users outside the sidestep command.

MLflow loads it by the name of this module (`loader_module`), so that the saved model holds data
and no pickle. The input is a table of measurements, one a row (`features.study.measurements`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.known_lines import rows_by_fold
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import load_predictor


class MeasurementModel:
    """Predict every drug of the panel for every sample of a table of measurements."""

    def __init__(self, predictor: PanelPredictor) -> None:
        self.predictor = predictor

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score measurements.

        Parameters
        ----------
        model_input : DataFrame
            Columns `sample_id, modality, feature, value, detail`, as in `study.measurements`.
        params : dict, optional
            Not used.

        Returns
        -------
        DataFrame
            One row a sample and drug: `sample_id, drug, prediction, unit, resistance_percentile`.
            A training line is answered by the model of its fold, which has not seen it.
            Prediction and percentile are NaN for a sample with an infinite feature, and for one
            without a modality that the drug's model can use: `sidestep score` sets such samples
            apart, or abstains.
        """
        study = study_of_measurements(model_input)
        features = self.predictor.features(study)
        # Nothing that was measured of such a sample is to be believed.
        features.loc[np.isinf(features.to_numpy(float)).any(axis=1)] = np.nan
        groups = rows_by_fold(self.predictor.known.find(study, features))
        tables = []
        for model in self.predictor.choose(None):
            prediction, percentile = np.full((2, len(features)), np.nan)
            for fold, rows in groups.items():
                prediction[rows], percentile[rows] = self._answers(
                    study, features.iloc[rows], model, fold
                )
            tables.append(
                pd.DataFrame(
                    {
                        "sample_id": features.index,
                        "drug": model.name,
                        "prediction": prediction,
                        "unit": self.predictor.scale.unit,
                        "resistance_percentile": percentile,
                    }
                )
            )
        return pd.concat(tables, ignore_index=True)

    def _answers(
        self, study: Study, features: pd.DataFrame, model: DrugModel, fold: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Prediction and percentile of some samples, by the models that have not seen a fold."""
        predictor = self.predictor
        if fold is not None and model.name in (unseen := predictor.unseen(fold)).drugs:
            predictor, model = unseen, unseen.drugs[model.name]
            nothing = features.isna().all(axis=1)
            features = unseen.features(study.select(list(features.index)))
            features = features.mask(nothing)
        prediction = predictor.predict(features, model)
        prediction[[pattern is None for pattern in model.blend.chosen(features)]] = np.nan
        return prediction, predictor.percentile(features, prediction, model)


def _load_pyfunc(data_path: str) -> MeasurementModel:
    """MLflow's entry point."""
    return MeasurementModel(load_predictor(Path(data_path)))
