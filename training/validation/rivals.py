"""Baselines that a drug's model stands beside, fitted on the same training lines.

Of a continuous response they are the drug's mean, the lineage's and one marker; of a binary one the
rate, that of the regimen and of the receptors, one marker, and three published axes of response.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sidestep.features.builders.response_axes import axis_features
from sidestep.features.study.responses import BINARY
from sidestep.models.estimators.base import ResponseEstimator
from sidestep.models.estimators.baselines import DrugMean, GroupMean, MeanScore, SingleMarker
from sidestep.training.validation.lines import DrugLines, DrugResponses

# Patients on the overall rate that a group's own rate is pulled towards it by.
_PRIOR_PATIENTS = 4.0
#: Published axis -> what its baseline is called.
AXES: Mapping[str, str] = {
    "HER2 amplicon": "her2_amplicon",
    "luminal": "luminal",
    "immune": "immune",
}


def baselines_of(training: DrugLines, responses: DrugResponses) -> dict[str, ResponseEstimator]:
    """Unfitted baselines of one drug, by name; those that the lines have nothing for are left out.

    Parameters
    ----------
    training : DrugLines
        Of whose columns a marker and axes must be.
    responses : DrugResponses
        Of all lines, with their lineages, regimens and receptors.
    """
    kind = training.drug.kind
    if kind != BINARY:
        return {
            "drug_mean": DrugMean(),
            "lineage_mean": GroupMean(pd.Series(responses.lineage, index=responses.names)),
            "marker": SingleMarker(training.markers),
        }
    found: dict[str, ResponseEstimator] = {"rate": DrugMean(kind)}
    for name, labels in (
        ("regimen_rate", responses.regimen),
        ("receptors", responses.receptors),
    ):
        told = labels != ""
        if told.any():
            values = pd.Series(labels, index=responses.names).where(told)
            found[name] = GroupMean(values, _PRIOR_PATIENTS, kind)
    columns = [str(name) for name in training.X.columns]
    if np.isin(training.markers, columns).any():
        found["marker"] = SingleMarker(training.markers, kind)
    axes = axis_features(columns)
    for axis, name in AXES.items():
        if axis in axes:
            found[name] = MeanScore(tuple(axes[axis][1]), kind)
    return found
