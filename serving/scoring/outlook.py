"""The outlook of a drug in each sample: a call in one word, and the reasons not to trust it.

The prediction, its interval, and where it lies among the training lines come with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidestep.models.estimators.patterns import Pattern, best_pattern
from sidestep.models.predictor.drug_model import DrugModel, Gain
from sidestep.models.predictor.marker import MarkerStanding
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.reliability.intervals import NO_MEMBERS, KnownMembers
from sidestep.models.reliability.predictive import Predictive
from sidestep.models.reliability.probabilities import PatientPredictive
from sidestep.models.reliability.thresholds import TUMOURS, ResponseThreshold
from sidestep.serving.scoring.options import DEFAULT_OPTIONS
from sidestep.serving.scoring.reasons import (
    AS_GOOD_AS_MARKER,
    AS_GOOD_AS_MEAN,
    IN_TRAINING,
    LOW_COVERAGE,
    MISSING,
    NO_INTERVAL,
    OFF_SCALE,
    OUT_OF_DOMAIN,
    UNUSED,
    WIDE_INTERVAL,
    WORSE,
    Reason,
)
from sidestep.serving.scoring.samples import Samples

_LEAST_APPLICABILITY = 0.05
_LEAST_COVERAGE = 0.5
# So that 1 - 0.8 is no more than 0.2.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Outlook:
    """The prediction of one drug in some samples, and how sure it is.

    Attributes
    ----------
    prediction, lower, upper : ndarray of shape (n_samples,)
        Response units.
    level : float
        Of the interval.
    interval_group : ndarray of str, shape (n_samples,)
        Group of training lines that calibrated the interval; empty where all lines did.
    percentile : ndarray of shape (n_samples,)
        0 most sensitive ... 100 most resistant.
    applicability, coverage : ndarray of shape (n_samples,)
        0 to 1.
    unmeasured : ndarray of int, shape (n_samples,)
        Features of each sample's sub-model that the sample lacks.
    observed : ndarray of shape (n_samples,)
        Response of a training line to the drug, response units; NaN for any other sample, and for
        a line that was not tested.
    p_resistant, marker_p_resistant : ndarray of shape (n_samples,)
        Probability, 0 to 1, that the response lies on the resistant side of `thresholds`; by the
        model, and by the marker alone.
    threshold : ResponseThreshold
        From which response on a line counts as resistant; of the kind `TUMOURS`, without
        a value, where the samples are answered among those of a cohort.
    thresholds : ndarray of shape (n_samples,)
        The same as a number for each sample, response units.
    call_at : float
        Probability that a call needs.
    call : ndarray of str, shape (n_samples,)
        ``resistant``, ``sensitive``, ``uncertain`` or ``abstain``.
    reasons : list of str
        Codes of `serving.scoring.reasons`, ``;``-joined.
    marker : MarkerStanding
        What the drug's marker alone would say.
    predictive : Predictive or PatientPredictive
        What interval and probability rest on.
    probability, probability_lower, probability_upper : ndarray of shape (n_samples,)
        Of the event of a binary response, with its bounds; NaN of a continuous one.
    """

    prediction: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    interval_group: np.ndarray
    percentile: np.ndarray
    applicability: np.ndarray
    coverage: np.ndarray
    unmeasured: np.ndarray
    observed: np.ndarray
    p_resistant: np.ndarray
    marker_p_resistant: np.ndarray
    threshold: ResponseThreshold
    thresholds: np.ndarray
    call_at: float
    call: np.ndarray
    reasons: list[str]
    marker: MarkerStanding
    predictive: Predictive | PatientPredictive
    probability: np.ndarray
    probability_lower: np.ndarray
    probability_upper: np.ndarray


def outlook_of(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    *,
    level: float,
    her2_context: bool,
    call_at: float = DEFAULT_OPTIONS.call_at,
    raised: Mapping[Reason, np.ndarray] | None = None,
    prediction: np.ndarray | None = None,
    known: KnownMembers = NO_MEMBERS,
) -> Outlook:
    """Predict and judge some samples for one drug.

    The call is ``resistant`` if the probability of resistance is `call_at` or more, ``sensitive``
    if it is at most 1 - `call_at`, else ``uncertain``; it is ``abstain`` where a reason says so.

    Parameters
    ----------
    predictor : PanelPredictor
        One that has not seen the samples (`serving.scoring.samples.answered`).
    model : DrugModel
        One of its drugs.
    samples : Samples
    level : float
        Of the interval, such as 0.8.
    her2_context : bool
        Whether percentile and call refer to the HER2-high training lines alone.
    call_at : float
        Over 0.5 and under 1.
    raised : mapping of Reason to ndarray of bool, optional
        Further reasons, and whether each sample has them.
    prediction : ndarray of shape (n_samples,), optional
        The model's, where it was asked already.
    known : mapping, optional
        What the folds' members predict, where they were asked (`PanelPredictor.predictive`).
    """
    features = samples.rows
    if prediction is None:
        prediction = predictor.predict(features, model)
    predictive = predictor.predictive(
        features, samples.fold_rows, model, samples.calibrated_by, known
    )
    lower, upper = predictive.interval(level)
    covered_weight = predictor.coverage(features, model)
    applicability, least = _applicability(predictor, model, samples)
    # With fewer than 20 held-out lines applicability never falls below 1 in 20.
    farthest = applicability <= least
    flags = {
        NO_INTERVAL: ~np.isfinite(upper - lower),
        OUT_OF_DOMAIN: farthest | (applicability < _LEAST_APPLICABILITY),
        LOW_COVERAGE: covered_weight < _LEAST_COVERAGE,
        OFF_SCALE: _off_scale(samples),
        **{reason: np.full(len(features), raised) for reason, raised in _gain_flags(model.gain)},
        WIDE_INTERVAL: upper - lower >= _spread(predictor.spread_of(model), level),
        IN_TRAINING: _known(samples),
    }
    of_regimen = dict(raised or {})
    threshold = predictor.threshold(model, her2_context=her2_context)
    if samples.cohort is None:
        thresholds = np.full(len(features), threshold.value)
        p_resistant = predictive.p_resistant(threshold.value)
        marker_p_resistant = predictive.marker_p_resistant(threshold.value)
    else:
        threshold = ResponseThreshold(float("nan"), TUMOURS, 0.0)
        thresholds, of_marker = samples.cohort.thresholds(features, model)
        p_resistant = predictive.beyond(thresholds)
        marker_p_resistant = predictive.marker_beyond(of_marker)
    probability = predictive.probability(level)
    return Outlook(
        prediction=prediction,
        lower=lower,
        upper=upper,
        level=level,
        interval_group=predictive.interval_groups(level),
        percentile=_percentile(predictor, model, samples, prediction, her2_context=her2_context),
        applicability=applicability,
        coverage=covered_weight,
        unmeasured=predictor.unmeasured(features, model),
        observed=_observed(model, samples),
        p_resistant=p_resistant,
        marker_p_resistant=marker_p_resistant,
        threshold=threshold,
        thresholds=thresholds,
        call_at=call_at,
        call=_calls(p_resistant, call_at, flags | of_regimen),
        reasons=_codes(flags, samples, model.blend.patterns, of_regimen),
        marker=predictor.marker(features, model),
        predictive=predictive,
        probability=probability[0],
        probability_lower=probability[1],
        probability_upper=probability[2],
    )


def _applicability(
    predictor: PanelPredictor, model: DrugModel, samples: Samples
) -> tuple[np.ndarray, np.ndarray]:
    """Applicability of each sample, among lines or tumours, and the least that it could be."""
    if samples.cohort is not None:
        return samples.cohort.applicability(predictor, samples.rows, model)
    return (
        predictor.applicability(samples.rows, model, samples.compared),
        predictor.least_applicability(samples.rows, model),
    )


def _percentile(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    prediction: np.ndarray,
    *,
    her2_context: bool,
) -> np.ndarray:
    """Resistance percentile of each prediction, among those of lines or tumours."""
    if samples.cohort is None:
        return predictor.percentile(samples.rows, prediction, model, her2_context=her2_context)
    return samples.cohort.percentile(
        samples.rows, prediction, model, descending=not predictor.scale.higher_is_resistant
    )


def _gain_flags(gain: Gain) -> list[tuple[Reason, bool]]:
    """Reasons that the comparison with baselines gives, alike for all samples."""
    as_good = gain.verdict == "as good"
    return [
        (WORSE, gain.verdict == "worse"),
        (AS_GOOD_AS_MARKER, as_good and gain.baseline == "marker"),
        (AS_GOOD_AS_MEAN, as_good and gain.baseline != "marker"),
    ]


def _known(samples: Samples) -> np.ndarray:
    """Whether each sample is a training line, or of the donor of one."""
    if not samples.known:
        return np.zeros(len(samples.features), bool)
    return np.array([one is not None for one in samples.known])


def _off_scale(samples: Samples) -> np.ndarray:
    """Whether a modality of each sample is not on the training lines' scale."""
    if not samples.off_scale:
        return np.zeros(len(samples.features), bool)
    return np.array([bool(modalities) for modalities in samples.off_scale])


def _observed(model: DrugModel, samples: Samples) -> np.ndarray:
    """Responses of the samples that are training lines themselves, (n_samples,); NaN elsewhere."""
    response = dict(zip(model.lines.tolist(), model.observed.tolist(), strict=True))
    lines = [None if one is None else one.line for one in samples.known]
    lines = lines or [None] * len(samples.features)
    return np.array([np.nan if line is None else response.get(line, np.nan) for line in lines])


def _calls(p_resistant: np.ndarray, call_at: float, flags: dict[Reason, np.ndarray]) -> np.ndarray:
    """Calls from probabilities; those that are not known make none."""
    call = np.full(len(p_resistant), "uncertain", dtype=object)
    call[p_resistant >= call_at - _ROUNDING] = "resistant"
    call[p_resistant <= 1.0 - call_at + _ROUNDING] = "sensitive"
    for reason, raised in flags.items():
        if reason.abstains:
            call[raised] = "abstain"
    return call


def _codes(
    flags: dict[Reason, np.ndarray],
    samples: Samples,
    fitted: list[Pattern],
    last: Mapping[Reason, np.ndarray],
) -> list[str]:
    """Reason codes of each sample, in the order of `serving.scoring.reasons.REASONS`."""
    of_reasons = [raised.tolist() for raised in (*flags.values(), *last.values())]
    off_scale = samples.off_scale or [()] * len(samples.patterns)
    # Most samples are like others in all of this.
    told = list(zip(samples.patterns, off_scale, zip(*of_reasons, strict=True), strict=True))
    codes = {}
    for pattern, modalities, of_each in set(told):
        raised = {reason for reason, has in zip([*flags, *last], of_each, strict=True) if has}
        codes[pattern, modalities, of_each] = ";".join(
            [
                *(code for one in flags if one in raised for code in _of_reason(one, modalities)),
                *_of_pattern(pattern, fitted),
                *(one.code for one in last if one in raised),
            ]
        )
    return [codes[one] for one in told]


def _of_reason(reason: Reason, off_scale: tuple[str, ...]) -> list[str]:
    """Codes of a reason in a sample some of whose modalities are off the scale."""
    if reason is OFF_SCALE:
        return [f"{reason.code}:{modality}" for modality in off_scale]
    return [reason.code]


def _of_pattern(measured: Pattern, fitted: list[Pattern]) -> list[str]:
    """Codes of the modalities that a sample lacks, and of those that its sub-model does not use."""
    used = best_pattern(measured, fitted) or ()
    return [
        *(f"{MISSING.code}:{modality}" for modality in fitted[0] if modality not in measured),
        *(f"{UNUSED.code}:{modality}" for modality in measured if used and modality not in used),
    ]


def _spread(observed: np.ndarray, level: float) -> float:
    """Width of the central share `level` of the training lines' responses."""
    tail = (1.0 - level) / 2
    low, high = np.quantile(observed, [tail, 1.0 - tail])
    return float(high - low)
