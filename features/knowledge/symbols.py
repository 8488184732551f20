"""The current symbol of a gene that studies still call by an older one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed


def current_symbol(gene: str) -> str:
    """Symbol that the knowledge tables use for a gene: the same, unless it was renamed.

    Examples
    --------
    >>> current_symbol("MRE11A"), current_symbol("ERBB2")
    ('MRE11', 'ERBB2')
    """
    return PREVIOUS_SYMBOL_TABLE.load().get(gene, gene)


def _previous_symbols(rows: Sequence[KnowledgeRow]) -> Mapping[str, str]:
    current = keyed("previous", lambda row: row.gene("current"))(rows)
    for row in rows:
        if row["current"] in current:
            raise row.problem("current", "is itself a previous symbol")
    return current


#: Previous Hugo symbol -> current one.
PREVIOUS_SYMBOL_TABLE = KnowledgeTable(
    "previous_symbols.tsv", ("previous", "current", "source"), _previous_symbols
)
