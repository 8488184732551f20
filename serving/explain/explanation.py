"""What is said of one sample and one drug, whole; and what is another sample's difference to it?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.scoring.mechanisms import mechanism_rows
from sidestep.serving.scoring.outlook import Outlook, Samples
from sidestep.serving.scoring.scores import largest, modality_contributions


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
    typical : float or None
        Median response of the training lines, which the call refers to.
    call : str
    reasons : tuple of str
        Codes.
    modalities : str
        Of the sample, ``;``-joined.
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
    typical: float | None
    call: str
    reasons: tuple[str, ...]
    modalities: str
    base_value: float
    features: tuple[FeatureShare, ...]
    rest: float
    by_modality: dict[str, float]
    by_mechanism: dict[str, float]


@dataclass(frozen=True)
class FeatureDifference:
    """What a feature is and adds, before and after."""

    feature: str
    modality: str
    mechanism: str
    value_before: float | None
    value_after: float | None
    contribution_before: float
    contribution_after: float


def explained(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    said: Outlook,
    *,
    top_k: int,
    her2_context: bool,
) -> Explanation:
    """What is said of one sample, as plain values.

    Parameters
    ----------
    predictor : PanelPredictor
    model : DrugModel
    samples : Samples
        Of one sample.
    said : Outlook
        Of the same sample.
    top_k : int
        Features named, by absolute contribution; equal ones by name.
    her2_context : bool
        As in `said`.
    """
    named, values = samples.named, said.contributions.values[0]
    measured = samples.features.to_numpy(float)[0]
    top = largest(said.contributions.values, named.order, top_k)[0]
    others = values.copy()
    others[top] = 0.0
    sums = mechanism_rows(model, samples, said.contributions.values)
    modalities = modality_contributions(named.modalities, said.contributions.values)
    return Explanation(
        prediction=float(said.prediction[0]),
        lower=_finite(said.lower[0]),
        upper=_finite(said.upper[0]),
        level=said.level,
        percentile=_finite(said.percentile[0]),
        applicability=_finite(said.applicability[0]),
        typical=_finite(predictor.typical_response(model, her2_context=her2_context)),
        call=str(said.call[0]),
        reasons=tuple(filter(None, said.reasons[0].split(";"))),
        modalities=samples.modalities[0],
        base_value=float(said.contributions.base_value[0]),
        features=tuple(
            FeatureShare(
                feature=str(named.names[at]),
                modality=str(named.modalities[at]),
                mechanism=str(named.mechanisms[at]),
                value=_finite(measured[at]),
                contribution=float(values[at]) + 0.0,  # no negative zeros
            )
            for at in top
        ),
        rest=float(others.sum()),
        by_modality={
            name.removeprefix("contribution_"): float(total[0])
            for name, total in modalities.items()
            if math.isfinite(total[0])
        },
        by_mechanism=dict(zip(sums["mechanism"], sums["contribution"].tolist(), strict=True)),
    )


def changed_values(before: Samples, after: Samples) -> np.ndarray:
    """Which features of one sample have another value after than before, (n_features,)."""
    values = [one.features.to_numpy(float)[0] for one in (before, after)]
    return np.asarray((values[0] != values[1]) & ~np.isnan(values[0]))


def differing_features(
    samples: tuple[Samples, Samples], said: tuple[Outlook, Outlook], *, top_k: int
) -> tuple[FeatureDifference, ...]:
    """Features whose contribution or value changed, the largest change of contribution first.

    Parameters
    ----------
    samples : tuple of Samples
        Of one sample each: before and after.
    said : tuple of Outlook
        Of the same.
    top_k : int
        Features named.
    """
    named = samples[0].named
    values = [one.features.to_numpy(float)[0] for one in samples]
    parts = [one.contributions.values[0] for one in said]
    change = parts[1] - parts[0]
    ranked = [at for at in largest(change[None], named.order, top_k)[0] if change[at]]
    idle = np.flatnonzero(changed_values(*samples) & (change == 0))
    return tuple(
        FeatureDifference(
            str(named.names[at]),
            str(named.modalities[at]),
            str(named.mechanisms[at]),
            _finite(values[0][at]),
            _finite(values[1][at]),
            float(parts[0][at]) + 0.0,
            float(parts[1][at]) + 0.0,
        )
        for at in [*ranked, *idle][:top_k]
    )


def _finite(value: float) -> float | None:
    """The number; None for one that is missing."""
    return float(value) if math.isfinite(value) else None
