"""Levels of genes and of published signatures among breast tumours: the scale scores are put on.

Levels are log2 ratios to the mean of eleven genes that all tissues express alike, the anchors
(Eisenberg and Levanon, Trends Genet 2013, DOI 10.1016/j.tig.2013.05.010), so that a sample needs no
other, and no unit of RNA-seq matters. ``python -m benchmarks.tumour_levels`` computes the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable

#: What a row is of.
ANCHOR, GENE, SIGNATURE = "anchor", "gene", "signature"


@dataclass(frozen=True)
class TumourLevel:
    """Mean and standard deviation among the tumours.

    Attributes
    ----------
    role : str
        `ANCHOR`, `GENE` or `SIGNATURE`. Of the first two, log2 ratios to the anchors; of a
        signature, the mean of its genes in standard deviations of each.
    mean, sd : float
    """

    role: str
    mean: float
    sd: float


def _by_name(rows: Sequence[KnowledgeRow]) -> Mapping[str, TumourLevel]:
    found: dict[str, TumourLevel] = {}
    for row in rows:
        if row["name"] in found:
            raise row.problem("name", "has a row already")
        role, sd = row.choice("role", (ANCHOR, GENE, SIGNATURE)), row.number("sd")
        if sd is None:
            raise row.problem("sd", "is blank")
        try:
            found[row["name"]] = TumourLevel(role, float(row["mean"]), sd)
        except ValueError:
            raise row.problem("mean", "is no number") from None
    return found


#: Gene or signature -> its level among tumours.
TUMOUR_LEVEL_TABLE = KnowledgeTable(
    "tumour_levels.tsv", ("role", "name", "mean", "sd", "source"), _by_name
)
