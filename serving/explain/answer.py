"""What is answered when a person asks `sidestep explain`?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sidestep.features.errors import InputError
from sidestep.serving.explain.explanation import (
    Explanation,
    FeatureDifference,
    changed_values,
    differing_features,
    explained,
)
from sidestep.serving.explain.flip import FlipSearch, find_flips
from sidestep.serving.explain.settings import read_changes
from sidestep.serving.explain.what_if import changed_sample
from sidestep.serving.scoring.outlook import Outlook, Samples, outlook
from sidestep.serving.source import Source, find_sample

#: What a change of the sample is said to do, and what not.
ABOUT = "This is a statement about the model, not about what the cells would do."


@dataclass(frozen=True)
class WhatIf:
    """What changes for the sample that was asked for.

    Attributes
    ----------
    settings : tuple of str
        As they were given.
    n_changed : int
        Features that have another value.
    after : Explanation
    features : tuple of FeatureDifference
        Largest change of contribution first.
    """

    settings: tuple[str, ...]
    n_changed: int
    after: Explanation
    features: tuple[FeatureDifference, ...]


@dataclass(frozen=True)
class Answer:
    """An explanation, and either what would change the call or what a change does.

    Attributes
    ----------
    sample, drug, study_id, model_name, model_version : str
    simulated : bool
    response, unit : str
    higher_is_resistant : bool
    her2_context : bool
        Whether percentile and call refer to the HER2-high training lines alone.
    explanation : Explanation
    flips : FlipSearch or None
        None where changes were asked for.
    what_if : WhatIf or None
        None where they were not.
    """

    sample: str
    drug: str
    study_id: str
    model_name: str
    model_version: str
    simulated: bool
    response: str
    unit: str
    higher_is_resistant: bool
    her2_context: bool
    explanation: Explanation
    flips: FlipSearch | None
    what_if: WhatIf | None

    def as_json(self) -> str:
        """All of it as JSON, with null for what there is not."""
        told = asdict(self)
        if self.flips is not None:
            told["flips"] = _flips(self.flips)
        if self.what_if is not None:
            told["what_if"]["difference"] = difference(self.explanation, self.what_if.after)
        return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)


def difference(before: Explanation, after: Explanation) -> dict[str, Any]:
    """After minus before, of each number that both have; None of the others."""
    found: dict[str, Any] = {}
    for name in ("prediction", "lower", "upper", "percentile", "applicability"):
        then, now = getattr(before, name), getattr(after, name)
        found[name] = None if then is None or now is None else now - then
    for name in ("by_modality", "by_mechanism"):
        then, now = getattr(before, name), getattr(after, name)
        found[name] = {part: now[part] - then[part] for part in then}
    return found


def _flips(search: FlipSearch) -> dict[str, Any]:
    """The search as plain values; the features are listed for the smallest flip alone."""
    flips = [
        {
            "mechanism": flip.mechanism,
            "towards": flip.towards,
            "call": flip.call,
            "sd": flip.sd,
            "prediction": flip.prediction,
            "n_raised": len(flip.raised),
            "n_lowered": len(flip.lowered),
        }
        for flip in search.flips
    ]
    return {
        "about": ABOUT,
        "call": search.call,
        "obstacles": search.obstacles,
        "tried": search.tried,
        "smallest": {**flips[0], "settings": search.flips[0].settings} if flips else None,
        "flips": flips,
    }


def answer(
    source: Source,
    sample: str,
    drug: str,
    settings: Sequence[str],
    *,
    top_k: int,
    level: float,
    her2_context: bool,
) -> Answer:
    """Explain the prediction of one sample and drug, as it is or if it were different.

    Parameters
    ----------
    source : Source
    sample, drug : str
        Regardless of case and punctuation; the drug also by a synonym.
    settings : sequence of str
        As `explain.settings.read_changes` takes them; without any, the smallest changes that
        would change the call are looked for.
    top_k : int
        Features named.
    level : float
        Of the interval.
    her2_context : bool

    Raises
    ------
    InputError
        If sample, drug or a setting is not known or cannot be used.
    """
    predictor = source.model.predictor
    model = predictor.choose([drug])[0]
    if her2_context and not predictor.her2_high.any():
        raise InputError(
            f"model {source.model.name} has no HER2-high training line to compare with; explain "
            "without --her2-context"
        )
    alone, samples = find_sample(source, sample)
    changes = read_changes(settings, samples.features, predictor.nearest)

    def said_of(subject: Samples) -> Outlook:
        return outlook(predictor, model, subject, level=level, her2_context=her2_context)

    def told(subject: Samples, said: Outlook) -> Explanation:
        return explained(predictor, model, subject, said, top_k=top_k, her2_context=her2_context)

    said = said_of(samples)
    flips = what_if = None
    if settings:
        changed = changed_sample(predictor, samples, changes)
        said_then = said_of(changed)
        differing = differing_features((samples, changed), (said, said_then), top_k=top_k)
        n_changed = int(changed_values(samples, changed).sum())
        what_if = WhatIf(tuple(settings), n_changed, told(changed, said_then), differing)
    else:
        flips = find_flips(predictor, model, samples, said, her2_context=her2_context)
    return Answer(
        sample=str(alone.samples[0]),
        drug=model.name,
        study_id=alone.study_id,
        model_name=source.model.name,
        model_version=source.model.version,
        simulated=source.simulated,
        response=predictor.scale.stable_id,
        unit=predictor.scale.unit,
        higher_is_resistant=predictor.scale.higher_is_resistant,
        her2_context=her2_context,
        explanation=told(samples, said),
        flips=flips,
        what_if=what_if,
    )
