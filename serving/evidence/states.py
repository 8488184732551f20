"""Conditions of the knowledge tables that each sample meets, and what it shows, in words."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sidestep.features.builders.names import STATE
from sidestep.features.knowledge.conditions import Condition, Term
from sidestep.features.knowledge.variants import pik3ca_strength
from sidestep.features.mechanisms.calls import (
    VariantCalls,
    amplified,
    amplified_in_copies,
    copy_number,
    fused,
    fusions_of,
    lost,
)
from sidestep.features.mechanisms.pathways import pathway_feature
from sidestep.features.study.study import Study
from sidestep.models.predictor.references import MechanismReference, Standing

_STRENGTHS = ("strong", "weak")
_HER2_POSITIVE = Term("amplified", "gene", "ERBB2")


class SampleStates:
    """What some samples show of what conditions ask for (`features.knowledge.conditions`).

    ``high`` is the top decile of the training lines; ``mutation`` needs a non-silent call;
    ``amplified``, ``loss`` and ``fusion`` are as in `mechanisms.calls`, and loss of PTEN also
    shows in its protein (`features.mechanisms.states.pten_loss`). A term that was not measured is
    neither met nor not met: no condition that has it is met. Levels of a sample that are not on the
    scale of the training lines count as not measured (`MechanismReference.scales`).

    Parameters
    ----------
    study : Study
        The samples; what is found of one does not depend on the others.
    reference : MechanismReference
        Of the model's training lines.
    """

    def __init__(self, study: Study, reference: MechanismReference) -> None:
        self.study = reference.scales.trusted(study)
        self.samples = study.samples
        self.calls = VariantCalls.of(study)
        self.scores, self.levels = reference.stand(self.study)
        # What was looked up stays, as many drugs ask for the same.
        self._found: dict[Term, np.ndarray] = {}
        self._carried: dict[tuple[str, str], list[int]] = {}
        self._changes: dict[str, dict[int, list[str]]] = {}
        self._fusions: dict[str, dict[str, str]] = {}
        self._words: dict[str, dict[int, str]] = {}
        self._copies: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._levels: dict[Term, tuple[np.ndarray, ...]] = {}
        #: Drug -> samples that are known to make it fail (`evidence.variants.failing`).
        self.failing: dict[str, frozenset[int]] = {}

    def shows(self, term: Term) -> np.ndarray:
        """Whether each sample shows what a term asks: 1, 0, or NaN where not measured.

        For a term with ``not:`` it is 1 where the sample is known not to show it.
        """
        if term not in self._found:
            found = self._look(term)
            self._found[term] = found if term.holds else 1.0 - found
        return self._found[term]

    def meets(self, condition: Condition) -> np.ndarray:
        """Whether each sample is known to meet all terms: bool, (n_samples,)."""
        shown = [self.shows(term) == 1.0 for term in condition.terms]
        return np.asarray(np.all(shown, axis=0))

    def description(self, condition: Condition, row: int) -> str:
        """What a sample that meets a condition shows, in words."""
        words = self._words.setdefault(condition.text, {})
        if row not in words:
            words[row] = ", ".join(self._worded(term, row) for term in condition.terms)
        return words[row]

    @cached_property
    def her2_positive(self) -> np.ndarray:
        """Whether each sample is known to be HER2-positive: bool, (n_samples,)."""
        return np.asarray(self.shows(_HER2_POSITIVE) == 1.0)

    def carriers(self, gene: str, change: str) -> list[int]:
        """Places of the samples that carry a change, as `VariantCalls.substituted` reads it."""
        key = gene, change
        if key not in self._carried:
            carried = self.calls.substituted(gene, change) == 1.0
            self._carried[key] = np.flatnonzero(carried).tolist()
        return self._carried[key]

    def changes(self, gene: str, row: int) -> list[str]:
        """Substitutions of one gene that a sample carries, each once."""
        if gene not in self._changes:
            self._changes[gene] = self._changes_of(gene)
        return self._changes[gene].get(row, [])

    def fusion(self, gene: str, row: int) -> str:
        """Name of a sample's fusion of a gene, such as ``"EML4-ALK"``; empty without one."""
        if gene not in self._fusions:
            self._fusions[gene] = dict(fusions_of(self.study, gene))
        return self._fusions[gene].get(str(self.samples[row]), "")

    def _changes_of(self, gene: str) -> dict[int, list[str]]:
        """Place of a sample -> substitutions of a gene that it carries, each once."""
        calls = self.calls.of_gene(gene)
        found: dict[int, dict[str, None]] = {}
        for row, change in zip(calls["row"], calls["change"], strict=True):
            if isinstance(change, str):
                found.setdefault(int(row), {})[change] = None
        return {row: list(changes) for row, changes in found.items()}

    def _look(self, term: Term) -> np.ndarray:
        match term.state:
            case "high":
                standing, column = self._standing(term)
                return standing.high(column)
            case "mutation":
                return self._mutated(term)
            case "loss":
                column = f"{STATE}:{term.name.lower()}_loss"
                if column in self.scores.values:
                    return self.scores.values[column].to_numpy(float)
                return lost(self.study, self.calls, term.name)
            case "amplified":
                return amplified(self.study, term.name)
        return fused(self.study, term.name)

    def _mutated(self, term: Term) -> np.ndarray:
        if term.change not in _STRENGTHS:
            return self.calls.carriers(term.name, term.change)
        carried = np.where(self.calls.tested(term.name), 0.0, np.nan)
        calls = self.calls.of_gene(term.name)
        fits = [pik3ca_strength(str(change)) == term.change for change in calls["change"]]
        carried[calls["row"].to_numpy(int)[np.array(fits, dtype=bool)]] = 1.0
        return carried

    def _standing(self, term: Term) -> tuple[Standing, str]:
        """Where the samples stand in what a ``high`` term names."""
        if term.measure == "gene":
            return self.levels, term.name
        if term.measure == "signature":
            return self.scores, f"expression:signature_{term.name}"
        return self.scores, pathway_feature(term.name)

    def _worded(self, term: Term, row: int) -> str:
        if term.state == "mutation":
            return self._mutation_in_words(term, row)
        if not term.holds:
            return f"{term.name} not {term.state}"
        match term.state:
            case "high":
                return self._high_in_words(term, row)
            case "loss":
                return f"{term.name} lost"
            case "amplified":
                return self._amplified_in_words(term, row)
        return self.fusion(term.name, row)

    def _high_in_words(self, term: Term, row: int) -> str:
        if term not in self._levels:
            standing, column = self._standing(term)
            tables = standing.values, standing.below
            self._levels[term] = tuple(table[column].to_numpy(float) for table in tables)
        levels, below = self._levels[term]
        place = f"above {100 * below[row]:.0f} % of the training lines"
        if term.measure == "gene":
            return f"{term.name} RNA {levels[row]:+.1f} SD, {place}"
        return f"{term.name} {term.measure} {place}"

    def _mutation_in_words(self, term: Term, row: int) -> str:
        changes = self.changes(term.name, row)
        if not term.holds:
            if not (self.calls.of_gene(term.name)["row"] == row).any():
                return f"{term.name} unchanged"
            # A call that is no substitution has no change to name.
            return f"{term.name} {'/'.join(changes) or 'mutated'}, not {term.change}"
        if term.change in _STRENGTHS:
            fits = [change for change in changes if pik3ca_strength(change) == term.change]
            return f"{term.name} {'/'.join(fits)} ({term.change})"
        return f"{term.name} {term.change or '/'.join(changes) or 'mutated'}"

    def _amplified_in_words(self, term: Term, row: int) -> str:
        if term.name not in self._copies:
            shown = amplified_in_copies(self.study, term.name)
            self._copies[term.name] = shown, copy_number(self.study, term.name)
        shown, levels = self._copies[term.name]
        if shown[row] != 1.0:
            return f"{term.name}-positive by clinical status"
        if self.study.copy_number_kind == "discrete":
            return f"{term.name} amplified"
        return f"{term.name} amplified (log2 {levels[row]:.1f})"
