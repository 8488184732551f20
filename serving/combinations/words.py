"""Plain sentences on why a partner drug is named, and on what that does not mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sidestep.features.knowledge.conditions import Condition, Term
from sidestep.features.knowledge.drugs import find_drug
from sidestep.serving.combinations.rules import RuleMatch
from sidestep.serving.combinations.views import DrugView
from sidestep.serving.evidence.facts import OTHER_CONTEXT, SAME_TARGET, joined

NO_SYNERGY = "No synergy is claimed: the model predicts each drug by itself"
_FOUND = {
    ("restores", True): "{partner} restored the response to {drug} in such cells",
    ("restores", False): "{partner} may restore the response to {drug}, going by another drug of "
    "the same target",
    ("stays active", True): "{partner} stays active in such cells where {drug} fails",
    ("stays active", False): "{partner} may stay active where {drug} fails, going by another drug "
    "of the same target",
    ("no partner known", True): "this goes with failure of {drug}, and no partner is known",
    ("no partner known", False): "this goes with failure of another drug of the same target, and "
    "no partner is known",
    ("no effect", True): "this was tried and does not make {drug} fail, so no partner follows",
    ("no effect", False): "this was tried and does not make another drug of the same target fail, "
    "so no partner follows",
}
_CALLS = {
    "sensitive": "calls the sample sensitive to",
    "resistant": "calls the sample resistant to",
    "uncertain": "is uncertain of",
    "abstain": "abstains on",
}


def reason_of_rules(
    matches: Sequence[RuleMatch], drug: str, partner: str, view: DrugView | None
) -> str:
    """Why rules name a partner, and the model's view of it; or why they name none.

    Parameters
    ----------
    matches : sequence of RuleMatch
        Of one partner and direction.
    drug : str
        The one that fails.
    partner : str
        Empty where the rules name none.
    view : DrugView or None
        Of the model on the partner; None outside its panel.
    """
    tried = any(match.tried for match in matches)
    found = _FOUND[matches[0].rule.direction, tried].format(drug=drug, partner=partner)
    mechanism = joined([match.shown for match in matches], "; ")
    statements = [match.rule.statement for match in matches]
    prediction = model_sentence(partner, view) if partner else ""
    return joined([f"{mechanism}: {found}", *statements, prediction], ". ")


def caveat_of_rules(matches: Sequence[RuleMatch], drug: str, against: Sequence[str]) -> str:
    """What does not follow from the rules.

    Parameters
    ----------
    matches, drug
        As for `reason_of_rules`.
    against : sequence of str
        What counts against the partner in this sample.
    """
    related = [match.rule for match in matches if match.relation == SAME_TARGET]
    tested = dict.fromkeys(name for rule in related for name in rule.resisted)
    elsewhere = [match for match in matches if match.evidence == OTHER_CONTEXT]
    beside = any(match.on_protein_change for match in elsewhere)
    by_mechanism = any(not match.on_protein_change for match in elsewhere)
    return joined(
        [
            *against,
            *(match.rule.caveat for match in matches),
            f"Tested with {', '.join(tested)}, not with {drug}" if tested else "",
            "Found in HER2-positive cells, and this sample is not known to be HER2-positive"
            if by_mechanism
            else "",
            "Found in cells that carried more than this change, or of one kind, which this sample "
            "is not known to be like"
            if beside
            else "",
            NO_SYNERGY,
        ],
        ". ",
    )


def reason_of_model(drug: str, partner: str, view: DrugView) -> str:
    """Why the model alone names a drug that hits something else."""
    known = find_drug(partner)
    named = partner if known is None else f"{partner} ({known.drug_class})"
    return joined(
        [
            f"No rule names it: of the panel's drugs without a target of {drug}, {named} is among "
            "those that the model predicts the sample to be most sensitive to",
            model_sentence(partner, view),
        ],
        ". ",
    )


def caveat_of_model(drug: str, against: Sequence[str]) -> str:
    """What does not follow from the model alone; `against` as for `caveat_of_rules`."""
    return joined(
        [
            *against,
            "By the model only, which learned from one drug at a time",
            f"No rule in Sidestep's tables names it where {drug} fails",
            NO_SYNERGY,
        ],
        ". ",
    )


def model_sentence(partner: str, view: DrugView | None) -> str:
    """The model's view of a partner, in a sentence.

    >>> model_sentence("Everolimus", DrugView(-5.0, 7.6, "sensitive", 0.5))
    'The model calls the sample sensitive to Everolimus (resistance percentile 8)'
    """
    if view is None:
        return f"{partner} is not in the model's panel"
    place = f" (resistance percentile {view.percentile:.0f})" if view.called else ""
    return f"The model {_CALLS[view.call]} {partner}{place}"


def partner_view(row: Mapping[str, Any]) -> str:
    """The call on the partner of a row of the table, and its percentile where there is a call."""
    if not row["partner_in_panel"]:
        return "not in the panel"
    percentile = row["partner_percentile"]
    if row["partner_call"] == "abstain" or percentile is None or math.isnan(percentile):
        return str(row["partner_call"])
    return f"{row['partner_call']}, percentile {percentile:.0f}"


def condition_words(condition: Condition) -> str:
    """What a condition asks for.

    >>> from features.knowledge.conditions import parse_condition
    >>> condition_words(parse_condition("high:signature:caf + not:mutation:PIK3CA:strong"))
    'high caf signature, no PIK3CA strong mutation'
    """
    return ", ".join(f"{'' if term.holds else 'no '}{_term(term)}" for term in condition.terms)


def _term(term: Term) -> str:
    match term.state:
        case "high":
            return f"high {term.name}{'' if term.measure == 'gene' else f' {term.measure}'}"
        case "mutation":
            strength = term.change in ("strong", "weak")
            return joined(
                [term.name, term.change, "mutation" if strength or not term.change else ""], " "
            )
    return f"{term.name} {term.state}"
