"""Which receptor tyrosine kinases went with survival of HER2-positive patients in a publication?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("gene", "outcome", "statement", "source")
OUTCOMES = ("worse", "better")


@dataclass(frozen=True)
class RtkSurvival:
    """What high expression of a receptor went with.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    outcome : str
        ``"worse"`` or ``"better"``: of the patients with high expression.
    statement : str
        What was found, and in whom.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    outcome: str
    statement: str
    source: str


@functools.cache
def load_rtk_survival() -> Mapping[str, RtkSurvival]:
    """Read the table: Hugo symbol to row, read-only.

    A receptor that is not in it was not singled out, which is no finding either way.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    rows = read_rows("rtk_survival.tsv", COLUMNS)
    return MappingProxyType({found.gene: found for found in build_rtk_survival(rows)})


def build_rtk_survival(rows: Iterable[KnowledgeRow]) -> tuple[RtkSurvival, ...]:
    """Check the rows of the table and give each its type; see `load_rtk_survival`."""
    findings: dict[str, RtkSurvival] = {}
    for row in rows:
        if row.gene() in findings:
            raise row.problem("gene", "has a row already")
        findings[row.gene()] = RtkSurvival(
            gene=row.gene(),
            outcome=row.choice("outcome", OUTCOMES),
            statement=row["statement"],
            source=row["source"],
        )
    return tuple(findings.values())
