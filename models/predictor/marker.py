"""A drug's marker in some samples: its level, its place among the lines, what it would say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidestep.features.builders.names import gene_of
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.reliability.applicability import NearestLines


@dataclass(frozen=True)
class MarkerStanding:
    """The marker of one drug in some samples; NaN where it was not measured.

    Attributes
    ----------
    gene : str or None
        None where no marker of the drug is known.
    value : ndarray of shape (n_samples,)
        RNA level, or protein where the RNA was not measured, in training standard deviations.
    percentile : ndarray of shape (n_samples,)
        Where the value lies among the training lines that the drug was tested on, 0 lowest ... 100
        highest; ties count half.
    prediction : ndarray of shape (n_samples,)
        Response that the marker's straight line predicts.
    """

    gene: str | None
    value: np.ndarray
    percentile: np.ndarray
    prediction: np.ndarray


def marker_standing(
    blend: PatternBlend, rows: FeatureRows, nearest: NearestLines, lines: np.ndarray
) -> MarkerStanding:
    """Where some samples stand by a drug's marker alone.

    Parameters
    ----------
    blend : PatternBlend
        The drug's model; each sample's marker is that of the sub-model which predicts it.
    rows : FeatureRows
    nearest : NearestLines
        The training lines.
    lines : ndarray of int
        Those of them that the drug was tested on.
    """
    value, percentile, prediction = np.full((3, len(rows)), np.nan)
    for pattern, some in rows.by_pattern(blend.blends_).items():
        if pattern is None:
            continue
        marker = blend.blends_[pattern].marker_
        part = rows.part(pattern, some)
        level, column = marker.read_rows(part)
        has = column >= 0
        value[some] = level
        prediction[some[has]] = marker.predict_rows(part)[has]
        columns = rows.columns(pattern)[column]
        for feature in np.unique(columns[has]):
            these = has & (columns == feature)
            percentile[some[these]] = _percentile(nearest, lines, int(feature), level[these])
    gene = gene_of(blend.markers[0]) if len(blend.markers) else None
    return MarkerStanding(gene, value, percentile, prediction)


def _percentile(
    nearest: NearestLines, lines: np.ndarray, feature: int, values: np.ndarray
) -> np.ndarray:
    """Where values of a feature lie among those of some training lines, 0 to 100."""
    known = nearest.lines_[lines, feature]
    known = np.sort(known[np.isfinite(known)])
    if not len(known):
        return np.full(len(values), np.nan)
    # Rounded as the lines are, so that a sample like a line is level with it.
    rounded = (values / nearest.sd_[feature]).astype(np.float32)
    below = np.searchsorted(known, rounded, side="left")
    upto = np.searchsorted(known, rounded, side="right")
    return np.asarray(50.0 * (below + upto) / len(known))
