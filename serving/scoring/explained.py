"""One drug's predictions of some samples with what they are made of, all asked of models at once.

Prediction, contributions, and what the folds' models say rest on the same sums over features, so
that each model is asked once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sidestep.models.estimators.base import Contributions
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.scoring.contributions import largest_measured
from sidestep.serving.scoring.samples import Samples
from sidestep.serving.scoring.stability import Stability, stability_of


@dataclass(frozen=True)
class Explained:
    """Predictions of one drug in some samples, and their explanations.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Response units.
    contributions : Contributions
    columns : ndarray of int, shape (n_samples, top_k)
        Of the features that the explanation of each sample names
        (`serving.scoring.contributions.largest_measured`).
    stability : Stability
        Of these.
    """

    prediction: np.ndarray
    contributions: Contributions
    columns: np.ndarray
    stability: Stability

    @classmethod
    def of(cls, predictor: PanelPredictor, model: DrugModel, samples: Samples, top_k: int) -> Self:
        """Ask the model and those of the folds.

        Parameters
        ----------
        predictor, model, samples
            As for `serving.scoring.outlook.outlook_of`.
        top_k : int
            Features that an explanation names at most.
        """
        prediction, contributions = predictor.explained(samples.rows, model)
        values = contributions.values
        columns = largest_measured(values, samples.to_name, samples.named.order, top_k)
        stability = stability_of(model, samples, values, columns)
        return cls(prediction, contributions, columns, stability)
