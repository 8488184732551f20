"""What do the model and the literature say of a partner drug in some samples?"""

from __future__ import annotations

import functools

from serving.drug_kinship import same_drug
from serving.evidence import drug_facts
from serving.evidence_fact import OTHER_CONTEXT, RESISTANCE, Fact
from serving.partner_views import DrugView, Views
from serving.sample_states import SampleStates


class Witnesses:
    """The model and the literature on any drug, in the samples of one study.

    Parameters
    ----------
    states : SampleStates
        Of scored samples.
    views : mapping
        The model on these samples and the drugs of its panel.
    at_least : float
        As for `serving.partner_views.DrugView.basis`.
    """

    def __init__(self, states: SampleStates, views: Views, at_least: float) -> None:
        self.states = states
        self.views = views
        self.at_least = at_least
        self.samples = [str(sample) for sample in states.samples]
        self._facts: dict[str, dict[int, list[Fact]]] = {}

    def view(self, drug: str, row: int) -> DrugView | None:
        """The model on one drug, as it names it, and one sample; None outside its panel."""
        return self.views[drug][self.samples[row]] if drug in self.views else None

    def basis(self, drug: str, row: int) -> str:
        """Why a sample counts as predicted resistant; empty where it does not."""
        view = self.view(drug, row)
        return view.basis(self.at_least) if view is not None else ""

    def against(self, drug: str, row: int) -> list[str]:
        """What speaks against a drug in a sample: a prediction, or facts of resistance.

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
