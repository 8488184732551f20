"""The mechanism that each feature speaks of, as the mechanism table has it for its gene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sidestep.features.builders.names import gene_of
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.study.antibodies import parse_antibody

OTHER = "other"
MECHANISMS = (
    "HER2 drive",
    "other RTK bypass",
    "PI3K/AKT/MTOR",
    "RAS/MAPK",
    "cell cycle and mitosis",
    "apoptosis",
    "senescence",
    "EMT",
    "DNA damage",
    "hormone",
    "stroma",
    "immune",
    OTHER,
)


@dataclass(frozen=True)
class MappedEntity:
    """One row of the mechanism table.

    Attributes
    ----------
    entity : str
        Hugo symbol, for every feature of that gene; or one whole feature, such as
        ``"rppa:CDKN1B_pT157"``, where it speaks of another mechanism than its gene.
    mechanism : str
        One of `MECHANISMS`, never ``"other"``.
    source : str
        ``PMID:...`` or ``DOI:...`` of the publication that shows it.
    """

    entity: str
    mechanism: str
    source: str


def _mapped_entity(row: KnowledgeRow) -> MappedEntity:
    mechanism = row.choice("mechanism", MECHANISMS[:-1])
    return MappedEntity(row["entity"], mechanism, row["source"])


#: Gene or feature -> its mechanism.
MECHANISM_TABLE = KnowledgeTable(
    "mechanisms.tsv", ("entity", "mechanism", "source"), keyed("entity", _mapped_entity)
)


def mechanism_of(feature: str) -> str:
    """Mechanism that a feature speaks of, one of `MECHANISMS`.

    A row for the feature itself comes first, then the row of its gene, which may go by a previous
    symbol (`features.knowledge.symbols`). A phospho-to-total ratio counts as its phosphoprotein,
    and an antibody that cannot tell paralogues apart as its lead gene. A signature has that of its
    own table (`features.knowledge.study_signatures`). Clinical covariates, tumour mutation burden
    and unknown names are ``"other"``.

    Examples
    --------
    >>> mechanism_of("rppa:ERBB2_pY1248/ERBB2"), mechanism_of("mutation:PIK3CA:hotspot")
    ('HER2 drive', 'PI3K/AKT/MTOR')
    >>> mechanism_of("clinical:LINEAGE=breast")
    'other'
    """
    modality, _, name = feature.partition(":")
    if modality == "signature":
        known = find_signature(name)
        return OTHER if known is None else known.mechanism
    table = MECHANISM_TABLE.load()
    for entity in _entities(feature):
        if entity in table:
            return table[entity].mechanism
    return OTHER


def mechanisms_of(features: Iterable[str]) -> np.ndarray:
    """Mechanism of each feature: an object array of shape (n_features,)."""
    return np.array([mechanism_of(feature) for feature in features], dtype=object)


def _entities(feature: str) -> Iterator[str]:
    """Entities that may stand for a feature in the table, the most specific first."""
    modality, colon, measured = feature.partition(":")
    gene = gene_of(feature) if colon else None
    if gene is None:
        return
    name = measured.partition("/")[0]
    yield f"{modality}:{name}"
    yield current_symbol(gene)
    if modality == "rppa":  # an antibody under its own name, such as HER2_pY1248
        antibody = parse_antibody(name)
        yield f"rppa:{antibody.canonical}"
        yield current_symbol(antibody.genes[0])
