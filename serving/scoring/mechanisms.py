"""Through which mechanism did a prediction come about? The rows of ``mechanisms.parquet``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.serving.scoring.outlook import Samples
from sidestep.serving.scoring.scores import group_sums

#: Columns of the mechanisms' sums and their types.
MECHANISM_SUMS = pa.schema(
    {
        "sample_id": pa.string(),
        "drug": pa.string(),
        "mechanism": pa.string(),
        "contribution": pa.float64(),
    }
)


def mechanism_rows(drug: DrugModel, samples: Samples, values: np.ndarray) -> pd.DataFrame:
    """Sum of the Shapley values of each mechanism's features, with the columns of the schema.

    Parameters
    ----------
    drug : DrugModel
    samples : Samples
    values : ndarray of shape (n_samples, n_features)
        The drug's contributions.

    Returns
    -------
    DataFrame
        All of `MECHANISMS` a sample, in that order, in response units; zero for one that no
        feature of the sample's sub-model stands for. They and the base value add up to the
        prediction.
    """
    places = {mechanism: place for place, mechanism in enumerate(MECHANISMS)}
    group = np.array([places[mechanism] for mechanism in samples.named.mechanisms], dtype=np.int64)
    sums = group_sums(values, group, len(MECHANISMS))
    n_samples = len(samples.features)
    return pd.DataFrame(
        {
            "sample_id": np.repeat(samples.features.index.to_numpy(dtype=object), len(MECHANISMS)),
            "drug": drug.name,
            "mechanism": np.tile(np.array(MECHANISMS, dtype=object), n_samples),
            "contribution": sums.ravel(),
        }
    )
