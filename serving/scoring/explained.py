"""Predictions of some samples with what they are made of, asked of a model at once.

Of the contributions only what is told is kept: those of all features, of 25 drugs, would take more
room than anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from sidestep.models.estimators.blend_contributions import BlendContributions
from sidestep.models.estimators.pattern_blend import ExplainedRows
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.scoring.contributions import (
    largest_measured,
    mechanism_sums,
    modality_sums,
    sum_of_others,
)
from sidestep.serving.scoring.samples import Samples


@dataclass(frozen=True)
class Explained:
    """Predictions of one drug in some samples, and their explanations.

    Attributes
    ----------
    prediction, base_value : ndarray of shape (n_samples,)
        Response units.
    columns : ndarray of int, shape (n_samples, top_k)
        Of the features that the explanation of each sample names
        (`serving.scoring.contributions.largest_measured`).
    values : ndarray of shape (n_samples, top_k)
        Their contributions, in response units.
    others : ndarray of shape (n_samples,)
        Sum of the contributions of all other features.
    modalities : dict of str to ndarray of shape (n_samples,)
        Sums by modality (`serving.scoring.contributions.modality_sums`).
    mechanisms : ndarray of shape (n_samples, n_mechanisms)
        Sums by mechanism (`serving.scoring.contributions.mechanism_sums`).
    parts : mapping of Pattern to (ndarray of int, BlendContributions)
        What the model's sub-models say of the samples that they predict
        (`models.estimators.pattern_blend.ExplainedRows`).
    """

    prediction: np.ndarray
    base_value: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    others: np.ndarray
    modalities: dict[str, np.ndarray]
    mechanisms: np.ndarray
    parts: Mapping[Pattern, tuple[np.ndarray, BlendContributions]]

    @classmethod
    def of(cls, predictor: PanelPredictor, model: DrugModel, samples: Samples, top_k: int) -> Self:
        """Ask the model of a drug.

        Parameters
        ----------
        predictor, model, samples
            As for `serving.scoring.outlook.outlook_of`.
        top_k : int
            Features that an explanation names at most.
        """
        return cls.of_rows(predictor.explained(samples.rows, model), samples, top_k)

    @classmethod
    def of_rows(cls, found: ExplainedRows, samples: Samples, top_k: int) -> Self:
        """Of what a model says of all features, what is told."""
        named = samples.named
        values = found.contributions.values
        columns = largest_measured(values, samples.to_name, named.order, top_k)
        return cls(
            prediction=found.predicted,
            base_value=found.contributions.base_value,
            columns=columns,
            values=np.take_along_axis(values, columns, axis=1),
            others=sum_of_others(values, columns),
            modalities=modality_sums(named.modality_places, values),
            mechanisms=mechanism_sums(named.mechanism_places, values),
            parts=found.parts,
        )
