"""Which residues are mutated again and again, and what does a change there do?"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from sidestep.features.knowledge.rows import read_rows

COLUMNS = ("gene", "residue", "change", "effect", "source")
MAY_BE_BLANK = frozenset({"change"})

_LOSS = "loss of function"
_DRIVES = ("activating", "neomorphic", _LOSS)


@dataclass(frozen=True)
class Hotspot:
    """One row of the hotspot table.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    residue : str
        Reference amino acid and position, such as ``"H1047"``.
    change : str
        Protein change that the row is about, such as ``"T790M"``; empty for any change there.
    effect : str
        What it does, such as ``"activating"`` or ``"resistance to lapatinib"``.
    source : str
        ``PMID:…`` or ``DOI:…`` of the publication that shows it.
    """

    gene: str
    residue: str
    change: str
    effect: str
    source: str


@functools.cache
def load_hotspots() -> tuple[Hotspot, ...]:
    """Read the hotspot table; a residue with more than one effect has a row for each.

    Raises
    ------
    ValueError
        If the table is malformed.
    """
    rows = read_rows("hotspots.tsv", COLUMNS, MAY_BE_BLANK)
    return tuple(Hotspot(row.gene(), *(row[name] for name in COLUMNS[1:])) for row in rows)


@functools.cache
def driver_hotspots(gene: str) -> tuple[Hotspot, ...]:
    """Return the rows of a gene where a change drives: it switches on, breaks or does a new thing.

    What only makes a drug fail (EGFR T790M), or leaves the kinase impaired (BRAF D594), is none.
    """
    return tuple(
        row for row in load_hotspots() if row.gene == gene and row.effect.startswith(_DRIVES)
    )


@functools.cache
def suppressors() -> frozenset[str]:
    """Return the genes that drive by their loss, such as PTEN."""
    return frozenset(row.gene for row in load_hotspots() if row.effect.startswith(_LOSS))


@functools.cache
def known_hotspots() -> frozenset[tuple[str, str]]:
    """Return the (gene, residue) pairs of the hotspot table, such as ``("PIK3CA", "H1047")``.

    Some residues stand under the numbering of two isoforms, because mutation files do (FGFR3 Y373
    and Y375, MET D1228 and D1246).
    """
    return frozenset((hotspot.gene, hotspot.residue) for hotspot in load_hotspots())
