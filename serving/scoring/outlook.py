"""The outlook of a drug in each sample: a call in one word, and the reasons not to trust it.

The prediction, its interval, where it lies among the training lines, and the contributions that
it is made of come with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidestep.models.estimators.base import Contributions
from sidestep.models.estimators.patterns import Pattern, best_pattern
from sidestep.models.predictor.drug_model import DrugModel, Gain
from sidestep.models.predictor.marker import MarkerStanding
from sidestep.models.predictor.predictor import PanelPredictor
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


@dataclass(frozen=True)
class Outlook:
    """The prediction of one drug in some samples, and how sure it is.

    Attributes
    ----------
    prediction, lower, upper : ndarray of shape (n_samples,)
        Response units.
    level : float
        Of the interval.
    percentile : ndarray of shape (n_samples,)
        0 most sensitive ... 100 most resistant.
    applicability, coverage : ndarray of shape (n_samples,)
        0 to 1.
    unmeasured : ndarray of int, shape (n_samples,)
        Features of each sample's sub-model that the sample lacks.
    observed : ndarray of shape (n_samples,)
        Response of a training line to the drug, response units; NaN for any other sample, and for
        a line that was not tested.
    call : ndarray of str, shape (n_samples,)
        ``resistant``, ``sensitive``, ``uncertain`` or ``abstain``.
    reasons : list of str
        Codes of `serving.scoring.reasons`, ``;``-joined.
    contributions : Contributions
    marker : MarkerStanding
        What the drug's marker alone would say.
    """

    prediction: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    percentile: np.ndarray
    applicability: np.ndarray
    coverage: np.ndarray
    unmeasured: np.ndarray
    observed: np.ndarray
    call: np.ndarray
    reasons: list[str]
    contributions: Contributions
    marker: MarkerStanding


def outlook_of(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    *,
    level: float,
    her2_context: bool,
) -> Outlook:
    """Predict, explain and judge some samples for one drug.

    The call is ``resistant`` (``sensitive``) if the whole interval lies on the resistant
    (sensitive) side of the median response of the training lines, else ``uncertain``; it is
    ``abstain`` where a reason says so.

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
    """
    features = samples.rows
    contributions = predictor.explain(features, model)
    prediction = predictor.predict(features, model)
    lower, upper = predictor.interval(features, samples.fold_rows, model, level)
    covered_weight = predictor.coverage(features, model)
    applicability = predictor.applicability(features, model, samples.compared)
    # With fewer than 20 held-out lines applicability never falls below 1 in 20.
    farthest = applicability <= predictor.least_applicability(features, model)
    flags = {
        NO_INTERVAL: ~np.isfinite(upper - lower),
        OUT_OF_DOMAIN: farthest | (applicability < _LEAST_APPLICABILITY),
        LOW_COVERAGE: covered_weight < _LEAST_COVERAGE,
        OFF_SCALE: _off_scale(samples),
        **{reason: np.full(len(features), raised) for reason, raised in _gain_flags(model.gain)},
        WIDE_INTERVAL: upper - lower >= _spread(model.observed, level),
        IN_TRAINING: _known(samples),
    }
    typical = predictor.typical_response(model, her2_context=her2_context)
    sign = 1.0 if predictor.scale.higher_is_resistant else -1.0
    call = _calls(sign * (lower - typical), sign * (upper - typical), flags)
    return Outlook(
        prediction=prediction,
        lower=lower,
        upper=upper,
        level=level,
        percentile=predictor.percentile(features, prediction, model, her2_context=her2_context),
        applicability=applicability,
        coverage=covered_weight,
        unmeasured=predictor.unmeasured(features, model),
        observed=_observed(model, samples),
        call=call,
        reasons=_codes(flags, samples, model.blend.patterns),
        contributions=contributions,
        marker=predictor.marker(features, model),
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


def _calls(
    one_end: np.ndarray, other_end: np.ndarray, flags: dict[Reason, np.ndarray]
) -> np.ndarray:
    """Calls from the interval's ends about the typical response, positive is resistant."""
    call = np.full(len(one_end), "uncertain", dtype=object)
    call[np.minimum(one_end, other_end) > 0] = "resistant"
    call[np.maximum(one_end, other_end) < 0] = "sensitive"
    for reason, raised in flags.items():
        if reason.abstains:
            call[raised] = "abstain"
    return call


def _codes(flags: dict[Reason, np.ndarray], samples: Samples, fitted: list[Pattern]) -> list[str]:
    """Reason codes of each sample, in the order of `serving.scoring.reasons.REASONS`."""
    of_pattern = {pattern: _of_pattern(pattern, fitted) for pattern in set(samples.patterns)}

    def codes(reason: Reason, row: int) -> list[str]:
        if reason is OFF_SCALE:
            return [f"{reason.code}:{modality}" for modality in samples.off_scale[row]]
        return [reason.code]

    return [
        ";".join(
            [
                *(
                    code
                    for reason, raised in flags.items()
                    if raised[row]
                    for code in codes(reason, row)
                ),
                *of_pattern[pattern],
            ]
        )
        for row, pattern in enumerate(samples.patterns)
    ]


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
