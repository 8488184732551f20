"""The rows of ``reference.parquet``: where the training lines lie, to compare samples with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.builders.names import MODALITIES
from sidestep.models.estimators.patterns import best_pattern
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor

#: Columns of the training lines' quantiles and their types.
REFERENCE = pa.schema(
    {
        "drug": pa.string(),
        "modalities": pa.string(),
        "quantile": pa.int32(),
        "predicted": pa.float64(),
        "observed": pa.float64(),
    }
)
_MOLECULAR = frozenset(MODALITIES) - {"clinical"}
_PERCENT = np.arange(101, dtype=np.int32)


def reference_rows(
    predictor: PanelPredictor,
    drugs: Sequence[DrugModel],
    modalities: Collection[str],
    *,
    her2_context: bool,
) -> pd.DataFrame:
    """Quantiles of what was predicted for the training lines, and of what was observed.

    Parameters
    ----------
    predictor : PanelPredictor
    drugs : sequence of DrugModel
    modalities : collection of str
        Combinations that scored samples have, as in the column of that name of the scores.
    her2_context : bool
        Whether to take the HER2-high training lines alone, which the scores then refer to.

    Returns
    -------
    DataFrame
        With the columns of `REFERENCE`: the quantiles 0 to 100 a drug and combination, in
        response units and in the response's own direction. `predicted` are the out-of-fold
        predictions by the sub-model that predicts samples with these modalities, which their
        resistance percentile refers to; `observed` are the responses of all lines that the drug
        was tested on. NaN where there are no such lines.
    """
    among = predictor.among(her2_context=her2_context)
    combinations = sorted(modalities, key=lambda names: (-names.count(";"), names))
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "drug": drug.name,
                    "modalities": combination,
                    "quantile": _PERCENT,
                    "predicted": _quantiles(_predicted(drug, combination, among)),
                    "observed": _quantiles(drug.observed[among[drug.lines]]),
                }
            )
            for drug in drugs
            for combination in combinations
        ],
        ignore_index=True,
    )


def _predicted(drug: DrugModel, modalities: str, among: np.ndarray) -> np.ndarray:
    """Out-of-fold predictions that samples with these modalities are compared with."""
    measured = tuple(name for name in modalities.split(";") if name in _MOLECULAR)
    pattern = best_pattern(measured, drug.blend.patterns)
    if pattern is None or pattern not in drug.errors:
        return np.array([])
    errors = drug.errors[pattern]
    return np.asarray(errors.predictions[among[errors.lines]])


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles 0 to 100, (101,); NaN without values."""
    if not len(values):
        return np.full(len(_PERCENT), np.nan)
    return np.asarray(np.quantile(values, _PERCENT / 100))
