"""The rows of ``scores.parquet``: what the model predicts of one drug, one row a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.builders.names import MODALITIES
from sidestep.features.knowledge.drugs import standard_name
from sidestep.models.predictor.cohort import LINES
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.models.score_columns import SCORES
from sidestep.serving.disk.coded import table_of
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.outlook import Outlook
from sidestep.serving.scoring.samples import Samples, rows_of

HER2_HIGH, HER2_NOT_HIGH = "high", "not high"


def score_rows(
    model: LoadedModel,
    drug: DrugModel,
    samples: Samples,
    outlook: Outlook,
    explained: Explained,
    agreement: np.ndarray,
    her2: pd.DataFrame,
    regimen: RegimenCells | None = None,
) -> pa.Table:
    """Scores of some samples for one drug, with the columns of `SCORES`.

    Parameters
    ----------
    model : LoadedModel
    drug : DrugModel
        One of the model's.
    samples : Samples
    outlook : Outlook
        Of these samples and this drug.
    explained : Explained
        Of the same.
    agreement : ndarray of shape (n_samples,)
        How far the folds' models explain each sample alike (`serving.scoring.stability.Stability`).
    her2 : DataFrame
        `her2` and `her2_assay` of these samples, and maybe others (`her2_told`).
    regimen : RegimenCells, optional
        Under which the samples are answered.

    Returns
    -------
    pyarrow.Table
        One row a sample, in the order of `samples`; text as codes (`serving.disk.coded`).
    """
    told = rows_of(her2, samples.features.index)
    return table_of(
        {
            "sample_id": samples.ids,
            "drug": drug.name,
            "drug_name": standard_name(drug.name),
            "response": model.predictor.scale.stable_id,
            "unit": model.predictor.scale.unit,
            "prediction": outlook.prediction,
            "lower": outlook.lower,
            "upper": outlook.upper,
            "level": outlook.level,
            "interval_group": [group or None for group in outlook.interval_group],
            "probability": outlook.probability,
            "probability_lower": outlook.probability_lower,
            "probability_upper": outlook.probability_upper,
            **_regimen_cells(regimen),
            "resistance_percentile": outlook.percentile,
            "p_resistant": outlook.p_resistant,
            "threshold": outlook.thresholds,
            "reference": LINES if samples.cohort is None else samples.cohort.name,
            "call": outlook.call,
            "reasons": outlook.reasons,
            "modalities": samples.modalities,
            "applicability": outlook.applicability,
            "unmeasured": outlook.unmeasured,
            "unmeasured_share": np.maximum(1.0 - outlook.coverage, 0.0),
            "observed": outlook.observed,
            "marker": outlook.marker.gene,
            "marker_value": outlook.marker.value,
            "marker_percentile": outlook.marker.percentile,
            "marker_prediction": outlook.marker.prediction,
            "marker_p_resistant": outlook.marker_p_resistant,
            "base_value": explained.base_value,
            **{
                f"contribution_{modality}": part
                for modality, part in zip(MODALITIES, explained.modalities.T, strict=True)
            },
            "model_name": model.name,
            "model_version": model.version,
            "explanation_agreement": agreement,
            "evidence_of_gain": drug.gain.verdict,
            "gain_probability": drug.gain.probability,
            "her2": told["her2"].to_numpy(object),
            "her2_assay": told["her2_assay"].to_numpy(object),
        },
        SCORES,
    )


@dataclass(frozen=True)
class RegimenCells:
    """Cells of the scores that tell of a regimen.

    Attributes
    ----------
    name : str
    given : ndarray, shape (n_samples,)
        Whether each sample had it; None where its regimen is not told.
    versus : sequence of str
        Regimen that it is compared with.
    difference, lower, upper : ndarray of shape (n_samples,)
        Log-odds under it less those under the other, with the interval.
    """

    name: str
    given: np.ndarray
    versus: Sequence[str]
    difference: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _regimen_cells(regimen: RegimenCells | None) -> dict[str, object]:
    if regimen is None:
        return dict.fromkeys(name for name in SCORES.names if name.startswith("regimen"))
    return {
        "regimen": regimen.name,
        "regimen_given": regimen.given,
        "regimen_versus": list(regimen.versus),
        "regimen_difference": regimen.difference,
        "regimen_difference_lower": regimen.lower,
        "regimen_difference_upper": regimen.upper,
    }


def her2_told(calls: pd.DataFrame) -> pd.DataFrame:
    """``high`` or ``not high`` of each sample, and by which assay; None where nothing decides.

    Parameters
    ----------
    calls : DataFrame of shape (n_samples, 2)
        `high` and `assay` (`Her2Reference.calls`).

    Returns
    -------
    DataFrame of shape (n_samples, 2)
        Columns `her2` and `her2_assay` of the scores, as objects.
    """
    assays = [assay or None for assay in calls["assay"].tolist()]
    words = [
        (HER2_HIGH if high else HER2_NOT_HIGH) if assay else None
        for high, assay in zip(calls["high"].tolist(), assays, strict=True)
    ]
    return pd.DataFrame({"her2": words, "her2_assay": assays}, calls.index, dtype=object)
