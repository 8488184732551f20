"""The explanation of one prediction: the outlook, and the features that it is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sidestep.features.builders.names import MODALITIES
from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.models.estimators.base import Contributions
from sidestep.models.predictor.cohort import LINES
from sidestep.models.reliability.thresholds import ResponseThreshold
from sidestep.serving.disk.sample_scores import Marker, finite
from sidestep.serving.scoring.contributions import grouped_sums, largest_measured
from sidestep.serving.scoring.outlook import Outlook
from sidestep.serving.scoring.samples import Samples


@dataclass(frozen=True)
class FeatureShare:
    """What one feature adds to a prediction.

    Attributes
    ----------
    feature, modality, mechanism : str
    value : float or None
        In the model's scale; None where not measured.
    contribution : float
        Response units.
    """

    feature: str
    modality: str
    mechanism: str
    value: float | None
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """A prediction, how sure it is, and what it is made of.

    Attributes
    ----------
    prediction, base_value : float
        Response units.
    lower, upper, percentile, applicability : float or None
        As in ``scores.parquet``; None where there is none.
    level : float
    unmeasured : int
        Features of the sample's sub-model that the sample lacks.
    unmeasured_share : float
        Share of the sub-model's weight on them, 0 to 1.
    observed : float or None
        Response of a training line; None for any other sample.
    p_resistant : float or None
        As in ``scores.parquet``.
    threshold : ResponseThreshold
        From which response on a line counts as resistant.
    reference : str
        What percentile, probability and applicability refer to: ``lines``, or a cohort's name.
    tumours : int or None
        Of that cohort.
    call_at : float
        Probability that a call needs.
    call : str
    reasons : tuple of str
        Codes.
    modalities : str
        Of the sample, ``;``-joined.
    marker : Marker
        What the drug's marker alone would say.
    features : tuple of FeatureShare
        Largest contribution first.
    rest : float
        Sum of the contributions of all other features.
    by_modality, by_mechanism : dict of str to float
        Sums of contributions; each adds up to prediction minus base value.
    """

    prediction: float
    lower: float | None
    upper: float | None
    level: float
    percentile: float | None
    applicability: float | None
    unmeasured: int
    unmeasured_share: float
    observed: float | None
    p_resistant: float | None
    threshold: ResponseThreshold
    reference: str
    tumours: int | None
    call_at: float
    call: str
    reasons: tuple[str, ...]
    modalities: str
    marker: Marker
    base_value: float
    features: tuple[FeatureShare, ...]
    rest: float
    by_modality: dict[str, float]
    by_mechanism: dict[str, float]


def explanation_of(
    samples: Samples, outlook: Outlook, told: Contributions, *, top_k: int
) -> Explanation:
    """Explain the prediction of one sample, as plain values.

    Parameters
    ----------
    samples : Samples
        Of one sample.
    outlook : Outlook
        Of the same sample.
    told : Contributions
        To the prediction of the same sample.
    top_k : int
        Features named at most, by absolute contribution; equal ones by name. Those that the sample
        lacks are not named.
    """
    named, contributions = samples.named, told.values
    values, measured = contributions[0], samples.features.to_numpy(float)[0]
    has = np.isfinite(measured)
    top = largest_measured(contributions, has[None], named.order, top_k)[0]
    top = top[has[top]]
    others = values.copy()
    others[top] = 0.0
    sums = grouped_sums(named.modality_places, named.mechanism_places, contributions)
    by_modality, by_mechanism = (of_samples[0] for of_samples in sums)
    return Explanation(
        prediction=float(outlook.prediction[0]),
        lower=finite(outlook.lower[0]),
        upper=finite(outlook.upper[0]),
        level=outlook.level,
        percentile=finite(outlook.percentile[0]),
        applicability=finite(outlook.applicability[0]),
        unmeasured=int(outlook.unmeasured[0]),
        unmeasured_share=float(1.0 - outlook.coverage[0]),
        observed=finite(outlook.observed[0]),
        p_resistant=finite(outlook.p_resistant[0]),
        threshold=replace(outlook.threshold, value=float(outlook.thresholds[0])),
        reference=LINES if samples.cohort is None else samples.cohort.name,
        tumours=None if samples.cohort is None else samples.cohort.n,
        call_at=outlook.call_at,
        call=str(outlook.call[0]),
        reasons=tuple(filter(None, outlook.reasons[0].split(";"))),
        modalities=samples.modalities[0],
        marker=Marker(
            outlook.marker.gene,
            finite(outlook.marker.value[0]),
            finite(outlook.marker.percentile[0]),
            finite(outlook.marker.prediction[0]),
            finite(outlook.marker_p_resistant[0]),
        ),
        base_value=float(told.base_value[0]),
        features=tuple(
            FeatureShare(
                feature=str(named.names[at]),
                modality=str(named.modalities[at]),
                mechanism=str(named.mechanisms[at]),
                value=finite(measured[at]),
                contribution=float(values[at]) + 0.0,  # no negative zeros
            )
            for at in top
        ),
        rest=float(others.sum()),
        by_modality={
            name: float(total)
            for name, total in zip(MODALITIES, by_modality, strict=True)
            if math.isfinite(total)
        },
        by_mechanism=dict(zip(MECHANISMS, by_mechanism.tolist(), strict=True)),
    )
