"""The model's view of a sample and a drug, be it the one that fails or a partner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sidestep.features.builders.once import sharing
from sidestep.features.study.study import Study
from sidestep.serving.scoring.outlook import outlook_of
from sidestep.serving.scoring.samples import answered
from sidestep.serving.source import Source

_COLUMNS = ["sample_id", "drug", "prediction", "resistance_percentile", "call", "applicability"]


@dataclass(frozen=True)
class DrugView:
    """The model on one sample and one drug.

    Attributes
    ----------
    prediction : float
        Response units.
    percentile : float
        0 most sensitive ... 100 most resistant, NaN where unknown.
    call : str
        ``resistant``, ``sensitive``, ``uncertain`` or ``abstain``.
    applicability : float
        0 to 1.
    """

    prediction: float
    percentile: float
    call: str
    applicability: float

    @property
    def called(self) -> bool:
        """Whether there is a call and a percentile to rank by."""
        return self.call != "abstain" and math.isfinite(self.percentile)

    def basis(self, at_least: float) -> str:
        """Why the sample counts as predicted resistant to the drug; empty where it does not.

        It does if it is called resistant, and if the call is uncertain or the model abstains while
        the resistance percentile is `at_least` or more.

        Examples
        --------
        >>> DrugView(-6.1, 88.4, "uncertain", 0.6).basis(75.0)
        'call uncertain, resistance percentile 88 (at least 75)'
        >>> DrugView(-6.1, 88.4, "sensitive", 0.6).basis(75.0)
        ''
        """
        if self.call == "resistant":
            return "called resistant"
        if self.call == "sensitive" or not self.percentile >= at_least:
            return ""
        place = f"resistance percentile {self.percentile:.0f} (at least {at_least:g})"
        return f"call {self.call}, {place}"


#: Drug, as the model names it -> sample -> the model's view.
Views = Mapping[str, Mapping[str, DrugView]]


def scored_views(scores: pd.DataFrame) -> dict[str, dict[str, DrugView]]:
    """Views of the rows of ``scores.parquet``, or of a part of it, in their order."""
    views: dict[str, dict[str, DrugView]] = {}
    cells = (scores[name].to_list() for name in _COLUMNS)
    for sample, drug, *numbers in zip(*cells, strict=True):
        views.setdefault(str(drug), {})[str(sample)] = _view(*numbers)
    return views


def predicted_views(
    source: Source, study: Study, drugs: Sequence[str]
) -> dict[str, dict[str, DrugView]]:
    """Views of all samples of a study on drugs that the model has and that were not scored.

    Parameters
    ----------
    source : Source
        The model, and the level and context of the scores.
    study : Study
        Scored samples only: those that the model cannot predict have no scores.
    drugs : sequence of str
        As the model names them.
    """
    if not drugs:
        return {}
    whole = source.model.predictor
    names = [model.name for model in whole.choose(drugs)]
    views: dict[str, dict[str, DrugView]] = {name: {} for name in names}
    with sharing():
        for group in answered(whole, study, whole.features(study), source.references):
            for name in names:
                predictor, model, samples = group.by(name)
                outlook = outlook_of(
                    predictor,
                    model,
                    samples,
                    level=source.level,
                    her2_context=source.her2_context,
                    call_at=source.call_at,
                )
                cells = zip(
                    samples.features.index,
                    outlook.prediction,
                    outlook.percentile,
                    outlook.call,
                    outlook.applicability,
                    strict=True,
                )
                views[name] |= {str(sample): _view(*numbers) for sample, *numbers in cells}
    return views


def _view(prediction: float, percentile: float, call: str, applicability: float) -> DrugView:
    return DrugView(float(prediction), float(percentile), str(call), float(applicability))
