"""Predictions of some samples with what they are made of, asked of a model at once.

Of the contributions only what is told is kept: those of all features, of 25 drugs, would take more
room than anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sidestep.features.builders.names import MODALITIES
from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.models.estimators.pattern_blend import Said
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.scoring.contributions import grouped_sums, largest_measured, sum_of_others
from sidestep.serving.scoring.samples import Samples

# Contributions that are looked at together.
_TOGETHER = 2**18


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
    modalities : ndarray of shape (n_samples, n_modalities)
        Sums by modality (`serving.scoring.contributions.grouped_sums`).
    mechanisms : ndarray of shape (n_samples, n_mechanisms)
        Sums by mechanism, of the same.
    said : mapping of Pattern to (ndarray of int, BlendContributions)
        What the model's sub-models say of the samples that they predict.
    """

    prediction: np.ndarray
    base_value: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    others: np.ndarray
    modalities: np.ndarray
    mechanisms: np.ndarray
    said: Said

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
        return cls.told(predictor.said(samples.rows, model), samples, top_k)

    @classmethod
    def told(cls, said: Said, samples: Samples, top_k: int) -> Self:
        """Of what a model says of all features, what is told.

        A few samples are looked at together, whose contributions stay in the processor's cache.
        """
        named, n_samples, n_features = samples.named, *samples.rows.values.shape
        few = 8 * max(1, _TOGETHER // 8 // max(n_features, 1))  # they are summed eight by eight
        values = np.empty((min(few, n_samples), n_features))
        top = n_samples, min(top_k, n_features)
        columns, of_columns = np.empty(top, dtype=np.int64), np.empty(top)
        prediction, base_value, others = np.empty((3, n_samples))
        modalities = np.empty((n_samples, len(MODALITIES)))
        mechanisms = np.empty((n_samples, len(MECHANISMS)))
        for pattern, (rows, one) in said.items():
            seen, places = samples.rows.columns(pattern), np.arange(len(rows)) % few
            for first in range(0, len(rows), few):
                some = rows[first : first + few]
                one.write(values, places, seen, slice(first, first + len(some)))
                part = values[: len(some)]
                columns[some] = largest_measured(part, samples.to_name[some], named.order, top_k)
                of_columns[some] = np.take_along_axis(part, columns[some], axis=1)
                others[some] = sum_of_others(part, columns[some])
                modalities[some], mechanisms[some] = grouped_sums(
                    named.modality_places, named.mechanism_places, part
                )
            prediction[rows], base_value[rows] = one.predicted, one.base_value
        return cls(
            prediction, base_value, columns, of_columns, others, modalities, mechanisms, said
        )
