"""The columns of scores: what ``scores.parquet`` holds, and what a served model answers with.

They stand here, below `training` and `serving`, because a model is registered with the one and
scored with the other.
"""

from __future__ import annotations

import pyarrow as pa

from sidestep.features.builders.names import MODALITIES

_TEXT, _NUMBER = pa.string(), pa.float64()
#: Columns of the scores and their types.
SCORES = pa.schema(
    {
        "sample_id": _TEXT,
        "drug": _TEXT,
        "drug_name": _TEXT,
        "response": _TEXT,
        "unit": _TEXT,
        "prediction": _NUMBER,
        "lower": _NUMBER,
        "upper": _NUMBER,
        "level": _NUMBER,
        "interval_group": _TEXT,
        "regimen": _TEXT,
        "regimen_given": pa.bool_(),
        "probability": _NUMBER,
        "probability_lower": _NUMBER,
        "probability_upper": _NUMBER,
        "regimen_versus": _TEXT,
        "regimen_difference": _NUMBER,
        "regimen_difference_lower": _NUMBER,
        "regimen_difference_upper": _NUMBER,
        "resistance_percentile": _NUMBER,
        "p_resistant": _NUMBER,
        "threshold": _NUMBER,
        "reference": _TEXT,
        "call": _TEXT,
        "reasons": _TEXT,
        "modalities": _TEXT,
        "applicability": _NUMBER,
        "unmeasured": pa.int32(),
        "unmeasured_share": _NUMBER,
        "observed": _NUMBER,
        "marker": _TEXT,
        "marker_value": _NUMBER,
        "marker_percentile": _NUMBER,
        "marker_prediction": _NUMBER,
        "marker_p_resistant": _NUMBER,
        "base_value": _NUMBER,
        **{f"contribution_{modality}": _NUMBER for modality in MODALITIES},
        "model_name": _TEXT,
        "model_version": _TEXT,
        "explanation_agreement": _NUMBER,
        "evidence_of_gain": _TEXT,
        "gain_probability": _NUMBER,
        "her2": _TEXT,
        "her2_assay": _TEXT,
    }
)
