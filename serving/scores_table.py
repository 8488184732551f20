"""What does the model say of one drug, one row a sample? The rows of ``scores.parquet``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from features.builders.names import MODALITIES, modality_of
from models.estimator import Contributions
from models.predictor import DrugModel
from models.registry import LoadedModel

NOT_BETTER = "DRUG_NOT_BETTER_THAN_BASELINE"
MISSING = "MODALITY_MISSING"

_TEXT, _NUMBER = pa.string(), pa.float64()
#: Columns of the scores and their types. `lower, upper, level, call` and `applicability` are null:
#: the model gives a point prediction only.
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
    }
)
_COLUMNS: list[str] = SCORES.names


def score_rows(
    model: LoadedModel,
    drug: DrugModel,
    features: pd.DataFrame,
    coverage: pd.DataFrame,
    prediction: np.ndarray,
    percentile: np.ndarray,
    contributions: Contributions,
) -> pd.DataFrame:
    """Scores of some samples for one drug, with the columns of `SCORES`.

    Parameters
    ----------
    model : LoadedModel
    drug : DrugModel
        One of the model's.
    features : DataFrame of shape (n_samples, n_features)
        As `PanelPredictor.features` returns.
    coverage : DataFrame of shape (n_samples, n_modalities)
        As `features.builders.joiner.coverage` returns.
    prediction, percentile : ndarray of shape (n_samples,)
        The predictor's, in the response's unit, and 0 (most sensitive) ... 100 (most resistant).
    contributions : Contributions
        The drug's, of these samples, in the response's unit.

    Returns
    -------
    DataFrame
        One row a sample, in the order of `features`.
    """
    rows = pd.DataFrame(
        {
            "sample_id": features.index,
            "drug": drug.name,
            "response": model.predictor.scale.stable_id,
            "unit": model.predictor.scale.unit,
            "prediction": prediction,
            "resistance_percentile": percentile,
            "reasons": reasons(drug, coverage),
            "modalities": modalities_had(coverage),
            "base_value": contributions.base_value,
            **modality_contributions(features.columns, contributions.values),
            "model_name": model.name,
            "model_version": model.version,
        }
    )
    for name in _COLUMNS:
        if name not in rows:
            rows[name] = np.nan if SCORES.field(name).type == _NUMBER else None
    return rows[_COLUMNS]


def modalities_had(coverage: pd.DataFrame) -> list[str]:
    """The model's modalities that each sample has, ``;``-joined.

    A sample has a modality if at least one of the model's features of it was measured.
    """
    return [";".join(coverage.columns[had]) for had in coverage.to_numpy() > 0]


def reasons(drug: DrugModel, coverage: pd.DataFrame) -> list[str]:
    """Why to take each score with care, as ``;``-joined codes; empty where there is no reason.

    ``DRUG_NOT_BETTER_THAN_BASELINE`` comes first, then ``MODALITY_MISSING:<modality>`` for each
    modality that the model uses and the sample lacks.
    """
    codes = np.array([f"{MISSING}:{modality}" for modality in coverage.columns], dtype=object)
    known = [] if drug.beats_baselines else [NOT_BETTER]
    return [";".join([*known, *codes[lacks]]) for lacks in coverage.to_numpy() == 0]


def modality_contributions(names: pd.Index, values: np.ndarray) -> dict[str, np.ndarray]:
    """Sum of the Shapley values of each modality's features.

    Parameters
    ----------
    names : Index of shape (n_features,)
    values : ndarray of shape (n_samples, n_features)

    Returns
    -------
    dict of str to ndarray of shape (n_samples,)
        ``contribution_<modality>`` -> sum in response units. It is NaN (null in the file) where
        the model has no feature of the modality at all; where the model has some and the sample
        lacks them it is what the model makes of their absence, mostly close to zero.
    """
    modality = np.array([modality_of(name) for name in names])
    sums = {}
    for name in MODALITIES:
        # A sum along contiguous rows does not depend on which rows stand beside it.
        block = np.ascontiguousarray(values[:, modality == name])
        total = block.sum(axis=1) + 0.0  # no negative zeros
        sums[f"contribution_{name}"] = total if block.shape[1] else np.full(len(values), np.nan)
    return sums
