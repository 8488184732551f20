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
from sidestep.serving.scoring.contributions import largest_measured
from sidestep.serving.scoring.explanations import explanation_rows, mechanism_rows
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.reasons import REGIMEN_NOT_GIVEN, REGIMEN_UNSEEN, Reason
from sidestep.serving.scoring.regimens import Regimens, differences, under
from sidestep.serving.scoring.samples import Answered, Samples
from sidestep.serving.scoring.scores import RegimenCells, score_rows
from sidestep.serving.scoring.stability import stability_of

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
        outlook = _outlook(predictor, drug, samples, options)
        return [DrugTables(name, None, _tables(model, drug, samples, outlook, options, her2))]
    # The regimens are the final model's, whoever answers.
    builder = model.predictor.joiner.regimens
    if builder is None:
        raise ValueError("a model that knows regimens has lost them")
    conditioned, outlooks = {}, {}
    for regimen in regimens.asked:
        conditioned[regimen] = under(predictor, samples, regimens, regimen)
        never = regimens.never_given(builder, regimen)
        unseen = np.full(len(never), regimen not in regimens.names)
        raised = {REGIMEN_UNSEEN: unseen, REGIMEN_NOT_GIVEN: never & ~unseen}
        outlooks[regimen] = _outlook(predictor, drug, conditioned[regimen], options, raised)
    versus = regimens.compared_with(builder)
    predictions = {regimen: outlook.prediction for regimen, outlook in outlooks.items()}
    spread = {
        regimen: outlook.predictive
        for regimen, outlook in outlooks.items()
        if isinstance(outlook.predictive, PatientPredictive)
    }
    answers = []
    for regimen, outlook in outlooks.items():
        difference = differences(spread, predictions, versus, regimen, options.level)
        given = regimens.given(regimen).astype(object)
        given[regimens.own == ""] = None  # nobody knows
        cells = RegimenCells(regimen, given, versus, *difference)
        tables = _tables(model, drug, conditioned[regimen], outlook, options, her2, cells)
        rows = regimens.rows(regimen)
        if len(rows) < len(given):
            kept = pc.take(samples.ids, rows)
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
    """
    builder = predictor.joiner.regimens
    tables = [facts.iloc[:0]]
    by_sample = dict(tuple(facts.groupby("sample_id", sort=False)))
    for answer in answers:
        if builder is None or answer.regimen is None:
            continue
        scores = answer.tables["scores"]
        status = [regimens.status[row] for row in regimens.rows(answer.regimen)]
        for said, row in zip(status, scores.to_pylist(), strict=True):
            known = by_sample.get(row["sample_id"], facts.iloc[:0])
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
    return pd.concat(filled or tables[:1], ignore_index=True)[_COLUMNS]


def _outlook(
    predictor: PanelPredictor,
    drug: DrugModel,
    samples: Samples,
    options: ScoreOptions,
    raised: Mapping[Reason, np.ndarray] | None = None,
) -> Outlook:
    return outlook_of(
        predictor,
        drug,
        samples,
        level=options.level,
        her2_context=options.her2_context,
        call_at=options.call_at,
        raised=raised,
    )


def _tables(
    model: LoadedModel,
    drug: DrugModel,
    samples: Samples,
    outlook: Outlook,
    options: ScoreOptions,
    her2: pd.DataFrame,
    regimen: RegimenCells | None = None,
) -> dict[str, pa.Table]:
    """Rows of scores, explanations and mechanisms of some samples and one drug."""
    values = outlook.contributions.values
    columns = largest_measured(values, samples.to_name, samples.named.order, options.top_k)
    stability = stability_of(drug, samples, values, columns)
    name = None if regimen is None else regimen.name
    return {
        "scores": score_rows(model, drug, samples, outlook, stability.agreement, her2, regimen),
        "explanations": explanation_rows(drug, samples, values, columns, stability, name),
        "mechanisms": mechanism_rows(drug, samples, values, name),
    }
