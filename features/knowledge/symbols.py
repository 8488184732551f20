"""Gene symbols: HGNC's approved ones, and which gene a previous or alias symbol stands for.

The table is HGNC's of April 2022 (CC0; Seal et al., Nucleic Acids Res 2023, DOI
10.1093/nar/gkac888), as HGNChelper collects it (Oh et al., F1000Research 2022, DOI
10.12688/f1000research.28033.2): 43,135 genes with 58,210 other symbols. Some of these stand for
several genes (``MLL2`` for KMT2B and KMT2D); the chromosome may tell which.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILE_NAME = "hgnc_symbols.tsv.gz"
_CHROMOSOME = re.compile(r"^(?:chr)?(\d{1,2}|X|Y|MT?)(?![A-Z0-9])", re.IGNORECASE)
_ARM = re.compile(r"^(?:chr)?(\d{1,2}|X|Y)[pq]", re.IGNORECASE)


@dataclass(frozen=True)
class SymbolTable:
    """HGNC's symbols.

    Attributes
    ----------
    chromosomes : mapping of str to str
        Approved symbol -> chromosome (``"17"``, ``"X"``, ``"mitochondria"`` ...).
    approved : mapping of str to str
        Approved symbol in capitals -> as HGNC writes it (``"C1ORF112"`` -> ``"C1orf112"``).
    others : mapping of str to tuple of str
        Previous or alias symbol in capitals -> approved symbols of the genes that it stands for.
    """

    chromosomes: Mapping[str, str]
    approved: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]]

    def candidates(self, name: str) -> tuple[str, ...]:
        """Approved symbols of the genes that a symbol may stand for; none if it is unknown.

        An approved symbol stands for its own gene, whatever gene had it before.
        """
        key = name.upper()
        own = self.approved.get(key)
        return (own,) if own is not None else self.others.get(key, ())

    def on_chromosome(self, name: str, place: str) -> str | None:
        """The one gene of a symbol's candidates that lies on a chromosome or band; else None.

        Parameters
        ----------
        name : str
        place : str
            ``"17"``, ``"chr17"`` or ``"17q12"``.
        """
        found = _CHROMOSOME.match(place.strip()) or _ARM.match(place.strip())
        if found is None:
            return None
        fits = [
            gene
            for gene in self.candidates(name)
            if self.chromosomes[gene].split(" ")[0].upper() == found[1].upper().lstrip("0")
        ]
        return fits[0] if len(fits) == 1 else None


@cache
def symbol_table() -> SymbolTable:
    """HGNC's table, read once (a tenth of a second)."""
    packed = files(__package__).joinpath("tables", FILE_NAME).read_bytes()
    chromosomes: dict[str, str] = {}
    approved: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    for line in gzip.decompress(packed).decode("utf-8").splitlines()[1:]:
        symbol, chromosome, joined = line.split("\t")
        chromosomes[symbol] = chromosome
        approved[symbol.upper()] = symbol
        for other in joined.split("|") if joined else ():
            key = other.upper()
            known = others.get(key, ())
            if symbol not in known:
                others[key] = (*known, symbol)
    return SymbolTable(chromosomes, approved, others)


def current_symbol(gene: str) -> str:
    """Approved symbol of a gene; the name itself where it stands for no gene, or for several.

    Examples
    --------
    >>> current_symbol("MRE11A"), current_symbol("ERBB2"), current_symbol("MLL2")
    ('MRE11', 'ERBB2', 'MLL2')
    """
    found = symbol_table().candidates(gene)
    return found[0] if len(found) == 1 else gene
