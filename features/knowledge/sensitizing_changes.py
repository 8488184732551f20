"""Which first mutations of a kinase make cells sensitive to its inhibitors?"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("gene", "change", "call", "source")
SUBSTITUTION, IN_FRAME = "substitution", "in-frame"

_RESIDUE = "[ACDEFGHIKLMNPQRSTVWY][1-9][0-9]*"
_FORMS = {SUBSTITUTION: re.compile(f"{_RESIDUE}[A-Z]?"), IN_FRAME: re.compile(_RESIDUE)}


@dataclass(frozen=True)
class SensitizingChange:
    """A change beside which others were found that undo the response.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    change : str
        A substitution (``"L858R"``), a residue for any substitution there (``"G719"``), or the
        residue that an in-frame deletion begins with (``"E746"``).
    call : str
        ``"substitution"`` or ``"in-frame"``.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    change: str
    call: str
    source: str


@functools.cache
def load_sensitizing_changes() -> tuple[SensitizingChange, ...]:
    """Read the table, in its order.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return build_sensitizing_changes(read_rows("sensitizing_changes.tsv", COLUMNS))


def build_sensitizing_changes(rows: Iterable[KnowledgeRow]) -> tuple[SensitizingChange, ...]:
    """Check the rows of the table and give each its type; see `load_sensitizing_changes`."""
    changes = []
    for row in rows:
        call = row.choice("call", tuple(_FORMS))
        if not _FORMS[call].fullmatch(row["change"]):
            raise row.problem("change", f"is no change such as {call} calls have")
        changes.append(SensitizingChange(row.gene(), row["change"], call, row["source"]))
    return tuple(changes)
