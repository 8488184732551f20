"""Under which symbol does the knowledge have a gene that a study calls by an older one?"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("previous", "current", "source")


@functools.cache
def load_previous_symbols() -> Mapping[str, str]:
    """Read the table of renamed genes: previous Hugo symbol -> current one; read-only.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return MappingProxyType(build_previous_symbols(read_rows("previous_symbols.tsv", COLUMNS)))


def build_previous_symbols(rows: Sequence[KnowledgeRow]) -> dict[str, str]:
    """Check the rows of the table; see `load_previous_symbols`."""
    found: dict[str, str] = {}
    for row in rows:
        if row["previous"] in found:
            raise row.problem("previous", "has a row already")
        found[row["previous"]] = row.gene("current")
    for row in rows:
        if row["current"] in found:
            raise row.problem("current", "is itself a previous symbol")
    return found


def current_symbol(gene: str) -> str:
    """Symbol that the knowledge tables use for a gene: the same, unless it was renamed.

    Examples
    --------
    >>> current_symbol("MRE11A"), current_symbol("ERBB2")
    ('MRE11', 'ERBB2')
    """
    return load_previous_symbols().get(gene, gene)
