"""Which features moved one prediction, and by how much? The rows of ``explanations.parquet``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from features.builders.names import modality_of
from models.drug_model import DrugModel
from models.estimator import Contributions

OTHER = "(other)"

#: Columns of the explanations and their types. `mechanism` is null: no feature is mapped to one.
EXPLANATIONS = pa.schema(
    {
        "sample_id": pa.string(),
        "drug": pa.string(),
        "rank": pa.int32(),
        "feature": pa.string(),
        "modality": pa.string(),
        "mechanism": pa.string(),
        "value": pa.float64(),
        "contribution": pa.float64(),
    }
)
_COLUMNS: list[str] = EXPLANATIONS.names


def explanation_rows(
    drug: DrugModel, features: pd.DataFrame, contributions: Contributions, top_k: int
) -> pd.DataFrame:
    """Features that moved each prediction most, with the columns of `EXPLANATIONS`.

    Parameters
    ----------
    drug : DrugModel
    features : DataFrame of shape (n_samples, n_features)
        As `PanelPredictor.features` returns.
    contributions : Contributions
        The drug's, of these samples.
    top_k : int
        Features named a sample, by absolute contribution; equal ones by name.

    Returns
    -------
    DataFrame
        For each sample its `top_k` features (all, if the model has fewer) and then one row
        ``(other)`` with the sum of the rest, so that base value and contributions add up to the
        prediction. `value` is the feature in the model's scale, NaN where not measured;
        `contribution` is in the response's unit.
    """
    names = np.asarray(features.columns, dtype=object)
    chosen = _largest(np.abs(contributions.values), names, top_k)
    n_samples, n_chosen = chosen.shape
    rest = contributions.values.copy()
    np.put_along_axis(rest, chosen, 0.0, axis=1)
    modality = np.array([modality_of(name) for name in names], dtype=object)
    last = np.full((n_samples, 1), None, dtype=object)
    columns = {
        "feature": np.hstack([names[chosen], np.full((n_samples, 1), OTHER, dtype=object)]),
        "modality": np.hstack([modality[chosen], last]),
        "value": np.hstack(
            [_of_rows(features.to_numpy(float), chosen), np.full(last.shape, np.nan)]
        ),
        "contribution": np.hstack(
            [_of_rows(contributions.values, chosen), rest.sum(axis=1, keepdims=True)]
        )
        + 0.0,  # no negative zeros
    }
    return pd.DataFrame(
        {
            "sample_id": np.repeat(features.index.to_numpy(dtype=object), n_chosen + 1),
            "drug": drug.name,
            "rank": np.tile(np.arange(1, n_chosen + 2, dtype=np.int32), n_samples),
            "mechanism": None,
            **{name: values.ravel() for name, values in columns.items()},
        }
    )[_COLUMNS]


def _largest(magnitudes: np.ndarray, names: np.ndarray, top_k: int) -> np.ndarray:
    """Columns of the largest magnitudes of each row, largest first, equal ones by name."""
    kept = min(top_k, magnitudes.shape[1])
    by_name = np.argsort(np.argsort(names, kind="stable"), kind="stable")
    chosen = np.empty((len(magnitudes), kept), dtype=int)
    for row, values in enumerate(magnitudes):
        # Most contributions are zero, and a partition is slow among so many equals.
        candidates = np.flatnonzero(values)
        if len(candidates) < kept:
            candidates = np.arange(len(values))
        else:
            least = np.partition(values[candidates], -kept)[-kept]
            candidates = candidates[values[candidates] >= least]
        order = np.lexsort((by_name[candidates], -values[candidates]))
        chosen[row] = candidates[order[:kept]]
    return chosen


def _of_rows(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each row's values at that row's own columns."""
    return np.asarray(np.take_along_axis(values, columns, axis=1))
