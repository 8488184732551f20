"""The rows of ``reference.parquet``: where lines and tumours lie, to compare samples with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.builders.names import MODALITIES
from sidestep.models.estimators.patterns import best_pattern
from sidestep.models.predictor.cohort import LINES, TumourCohort
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor

#: Columns of the quantiles and their types.
REFERENCE = pa.schema(
    {
        "drug": pa.string(),
        "reference": pa.string(),
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
    compared: Collection[tuple[str, str]],
    cohorts: Mapping[str, TumourCohort],
    *,
    her2_context: bool,
) -> pd.DataFrame:
    """Quantiles of what was predicted for lines or tumours, and of what was observed of lines.

    Parameters
    ----------
    predictor : PanelPredictor
    drugs : sequence of DrugModel
    compared : collection of (str, str)
        What scored samples are compared with, and their modalities, as in the columns `reference`
        and `modalities` of the scores.
    cohorts : mapping of str to TumourCohort
        Those among the former, by name.
    her2_context : bool
        Whether to take the HER2-high training lines alone, which the scores then refer to.

    Returns
    -------
    DataFrame
        With the columns of `REFERENCE`: the quantiles 0 to 100 a drug and pair, in response units
        and in the response's own direction. `predicted` are what the sub-model that predicts
        samples with these modalities predicted of lines, out of fold, or of the cohort's tumours:
        what their resistance percentile refers to. `observed` are the responses of all lines that
        the drug was tested on, in either case; no response of a tumour is known. NaN where there
        is nothing.
    """
    among = predictor.among(her2_context=her2_context)

    def order(pair: tuple[str, str]) -> tuple[bool, str, int, str]:
        """Lines before cohorts, and of each the fullest combination first."""
        reference, names = pair
        return reference != LINES, reference, -names.count(";"), names

    pairs = sorted(compared, key=order)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "drug": drug.name,
                    "reference": reference,
                    "modalities": combination,
                    "quantile": _PERCENT,
                    "predicted": _quantiles(
                        _predicted(drug, combination, among, cohorts.get(reference))
                    ),
                    "observed": _quantiles(drug.observed[among[drug.lines]]),
                }
            )
            for drug in drugs
            for reference, combination in pairs
        ],
        ignore_index=True,
    )


def _predicted(
    drug: DrugModel, modalities: str, among: np.ndarray, cohort: TumourCohort | None
) -> np.ndarray:
    """Predictions that samples with these modalities are compared with."""
    measured = tuple(name for name in modalities.split(";") if name in _MOLECULAR)
    pattern = best_pattern(measured, drug.blend.patterns)
    if cohort is not None:
        standing = cohort.standings.get(drug.name, {}).get(pattern or ())
        return np.array([]) if standing is None else standing.predictions
    if pattern is None or pattern not in drug.errors:
        return np.array([])
    errors = drug.errors[pattern]
    return np.asarray(errors.predictions[among[errors.lines]])


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles 0 to 100, (101,); NaN without values."""
    if not len(values):
        return np.full(len(_PERCENT), np.nan)
    return np.asarray(np.quantile(values, _PERCENT / 100))
