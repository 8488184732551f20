"""Which features moved one prediction, and by how much? The rows of ``explanations.parquet``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.models.predictor.drug_model import DrugModel
from sidestep.serving.disk.sample_scores import OTHER
from sidestep.serving.scoring.outlook import Samples
from sidestep.serving.scoring.stability import Stability

#: Columns of the explanations and their types.
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
        "top_k_share": pa.float64(),
        "stable": pa.bool_(),
    }
)
_COLUMNS: list[str] = EXPLANATIONS.names


def explanation_rows(
    drug: DrugModel,
    samples: Samples,
    values: np.ndarray,
    chosen: np.ndarray,
    steady: Stability,
) -> pd.DataFrame:
    """Features that moved each prediction most, with the columns of `EXPLANATIONS`.

    Parameters
    ----------
    drug : DrugModel
    samples : Samples
    values : ndarray of shape (n_samples, n_features)
        The drug's contributions.
    chosen : ndarray of int, shape (n_samples, n_chosen)
        Columns of the features to name (`serving.scoring.scores.largest`).
    steady : Stability
        Of these features.

    Returns
    -------
    DataFrame
        For each sample its chosen features and then one row ``(other)`` with the sum of the
        rest, so that base value and contributions add up to the prediction. `value` is the
        feature in the model's scale, NaN where not measured; `contribution` is in the
        response's unit. Of ``(other)``, which is no feature, nothing else is known.
    """
    n_samples, n_chosen = chosen.shape
    from sidestep.serving.scoring.contribution_loops import sum_others

    rest = np.empty(n_samples)
    sum_others(values, chosen, rest)
    named, measured = samples.named, samples.features.to_numpy(float)
    columns = {
        "feature": _with_last(named.names[chosen], OTHER),
        "modality": _with_last(named.modalities[chosen], None),
        "mechanism": _with_last(named.mechanisms[chosen], None),
        "value": _with_last(_of_rows(measured, chosen), np.nan),
        "contribution": np.column_stack([_of_rows(values, chosen), rest])
        + 0.0,  # no negative zeros
        "top_k_share": _with_last(steady.top_k_share, np.nan),
        "stable": _with_last(steady.stable, None),
    }
    return pd.DataFrame(
        {
            "sample_id": np.repeat(samples.features.index.to_numpy(dtype=object), n_chosen + 1),
            "drug": drug.name,
            "rank": np.tile(np.arange(1, n_chosen + 2, dtype=np.int32), n_samples),
            **{name: cells.ravel() for name, cells in columns.items()},
        }
    )[_COLUMNS]


def _with_last(cells: np.ndarray, last: object) -> np.ndarray:
    """Cells with one more column, of one value."""
    return np.hstack([cells, np.full((len(cells), 1), last, dtype=cells.dtype)])


def _of_rows(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each row's values at that row's own columns."""
    return np.asarray(np.take_along_axis(values, columns, axis=1))
