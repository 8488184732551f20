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
            Prediction and percentile are NaN for a sample with an infinite feature, and for one
            without a modality that the drug's model can use: `sidestep score` sets such samples
            apart, or abstains.
        """
        study = study_of_measurements(model_input)
        features = self.predictor.features(study)
        # Nothing that was measured of such a sample is to be believed.
        features.loc[np.isinf(features.to_numpy(float)).any(axis=1)] = np.nan
        tables = []
        for model in self.predictor.choose(None):
            prediction = self.predictor.predict(features, model)
            prediction[[pattern is None for pattern in model.blend.chosen(features)]] = np.nan
            tables.append(
                pd.DataFrame(
                    {
                        "sample_id": features.index,
                        "drug": model.name,
                        "prediction": prediction,
                        "unit": self.predictor.scale.unit,
                        "resistance_percentile": self.predictor.percentile(
                            features, prediction, model
                        ),
                    }
                )
            )
        return pd.concat(tables, ignore_index=True)


def _load_pyfunc(data_path: str) -> MeasurementModel:
    """MLflow's entry point."""
    return MeasurementModel(load_predictor(Path(data_path)))
