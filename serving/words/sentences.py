"""Plain sentences on the numbers of one sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np

from sidestep.features.errors import some
from sidestep.features.knowledge.drugs import both_names
from sidestep.models.predictor.cohort import LINES
from sidestep.models.reliability.thresholds import EVENT, NOT_REACHED, TUMOURS, ResponseThreshold
from sidestep.serving.disk.sample_scores import DrugScore, Marker, SampleScores
from sidestep.serving.scoring.reasons import REASONS
from sidestep.serving.words.wording import (
    counted,
    fixed,
    listed,
    modality_name,
    number,
    of_patients,
    percentile_place,
    probability,
    tumours_text,
    value_text,
)

#: A mechanism is a driver from this share of the sum of all mechanisms' absolute contributions.
_LEAST_SHARE = 0.1
_MOST_DRIVERS = 3
_MOST_NAMES = 6
_OTHER_MECHANISM = "other"
_CALLS = (
    ("called resistant", "resistant"),
    ("called sensitive", "sensitive"),
    ("uncertain", "uncertain"),
    ("without a call", "abstain"),
)
#: Rank agreement of explanations over folds from which on it has that name.
_AGREEMENTS = ((0.7, "good"), (0.4, "moderate"), (-1.0, "poor"))
_MEANINGS = {reason.code: reason for reason in REASONS}


@dataclass(frozen=True)
class Scale:
    """What the numbers of a score folder are counted in.

    Attributes
    ----------
    response, unit : str
    higher_is_resistant : bool
    level : float
        Of the intervals.
    lines : str
        What percentiles and calls refer to.
    typical : mapping of str to float or None
        Median response of these lines by drug.
    thresholds : mapping of str to ResponseThreshold
        From which response on a line counts as resistant, by drug.
    call_at : float
        Probability that a call needs.
    tumours : mapping of str to int
        Tumours of each reference cohort that samples are answered among.
    event : str
        What came about or not, of a response of patients; empty of a number.
    """

    response: str
    unit: str
    higher_is_resistant: bool
    level: float
    lines: str
    typical: Mapping[str, float | None]
    thresholds: Mapping[str, ResponseThreshold]
    call_at: float
    tumours: Mapping[str, int] = field(default_factory=dict)
    event: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """The scale that a manifest describes."""
        model, options = manifest["model"], manifest["options"]
        event = str(manifest["drugs"][0].get("event") or "") if manifest["drugs"] else ""
        trained_on = "training patients" if event else "training lines"
        return cls(
            response=str(model["response"]),
            unit=str(model["unit"]),
            higher_is_resistant=bool(model["higher_is_resistant"]),
            level=float(options["level"]),
            lines=f"HER2-high {trained_on}" if options["her2_context"] else trained_on,
            typical={drug["name"]: drug["typical_response"] for drug in manifest["drugs"]},
            thresholds={drug["name"]: _threshold(drug["threshold"]) for drug in manifest["drugs"]},
            call_at=float(options["call_at"]),
            tumours={
                name: int(of["tumours"])
                for name, of in manifest.get("references", {}).items()
                if name != LINES
            },
            event=event,
        )

    def compared(self, reference: str) -> str:
        """What percentiles and calls of a row refer to, in plural."""
        if reference == LINES:
            return self.lines
        return tumours_text(self.tumours.get(reference), reference)

    def said(self, text: str) -> str:
        """A text about lines that were learned from, of patients where the model learned these."""
        return of_patients(text) if self.event else text

    def side(self, contribution: float) -> str:
        """Where a contribution moves the prediction to."""
        return "resistant" if (contribution > 0) == self.higher_is_resistant else "sensitive"


def reason_text(code: str, event: str = "") -> str:
    """A reason code in plain words, those of patients with an event; an unknown one stays."""
    name, _, modality = code.partition(":")
    if name not in _MEANINGS:
        return code
    meaning = _MEANINGS[name].meaning
    meaning = of_patients(meaning) if event else meaning
    return f"{modality_name(modality)}: {meaning}" if modality else meaning


def limits_sentence(event: str) -> str:
    """What the answers of a model do not tell, of lines or, with an event, of patients."""
    if event:
        return (
            "Probabilities are those of the trial that the model learned from, and were not "
            "validated on another one."
        )
    return "Cell lines are not tumours, and a response in a dish is not a clinical response."


def abstains(code: str) -> bool:
    """Whether a reason forbids a call."""
    name = code.partition(":")[0]
    return name in _MEANINGS and _MEANINGS[name].abstains


def drug_sentences(score: DrugScore, scale: Scale) -> list[str]:
    """Sentences on the prediction of one drug, its certainty, marker, drivers and their stability.

    The first four are always there, in this order; the last is not where nothing is explained.
    """
    return [
        _prediction(score, scale),
        _call(score, scale),
        marker_sentence(score.marker, score.reference, scale.event),
        _drivers(score, scale),
        *_stability(score),
    ]


def evidence_sentence(manifest: Mapping[str, Any]) -> str:
    """Which databases the evidence draws on, and which were not at hand.

    Empty for a folder of an older version, which did not record it.
    """
    known = manifest["options"].get("knowledge", {})
    if "databases" not in known:
        return ""
    drawn = f"Drawn from {listed(['Sidestep’s own tables', *known['databases']])}."
    missing = list(known["missing"])
    return f"{drawn} Not at hand: {listed(missing)}." if missing else drawn


def sample_sentences(scores: SampleScores, modalities: Sequence[str]) -> list[str]:
    """The calls on a sample over all drugs, and what was measured of it.

    Parameters
    ----------
    scores : SampleScores
    modalities : sequence of str
        Those that the model uses.
    """
    parts = []
    for label, call in _CALLS:
        drugs = [both_names(one.drug) for one in scores.drugs if one.call == call]
        if drugs:
            names = f" ({some(drugs, _MOST_NAMES)})" if label.startswith("called") else ""
            parts.append(f"{len(drugs)} {label}{names}")
    sentences = [f"Of {counted(len(scores.drugs), 'drug')}, {listed(parts)}."]
    if scores.drugs:
        sentences.append(_measurements(scores.drugs[0].modalities.split(";"), modalities))
    if scores.drugs and scores.drugs[0].reference != LINES:
        name = scores.drugs[0].reference
        sentences.append(
            f"Answered among the tumours of {name}: percentiles and probabilities compare it with "
            "them, and what all of them share is left out. Intervals were calibrated on cell lines."
        )
    if scores.her2 and scores.her2_assay:
        sentences.append(f"HER2: {her2_text(scores.her2, scores.her2_assay)}.")
    return sentences


def her2_text(her2: str, assay: str) -> str:
    """Whether a sample is HER2-high, and what decided.

    >>> her2_text("not high", "ERBB2 copy number")
    'not high, by ERBB2 copy number'
    """
    return f"{her2}, by {assay}"


def _measurements(measured: Sequence[str], modalities: Sequence[str]) -> str:
    present = [modality_name(one) for one in modalities if one in measured]
    missing = [modality_name(one) for one in modalities if one not in measured]
    sentence = f"Measured: {listed(present) or 'nothing'}."
    if missing:
        without = "it" if len(missing) == 1 else "them"
        sentence += f" Missing: {listed(missing)}; models fitted without {without} are used."
    return sentence


def _prediction(score: DrugScore, scale: Scale) -> str:
    where = "" if score.percentile is None else (
        ", " + percentile_place(
            score.percentile, scale.compared(score.reference), held_out=score.reference == LINES
        )
    )  # fmt: skip
    interval = "no interval"
    if score.lower is not None and score.upper is not None:
        ends = [number(end, beside=score.prediction) for end in (score.lower, score.upper)]
        interval = f"{100 * scale.level:g} % interval {' to '.join(ends)}"
        if score.reference != LINES:
            interval += ", calibrated on lines"
    known = ""
    if score.observed is not None:
        known = (
            f" Observed: {number(score.observed)}, in the training study; the model that predicts "
            "has not seen it."
        )
    return f"Predicted {number(score.prediction)} ({interval}; {scale.unit}){where}.{known}"


def unmeasured_text(count: int, share: float | None) -> str:
    """What a sample lacks of what the model that predicts it uses; empty where it lacks nothing.

    >>> unmeasured_text(12, 0.031)
    '12 features of the model that predicts the sample were not measured in it (3 % of its weight)'
    """
    if not count:
        return ""
    were = "was" if count == 1 else "were"
    weight = "" if share is None else f" ({_percent(share)} of its weight)"
    named = counted(count, "feature")
    return f"{named} of the model that predicts the sample {were} not measured in it{weight}"


def _percent(share: float) -> str:
    return "under 1 %" if 0.0 < share < 0.005 else f"{100.0 * share:.0f} %"


def _threshold(described: Mapping[str, Any]) -> ResponseThreshold:
    """Threshold as a manifest describes it."""
    value = described["value"]
    return ResponseThreshold(**{**described, "value": math.nan if value is None else value})


def _call(score: DrugScore, scale: Scale) -> str:
    """Probability of resistance, what it is the probability of, and the call."""
    if score.p_resistant is None:
        known = "The probability of resistance is not known."
    else:
        threshold = scale.thresholds[score.drug]
        if score.reference != LINES:
            threshold = ResponseThreshold(math.nan, TUMOURS, 0.0)
        side = side_text(threshold, scale.compared(score.reference), scale.event)
        known = f"Probability of resistance {probability(score.p_resistant)}, that {side}."
    told = call_text(score.call, scale.call_at)
    return f"{known} {told[0].upper()}{told[1:]}."


@lru_cache
def side_text(threshold: ResponseThreshold, lines: str, event: str = "") -> str:
    """What a probability of resistance is the probability of.

    Parameters
    ----------
    threshold : ResponseThreshold
    lines : str
        Which lines, or tumours, it was made from, such as ``"training lines"``.
    event : str
        What comes about or not, where the response is no number.

    Examples
    --------
    >>> side_text(ResponseThreshold(5.21, "median", 0.0), "training lines")
    'the response lies on the resistant side of the median training line (5.21)'
    >>> side_text(ResponseThreshold(4.5, "not reached", 0.553), "lines")
    'the response is not reached within the tested range (beyond 4.50), as in 55 % of the lines'
    >>> side_text(ResponseThreshold(math.nan, "tumours", 0.0), "200 tumours of clinic")
    'the response lies on the resistant side of the middle of the 200 tumours of clinic'
    """
    if threshold.kind == EVENT:
        return f"there is no {event or 'response'}"
    if threshold.kind == NOT_REACHED:
        return (
            f"the response is not reached within the tested range (beyond "
            f"{number(threshold.value)}), as in {100 * threshold.share_at_end:.0f} % of the {lines}"
        )
    line = f"the median {lines.removesuffix('s')}"
    if threshold.kind == TUMOURS:
        line = f"the middle of the {lines}"
    at = "" if math.isnan(threshold.value) else f" ({number(threshold.value)})"
    return f"the response lies on the resistant side of {line}{at}"


@lru_cache
def call_text(call: str, call_at: float) -> str:
    """A call, and the probability that it needs.

    >>> call_text("uncertain", 0.75)
    'uncertain: the probability is between 0.25 and 0.75'
    """
    at, rest = f"{call_at:g}", f"{1 - call_at:.6g}"
    return {
        "resistant": f"called resistant: the probability is at least {at}",
        "sensitive": f"called sensitive: the probability is at most {rest}",
        "uncertain": f"uncertain: the probability is between {rest} and {at}",
    }.get(call, "no call is made, for the reasons given")


def marker_sentence(marker: Marker, reference: str = LINES, event: str = "") -> str:
    """What the drug's marker alone would say of a sample; of a tumour, beside other tumours."""
    if marker.gene is None:
        return "No marker of this drug is known."
    if marker.value is None or marker.prediction is None:
        return f"Its marker, {marker.gene}, was not measured."
    level = value_text("sd", marker.value)
    if marker.percentile is not None:
        whose = "patients" if event else "lines"
        level += f", at percentile {marker.percentile:.0f} of the training {whose}' levels"
    if reference != LINES:
        level += f", less what all tumours of {reference} share"
    alone = f"alone would predict {number(marker.prediction)}"
    if marker.p_resistant is not None:
        alone += f", with a probability of resistance of {probability(marker.p_resistant)}"
    return f"Its marker, {marker.gene} ({level}), {alone}."


def _drivers(score: DrugScore, scale: Scale) -> str:
    sizes = {name: abs(value) for name, value in score.by_mechanism.items()}
    by_size = sorted(sizes, key=sizes.__getitem__, reverse=True)
    total = sum(map(sizes.__getitem__, by_size))
    drivers = []
    for name in by_size[:_MOST_DRIVERS]:
        if total and sizes[name] >= _LEAST_SHARE * total:
            value = score.by_mechanism[name]
            told = number(value, signed=True, beside=sizes[by_size[0]])
            of = "features of no named mechanism" if name == _OTHER_MECHANISM else name
            drivers.append(f"{of} (towards {scale.side(value)}, {told})")
    base = f"the base value of {number(score.base_value)}"
    if not drivers:
        return f"Nothing moves the prediction away from {base}."
    return f"Main drivers, from {base}: {listed(drivers)}."


def _stability(score: DrugScore) -> list[str]:
    """How stable the explanation is, and what of the model it cannot speak of."""
    lacking = unmeasured_text(score.unmeasured, score.unmeasured_share)
    ending = f" {lacking}; no explanation names them." if lacking else ""
    count = len(score.features)
    if not count:
        return [ending.strip()] if ending else []
    stable = np.count_nonzero(score.features.stable)
    sentence = f"Stable over the folds' models: {stable} of the {count} features"
    if score.agreement is not None:
        word = next(word for least, word in _AGREEMENTS if score.agreement >= least - 1e-9)
        sentence += f"; rank agreement {fixed(score.agreement, 2)} ({word})"
    return [f"{sentence}.{ending}"]
