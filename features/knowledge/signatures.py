"""Which genes make up a signature, which antibodies a pathway score, and with which sign.

The signatures are those of the resistance papers, a source a gene. The pathway scores are those of
Akbani et al., Nat Commun 2014 (DOI 10.1038/ncomms4887): the sum of the positive members less the
sum of the negative ones, each antibody median-centred and scaled beforehand. Reactive stroma is
not one of theirs: it holds the proteins that mark the stroma-rich breast cancers of TCGA (Nature
2012, DOI 10.1038/nature11412).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable


@dataclass(frozen=True)
class SignatureGene:
    """One gene of a signature.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    sign : int
        +1 where its RNA is high in the state that the signature stands for, -1 where it is low.
    sources : tuple of str
        ``PMID:...`` or ``DOI:...`` of the publications that show it.
    """

    gene: str
    sign: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class PathwayMember:
    """One antibody of a pathway score.

    Attributes
    ----------
    antibodies : tuple of str
        Canonical names (`study.antibodies.Antibody.canonical`) that this one antibody goes by
        in different studies, the likeliest first; a study has at most one of them.
    sign : int
        +1 where it rises with the pathway's activity, -1 where it falls.
    source : str
        ``PMID:...`` or ``DOI:...`` of the publication that defines the score.
    """

    antibodies: tuple[str, ...]
    sign: int
    source: str


def _signatures(rows: Sequence[KnowledgeRow]) -> Mapping[str, tuple[SignatureGene, ...]]:
    """Genes by signature; those that two publications show have a row for each, of one sign."""
    signatures: dict[str, dict[str, SignatureGene]] = {}
    for row in rows:
        genes = signatures.setdefault(row["signature"], {})
        gene, sign = row.gene(), row.sign()
        known = genes.get(gene)
        if known and known.sign != sign:
            raise row.problem("sign", f"contradicts an earlier row of {gene}")
        sources = (*known.sources, row["source"]) if known else (row["source"],)
        genes[gene] = SignatureGene(gene, sign, sources)
    return {signature: tuple(genes.values()) for signature, genes in signatures.items()}


def _pathways(rows: Sequence[KnowledgeRow]) -> Mapping[str, tuple[PathwayMember, ...]]:
    pathways: dict[str, list[PathwayMember]] = {}
    for row in rows:
        members = pathways.setdefault(row["pathway"], [])
        member = PathwayMember(row.parts("antibody", "|"), row.sign(), row["source"])
        if any(set(member.antibodies) & set(other.antibodies) for other in members):
            raise row.problem("antibody", f"is in {row['pathway']} already")
        members.append(member)
    return {pathway: tuple(members) for pathway, members in pathways.items()}


#: Signature -> its genes.
SIGNATURE_TABLE = KnowledgeTable(
    "signatures.tsv", ("signature", "gene", "sign", "source"), _signatures
)
#: Pathway -> its antibodies.
PATHWAY_TABLE = KnowledgeTable("pathways.tsv", ("pathway", "antibody", "sign", "source"), _pathways)
