"""Partners that one sample has for one drug, by rules and by the model.

Each is held against both witnesses, the model and the literature: a partner that is predicted, or
known, to fail in the sample too is kept and marked.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidestep.features.knowledge.drugs import find_drug
from sidestep.serving.combinations.rules import RuleMatch
from sidestep.serving.combinations.views import DrugView, Views
from sidestep.serving.combinations.words import (
    caveat_of_model,
    caveat_of_rules,
    reason_of_model,
    reason_of_rules,
)
from sidestep.serving.evidence.evidence import drug_facts
from sidestep.serving.evidence.facts import OTHER_CONTEXT, RESISTANCE, STRENGTHS, Fact, joined
from sidestep.serving.evidence.kinship import canonical, kinship, same_drug
from sidestep.serving.evidence.states import SampleStates

#: What stands in `rule_evidence` where no rule names the partner.
MODEL_ONLY = "none (model only)"
#: Partners that the model alone may name for a sample and a drug.
MOST_BY_MODEL = 3
_EVIDENCE = (*STRENGTHS, MODEL_ONLY)
# Places in a ranking: by rules, by the model only, and what is no suggestion.
_BY_RULE, _BY_MODEL, _NO_PARTNER, _NO_EFFECT = range(4)
_PLACES = {"no partner known": _NO_PARTNER, "no effect": _NO_EFFECT}


class Witnesses:
    """The model and the literature on any drug, in the samples of one study.

    Parameters
    ----------
    states : SampleStates
        Of scored samples.
    views : mapping
        The model on these samples and the drugs of its panel.
    at_least : float
        As for `serving.combinations.views.DrugView.basis`.
    """

    def __init__(self, states: SampleStates, views: Views, at_least: float) -> None:
        self.states = states
        self.views = views
        self.at_least = at_least
        self.samples = [str(sample) for sample in states.samples]
        self._facts: dict[str, dict[int, list[Fact]]] = {}

    def view(self, drug: str, row: int) -> DrugView | None:
        """The model on one drug, as it names it, and one sample.

        None outside its panel, and of a response under a regimen that is asked of others alone.
        """
        return self.views.get(drug, {}).get(self.samples[row])

    def basis(self, drug: str, row: int) -> str:
        """Why a sample counts as predicted resistant; empty where it does not."""
        view = self.view(drug, row)
        return view.basis(self.at_least) if view is not None else ""

    def against(self, drug: str, row: int) -> list[str]:
        """What counts against a drug in a sample: a prediction, or facts of resistance.

        Facts from cells that the sample is not known to be like do not count.
        """
        basis = self.basis(drug, row)
        predicted = f"The sample is itself predicted resistant to {drug} ({basis})"
        facts = self._resistance(drug).get(row, [])
        known = [f"{fact.shown} is known to make {drug} fail ({fact.source})" for fact in facts]
        return [*([predicted] if basis else []), *dict.fromkeys(known)]

    def _resistance(self, drug: str) -> dict[int, list[Fact]]:
        """Place of a sample -> facts of resistance to a drug."""
        if drug not in self._facts:
            found: dict[int, list[Fact]] = {}
            for fact in drug_facts(self.states, drug):
                if fact.direction == RESISTANCE and fact.strength != OTHER_CONTEXT:
                    found.setdefault(fact.row, []).append(fact)
            self._facts[drug] = found
        return self._facts[drug]


@functools.cache
def panel_name(partner: str, panel: tuple[str, ...]) -> str | None:
    """Name by which a panel has a drug; the first, should it have it twice; None without it."""
    return next((name for name in panel if same_drug(name, partner)), None)


@dataclass(frozen=True)
class Partner:
    """A partner drug for one sample and one drug, or a mechanism that has none.

    Attributes
    ----------
    place : int
        Rules, then the model only, then what is no suggestion.
    name : str
        As the model names it, or as the rules do where it is not in the panel; empty without one.
    mechanism : str
        What the sample shows that the rules ask for, in words; empty for the model only.
    evidence : str
        ``"shown"``, ``"same target"``, ``"other context"`` or `MODEL_ONLY`.
    tried : bool
        Whether a rule was found with these very drugs.
    direction : str
        As `features.knowledge.rules.Combination` has it; empty for the model only.
    view : DrugView or None
        The model on the partner; None outside its panel.
    doubted : bool
        Whether the partner is predicted, or known, to fail in the sample too.
    reason, caveat, source : str
    """

    place: int
    name: str
    mechanism: str
    evidence: str
    tried: bool
    direction: str
    view: DrugView | None
    doubted: bool
    reason: str
    caveat: str
    source: str

    @property
    def is_suggestion(self) -> bool:
        """Whether it is a drug, and not a mechanism without one."""
        return self.place <= _BY_MODEL

    @property
    def order(self) -> tuple[int, int, bool, int, float]:
        """What ranks it, the lowest first."""
        called = self.view is not None and self.view.called
        standing = 2 if self.doubted else (0 if called else 1)
        percentile = self.view.percentile if self.view is not None and called else 0.0
        return self.place, _EVIDENCE.index(self.evidence), not self.tried, standing, percentile


def partners_by_rule(
    witnesses: Witnesses, row: int, drug: str, matches: Sequence[RuleMatch]
) -> list[Partner]:
    """Partners that rules name, each once, and the mechanisms for which they name none.

    Parameters
    ----------
    witnesses : Witnesses
    row : int
        Place of the sample.
    drug : str
        The one that fails.
    matches : sequence of RuleMatch
        Rules that apply to the sample and the drug.
    """
    grouped: dict[tuple[str, str], list[RuleMatch]] = {}
    for match in matches:
        what = match.rule.partner or match.rule.condition.text
        grouped.setdefault((what, match.rule.direction), []).append(match)
    return [_by_rule(witnesses, row, drug, group) for group in grouped.values()]


def partners_by_model(
    witnesses: Witnesses,
    row: int,
    drug: str,
    scored: Sequence[str],
    named: Sequence[Partner],
    model: str,
) -> Iterator[Partner]:
    """Drugs that the model alone names: up to `MOST_BY_MODEL`, one a class, most sensitive first.

    Those that hit no target of the failing drug, and that the sample is called sensitive to, or
    uncertain with a resistance percentile as low as the one that counts as resistant is high
    (25 or less beside 75).

    Parameters
    ----------
    witnesses, row, drug
        As for `partners_by_rule`.
    scored : sequence of str
        Drugs to choose from.
    named : sequence of Partner
        Those that rules name already.
    model : str
        Name and version: the source.
    """
    taken = {canonical(partner.name) for partner in named if partner.name}
    low = 100.0 - witnesses.at_least
    sensitive = [
        (view.percentile, name, view)
        for name in scored
        if (view := witnesses.view(name, row)) is not None
        and _leans_sensitive(view, low)
        and _class_elsewhere(name, drug)
        and canonical(name) not in taken
    ]
    of_class: dict[str, tuple[str, DrugView]] = {}
    for _, name, view in sorted(sensitive, key=lambda found: found[0]):
        of_class.setdefault(_class_elsewhere(name, drug), (name, view))
    for name, view in list(of_class.values())[:MOST_BY_MODEL]:
        against = witnesses.against(name, row)
        yield Partner(
            place=_BY_MODEL,
            name=name,
            mechanism="",
            evidence=MODEL_ONLY,
            tried=False,
            direction="",
            view=view,
            doubted=bool(against),
            reason=reason_of_model(drug, name, view),
            caveat=caveat_of_model(drug, against),
            source=model,
        )


def _by_rule(witnesses: Witnesses, row: int, drug: str, matches: Sequence[RuleMatch]) -> Partner:
    """What the rules of one partner say, or one rule without a partner."""
    rule = matches[0].rule
    name = (
        (panel_name(rule.partner, tuple(witnesses.views)) or rule.partner) if rule.partner else ""
    )
    view = witnesses.view(name, row)
    against = witnesses.against(name, row) if name else []
    return Partner(
        place=_PLACES.get(rule.direction, _BY_RULE),
        name=name,
        mechanism=joined([match.shown for match in matches], "; "),
        evidence=min((match.evidence for match in matches), key=_EVIDENCE.index),
        tried=any(match.tried for match in matches),
        direction=rule.direction,
        view=view,
        doubted=bool(against),
        reason=reason_of_rules(matches, drug, name, view),
        caveat=caveat_of_rules(matches, drug, against),
        source=joined([match.rule.source for match in matches]),
    )


def _leans_sensitive(view: DrugView, low: float) -> bool:
    leans = view.call == "uncertain" and view.percentile <= low
    return view.called and (view.call == "sensitive" or leans)


@functools.cache
def _class_elsewhere(name: str, drug: str) -> str:
    """Class of a drug that hits nothing that another one hits; empty if it does, or is unknown."""
    known, fails = find_drug(name), find_drug(drug)
    if known is None or fails is None or kinship(name, [drug]):
        return ""
    return known.drug_class if set(fails.targets).isdisjoint(known.targets) else ""
