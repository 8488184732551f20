"""The rows of ``gene_sets.parquet``: the gene sets that a sample is extreme in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.knowledge.gene_sets import BOTTOM, TOP
from sidestep.models.predictor.gene_sets import GeneSetStanding

#: Columns of the gene sets and their types.
GENE_SETS = pa.schema(
    {
        "sample_id": pa.string(),
        "database": pa.string(),
        "gene_set": pa.string(),
        "decile": pa.string(),
        "percentile": pa.float64(),
        "genes": pa.int32(),
        "genes_of_set": pa.int32(),
    }
)


def gene_set_rows(samples: pd.Index, standing: GeneSetStanding | None) -> pd.DataFrame:
    """Sets in whose top or bottom decile of the training lines each sample lies.

    They describe the sample. What a set means for a drug is up to the evidence.

    Parameters
    ----------
    samples : Index of shape (n_samples,)
    standing : GeneSetStanding or None
        Of these samples; None gives no row.

    Returns
    -------
    DataFrame
        With the columns of `GENE_SETS`: a row a sample and set, samples in their order, sets in
        the order of their databases. `percentile` is the share of lines with a lower score.
    """
    if standing is None:
        return pd.DataFrame(columns=GENE_SETS.names)
    rows, places = np.nonzero(standing.top | standing.bottom)
    sets = [standing.sets[place] for place in places]
    return pd.DataFrame(
        {
            "sample_id": samples.to_numpy()[rows],
            "database": [gene_set.database for gene_set in sets],
            "gene_set": [gene_set.name for gene_set in sets],
            "decile": np.where(standing.top[rows, places], TOP, BOTTOM),
            "percentile": 100.0 * standing.below[rows, places],
            "genes": standing.genes[rows, places],
            "genes_of_set": [len(gene_set.weights) for gene_set in sets],
        }
    )
