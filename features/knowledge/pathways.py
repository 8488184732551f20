"""Which antibodies of a protein array make up a pathway's score, and with which sign?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("pathway", "antibody", "sign", "source")


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


@functools.cache
def load_pathways() -> Mapping[str, tuple[PathwayMember, ...]]:
    """Read the pathway table: pathway to its members, in the order of the table; read-only.

    The scores are those of Akbani et al. 2014 (Nat Commun 5:3887): the sum of the positive
    members less the sum of the negative ones, each antibody median-centred and scaled beforehand.
    `reactive stroma` is not one of theirs: it holds the proteins that mark the stroma-rich breast
    cancers of TCGA (Nature 2012, 490:61).

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return MappingProxyType(build_pathways(read_rows("pathways.tsv", COLUMNS)))


def build_pathways(rows: Iterable[KnowledgeRow]) -> dict[str, tuple[PathwayMember, ...]]:
    """Check the rows of the table and group them by pathway; see `load_pathways`."""
    members: dict[str, list[PathwayMember]] = {}
    for row in rows:
        there = members.setdefault(row["pathway"], [])
        member = PathwayMember(row.parts("antibody", "|"), row.sign(), row["source"])
        if any(set(member.antibodies) & set(other.antibodies) for other in there):
            raise row.problem("antibody", f"is in {row['pathway']} already")
        there.append(member)
    return {pathway: tuple(there) for pathway, there in members.items()}
