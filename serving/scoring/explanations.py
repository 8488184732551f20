"""What moved each prediction, and by how much, of one drug.

Feature by feature in the rows of ``explanations.parquet``, and mechanism by mechanism in those of
``mechanisms.parquet``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.serving.disk.coded import CODED, table_of
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.samples import Samples
from sidestep.serving.scoring.stability import Stability

#: Columns of the explanations and their types.
EXPLANATIONS = pa.schema(
    {
        "sample_id": pa.string(),
        "drug": pa.string(),
        "regimen": pa.string(),
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
#: Columns of the mechanisms' sums and their types.
MECHANISM_SUMS = pa.schema(
    {
        "sample_id": pa.string(),
        "drug": pa.string(),
        "regimen": pa.string(),
        "mechanism": pa.string(),
        "contribution": pa.float64(),
    }
)


def explanation_rows(
    drug: DrugModel,
    samples: Samples,
    explained: Explained,
    stability: Stability,
    regimen: str | None = None,
) -> pa.Table:
    """Features that moved each prediction most, with the columns of `EXPLANATIONS`.

    Parameters
    ----------
    drug : DrugModel
    samples : Samples
    explained : Explained
        Of the drug and these samples.
    stability : Stability
        Of the features that it names.
    regimen : str, optional
        Under which the samples are answered.

    Returns
    -------
    pyarrow.Table
        For each sample the features to name, of which only those that it has are, and then one
        row ``(other)`` with the sum of the rest, so that base value and contributions add up to
        the prediction. `value` is the feature in the model's scale; `contribution` is in the
        response's unit. Of ``(other)``, which is no feature, nothing else is known.
    """
    named, measured = samples.named, samples.rows.values
    columns, values = explained.columns, explained.values
    of_samples = np.take_along_axis(measured, columns, axis=1)
    has = np.isfinite(of_samples)
    rest = explained.others + np.where(has, 0.0, values).sum(1)
    kept = _with_last(has, True)
    # The last of a feature's texts is that of no feature.
    place = _with_last(columns, len(named.names))[kept]
    contribution = np.column_stack([values, rest])
    return table_of(
        {
            "sample_id": pc.take(samples.ids, np.nonzero(kept)[0]),
            "drug": drug.name,
            "regimen": regimen,
            "rank": np.cumsum(kept, axis=1, dtype=np.int32)[kept],
            **{name: pc.take(texts, place) for name, texts in named.texts.items()},
            "value": _with_last(of_samples, np.nan)[kept],
            "contribution": contribution[kept] + 0.0,  # no negative zeros
            "top_k_share": _with_last(stability.top_k_share, np.nan)[kept],
            "stable": _with_last(stability.stable, None)[kept],
        },
        EXPLANATIONS,
    )


def mechanism_rows(
    drug: DrugModel, samples: Samples, sums: np.ndarray, regimen: str | None = None
) -> pa.Table:
    """Sums of the contributions by mechanism, with the columns of `MECHANISM_SUMS`.

    Parameters
    ----------
    drug : DrugModel
    samples : Samples
    sums : ndarray of shape (n_samples, n_mechanisms)
        Of the drug's contributions (`serving.scoring.contributions.grouped_sums`).
    regimen : str, optional
        Under which the samples are answered.

    Returns
    -------
    pyarrow.Table
        All of `MECHANISMS` a sample, in that order, in response units; zero for one that no
        feature of the sample's sub-model stands for. They and the base value add up to the
        prediction.
    """
    row, mechanism = np.indices(sums.shape)
    return table_of(
        {
            "sample_id": pc.take(samples.ids, row.ravel()),
            "drug": drug.name,
            "regimen": regimen,
            "mechanism": pc.take(pa.array(MECHANISMS, CODED), mechanism.ravel()),
            "contribution": sums.ravel(),
        },
        MECHANISM_SUMS,
    )


def _with_last(cells: np.ndarray, last: object) -> np.ndarray:
    """Cells with one more column, of one value."""
    return np.hstack([cells, np.full((len(cells), 1), last, dtype=cells.dtype)])
