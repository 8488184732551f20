"""What the literature knows about each sample and drug: the second witness beside the model.

Facts come from the tables of ``features/knowledge``, from larger databases where a user gives them,
and from a user's own assays. The model learns from none of them; whether it agrees stands in a
column of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

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
    SENSITIVITY,
    STRENGTHS,
    Fact,
)
from sidestep.serving.evidence.gene_sets import gene_set_facts
from sidestep.serving.evidence.rules import marker_facts, pik3ca_facts, receptor_facts, rule_facts
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.evidence.variants import hotspot_facts, resisting_changes, variant_facts

if TYPE_CHECKING:
    from pandas.api.extensions import ExtensionArray

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
_LEANINGS = {"resistant": RESISTANCE, "sensitive": SENSITIVITY, "abstain": NONE}


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
    return _rows(list(dict.fromkeys(facts)), states.samples, drugs, views)


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
    return _agreement(direction, _leaning(call, percentile))


def _leaning(call: str, percentile: float) -> str:
    """Direction that the model leans to; none where it abstains or is between."""
    if call in _LEANINGS:
        return _LEANINGS[call]
    if percentile >= _LEANS_RESISTANT:
        return RESISTANCE
    return SENSITIVITY if percentile <= _LEANS_SENSITIVE else NONE


def _agreement(direction: str, leaning: str) -> str:
    if NONE in (direction, leaning):
        return SILENT
    return AGREES if leaning == direction else CONFLICTS


def _rows(
    facts: Sequence[Fact], samples: pd.Index, drugs: Sequence[str], views: Mapping[str, View]
) -> pd.DataFrame:
    """One row a fact, in the order of `evidence_rows`."""
    leanings = {
        drug: [_leaning(str(call), at) for call, at in zip(view.call, view.percentile, strict=True)]
        for drug, view in views.items()
    }
    agreements = [
        SILENT
        if fact.drug not in leanings or fact.strength == MEASURED_OTHERWISE
        else _agreement(fact.direction, leanings[fact.drug][fact.row])
        for fact in facts
    ]
    rows = np.array([fact.row for fact in facts], dtype=np.intp)
    ordered = {
        "drug": _Texts.of([fact.drug for fact in facts], drugs),
        "direction": _Texts.of([fact.direction for fact in facts], DIRECTIONS),
        "strength": _Texts.of([fact.strength for fact in facts], STRENGTHS),
        "kind": _Texts.of([fact.kind for fact in facts], KINDS),
        "fact": _Texts.of([fact.shown for fact in facts]),
        "source": _Texts.of([fact.source for fact in facts]),
        "statement": _Texts.of([fact.statement for fact in facts]),
    }
    order = np.lexsort([*(texts.codes for texts in reversed(ordered.values())), rows])
    columns = {name: texts.taken(order) for name, texts in ordered.items()}
    alternatives = _Texts.of([fact.alternatives for fact in facts])
    columns["alternatives"] = alternatives.taken(order, missing="")
    columns["agreement"] = _Texts.of(agreements).taken(order)
    columns["sample_id"] = samples.astype("str").array.take(rows[order])
    columns["regimen"] = pd.array([None] * len(facts), dtype="str")
    return pd.DataFrame(columns, columns=_COLUMNS)


@dataclass(frozen=True)
class _Texts:
    """Texts of which few differ: each once, and which of them each place has."""

    each: Sequence[str]
    codes: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], each: Sequence[str] | None = None) -> Self:
        """Texts, and in which order they are to be: that of the alphabet by default."""
        known = sorted(set(texts)) if each is None else each
        code = {text: place for place, text in enumerate(known)}
        return cls(known, np.array([code[text] for text in texts], dtype=np.intp))

    def taken(self, order: np.ndarray, missing: str | None = None) -> ExtensionArray:
        """The texts in an order, without the one that stands for none."""
        each = [None if text == missing else text for text in self.each]
        return pd.array(each, dtype="str").take(self.codes[order])
