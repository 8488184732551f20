"""Which rows of the table of resistance variants apply to a sample, and which drugs fail by it?"""

from __future__ import annotations

import functools
import re

import numpy as np

from sidestep.features.knowledge.conditions import Term
from sidestep.features.knowledge.variants import (
    IN_FRAME,
    RESISTANCE_TABLE,
    SENSITIZING_TABLE,
    ResistanceVariant,
)
from sidestep.features.mechanisms.states import fusion_in
from sidestep.serving.evidence.facts import OTHER_CONTEXT, SHOWN
from sidestep.serving.evidence.kinship import same_drug
from sidestep.serving.evidence.states import SampleStates

_BESIDE = re.compile(r"with ([A-Z]\d+[A-Z])$")
_NO_FUSION = "no fusion"
_SENSITIZED = "with a sensitizing mutation"


@functools.cache
def variants_of(drug: str) -> tuple[ResistanceVariant, ...]:
    """Rows of the table about one drug, by whatever name."""
    return tuple(row for row in RESISTANCE_TABLE.load() if same_drug(drug, row.drug))


def context_strength(states: SampleStates, variant: ResistanceVariant, row: int) -> str:
    """How a sample fits the cells that were tested; empty where it contradicts them.

    A sample that is known to have no fusion contradicts cells that had one, and the other way
    round.
    """
    context = variant.context
    if not context:
        return SHOWN
    kinase = fusion_in(context)
    if kinase or _NO_FUSION in context:
        state = states.shows(Term("fusion", "gene", kinase or variant.gene))[row]
        if np.isnan(state):
            return OTHER_CONTEXT
        if (state == 1.0) != bool(kinase):
            return ""
        partner = context.partition("-")[0] if "-" in context else ""
        named = not partner or partner in re.split("[-/]", states.fusion(kinase, row))
        return SHOWN if named else OTHER_CONTEXT
    beside = _BESIDE.search(context)
    if beside:
        met = beside.group(1) in states.changes(variant.gene, row)
    else:
        met = context == _SENSITIZED and _is_sensitized(states, variant.gene, row)
    return SHOWN if met else OTHER_CONTEXT


def is_known_to_fail(states: SampleStates, drug: str, row: int) -> bool:
    """Whether a sample carries a change that makes a drug fail, in cells that it may be like."""
    return any(
        variant.effect == "resistance"
        and row in states.carriers(variant.gene, variant.variant)
        and bool(context_strength(states, variant, row))
        for variant in variants_of(drug)
    )


def _is_sensitized(states: SampleStates, gene: str, row: int) -> bool:
    """Whether a sample carries a change that makes it sensitive to inhibitors of the gene."""
    return any(
        row in states.carriers(gene, known.change)
        if known.call != IN_FRAME
        else states.calls.resized(gene, known.change)[row] == 1.0
        for known in SENSITIZING_TABLE.load()
        if known.gene == gene
    )
