"""Which marker of a sample tells what a drug will do?"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("drugs", "condition", "direction", "statement", "source")
DIRECTIONS = ("sensitivity", "resistance", "none")


@dataclass(frozen=True)
class Marker:
    """What one publication shows of these drugs where a sample meets a condition.

    Attributes
    ----------
    drugs : tuple of str
        As the drug table names them where it has them.
    condition : Condition
        What the sample must show.
    direction : str
        ``"sensitivity"``, ``"resistance"``, or ``"none"``: the condition changes nothing, or is
        a caveat that points neither way.
    statement : str
        What was found, and in whom.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    drugs: tuple[str, ...]
    condition: Condition
    direction: str
    statement: str
    source: str


@functools.cache
def load_markers() -> tuple[Marker, ...]:
    """Read the marker table, in its order.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return build_markers(read_rows("markers.tsv", COLUMNS))


def build_markers(rows: Iterable[KnowledgeRow]) -> tuple[Marker, ...]:
    """Check the rows of the table and give each its type; see `load_markers`."""
    return tuple(_marker(row) for row in rows)


def _marker(row: KnowledgeRow) -> Marker:
    return Marker(
        drugs=row.parts("drugs"),
        condition=row.condition(),
        direction=row.choice("direction", DIRECTIONS),
        statement=row["statement"],
        source=row["source"],
    )
