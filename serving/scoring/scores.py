"""What does the model say of one drug, one row a sample? The rows of ``scores.parquet``.

Which features moved each prediction most?
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.builders.names import MODALITIES
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.scoring.outlook import Outlook, Samples

_TEXT, _NUMBER = pa.string(), pa.float64()
#: Columns of the scores and their types.
SCORES = pa.schema(
    {
        "sample_id": _TEXT,
        "drug": _TEXT,
        "response": _TEXT,
        "unit": _TEXT,
        "prediction": _NUMBER,
        "lower": _NUMBER,
        "upper": _NUMBER,
        "level": _NUMBER,
        "resistance_percentile": _NUMBER,
        "call": _TEXT,
        "reasons": _TEXT,
        "modalities": _TEXT,
        "applicability": _NUMBER,
        "base_value": _NUMBER,
        **{f"contribution_{modality}": _NUMBER for modality in MODALITIES},
        "model_name": _TEXT,
        "model_version": _TEXT,
        "explanation_agreement": _NUMBER,
    }
)


def score_rows(
    model: LoadedModel, drug: DrugModel, samples: Samples, said: Outlook, agreement: np.ndarray
) -> pd.DataFrame:
    """Scores of some samples for one drug, with the columns of `SCORES`.

    Parameters
    ----------
    model : LoadedModel
    drug : DrugModel
        One of the model's.
    samples : Samples
    said : Outlook
        What the predictor says of these samples and this drug.
    agreement : ndarray of shape (n_samples,)
        How far the folds' models explain each sample alike (`serving.scoring.stability.Stability`).

    Returns
    -------
    DataFrame
        One row a sample, in the order of `samples`.
    """
    rows = pd.DataFrame(
        {
            "sample_id": samples.features.index,
            "drug": drug.name,
            "response": model.predictor.scale.stable_id,
            "unit": model.predictor.scale.unit,
            "prediction": said.prediction,
            "lower": said.lower,
            "upper": said.upper,
            "level": said.level,
            "resistance_percentile": said.percentile,
            "call": said.call,
            "reasons": said.reasons,
            "modalities": samples.modalities,
            "applicability": said.applicability,
            "base_value": said.contributions.base_value,
            **modality_contributions(samples.named.modalities, said.contributions.values),
            "model_name": model.name,
            "model_version": model.version,
            "explanation_agreement": agreement,
        }
    )
    names: list[str] = SCORES.names
    return rows[names]


def modality_contributions(modalities: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Sum of the Shapley values of each modality's features.

    Parameters
    ----------
    modalities : ndarray of str, shape (n_features,)
        Of the features.
    values : ndarray of shape (n_samples, n_features)

    Returns
    -------
    dict of str to ndarray of shape (n_samples,)
        ``contribution_<modality>`` -> sum in response units. It is NaN (null in the file) where
        the model has no feature of the modality at all; where the model has some and the sample
        lacks them it is zero, since the sub-model that predicts it has none.
    """
    places = {name: place for place, name in enumerate(MODALITIES)}
    group = np.array([places[modality] for modality in modalities], dtype=np.int64)
    sums = group_sums(values, group, len(MODALITIES))
    sums[:, ~np.isin(np.arange(len(MODALITIES)), group)] = np.nan
    return {f"contribution_{name}": sums[:, place] for name, place in places.items()}


def group_sums(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sum of each row's values by the group of their column, (n_rows, n_groups)."""
    from sidestep.serving.scoring.contribution_loops import sum_groups

    sums = np.zeros((len(values), n_groups))
    sum_groups(values, group, sums)
    return sums + 0.0  # no negative zeros


def largest(values: np.ndarray, order: np.ndarray, top_k: int) -> np.ndarray:
    """Columns of the largest magnitudes of each row, largest first.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    order : ndarray of shape (n_features,)
        Of equal magnitudes the one of the lower number comes first.
    top_k : int

    Returns
    -------
    ndarray of int, shape (n_samples, min(top_k, n_features))
    """
    from sidestep.serving.scoring.contribution_loops import largest_rows

    chosen = np.empty((len(values), min(top_k, values.shape[1])), dtype=np.int64)
    largest_rows(np.ascontiguousarray(values, dtype=float), order, chosen)
    return chosen
