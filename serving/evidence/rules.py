"""Facts on mechanisms that a sample shows: known to make a drug fail, or to change nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from sidestep.features.knowledge.conditions import Condition, Term
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.knowledge.rules import COMBINATION_TABLE, MARKER_TABLE, Combination
from sidestep.features.knowledge.variants import PIK3CA_TABLE, Pik3caVariant
from sidestep.serving.evidence.facts import (
    NONE,
    OTHER_CONTEXT,
    RESISTANCE,
    SAME_TARGET,
    SHOWN,
    Fact,
    joined,
)
from sidestep.serving.evidence.kinship import is_her2_drug, kinship
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.evidence.variants import is_known_to_fail

_KIND = {"mutation": "variant", "fusion": "fusion", "amplified": "amplification", "loss": "state"}
_ROLES = ("no effect", "better outcome")
PROTEIN_CHANGE = re.compile(r"[A-Z]\d+[A-Z]")


def rule_facts(states: SampleStates, drug: str) -> list[Fact]:
    """Facts of the combination rules: a mechanism, and what restores the response.

    The rules of one condition are one fact. A rule about the very drug comes before those about
    another of its target. Conditions on a protein change are left to the table of variants, which
    has more on them. The rules come from HER2-positive cells: any other sample has another context.
    """
    grouped: dict[str, dict[str, list[Combination]]] = {}
    for rule in COMBINATION_TABLE.load():
        relation = kinship(drug, rule.resisted)
        if relation and not any(PROTEIN_CHANGE.fullmatch(t.change) for t in rule.condition.terms):
            grouped.setdefault(rule.condition.text, {}).setdefault(relation, []).append(rule)
    facts = []
    for by_kinship in grouped.values():
        relation = SHOWN if SHOWN in by_kinship else SAME_TARGET
        facts += _facts_of_rules(states, drug, by_kinship[relation], relation)
    return facts


def marker_facts(
    states: SampleStates, drug: str, overruled: Mapping[tuple[int, str], str]
) -> list[Fact]:
    """Facts of the marker table.

    Parameters
    ----------
    states : SampleStates
    drug : str
    overruled : mapping
        (sample, gene) -> changes of that gene that make the drug fail. What the gene would
        otherwise promise then points neither way.
    """
    facts = []
    for marker in MARKER_TABLE.load():
        if kinship(drug, marker.drugs) != SHOWN:
            continue
        genes = [term.name for term in marker.condition.terms]
        for row in _places(states.meets(marker.condition)):
            against = joined([overruled.get((row, gene), "") for gene in genes], ", ")
            undone = bool(against) and marker.direction != RESISTANCE
            note = f"Overruled here by {against}" if undone else ""
            facts.append(
                Fact(
                    drug=drug,
                    row=row,
                    shown=states.description(marker.condition, row),
                    kind=_kind(marker.condition),
                    direction=NONE if undone else marker.direction,
                    strength=SHOWN,
                    statement=joined([marker.statement, note], ". "),
                    source=marker.source,
                )
            )
    return facts


def receptor_facts(states: SampleStates, drug: str) -> list[Fact]:
    """High receptors that were looked at in HER2-positive disease, and make no HER2 drug fail.

    Those with a rule of their own are left to `rule_facts`.
    """
    if not is_her2_drug(drug):
        return []
    ruled = {rule.condition.text for rule in COMBINATION_TABLE.load()}
    facts = []
    for gene, rtk in RTK_TABLE.load().items():
        condition = Condition(f"high:{gene}", (Term("high", "gene", gene),))
        if rtk.role in _ROLES and condition.text not in ruled:
            for row in _places(states.meets(condition)):
                facts.append(
                    Fact(
                        drug=drug,
                        row=row,
                        shown=states.description(condition, row),
                        kind=_kind(condition),
                        direction=NONE,
                        strength=in_context(states, row, SAME_TARGET),
                        statement=rtk.statement,
                        source=rtk.source,
                    )
                )
    return facts


def pik3ca_facts(states: SampleStates, drug: str, others: Sequence[Fact]) -> list[Fact]:
    """Facts on a sample's PIK3CA change, where none of the `others` is about it.

    Of HER2 drugs only.
    """
    if not is_her2_drug(drug):
        return []
    known = {f.row for f in others if f.kind == "variant" and f.shown.startswith("PIK3CA")}
    changes: dict[str, list[Pik3caVariant]] = {}
    for variant in PIK3CA_TABLE.load():
        changes.setdefault(variant.variant, []).append(variant)
    return [
        Fact(
            drug=drug,
            row=row,
            shown=f"PIK3CA {change} ({variants[0].strength})",
            kind="variant",
            direction=NONE,
            strength=in_context(states, row, SAME_TARGET),
            statement=joined([variant.statement for variant in variants], ". "),
            source=joined([variant.source for variant in variants]),
        )
        for change, variants in changes.items()
        for row in states.carriers("PIK3CA", change)
        if row not in known
    ]


def _facts_of_rules(
    states: SampleStates, drug: str, rules: Sequence[Combination], relation: str
) -> list[Fact]:
    """One fact of the rules of one condition, of each sample that meets it."""
    first = rules[0]
    rows = _places(states.meets(first.condition))
    if not rows:
        return []
    fails = any(rule.direction != "no effect" for rule in rules)
    shown_first = sorted(rules, key=lambda rule: rule.evidence != "shown")
    partners = [rule.partner for rule in shown_first if fails and rule.partner]
    tested = f"Tested with {', '.join(first.resisted)}" if relation == SAME_TARGET else ""
    statement = joined([_statement(first), tested, f"Caveat: {first.caveat}"], ". ")
    source = joined([rule.source for rule in rules])
    return [
        Fact(
            drug=drug,
            row=row,
            shown=states.description(first.condition, row),
            kind=_kind(first.condition),
            direction=RESISTANCE if fails else NONE,
            strength=in_context(states, row, relation),
            statement=statement,
            source=source,
            alternatives=joined(p for p in partners if not is_known_to_fail(states, p, row)),
        )
        for row in rows
    ]


def _statement(rule: Combination) -> str:
    """The statement of a rule; of a receptor that rescues cells, that of the receptor table."""
    receptor = RTK_TABLE.load().get(rule.condition.text.removeprefix("high:"))
    return receptor.statement if receptor and receptor.rescues else rule.statement


def in_context(states: SampleStates, row: int, strength: str) -> str:
    """Strength, for a sample, of a finding in HER2-positive cells."""
    return strength if states.her2_positive[row] else OTHER_CONTEXT


def _kind(condition: Condition) -> str:
    """Kind of a condition's first term."""
    term = condition.terms[0]
    if term.state == "high":
        return "expression" if term.measure == "gene" else term.measure
    return _KIND[term.state]


def _places(met: np.ndarray) -> list[int]:
    found: list[int] = np.flatnonzero(met).tolist()
    return found
