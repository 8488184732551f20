"""What published signatures of gene expression stand for, under the names that studies give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable


@dataclass(frozen=True)
class StudySignature:
    """One row of the table.

    Attributes
    ----------
    name : str
        `ENTITY_STABLE_ID` that studies give it.
    mechanism : str
        What it speaks for, one of `features.mechanisms.of_features.MECHANISMS`.
    statement : str
        What it is, in a few words.
    genes : mapping of str to int
        Genes whose mean it is -> +1, or -1 for those that count against it; empty where the
        definition is not at hand, or is more than a mean.
    definition : str
        ``"same"`` where these are its genes, ``"near"`` where they stand for it: the best-known of
        genes that are expressed together; empty without genes.
    checked : bool
        Whether the row was held against its source.
    source : str
        ``PMID:...`` or ``DOI:...`` of the publication that defines it.
    """

    name: str
    mechanism: str
    statement: str
    genes: Mapping[str, int]
    definition: str
    checked: bool
    source: str


def _genes(row: KnowledgeRow) -> dict[str, int]:
    """Genes of a cell such as ``ESR1;PGR`` or ``CHEK2;-BRCA1``."""
    return {one.lstrip("-"): -1 if one.startswith("-") else 1 for one in row.parts("genes")}


def _by_name(rows: Sequence[KnowledgeRow]) -> Mapping[str, StudySignature]:
    """Signatures by what `match_key` makes of each of their names."""
    found: dict[str, StudySignature] = {}
    for row in rows:
        names = row.parts("signature", "|")
        genes, definition = _genes(row), row.choice("definition", ("same", "near", ""))
        if bool(genes) != bool(definition):
            raise row.problem("definition", "goes with genes, and genes with it")
        said = row["mechanism"], row["statement"]
        signature = StudySignature(names[0], *said, genes, definition, row.checked(), row["source"])
        for name in names:
            if match_key(name) in found:
                raise row.problem("signature", "has a row already")
            found[match_key(name)] = signature
    return found


#: Name, as `match_key` writes it -> the signature.
STUDY_SIGNATURE_TABLE = KnowledgeTable(
    "study_signatures.tsv",
    ("signature", "mechanism", "statement", "genes", "definition", "checked", "source"),
    _by_name,
    may_be_blank=frozenset({"genes", "definition"}),
)


def find_signature(name: str) -> StudySignature | None:
    """The signature that a study calls `name`, whatever its case and punctuation; None if unknown.

    Examples
    --------
    >>> find_signature("er_pgr_avg").genes
    {'ESR1': 1, 'PGR': 1}
    """
    return STUDY_SIGNATURE_TABLE.load().get(match_key(name))
