"""The answer to `sidestep explain`: an explanation, and what would change the call or does change.

As data, and as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study
from sidestep.models.estimators.base import Contributions
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.disk.regimens import label_of, parted
from sidestep.serving.disk.sample_scores import finite
from sidestep.serving.explain.explanation import Explanation, explanation_of
from sidestep.serving.explain.flip import FlipSearch, find_flips
from sidestep.serving.explain.settings import read_changes
from sidestep.serving.explain.what_if import (
    WhatIf,
    changed_sample,
    changed_values,
    difference,
    differing_features,
)
from sidestep.serving.scoring.options import DEFAULT_OPTIONS
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.regimens import Regimens, under
from sidestep.serving.scoring.samples import Samples
from sidestep.serving.scoring.scores import her2_told
from sidestep.serving.source import Source, find_sample

#: What a changed sample stands for, and what it does not.
ABOUT = "This is a statement about the model, not about what the cells would do."


@dataclass(frozen=True)
class Answer:
    """An explanation, and either what would change the call or what a change does.

    Attributes
    ----------
    sample, drug, study_id, model_name, model_version : str
    simulated : bool
    response, unit : str
    higher_is_resistant : bool
    event : str
        What comes about or not, of a response of patients; empty of a number.
    her2_context : bool
        Whether percentile and call refer to the HER2-high training lines alone.
    her2, her2_assay : str or None
        Whether the sample is HER2-high, and what decided; None where nothing does.
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
    event: str
    her2_context: bool
    her2: str | None
    her2_assay: str | None
    explanation: Explanation
    flips: FlipSearch | None
    what_if: WhatIf | None

    def as_json(self) -> str:
        """All of it as JSON, with null for what there is not."""
        values = asdict(self)
        if not self.event:
            del values["event"]
        told = [values["explanation"], *([values["what_if"]["after"]] if self.what_if else [])]
        for explanation in told:
            explanation["threshold"]["value"] = finite(explanation["threshold"]["value"])
        if self.flips is not None:
            values["flips"] = _flips(self.flips)
        if self.what_if is not None:
            values["what_if"]["difference"] = difference(self.explanation, self.what_if.after)
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)


def answer(
    source: Source,
    sample: str,
    drug: str,
    settings: Sequence[str],
    *,
    top_k: int,
    level: float,
    her2_context: bool,
    call_at: float = DEFAULT_OPTIONS.call_at,
    regimen: str | None = None,
) -> Answer:
    """Explain the prediction of one sample and drug, as it is or if it were different.

    Parameters
    ----------
    source : Source
    sample, drug : str
        Regardless of case and punctuation; the drug also by a synonym.
    settings : sequence of str
        As `serving.explain.settings.read_changes` takes them; without any, the smallest changes
        that would change the call are looked for.
    top_k : int
        Features named.
    level : float
        Of the interval.
    her2_context : bool
    call_at : float
        Probability that a call needs.
    regimen : str, optional
        Under which to answer, of a model that knows regimens; the sample's own by default.

    Raises
    ------
    InputError
        If sample, drug or a setting is not known or cannot be used.
    """
    predictor = source.model.predictor
    if regimen is None and predictor.joiner.regimens is not None:
        drug, regimen = parted(drug)
    chosen = predictor.choose([drug])[0]
    if her2_context and not predictor.her2_high.any():
        raise InputError(
            f"model {source.model.name} has no HER2-high training line to compare with; explain "
            "without --her2-context"
        )
    alone, found = find_sample(source, sample)
    # Of a training line, and all that is asked about it, the models that have not seen it answer.
    predictor, model, samples = found.by(chosen.name)
    if regimen is not None:
        samples, regimen = _under(source, predictor, alone, samples, regimen)
    changes = read_changes(settings, samples.features, predictor.nearest)

    def explained(subject: Samples) -> tuple[Outlook, Contributions, Explanation]:
        prediction, told = predictor.explained(subject.rows, model)
        outlook = outlook_of(
            predictor,
            model,
            subject,
            level=level,
            her2_context=her2_context,
            call_at=call_at,
            prediction=prediction,
        )
        return outlook, told, explanation_of(subject, outlook, told, top_k=top_k)

    before, told, explanation = explained(samples)
    flips = what_if = None
    if settings:
        changed = changed_sample(predictor, samples, changes)
        _, told_after, explanation_after = explained(changed)
        differing = differing_features((samples, changed), (told, told_after), top_k=top_k)
        n_changed = int(changed_values(samples, changed).sum())
        what_if = WhatIf(tuple(settings), n_changed, explanation_after, differing)
    else:
        flips = find_flips(predictor, model, samples, before, her2_context=her2_context)
    her2 = her2_told(_her2(source, alone)).iloc[0]
    return Answer(
        sample=str(alone.samples[0]),
        drug=label_of(model.name, regimen),
        study_id=alone.study_id,
        model_name=source.model.name,
        model_version=source.model.version,
        simulated=source.simulated,
        response=predictor.scale.stable_id,
        unit=predictor.scale.unit,
        higher_is_resistant=predictor.scale.higher_is_resistant,
        event=predictor.scale.event,
        her2_context=her2_context,
        her2=her2["her2"],
        her2_assay=her2["her2_assay"],
        explanation=explanation,
        flips=flips,
        what_if=what_if,
    )


def _under(
    source: Source, predictor: PanelPredictor, alone: Study, samples: Samples, regimen: str
) -> tuple[Samples, str]:
    """The sample as if it had a regimen, and the regimen as the model names it."""
    known = Regimens.of(source.model.predictor, alone, samples.features.index)
    if known is None:
        raise InputError(f"model {source.model.name} knows no regimens; leave --regimen out")
    names = {match_key(name): name for name in known.names}
    if match_key(regimen) not in names:
        raise InputError(
            f"model {source.model.name} has not seen the regimen {regimen}; it knows "
            f"{', '.join(known.names)}"
        )
    name = names[match_key(regimen)]
    return under(predictor, samples, known, name), name


def _her2(source: Source, alone: Study) -> pd.DataFrame:
    """Whether the sample is HER2-high, and what decided."""
    predictor = source.model.predictor
    return predictor.her2.calls(alone, predictor.features(alone))


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
