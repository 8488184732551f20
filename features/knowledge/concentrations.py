"""Which concentration of a drug does a patient's plasma reach?"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = ("drug", "free", "total", "unit", "measured", "source")
MAY_BE_BLANK = frozenset({"free", "total"})


@dataclass(frozen=True)
class PlasmaConcentration:
    """What a drug reaches in plasma at its usual dose.

    Attributes
    ----------
    drug : str
        Name in the drug table.
    free : float or None
        Not bound to protein, nM: what a concentration in culture medium compares with.
    total : float or None
        Bound and unbound together, nM.
    measured : str
        How and at which dose it was measured.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    drug: str
    free: float | None
    total: float | None
    measured: str
    source: str

    @property
    def level(self) -> float:
        """`free` where it is known, else `total`, nM."""
        known = [level for level in (self.free, self.total) if level is not None]
        return known[0]


@functools.cache
def load_concentrations() -> Mapping[str, PlasmaConcentration]:
    """Read the table of plasma concentrations: drug to row, read-only.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    rows = read_rows("concentrations.tsv", COLUMNS, MAY_BE_BLANK)
    return MappingProxyType({row.drug: row for row in build_concentrations(rows)})


def build_concentrations(rows: Iterable[KnowledgeRow]) -> tuple[PlasmaConcentration, ...]:
    """Check the rows of the table and give each its type; see `load_concentrations`."""
    found: dict[str, PlasmaConcentration] = {}
    for row in rows:
        row.choice("unit", ("nM",))
        drug, free, total = row["drug"], row.number("free"), row.number("total")
        if drug in found:
            raise row.problem("drug", "has a row already")
        if free is None and total is None:
            raise row.problem("free", "and total are both blank")
        if free is not None and total is not None and free > total:
            raise row.problem("free", "is more than the total")
        found[drug] = PlasmaConcentration(drug, free, total, row["measured"], row["source"])
    return tuple(found.values())
