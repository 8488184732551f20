"""Which genes make up a signature, and with which sign?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("signature", "gene", "sign", "source")


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


@functools.cache
def load_signatures() -> Mapping[str, tuple[SignatureGene, ...]]:
    """Read the signature table: signature to its genes, in the order of the table; read-only.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return MappingProxyType(build_signatures(read_rows("signatures.tsv", COLUMNS)))


def build_signatures(rows: Iterable[KnowledgeRow]) -> dict[str, tuple[SignatureGene, ...]]:
    """Check the rows of the table and group them by signature; see `load_signatures`.

    A gene that two publications show has a row for each, and the two must agree on its sign.
    """
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
