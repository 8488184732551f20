"""Facts on changes of a drug's target: which of them decide over it, and what still works then.

They come from the tables of resistance variants and of hotspots. The former were found in certain
cells, which a sample may or may not be like.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np

from sidestep.features.knowledge.conditions import Term
from sidestep.features.knowledge.drugs import CONCENTRATION_TABLE, PlasmaConcentration
from sidestep.features.knowledge.rules import COMBINATION_TABLE
from sidestep.features.knowledge.variants import (
    HOTSPOT_TABLE,
    IN_FRAME,
    RESISTANCE_TABLE,
    SENSITIZING_TABLE,
    Hotspot,
    ResistanceVariant,
)
from sidestep.features.mechanisms.states import fusion_in
from sidestep.serving.evidence.facts import (
    NONE,
    OTHER_CONTEXT,
    RESISTANCE,
    SAME_TARGET,
    SENSITIVITY,
    SHOWN,
    Fact,
    joined,
)
from sidestep.serving.evidence.kinship import is_of_class, same_drug
from sidestep.serving.evidence.states import SampleStates

_DIRECTION = {"resistance": RESISTANCE, "sensitive": SENSITIVITY, "no effect": NONE}
# Loss of activity from which plasma has to make up for it, and from which nothing is expected to.
_WEAKER, _FAR_WEAKER = 10.0, 100.0
_RESISTANCE_TO = re.compile(r"resistance to (.+)$")
# Contexts of the table.
_BESIDE = re.compile(r"with ([A-Z]\d+[A-Z])$")
_NO_FUSION = "no fusion"
_SENSITIZED = "with a sensitizing mutation"


def variant_facts(states: SampleStates, drug: str) -> list[Fact]:
    """Facts of the table of resistance variants that apply to some samples and one drug.

    A row found beside a fusion is left out for a sample that is known to have none, and the other
    way round.
    """
    facts = []
    for variant in variants_of(drug):
        for row in states.carriers(variant.gene, variant.variant):
            strength = context_strength(states, variant, row)
            if strength:
                facts.append(_fact(states, drug, variant, row, strength))
    return facts


def hotspot_facts(states: SampleStates, drug: str) -> list[Fact]:
    """Facts of the hotspot table about resistance.

    Not of a sample's change that the table of resistance variants has for this very drug: that
    says more, also where it is silent because the sample contradicts the cells that were tested.
    """
    facts = []
    for spot in HOTSPOT_TABLE.load():
        strength = _hotspot_strength(spot, drug)
        if not strength:
            continue
        known = {
            row
            for variant in variants_of(drug)
            if variant.gene == spot.gene and spot.residue == variant.variant[:-1]
            for row in states.carriers(variant.gene, variant.variant)
        }
        statement = f"{spot.gene} {spot.change or f'changes at {spot.residue}'}: {spot.effect}"
        for row in states.carriers(spot.gene, spot.change or spot.residue):
            if row not in known:
                changes = [c for c in states.changes(spot.gene, row) if c[:-1] == spot.residue]
                shown = f"{spot.gene} {spot.change or '/'.join(changes) or spot.residue}"
                facts.append(
                    Fact(drug, row, shown, "variant", RESISTANCE, strength, statement, spot.source)
                )
    return facts


def resisting_changes(
    states: SampleStates, drug: str, facts: Sequence[Fact]
) -> dict[tuple[int, str], str]:
    """(sample, gene) -> the changes that make the drug fail there, or need more than plasma holds.

    Parameters
    ----------
    states : SampleStates
    drug : str
    facts : sequence of Fact
        About the drug, of variants and hotspots.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for fact in facts:
        if fact.direction == RESISTANCE:
            found.setdefault((fact.row, fact.shown.partition(" ")[0]), []).append(fact.shown)
    for variant in filter(_shortfall, variants_of(drug)):
        for row in states.carriers(variant.gene, variant.variant):
            if context_strength(states, variant, row):
                shown = f"{variant.gene} {variant.variant}"
                found.setdefault((row, variant.gene), []).append(shown)
    return {key: joined(shown, ", ") for key, shown in found.items()}


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
    return row in failing(states, drug)


def failing(states: SampleStates, drug: str) -> frozenset[int]:
    """Places of the samples that are known to make a drug fail (`is_known_to_fail`)."""
    if drug not in states.failing:
        states.failing[drug] = frozenset(
            row
            for variant in variants_of(drug)
            if variant.effect == "resistance"
            for row in states.carriers(variant.gene, variant.variant)
            if context_strength(states, variant, row)
        )
    return states.failing[drug]


def _is_sensitized(states: SampleStates, gene: str, row: int) -> bool:
    """Whether a sample carries a change that makes it sensitive to inhibitors of the gene."""
    return any(
        row in states.carriers(gene, known.change)
        if known.call != IN_FRAME
        else states.calls.resized(gene, known.change)[row] == 1.0
        for known in SENSITIZING_TABLE.load()
        if known.gene == gene
    )


def _fact(
    states: SampleStates, drug: str, variant: ResistanceVariant, row: int, strength: str
) -> Fact:
    fusion = states.fusion(variant.gene, row)
    measured, shortfall = _concentrations(variant), _shortfall(variant)
    plasma, plasma_source = _plasma(drug) if measured else ("", "")
    tested = f"Tested in: {variant.context}" if variant.context else ""
    resists = variant.effect == "resistance"
    return Fact(
        drug=drug,
        row=row,
        shown=f"{variant.gene} {variant.variant}" + (f" with {fusion}" if fusion else ""),
        kind="variant",
        direction=NONE if shortfall else _DIRECTION[variant.effect],
        strength=strength,
        statement=joined([variant.statement, measured, plasma, shortfall, tested], ". "),
        source=joined([variant.source, plasma_source]),
        alternatives=_alternatives(states, drug, variant, row) if resists else "",
    )


def _concentrations(variant: ResistanceVariant) -> str:
    """Concentrations of a row, in words; empty where it has none."""
    sign = "" if variant.relation in ("", "=") else f"{variant.relation} "
    parts = []
    if variant.ic50 is not None:
        parts.append(f"IC50 {sign}{variant.ic50:g} {variant.unit}")
    if variant.reference_ic50 is not None:
        parts.append(f"{variant.reference_ic50:g} {variant.unit} without the change")
    if variant.fold is not None:
        digits = ".0f" if variant.fold >= 10 else ".1f"
        parts.append(f"{sign}{variant.fold:{digits}}-fold")
    return joined(parts, ", ")


@functools.cache
def _concentration(drug: str) -> PlasmaConcentration | None:
    """What plasma reaches of a drug, by whatever name."""
    rows = (row for name, row in CONCENTRATION_TABLE.load().items() if same_drug(drug, name))
    return next(rows, None)


def _plasma(drug: str) -> tuple[str, str]:
    """What plasma reaches, in words, and the source; empty where the table does not say."""
    found = _concentration(drug)
    if found is None:
        return "", ""
    of_it = "nM free" if found.free is not None else "nM in all"
    return f"Plasma: {found.level:g} {of_it} ({found.measured})", found.source


def _shortfall(variant: ResistanceVariant) -> str:
    """Why a drug that stays active against a change in culture may not be so in a patient.

    It takes ten times as much or more, as far as that is known, and plasma does not hold more than
    that. Where nothing is known of plasma, it takes a hundred times as much or more.

    Returns
    -------
    str
        Empty where nothing counts against the drug.
    """
    if variant.effect != "sensitive" or variant.ic50 is None:
        return ""
    fold, plasma = variant.fold, _concentration(variant.drug)
    needed = f"{fold:.0f} times as much is needed as without the change" if fold is not None else ""
    if plasma is None:
        return f"No promise: {needed}" if fold is not None and fold >= _FAR_WEAKER else ""
    if variant.ic50 < plasma.level or (fold is not None and fold < _WEAKER):
        return ""
    reached = f"{variant.ic50:g} nM is not below the {plasma.level:g} nM that plasma holds"
    return f"No promise: {joined([needed, reached], ', and ')}"


def _alternatives(states: SampleStates, drug: str, variant: ResistanceVariant, row: int) -> str:
    """Drugs that a rule names for this sample, and those that the variant leaves active.

    Without those that another change of the sample makes fail, or that plasma does not hold enough
    of.
    """
    partners = [
        rule.partner
        for rule in COMBINATION_TABLE.load()
        if any(same_drug(drug, name) for name in rule.resisted)
        and any((t.name, t.change) == (variant.gene, variant.variant) for t in rule.condition.terms)
        and states.meets(rule.condition)[row]
    ]
    active = [
        other.drug
        for other in RESISTANCE_TABLE.load()
        if (other.gene, other.variant) == (variant.gene, variant.variant)
        and not same_drug(other.drug, drug)
        and context_strength(states, other, row)
        and not _shortfall(other)
    ]
    named = [*partners, *active]
    return joined(name for name in named if not is_known_to_fail(states, name, row))


@functools.cache
def _hotspot_strength(spot: Hotspot, drug: str) -> str:
    """How near the drug is to those that a hotspot's effect names; empty if it names others."""
    match = _RESISTANCE_TO.search(spot.effect)
    if not match:
        return ""
    named = [part.strip() for part in re.split(r",| and ", match.group(1))]
    if named[-1].endswith(" inhibitors"):  # "MEK and RAF inhibitors"
        named = [part if " " in part else f"{part} inhibitors" for part in named]
    if any(same_drug(drug, part) for part in named):
        return SHOWN
    return SAME_TARGET if any(is_of_class(drug, part) for part in named) else ""
