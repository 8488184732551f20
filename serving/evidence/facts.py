"""A piece of evidence: a finding of the literature that applies to one sample and one drug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.gene_sets import DATABASES

RESISTANCE, SENSITIVITY, NONE = "resistance", "sensitivity", "none"
DIRECTIONS = (RESISTANCE, SENSITIVITY, NONE)
KINDS = (
    "variant",
    "fusion",
    "amplification",
    "expression",
    "signature",
    "pathway",
    "state",
    "measured",
)

SHOWN, SAME_TARGET, OTHER_CONTEXT = "shown", "same target", "other context"
_OWN = (SHOWN, SAME_TARGET, OTHER_CONTEXT)
#: Found in the sample itself by a user's assay; under a condition or beside another drug, of which
#: the model knows nothing.
MEASURED, MEASURED_OTHERWISE = "measured", "measured otherwise"
STRENGTHS = (
    *_OWN,
    *(f"{database} {strength}" for strength in _OWN for database in DATABASES),
    *(f"CIViC {level}" for level in "ABCDE"),
    MEASURED,
    MEASURED_OTHERWISE,
)


@dataclass(frozen=True)
class Fact:
    """A finding of the literature that applies to one sample and one drug.

    Attributes
    ----------
    drug : str
        As the model names it.
    row : int
        Place of the sample.
    shown : str
        What the sample shows, such as ``"ALK F1174L with EML4-ALK"``.
    kind : str
        One of `KINDS`.
    direction : str
        One of `DIRECTIONS`. ``"none"``: it was tried and nothing was found, it is a caveat, or
        another change of the sample or the level in plasma speaks against it.
    strength : str
        One of `STRENGTHS`. ``"shown"``: with this very drug; ``"same target"``: with another drug
        of its target or class; ``"other context"``: in cells that carried what the sample does
        not show, or nobody looked for; after the name of a database where one of its gene sets
        stands for what was found (``"Hallmark shown"``); ``"CIViC A"`` ... ``"CIViC E"``:
        evidence level there; ``"measured"``: by an assay of the sample itself, and
        ``"measured otherwise"``: by one under a condition or beside another drug.
    statement : str
        What was found.
    source : str
        ``PMID:...`` or ``DOI:...``, several ``;``-joined.
    alternatives : str
        Drugs that were found to work beside or instead of this one, ``;``-joined; empty where
        none is known.
    """

    drug: str
    row: int
    shown: str
    kind: str
    direction: str
    strength: str
    statement: str
    source: str
    alternatives: str = ""


def joined(parts: Iterable[str], separator: str = ";") -> str:
    """Parts that are not empty, each once, in their order."""
    return separator.join(dict.fromkeys(part for part in parts if part))
