"""What the literature knows about each sample and drug: the second witness beside the model.

Facts come from the tables of ``features/knowledge``, from larger databases where a user gives them,
and from a user's own assays. The model learns from none of them; whether it agrees stands in a
column of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.study.study import Study
from sidestep.models.predictor.gene_sets import GeneSetStanding
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.evidence.civic import civic_facts
from sidestep.serving.evidence.facts import (
    DIRECTIONS,
    KINDS,
    MEASURED_OTHERWISE,
    NONE,
    RESISTANCE,
    STRENGTHS,
    Fact,
)
from sidestep.serving.evidence.gene_sets import gene_set_facts
from sidestep.serving.evidence.rules import marker_facts, pik3ca_facts, receptor_facts, rule_facts
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.evidence.variants import hotspot_facts, resisting_changes, variant_facts

if TYPE_CHECKING:
    from sidestep.serving.evidence.measured import MeasuredFindings

#: Columns of the evidence and their types.
EVIDENCE = pa.schema(
    {
        "sample_id": pa.string(),
        "drug": pa.string(),
        "regimen": pa.string(),
        "fact": pa.string(),
        "kind": pa.string(),
        "direction": pa.string(),
        "strength": pa.string(),
        "statement": pa.string(),
        "alternatives": pa.string(),
        "agreement": pa.string(),
        "source": pa.string(),
    }
)
_COLUMNS: list[str] = EVIDENCE.names
AGREES, CONFLICTS, SILENT = "agrees", "conflicts", "silent"
#: An uncertain prediction leans to a side in the outer quarters of the training lines.
_LEANS_RESISTANT, _LEANS_SENSITIVE = 75.0, 25.0


class View(Protocol):
    """The model's view of some samples and one drug, such as `serving.scoring.outlook.Outlook`."""

    @property
    def call(self) -> np.ndarray:
        """``resistant``, ``sensitive``, ``uncertain`` or ``abstain``, (n_samples,)."""

    @property
    def percentile(self) -> np.ndarray:
        """0 most sensitive ... 100 most resistant, NaN where unknown, (n_samples,)."""


def evidence_rows(
    study: Study,
    predictor: PanelPredictor,
    drugs: Sequence[str],
    views: Mapping[str, View],
    civic: pd.DataFrame | None = None,
    gene_sets: GeneSetStanding | None = None,
    measured: MeasuredFindings | None = None,
) -> pd.DataFrame:
    """Known facts that apply to some samples and drugs, each with its source.

    Parameters
    ----------
    study : Study
        The samples, and no others.
    predictor : PanelPredictor
        Its training lines define what is high.
    drugs : sequence of str
        Any drugs' names, those of the panel among them.
    views : mapping of str to View
        Drug -> the model's view of the samples of `study`, in their order. Without an entry the
        model is silent.
    civic : DataFrame, optional
        As `serving.evidence.civic.read_civic` returns.
    gene_sets : GeneSetStanding, optional
        Where the samples of `study` stand, in their order.
    measured : MeasuredFindings, optional
        What a user's assays found; the model is silent where they had a condition that it does
        not know.

    Returns
    -------
    DataFrame
        With the columns of `EVIDENCE`: one row a sample, drug and fact (`Fact` says what the
        columns mean), samples and drugs in the order given; of one sample and drug resistance
        comes first, then sensitivity, then what points neither way, the nearest evidence first.
        `agreement` is as `agreement` returns.
    """
    states = SampleStates(study, predictor.mechanisms)
    facts = [fact for drug in drugs for fact in drug_facts(states, drug, civic, gene_sets)]
    if measured is not None:
        names = [str(name) for name in states.samples]
        facts += [fact for drug in drugs for fact in measured.facts(names, drug)]
    table = _rows(facts, states.samples, views)
    places = {drug: place for place, drug in enumerate(drugs)}
    keys = {
        "row": table["row"],
        "place": table["drug"].map(places),
        "direction": table["direction"].map(DIRECTIONS.index),
        "strength": table["strength"].map(STRENGTHS.index),
        "kind": table["kind"].map(KINDS.index),
        **{name: table[name] for name in ("fact", "source", "statement")},
    }
    order = pd.DataFrame(keys).sort_values(list(keys), kind="stable").index
    return table.loc[order, _COLUMNS].drop_duplicates(ignore_index=True)


def drug_facts(
    states: SampleStates,
    drug: str,
    civic: pd.DataFrame | None = None,
    gene_sets: GeneSetStanding | None = None,
) -> list[Fact]:
    """All facts about one drug that apply to some samples."""
    variants = variant_facts(states, drug) + hotspot_facts(states, drug)
    facts = variants + rule_facts(states, drug)
    overruled = resisting_changes(states, drug, variants)
    facts += marker_facts(states, drug, overruled)
    facts += receptor_facts(states, drug)
    facts += pik3ca_facts(states, drug, facts)
    facts += gene_set_facts(states, drug, gene_sets)
    return facts + civic_facts(states, drug, civic, overruled)


def agreement(direction: str, call: str, percentile: float) -> str:
    """Whether the model agrees with a fact.

    A fact that points neither way is silent, and so is a model that abstains. A call of resistant
    or sensitive agrees with a fact of its direction and conflicts with one of the other. Where
    the call is uncertain, the model leans to resistant from the 75th percentile of the training
    lines on, to sensitive up to the 25th, and is silent between.

    Examples
    --------
    >>> agreement("resistance", "uncertain", 90.0), agreement("resistance", "sensitive", 10.0)
    ('agrees', 'conflicts')
    >>> agreement("none", "resistant", 99.0)
    'silent'
    """
    if direction == NONE or call == "abstain":
        return SILENT
    leans = {"resistant": True, "sensitive": False}.get(call)
    if leans is None:
        if not (percentile >= _LEANS_RESISTANT or percentile <= _LEANS_SENSITIVE):
            return SILENT
        leans = percentile >= _LEANS_RESISTANT
    return AGREES if leans == (direction == RESISTANCE) else CONFLICTS


def _rows(facts: Iterable[Fact], samples: pd.Index, views: Mapping[str, View]) -> pd.DataFrame:
    """One row a fact, with the sample's place as `row`."""
    cells = [
        (
            fact.row,
            str(samples[fact.row]),
            fact.drug,
            None,
            fact.shown,
            fact.kind,
            fact.direction,
            fact.strength,
            fact.statement,
            fact.alternatives or None,
            _agreement(fact, views.get(fact.drug)),
            fact.source,
        )
        for fact in facts
    ]
    return pd.DataFrame(cells, columns=["row", *_COLUMNS]).astype(dict.fromkeys(_COLUMNS, "str"))


def _agreement(fact: Fact, view: View | None) -> str:
    if view is None or fact.strength == MEASURED_OTHERWISE:
        return SILENT
    return agreement(fact.direction, str(view.call[fact.row]), float(view.percentile[fact.row]))
