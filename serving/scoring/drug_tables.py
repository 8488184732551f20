"""Rows of some samples and one drug, or of one response under each regimen that there was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sidestep.features.study.study import Study
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.registry.load import LoadedModel
from sidestep.models.reliability.probabilities import PatientPredictive
from sidestep.serving.evidence.evidence import EVIDENCE, agreement
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.explanations import explanation_rows, mechanism_rows
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.reasons import REGIMEN_NOT_GIVEN, REGIMEN_UNSEEN, Reason
from sidestep.serving.scoring.regimens import Regimens, differences, under
from sidestep.serving.scoring.samples import Answered, Samples, by_sample
from sidestep.serving.scoring.scores import RegimenCells, score_rows
from sidestep.serving.scoring.stability import Stability, stabilities_of

_COLUMNS: list[str] = EVIDENCE.names


@dataclass(frozen=True)
class DrugTables:
    """Rows of one drug, and maybe of one regimen.

    Attributes
    ----------
    drug : str
    regimen : str or None
    tables : mapping of str to pyarrow.Table
        ``scores``, ``explanations`` and ``mechanisms``.
    """

    drug: str
    regimen: str | None
    tables: Mapping[str, pa.Table]


def drug_tables(
    model: LoadedModel,
    group: Answered,
    names: Sequence[str],
    options: ScoreOptions,
    her2: pd.DataFrame,
    study: Study,
) -> list[DrugTables]:
    """Rows of some samples and some drugs: once each, or once a regimen of a model of patients.

    Parameters
    ----------
    model : LoadedModel
    group : Answered
        The samples, and who answers for them.
    names : sequence of str
        Of the drugs.
    options : ScoreOptions
    her2 : DataFrame
        As `serving.scoring.scores.score_rows` takes it.
    study : Study
        Holds the samples, and maybe others.
    """
    regimens = Regimens.of(model.predictor, study, group.samples.features.index)
    if regimens is not None:
        return [
            one
            for name in names
            for one in _by_regimen(model, group, name, options, her2, regimens)
        ]
    tables: dict[str, DrugTables] = {}
    # A fold's predictor lacks some drugs, of which the whole one tells.
    for lacking in (False, True):
        those = [name for name in names if (name not in group.predictor.drugs) is lacking]
        if those:
            predictor, _, samples = group.by(those[0])
            drugs = [predictor.drugs[name] for name in those]
            for drug, told in zip(drugs, _told(predictor, drugs, samples, options), strict=True):
                rows = _tables(model, drug, samples, told, her2)
                tables[drug.name] = DrugTables(drug.name, None, rows)
    return [tables[name] for name in names]


def _by_regimen(
    model: LoadedModel,
    group: Answered,
    name: str,
    options: ScoreOptions,
    her2: pd.DataFrame,
    regimens: Regimens,
) -> list[DrugTables]:
    """Rows of some patients and one response, once a regimen."""
    predictor, drug, samples = group.by(name)
    # The regimens are the final model's, whoever answers.
    builder = model.predictor.joiner.regimens
    if builder is None:
        raise ValueError("a model that knows regimens has lost them")
    conditioned, told_of = {}, {}
    for regimen in regimens.asked:
        conditioned[regimen] = under(predictor, samples, regimens, regimen)
        never = regimens.never_given(builder, regimen)
        unseen = np.full(len(never), regimen not in regimens.names)
        raised = {REGIMEN_UNSEEN: unseen, REGIMEN_NOT_GIVEN: never & ~unseen}
        (told_of[regimen],) = _told(predictor, [drug], conditioned[regimen], options, raised)
    versus = regimens.compared_with(builder)
    predictions = {regimen: told.outlook.prediction for regimen, told in told_of.items()}
    spread = {
        regimen: told.outlook.predictive
        for regimen, told in told_of.items()
        if isinstance(told.outlook.predictive, PatientPredictive)
    }
    answers = []
    for regimen, told in told_of.items():
        difference = differences(spread, predictions, versus, regimen, options.level)
        given = regimens.given(regimen).astype(object)
        given[regimens.own == ""] = None  # nobody knows
        cells = RegimenCells(regimen, given, versus, *difference)
        tables = _tables(model, drug, conditioned[regimen], told, her2, cells)
        rows = regimens.rows(regimen)
        if len(rows) < len(given):
            kept = pc.take(samples.ids, rows).dictionary_decode()
            tables = {
                at: one.filter(pc.is_in(one["sample_id"], kept)) for at, one in tables.items()
            }
        answers.append(DrugTables(name, regimen, tables))
    return answers


def regimen_evidence(
    facts: pd.DataFrame,
    answers: Sequence[DrugTables],
    regimens: Regimens,
    predictor: PanelPredictor,
    samples: pd.Index,
) -> pd.DataFrame:
    """Facts about the drugs of each regimen, as evidence on the response under it.

    Parameters
    ----------
    facts : DataFrame
        Rows of evidence on the drugs themselves.
    answers : sequence of DrugTables
        Of the same samples.
    regimens : Regimens
        Of the samples, in the order of the scores.
    predictor : PanelPredictor
        The final one.
    samples : Index
        In that order.

    Returns
    -------
    DataFrame
        Each sample's rows together, regimen after regimen.
    """
    builder = predictor.joiner.regimens
    tables = [facts.iloc[:0]]
    facts_of = dict(tuple(facts.groupby("sample_id", sort=False)))
    for answer in answers:
        if builder is None or answer.regimen is None:
            continue
        scores = answer.tables["scores"]
        status = [regimens.status[row] for row in regimens.rows(answer.regimen)]
        for said, row in zip(status, scores.to_pylist(), strict=True):
            known = facts_of.get(row["sample_id"], facts.iloc[:0])
            own = known[known["drug"].isin(builder.drugs_of(answer.regimen, said))]
            percentile = float(row["resistance_percentile"])
            agrees = [agreement(to, str(row["call"]), percentile) for to in own["direction"]]
            named = own["drug"] + ": " + own["statement"]
            tables.append(
                own.assign(
                    drug=answer.drug, regimen=answer.regimen, statement=named, agreement=agrees
                )
            )
    filled = [table for table in tables if len(table)]
    return by_sample(filled or tables[:1], samples)[_COLUMNS]


@dataclass(frozen=True)
class _Told:
    """All that models say of some samples and one drug."""

    explained: Explained
    stability: Stability
    outlook: Outlook


def _told(
    predictor: PanelPredictor,
    drugs: Sequence[DrugModel],
    samples: Samples,
    options: ScoreOptions,
    raised: Mapping[Reason, np.ndarray] | None = None,
) -> Iterator[_Told]:
    """Ask about all drugs, since the samples' features are so gone through fewer times."""
    explained = [Explained.of(predictor, drug, samples, options.top_k) for drug in drugs]
    stabilities = stabilities_of(list(zip(drugs, explained, strict=True)), samples)
    for drug, one, stability in zip(drugs, explained, stabilities, strict=True):
        outlook = outlook_of(
            predictor,
            drug,
            samples,
            level=options.level,
            her2_context=options.her2_context,
            call_at=options.call_at,
            raised=raised,
            prediction=one.prediction,
            known=stability.members,
        )
        yield _Told(one, stability, outlook)


def _tables(
    model: LoadedModel,
    drug: DrugModel,
    samples: Samples,
    told: _Told,
    her2: pd.DataFrame,
    regimen: RegimenCells | None = None,
) -> dict[str, pa.Table]:
    """Rows of scores, explanations and mechanisms of some samples and one drug."""
    explained, stability = told.explained, told.stability
    name, agreement = None if regimen is None else regimen.name, stability.agreement
    return {
        "scores": score_rows(
            model, drug, samples, told.outlook, explained, agreement, her2, regimen
        ),
        "explanations": explanation_rows(drug, samples, explained, stability, name),
        "mechanisms": mechanism_rows(drug, samples, explained.mechanisms, name),
    }
