"""The saved predictor: frozen features and one explained model a drug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from features.builders.joiner import FeatureJoiner
from features.drug_columns import find_column
from features.study import Study
from models.blend import Blend
from models.estimator import Contributions


@dataclass(frozen=True)
class ResponseScale:
    """What the predicted numbers mean.

    Attributes
    ----------
    stable_id, metric, unit : str
        Of the response that the model was trained on.
    higher_is_resistant : bool
    """

    stable_id: str
    metric: str
    unit: str
    higher_is_resistant: bool


@dataclass(frozen=True)
class DrugModel:
    """One drug's model and what cross-validation said of it.

    Attributes
    ----------
    name : str
        As the training study names the drug.
    blend : Blend
        Fitted on all training lines.
    n_lines : int
    held_out_predictions : ndarray of shape (n_lines,)
        Out-of-fold predictions of the training lines, sorted: what a percentile refers to.
    observed : ndarray of shape (n_lines,)
        Responses of the training lines, sorted.
    metrics : mapping
        Method -> metric -> [value, lower, upper], out of fold.
    beats_baselines : bool
        Whether the blend's out-of-fold Pearson r is above every baseline's.
    """

    name: str
    blend: Blend
    n_lines: int
    held_out_predictions: np.ndarray
    observed: np.ndarray
    metrics: Mapping[str, Mapping[str, Sequence[float]]]
    beats_baselines: bool

    def resistance_percentile(
        self, predictions: np.ndarray, *, higher_is_resistant: bool
    ) -> np.ndarray:
        """Where predictions lie among the training lines' own out-of-fold predictions.

        0 is the most sensitive, 100 the most resistant; ties count half. Predictions are
        compared with predictions, not with observed responses, whose spread is wider.
        """
        below = np.searchsorted(self.held_out_predictions, predictions, side="left")
        upto = np.searchsorted(self.held_out_predictions, predictions, side="right")
        percentile = 50.0 * (below + upto) / len(self.held_out_predictions)
        return percentile if higher_is_resistant else 100.0 - percentile


@dataclass(frozen=True)
class PanelPredictor:
    """A panel of drugs on one feature matrix: what is saved, registered and scored with.

    Attributes
    ----------
    joiner : FeatureJoiner
        Fitted on all training lines.
    drugs : mapping of str to DrugModel
    scale : ResponseScale
    training : mapping
        Study, digests, seeds, settings and software versions of the training run.
    """

    joiner: FeatureJoiner
    drugs: Mapping[str, DrugModel]
    scale: ResponseScale
    training: Mapping[str, Any]

    def features(self, study: Study) -> pd.DataFrame:
        """Samples x features of a study, NaN where not measured."""
        return self.joiner.transform(study)

    def choose(self, names: Sequence[str] | None) -> list[DrugModel]:
        """Models of the drugs asked for, regardless of case, punctuation and synonyms; all if None.

        Raises
        ------
        InputError
            If the panel has no such drug.
        """
        if names is None:
            return list(self.drugs.values())
        return [self.drugs[find_column(name, list(self.drugs), "the model")] for name in names]

    def predict(self, features: pd.DataFrame, model: DrugModel) -> np.ndarray:
        """Predicted response of each sample to one drug, in the response's unit."""
        return model.blend.predict(features)

    def explain(self, features: pd.DataFrame, model: DrugModel) -> Contributions:
        """Exact contribution of every feature to every prediction, in the response's unit."""
        return model.blend.contributions(features)

    def percentile(self, predictions: np.ndarray, model: DrugModel) -> np.ndarray:
        """Resistance percentile of each prediction, 0 most sensitive ... 100 most resistant."""
        return model.resistance_percentile(
            predictions, higher_is_resistant=self.scale.higher_is_resistant
        )

    def get_state(self) -> dict[str, Any]:
        """Everything as plain values and numeric arrays."""
        drugs = {}
        for name, model in self.drugs.items():
            fields = {key: getattr(model, key) for key in model.__dataclass_fields__}
            drugs[name] = fields | {"blend": model.blend.get_state()}
        return {
            "joiner": self.joiner.get_state(),
            "drugs": drugs,
            "scale": asdict(self.scale),
            "training": dict(self.training),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Predictor that `get_state` described."""
        joiner = FeatureJoiner.from_state(state["joiner"])
        names = joiner.get_feature_names_out()
        drugs = {
            name: DrugModel(**fields | {"blend": Blend.from_state(fields["blend"], names)})
            for name, fields in state["drugs"].items()
        }
        return cls(joiner, drugs, ResponseScale(**state["scale"]), state["training"])
