"""Which receptor tyrosine kinases carry a HER2-inhibited cell?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("gene", "family", "role", "lines", "induced_in", "partners", "statement", "source")
MAY_BE_BLANK = frozenset({"lines", "induced_in", "partners"})
RTK_ROLES = (
    "rescues",
    "rescues in some lines",
    "no effect",
    "better outcome",
    "drug target",
    "not tested",
)


@dataclass(frozen=True)
class Rtk:
    """One of the 58 human receptor tyrosine kinases and its role in resistance to HER2 drugs.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    family : str
        Family of the kinase, such as ``"InsR"``.
    role : str
        One of `RTK_ROLES`. ``"no effect"`` is a negative finding (tried, nothing seen);
        ``"not tested"`` is none at all.
    lines : tuple of str
        Cell lines in which it was tried: those that it rescued, for a role that begins with
        ``"rescues"``; those in which it did nothing, for ``"no effect"``.
    induced_in : tuple of str
        Resistant lines in which treatment raised it.
    partners : tuple of str
        Drugs that, added to a HER2 drug, broke the resistance.
    statement : str
        What was found.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    family: str
    role: str
    lines: tuple[str, ...]
    induced_in: tuple[str, ...]
    partners: tuple[str, ...]
    statement: str
    source: str

    @property
    def rescues(self) -> bool:
        """Whether it rescued HER2-inhibited cells in at least one line."""
        return self.role.startswith("rescues")


@functools.cache
def load_rtks() -> Mapping[str, Rtk]:
    """Read the table of receptor tyrosine kinases: Hugo symbol to row, read-only.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    rows = read_rows("rtks.tsv", COLUMNS, MAY_BE_BLANK)
    return MappingProxyType({rtk.gene: rtk for rtk in build_rtks(rows)})


def build_rtks(rows: Iterable[KnowledgeRow]) -> tuple[Rtk, ...]:
    """Check the rows of the table and give each its type; see `load_rtks`."""
    rtks: dict[str, Rtk] = {}
    for row in rows:
        if row.gene() in rtks:
            raise row.problem("gene", "has a row already")
        rtk = Rtk(
            gene=row.gene(),
            family=row["family"],
            role=row.choice("role", RTK_ROLES),
            lines=row.parts("lines"),
            induced_in=row.parts("induced_in"),
            partners=row.parts("partners"),
            statement=row["statement"],
            source=row["source"],
        )
        if rtk.rescues and not rtk.lines:
            raise row.problem("lines", "names no line that the kinase rescued")
        if rtk.partners and not rtk.rescues:
            raise row.problem("partners", "stands by a kinase that rescues nothing")
        rtks[rtk.gene] = rtk
    return tuple(rtks.values())
