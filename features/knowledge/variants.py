"""Protein changes that decide over a drug, over PI3K, or recur: what is known of each.

Four tables: changes of PIK3CA and how strongly they activate; second-site and gatekeeper changes
that undo or keep a response; first mutations that make cells sensitive; and hotspots, the residues
that are mutated again and again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each

STRENGTHS = ("strong", "weak", "unknown")
EFFECTS = ("resistance", "sensitive", "no effect")
RELATIONS = ("", "=", ">", "~")
SUBSTITUTION, IN_FRAME = "substitution", "in-frame"

_RESIDUE = "[ACDEFGHIKLMNPQRSTVWY][1-9][0-9]*"
_CHANGE = re.compile(f"{_RESIDUE}[ACDEFGHIKLMNPQRSTVWY]")
_SENSITIZING = {SUBSTITUTION: re.compile(f"{_RESIDUE}[A-Z]?"), IN_FRAME: re.compile(_RESIDUE)}
_LOSS = "loss of function"
_DRIVES = ("activating", "neomorphic", _LOSS)


@dataclass(frozen=True)
class Pik3caVariant:
    """What one publication shows about a change of PIK3CA.

    Attributes
    ----------
    variant : str
        Protein change, such as ``"H1047R"``.
    domain : str
        Domain of p110-alpha that it lies in.
    strength : str
        One of `STRENGTHS`: how strongly it activates, beside the hot spots.
    statement : str
        What was found.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    variant: str
    domain: str
    strength: str
    statement: str
    source: str


@dataclass(frozen=True)
class ResistanceVariant:
    """What one publication shows about a drug and a change of its target.

    Attributes
    ----------
    gene, variant : str
        Hugo symbol and protein change, such as ``"ALK"`` and ``"F1174L"``.
    context : str
        What else the tested cells carried: a fusion (``"RANBP2-ALK"``), a first mutation
        (``"with L858R"``), a cell line; empty where nothing is said.
    drug : str
        Name in the drug table where it has the drug.
    effect : str
        One of `EFFECTS`: the change brings resistance; the drug stays active against it; or the
        response is the same with and without it.
    relation : str
        How `ic50` is meant: ``"="``, ``">"`` (the highest concentration tested), ``"~"``; empty
        where there is none.
    ic50 : float or None
        Concentration that halves growth or signalling of the mutant, in `unit`.
    reference_ic50 : float or None
        The same without the change, in `unit`.
    unit : str
        ``"nM"``, or empty where there is no concentration.
    fold_change : float or None
        How many times the resistance grows, where a publication gives that and no concentration.
    statement : str
        What was found.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    variant: str
    context: str
    drug: str
    effect: str
    relation: str
    ic50: float | None
    reference_ic50: float | None
    unit: str
    fold_change: float | None
    statement: str
    source: str

    @property
    def fold(self) -> float | None:
        """`fold_change`, else the ratio of the two concentrations, else None.

        A lower bound where `relation` is ``">"``.
        """
        if self.fold_change is not None or self.ic50 is None or self.reference_ic50 is None:
            return self.fold_change
        return self.ic50 / self.reference_ic50


@dataclass(frozen=True)
class SensitizingChange:
    """A change beside which others were found that undo the response.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    change : str
        A substitution (``"L858R"``), a residue for any substitution there (``"G719"``), or the
        residue that an in-frame deletion begins with (``"E746"``).
    call : str
        ``"substitution"`` or ``"in-frame"``.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    change: str
    call: str
    source: str


@dataclass(frozen=True)
class Hotspot:
    """One row of the hotspot table.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    residue : str
        Reference amino acid and position, such as ``"H1047"``.
    change : str
        Protein change that the row is about, such as ``"T790M"``; empty for any change there.
    effect : str
        What it does, such as ``"activating"`` or ``"resistance to lapatinib"``.
    source : str
        ``PMID:...`` or ``DOI:...`` of the publication that shows it.
    """

    gene: str
    residue: str
    change: str
    effect: str
    source: str


def pik3ca_strength(change: str) -> str:
    """How strongly a change of PIK3CA activates: ``"strong"``, ``"weak"`` or ``"unknown"``.

    Parameters
    ----------
    change : str
        Protein change in one-letter code, with or without ``p.``. A change that the table does
        not have is unknown, and so is another change at a residue that it has.
    """
    bare = change.strip().removeprefix("p.")
    rows = (row for row in PIK3CA_TABLE.load() if row.variant == bare)
    return next((row.strength for row in rows), "unknown")


@functools.cache
def driver_hotspots(gene: str) -> tuple[Hotspot, ...]:
    """Return the rows of a gene where a change drives: it switches on, breaks or does a new thing.

    What only makes a drug fail (EGFR T790M), or leaves the kinase impaired (BRAF D594), is none.
    """
    return tuple(
        row for row in HOTSPOT_TABLE.load() if row.gene == gene and row.effect.startswith(_DRIVES)
    )


@functools.cache
def suppressors() -> frozenset[str]:
    """Return the genes that drive by their loss, such as PTEN."""
    return frozenset(row.gene for row in HOTSPOT_TABLE.load() if row.effect.startswith(_LOSS))


@functools.cache
def known_hotspots() -> frozenset[tuple[str, str]]:
    """Return the (gene, residue) pairs of the hotspot table, such as ``("PIK3CA", "H1047")``.

    Some residues stand under the numbering of two isoforms, because mutation files do (FGFR3 Y373
    and Y375, MET D1228 and D1246).
    """
    return frozenset((hotspot.gene, hotspot.residue) for hotspot in HOTSPOT_TABLE.load())


def _pik3ca_variants(rows: Sequence[KnowledgeRow]) -> tuple[Pik3caVariant, ...]:
    strengths: dict[str, str] = {}
    variants = []
    for row in rows:
        variant = _change(row)
        strength = row.choice("strength", STRENGTHS)
        if strengths.setdefault(variant, strength) != strength:
            raise row.problem("strength", f"contradicts an earlier row of {variant}")
        variants.append(
            Pik3caVariant(variant, row["domain"], strength, row["statement"], row["source"])
        )
    return tuple(variants)


def _resistance_variant(row: KnowledgeRow) -> ResistanceVariant:
    ic50, reference = row.number("ic50"), row.number("reference_ic50")
    measured = ic50 is not None or reference is not None
    if row["unit"] != ("nM" if measured else ""):
        raise row.problem("unit", "must be nM where there is a concentration, and blank elsewhere")
    relation = row.choice("relation", RELATIONS)
    if bool(relation) != (ic50 is not None):
        raise row.problem("relation", "must say how ic50 is meant where there is one")
    fold_change = row.number("fold_change")
    if fold_change is not None and measured:
        raise row.problem("fold_change", "stands beside the concentrations that give it")
    return ResistanceVariant(
        gene=row.gene(),
        variant=_change(row),
        context=row["context"],
        drug=row["drug"],
        effect=row.choice("effect", EFFECTS),
        relation=relation,
        ic50=ic50,
        reference_ic50=reference,
        unit=row["unit"],
        fold_change=fold_change,
        statement=row["statement"],
        source=row["source"],
    )


def _change(row: KnowledgeRow) -> str:
    if not _CHANGE.fullmatch(row["variant"]):
        raise row.problem("variant", "is no protein change such as H1047R")
    return row["variant"]


def _sensitizing_change(row: KnowledgeRow) -> SensitizingChange:
    call = row.choice("call", tuple(_SENSITIZING))
    if not _SENSITIZING[call].fullmatch(row["change"]):
        raise row.problem("change", f"is no change such as {call} calls have")
    return SensitizingChange(row.gene(), row["change"], call, row["source"])


def _hotspot(row: KnowledgeRow) -> Hotspot:
    return Hotspot(row.gene(), row["residue"], row["change"], row["effect"], row["source"])


#: Changes of PIK3CA, a change and publication a row.
PIK3CA_TABLE = KnowledgeTable(
    "pik3ca_variants.tsv",
    ("variant", "domain", "strength", "statement", "source"),
    _pik3ca_variants,
)
#: Second-site and gatekeeper changes, a change, drug and publication a row.
RESISTANCE_TABLE = KnowledgeTable(
    "resistance_variants.tsv",
    (
        "gene", "variant", "context", "drug", "effect", "relation", "ic50", "reference_ic50",
        "unit", "fold_change", "statement", "source",
    ),
    each(_resistance_variant),
    may_be_blank=frozenset(
        {"context", "relation", "ic50", "reference_ic50", "unit", "fold_change"}
    ),
)  # fmt: skip
#: First mutations that make cells sensitive to inhibitors of the kinase.
SENSITIZING_TABLE = KnowledgeTable(
    "sensitizing_changes.tsv", ("gene", "change", "call", "source"), each(_sensitizing_change)
)
#: Hotspots; a residue with more than one effect has a row for each.
HOTSPOT_TABLE = KnowledgeTable(
    "hotspots.tsv",
    ("gene", "residue", "change", "effect", "source"),
    each(_hotspot),
    may_be_blank=frozenset({"change"}),
)
