"""Which protein changes are known to decide over a drug, or over PI3K itself?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

PIK3CA_COLUMNS = ("variant", "domain", "strength", "statement", "source")
STRENGTHS = ("strong", "weak", "unknown")

RESISTANCE_COLUMNS = (
    "gene", "variant", "context", "drug", "effect", "relation", "ic50", "reference_ic50", "unit",
    "fold_change", "statement", "source",
)  # fmt: skip
RESISTANCE_MAY_BE_BLANK = frozenset(
    {"context", "relation", "ic50", "reference_ic50", "unit", "fold_change"}
)
EFFECTS = ("resistance", "sensitive", "no effect")
RELATIONS = ("", "=", ">", "~")

_CHANGE = re.compile(r"[ACDEFGHIKLMNPQRSTVWY][1-9]\d*[ACDEFGHIKLMNPQRSTVWY]")


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


@functools.cache
def load_pik3ca_variants() -> tuple[Pik3caVariant, ...]:
    """Read the table of PIK3CA changes, a row a change and publication.

    Raises
    ------
    ValueError
        If the table is malformed, or two rows disagree about one change.
    """
    return build_pik3ca_variants(read_rows("pik3ca_variants.tsv", PIK3CA_COLUMNS))


@functools.cache
def load_resistance_variants() -> tuple[ResistanceVariant, ...]:
    """Read the table of second-site and gatekeeper changes.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    rows = read_rows("resistance_variants.tsv", RESISTANCE_COLUMNS, RESISTANCE_MAY_BE_BLANK)
    return build_resistance_variants(rows)


def pik3ca_strength(change: str) -> str:
    """How strongly a change of PIK3CA activates: ``"strong"``, ``"weak"`` or ``"unknown"``.

    Parameters
    ----------
    change : str
        Protein change in one-letter code, with or without ``p.``. A change that the table does
        not have is unknown, and so is another change at a residue that it has.
    """
    bare = change.strip().removeprefix("p.")
    rows = (row for row in load_pik3ca_variants() if row.variant == bare)
    return next((row.strength for row in rows), "unknown")


def build_pik3ca_variants(rows: Iterable[KnowledgeRow]) -> tuple[Pik3caVariant, ...]:
    """Check the rows of the table and give each its type; see `load_pik3ca_variants`."""
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


def build_resistance_variants(rows: Iterable[KnowledgeRow]) -> tuple[ResistanceVariant, ...]:
    """Check the rows of the table and give each its type; see `load_resistance_variants`."""
    return tuple(_resistance_variant(row) for row in rows)


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
