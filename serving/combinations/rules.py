"""Rules about partner drugs that apply to a sample that a drug may fail in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.rules import COMBINATION_TABLE, Combination
from sidestep.serving.evidence.facts import OTHER_CONTEXT, SAME_TARGET, SHOWN
from sidestep.serving.evidence.kinship import kinship, same_drug
from sidestep.serving.evidence.rules import PROTEIN_CHANGE
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.evidence.variants import context_strength, variants_of


@dataclass(frozen=True)
class RuleMatch:
    """A rule that applies to one sample and one drug.

    Attributes
    ----------
    rule : Combination
    relation : str
        ``"shown"`` if the rule is about this very drug, ``"same target"`` if about another one of
        its target or class (`serving.evidence.kinship.kinship`).
    shown : str
        What the sample shows, in words.
    in_context : bool
        Whether the sample is known to be like the cells that the rule was found in.
    """

    rule: Combination
    relation: str
    shown: str
    in_context: bool

    @property
    def on_protein_change(self) -> bool:
        """Whether the rule is about a change of the drug's target, and not about a mechanism."""
        return _on_protein_change(self.rule.condition)

    @property
    def tried(self) -> bool:
        """Whether these very drugs were tried together."""
        return self.relation == SHOWN and self.rule.evidence == SHOWN

    @property
    def evidence(self) -> str:
        """``"shown"``, ``"same target"`` or ``"other context"``, as a fact's strength."""
        if not self.in_context:
            return OTHER_CONTEXT
        return SHOWN if self.tried else SAME_TARGET


def rules_about(
    drug: str, rules: Sequence[Combination] | None = None
) -> list[tuple[Combination, str]]:
    """Rules about a drug, in the order of the table, each with its kinship to those tested.

    Of the rules with one condition those about the very drug count, and those about another one
    of its target only where there are none. A rule about a protein change counts for the very
    drug alone, because such changes set drugs of one target apart.

    Parameters
    ----------
    drug : str
    rules : sequence of Combination, optional
        Those of the table by default.
    """
    related = [(rule, kinship(drug, rule.resisted)) for rule in rules or COMBINATION_TABLE.load()]
    direct = {rule.condition.text for rule, relation in related if relation == SHOWN}
    return [
        (rule, relation)
        for rule, relation in related
        if not (rule.partner and same_drug(drug, rule.partner))
        and (relation == SHOWN or (relation == SAME_TARGET and _may_be_carried_over(rule, direct)))
    ]


def rule_matches(states: SampleStates, drug: str) -> dict[int, list[RuleMatch]]:
    """Place of a sample -> rules about a drug that apply to it, in the order of the table.

    The rules without a protein change come from HER2-positive cells: any other sample has another
    context. A sample with a protein change has the context of the rule if it has that of a row of
    the table of resistance variants, by which the change makes the drug fail.
    """
    found: dict[int, list[RuleMatch]] = {}
    positive = states.her2_positive
    for rule, relation in rules_about(drug):
        for row in map(int, np.flatnonzero(states.meets(rule.condition))):
            if _on_protein_change(rule.condition):
                in_context = _fails_by_it(states, drug, rule.condition, row)
            else:
                in_context = bool(positive[row])
            shown = states.description(rule.condition, row)
            found.setdefault(row, []).append(RuleMatch(rule, relation, shown, in_context))
    return found


def not_measured(states: SampleStates, drug: str) -> dict[str, set[str]]:
    """Condition of a rule about a drug -> samples of which it is unknown whether they meet it.

    Of the rules that name a partner, and only where what was measured leaves it open.
    """
    unmeasured = {}
    for rule, _ in rules_about(drug):
        shown = np.array([states.shows(term) for term in rule.condition.terms])
        unknown = np.isnan(shown).any(axis=0) & ~(shown == 0.0).any(axis=0)
        if rule.partner and unknown.any():
            unmeasured[rule.condition.text] = set(map(str, states.samples[unknown]))
    return unmeasured


def _may_be_carried_over(rule: Combination, direct: set[str]) -> bool:
    return rule.condition.text not in direct and not _on_protein_change(rule.condition)


def _on_protein_change(condition: Condition) -> bool:
    return any(PROTEIN_CHANGE.fullmatch(term.change) for term in condition.terms)


def _fails_by_it(states: SampleStates, drug: str, condition: Condition, row: int) -> bool:
    """Whether a sample is like cells in which a condition's protein change made a drug fail."""
    changes = {(term.name, term.change) for term in condition.terms}
    return any(
        variant.effect == "resistance"
        and (variant.gene, variant.variant) in changes
        and context_strength(states, variant, row) == SHOWN
        for variant in variants_of(drug)
    )
