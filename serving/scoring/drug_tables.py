"""Rows of some samples and one drug, or of one response under each regimen that there was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    name: str,
    options: ScoreOptions,
    her2: pd.DataFrame,
    study: Study,
) -> list[DrugTables]:
    """Rows of some samples and one drug: once, or once a regimen of a model of patients.

    Parameters
    ----------
    model : LoadedModel
    group : Answered
        The samples, and who answers for them.
    name : str
        Of the drug.
    options : ScoreOptions
    her2 : DataFrame
        As `serving.scoring.scores.score_rows` takes it.
    study : Study
        Holds the samples, and maybe others.
    """
    predictor, drug, samples = group.by(name)
    regimens = Regimens.of(model.predictor, study, samples.features.index)
    if regimens is None:
        told = _told(predictor, drug, samples, options)
        return [DrugTables(name, None, _tables(model, drug, samples, told, her2))]
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
        told_of[regimen] = _told(predictor, drug, conditioned[regimen], options, raised)
    versus = regimens.compared_with(builder)
    predictions = {regimen: outlook.prediction for regimen, (_, outlook) in told_of.items()}
    spread = {
        regimen: outlook.predictive
        for regimen, (_, outlook) in told_of.items()
        if isinstance(outlook.predictive, PatientPredictive)
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


def _told(
    predictor: PanelPredictor,
    drug: DrugModel,
    samples: Samples,
    options: ScoreOptions,
    raised: Mapping[Reason, np.ndarray] | None = None,
) -> tuple[Explained, Outlook]:
    explained = Explained.of(predictor, drug, samples, options.top_k)
    return explained, outlook_of(
        predictor,
        drug,
        samples,
        level=options.level,
        her2_context=options.her2_context,
        call_at=options.call_at,
        raised=raised,
        explained=explained,
    )


def _tables(
    model: LoadedModel,
    drug: DrugModel,
    samples: Samples,
    told: tuple[Explained, Outlook],
    her2: pd.DataFrame,
    regimen: RegimenCells | None = None,
) -> dict[str, pa.Table]:
    """Rows of scores, explanations and mechanisms of some samples and one drug."""
    explained, outlook = told
    values, stability = explained.contributions.values, explained.stability
    name = None if regimen is None else regimen.name
    return {
        "scores": score_rows(model, drug, samples, outlook, stability.agreement, her2, regimen),
        "explanations": explanation_rows(drug, samples, values, explained.columns, stability, name),
        "mechanisms": mechanism_rows(drug, samples, values, name),
    }
