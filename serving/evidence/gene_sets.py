"""Facts on gene sets of larger databases that a sample is extreme in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sidestep.features.groups import LINEAGE_COLUMNS
from sidestep.features.knowledge.gene_sets import (
    DATABASES,
    GENE_SET_FACT_TABLE,
    HALLMARK,
    TOP,
    GeneSetFact,
)
from sidestep.models.predictor.gene_sets import GeneSetStanding
from sidestep.serving.evidence.facts import OTHER_CONTEXT, SAME_TARGET, Fact, joined
from sidestep.serving.evidence.kinship import is_her2_drug, kinship
from sidestep.serving.evidence.rules import in_context
from sidestep.serving.evidence.states import SampleStates


def gene_set_facts(states: SampleStates, drug: str, standing: GeneSetStanding | None) -> list[Fact]:
    """Facts of `features.knowledge.gene_sets` that apply to some samples and one drug.

    What is known of HER2 drugs comes from HER2-positive cells, and other findings come from one
    tissue, or from cells that carried a change: any other sample, or one of which that is not
    recorded, has another context.

    Parameters
    ----------
    states : SampleStates
    drug : str
    standing : GeneSetStanding or None
        Of the same samples; None without a database.
    """
    if standing is None:
        return []
    return [
        _fact(states, drug, row, known, relation, place, standing)
        for known in GENE_SET_FACT_TABLE.load()
        if (relation := kinship(drug, known.drugs, known.target))
        for place, gene_set in enumerate(standing.sets)
        if known.is_about(gene_set)
        for row in map(int, np.flatnonzero(_shown(known, standing)[:, place]))
    ]


def _shown(known: GeneSetFact, standing: GeneSetStanding) -> np.ndarray:
    return standing.top if known.decile == TOP else standing.bottom


def _fact(
    states: SampleStates,
    drug: str,
    row: int,
    known: GeneSetFact,
    relation: str,
    place: int,
    standing: GeneSetStanding,
) -> Fact:
    gene_set = standing.sets[place]
    side, share = ("above", standing.below) if known.decile == TOP else ("below", standing.above)
    strength = in_context(states, row, relation) if is_her2_drug(drug) else relation
    elsewhere = bool(known.tissue) and not _is_of(states, row, known.tissue)
    if elsewhere or (known.condition and not states.meets(known.condition)[row]):
        strength = OTHER_CONTEXT
    tested = f"Tested with {', '.join(known.drugs)}" if relation == SAME_TARGET else ""
    read = f"Read here from the {standing.genes[row, place]} genes of the {gene_set.database} set"
    return Fact(
        drug=drug,
        row=row,
        shown=f"{gene_set.name} {side} {100 * share[row, place]:.0f} % of the training lines",
        kind="signature" if gene_set.database == HALLMARK else "pathway",
        direction=known.direction,
        strength=f"{gene_set.database} {strength}",
        statement=joined([known.statement, tested, read], ". "),
        source=joined([known.source, DATABASES[gene_set.database]]),
    )


def _is_of(states: SampleStates, row: int, tissue: Sequence[str]) -> bool:
    """Whether one of the words stands in what is recorded of a sample's lineage or cancer."""
    clinical = states.study.clinical
    recorded = [
        str(clinical[column].get(states.samples[row], "")).casefold()
        for column in LINEAGE_COLUMNS
        if column in clinical
    ]
    return any(word in text for word in tissue for text in recorded)
