"""Gene names: which gene each name of a file means, whatever the file calls it.

A file may name a gene by its approved symbol, by an earlier or other one, as ``ERBB2 (2064)``,
``ERBB2|2064`` or ``ENSG00000141736.9|ERBB2``, or by its Entrez or Ensembl identifier. What stands
for several genes is decided by the Entrez identifier beside it or by the chromosome, or else is
named and left as it is.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.knowledge.symbols import ensembl_symbol, entrez_symbol, symbol_table
from sidestep.features.vocabulary.account import Account

# R makes "ERBB2..2064." of "ERBB2 (2064)".
_WITH_ENTREZ = re.compile(
    r"^(?P<symbol>[^|()]*?)\s*(?:\|\s*(?P<a>\d+)|\(\s*(?P<b>\d+)\s*\)|\.\.(?P<c>\d+)\.)$"
)
_NUMBER = re.compile(r"^(\d+)(?:\.0+)?$")
_ENSEMBL = re.compile(r"^ENSG\d{11}(?:\.\d+)?$", re.IGNORECASE)
_WITH_ENSEMBL = re.compile(
    r"^(?:ENSG\d{11}(?:\.\d+)?[|_ ](?P<after>[^|]+)|(?P<before>[^|]+)[|_]ENSG\d{11}(?:\.\d+)?)$",
    re.IGNORECASE,
)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = "|".join(_MONTHS)
_DAY_MONTH = re.compile(rf"^(\d{{1,2}})[- ]({_MONTH})(?:[- ]\d{{2,4}})?$", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"^({_MONTH})[- ](\d{{1,2}})$", re.IGNORECASE)
_BETWEEN = re.compile(r"[-/ ]")
_ISO_DATE = re.compile(r"^\d{4}[-/](\d{1,2})[-/](\d{1,2})(?: 0{1,2}:00(?::00)?)?$")
_NOTHING = ("?", "---", "-", ".", "")

SYMBOL, OTHER_SYMBOL, ENTREZ, ENSEMBL, CHROMOSOME = (
    "symbol",
    "earlier or other symbol",
    "Entrez identifier",
    "Ensembl identifier",
    "chromosome",
)
#: Share of a file's names that may stand for several genes, as a few do in any file.
_FEW = 0.02
#: NCBI numbers genes in 31 bits.
LARGEST_ENTREZ = 2**31 - 1
NOT_IN_HGNC = "own name, which HGNC does not have"


def split_names(names: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Symbols and Entrez identifiers (Int64) of names that may hold both.

    Examples
    --------
    >>> symbols, entrez = split_names(pd.Series(["ERBB2 (2064)", "TP53|7157", "?|1956", "MET"]))
    >>> list(symbols.fillna("-")), list(entrez.fillna(0))
    (['ERBB2', 'TP53', '-', 'MET'], [2064, 7157, 1956, 0])
    """
    approved = symbol_table().chromosomes
    given = names.dropna().unique().tolist()
    others = {name: _split(str(name)) for name in given if name not in approved}
    plain = all(found == (name, None) for name, found in others.items())
    none = pd.Series(pd.NA, index=names.index, dtype="Int64")
    if plain:
        return names, none
    levels = {name: others.get(name, (name, None)) for name in given}
    parts = [(None, None) if pd.isna(name) else levels[name] for name in names.tolist()]
    symbols = pd.Series([part[0] for part in parts], index=names.index, dtype="str")
    return symbols, pd.Series([part[1] for part in parts], index=names.index, dtype="Int64")


def _split(name: str) -> tuple[str | None, int | None]:
    if name in symbol_table().chromosomes:
        return name, None
    if (found := _WITH_ENTREZ.fullmatch(name)) and _is_entrez(
        found["a"] or found["b"] or found["c"]
    ):
        symbol = found["symbol"].strip()
        return (None if symbol in _NOTHING else symbol), int(found["a"] or found["b"] or found["c"])
    if (found := _NUMBER.fullmatch(name)) and _is_entrez(found[1]):
        return None, int(found[1])
    if found := _WITH_ENSEMBL.fullmatch(name):
        return (found["after"] or found["before"]).strip(), None
    return (None, None) if name in _NOTHING else (name, None)


def _is_entrez(digits: str) -> bool:
    """Whether a number is small enough for a gene's."""
    return len(digits) <= len(str(LARGEST_ENTREZ)) and int(digits) <= LARGEST_ENTREZ


@functools.lru_cache(maxsize=2**17)
def candidates(name: str) -> tuple[str, ...]:
    """Approved symbols of the genes that a name may stand for; none if it is unknown.

    Dates are read as dates, and ``HLA.A``, which R makes of it, as HLA-A.

    Examples
    --------
    >>> candidates("MLL2"), candidates("1-Mar"), candidates("Sep-09"), candidates("XYZ0")
    (('KMT2B', 'KMT2D'), ('MARCHF1', 'MTARC1'), ('SEPTIN9',), ())
    """
    if name in symbol_table().chromosomes:
        return (name,)
    if (of_ensembl := ensembl_symbol(name)) is not None:
        return (of_ensembl,)
    known = symbol_table().candidates(as_date(name) or name)
    return known if known or "." not in name else symbol_table().candidates(name.replace(".", "-"))


def as_date(name: str) -> str | None:
    """The day and month (``"1-Mar"``) that a spreadsheet made of a gene's name; else None."""
    if not _BETWEEN.search(name):
        return None
    if found := _DAY_MONTH.fullmatch(name):
        day, month = int(found[1]), found[2]
    elif found := _MONTH_DAY.fullmatch(name):
        if symbol_table().candidates(name) and name.isupper():
            return None  # OCT-4, DEC-205 and APR-2 are gene names
        day, month = int(found[2]), found[1]
    elif found := _ISO_DATE.fullmatch(name):
        number = int(found[1])
        if not 1 <= number <= len(_MONTHS):
            return None
        day, month = int(found[2]), _MONTHS[number - 1]
    else:
        return None
    return f"{day}-{month.capitalize()}"


def label_genes(symbols: pd.Series, entrez: pd.Series, places: pd.Series | None) -> pd.Series:
    """One label for each row's gene, which `resolve_labels` turns into its name.

    A name that stands for one gene is its own label. Any other takes the row's Entrez identifier
    with it (``"MLL2|8085"``), or is decided by the row's chromosome.

    Parameters
    ----------
    symbols : Series of str
    entrez : Series of Int64
    places : Series of str or None
        Chromosomes or bands.

    Returns
    -------
    Series of str
        NaN where a row names no gene at all.
    """
    symbols, inside = split_names(symbols)
    numbers = entrez.fillna(inside)
    clear = [name for name in symbols.dropna().unique() if len(candidates(name)) == 1]
    open_rows = ~symbols.isin(clear)
    labels = symbols.astype(object)
    if open_rows.any():
        with_number = open_rows & numbers.notna()
        labels[with_number] = (
            symbols[with_number].fillna("").str.cat(numbers[with_number].astype("str"), sep="|")
        )
        if places is not None:
            left = open_rows & symbols.notna()
            labels[left] = [
                symbol_table().on_chromosome(as_date(name) or name, str(place)) or label
                for name, place, label in zip(
                    symbols[left], places[left].fillna(""), labels[left], strict=True
                )
            ]
    return labels.astype("str")


def symbols_by_entrez(given: Iterable[pd.Series]) -> dict[int, str]:
    """Entrez identifier -> symbol, by all names that a study's files give to it.

    Parameters
    ----------
    given : iterable of Series
        Symbol -> Entrez identifier, as each file has them.

    Returns
    -------
    dict
        The gene that all of its names may stand for; where there is none such, the first name.
    """
    names: dict[int, dict[str, None]] = {}
    for pairs in given:
        for symbol, number in pairs.items():
            names.setdefault(int(number), {})[str(symbol)] = None
    return {number: _common(list(several)) for number, several in names.items()}


def _common(names: Sequence[str]) -> str:
    if len(names) == 1:
        found = candidates(names[0])
        return found[0] if len(found) == 1 else names[0]
    known = [set(found) for name in names if (found := candidates(name))]
    if not known:
        return names[0]
    shared = set.intersection(*known)
    if len(shared) == 1:
        return shared.pop()
    return next((n for n in names if len(candidates(n)) == 1), names[0])


@dataclass
class NameCount:
    """How the names of one file were read.

    Attributes
    ----------
    matched : Counter
        By what -> rows.
    ambiguous : dict of str to int
        Name that stands for several genes, with these -> rows.
    dates : dict of str to int
        Name that a spreadsheet turned into a date -> rows.
    unknown : dict of str to int
        Name that HGNC does not have -> rows.
    """

    matched: Counter[str] = field(default_factory=Counter)
    ambiguous: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def name(self, symbol: str | None, number: int | None, by_entrez: Mapping[int, str]) -> str:
        """Name of one gene, counted; ``entrez:1234`` for an identifier without a symbol."""
        if number is None and symbol in symbol_table().chromosomes:
            self.matched[SYMBOL] += 1
            return str(symbol)
        own = () if symbol is None else candidates(symbol)
        told = None if number is None else by_entrez.get(number)
        if number is not None and (told is None or len(candidates(told)) != 1):
            told = entrez_symbol(number) or told
        if told is not None and len(candidates(told)) == 1:
            [gene] = candidates(told)
            same = symbol is not None and own == (gene,)
            self.matched[_how(symbol, gene) if same else ENTREZ] += 1
            return gene
        if len(own) == 1:
            self.matched[_how(symbol, own[0])] += 1
            return own[0]
        if symbol is None:
            self.unknown[f"entrez:{number}" if told is None else told] += 1
            return f"entrez:{number}" if told is None else told
        if as_date(symbol):
            self.dates[symbol] += 1
        elif own:
            self.ambiguous[symbol] += 1
        else:
            self.unknown[symbol] += 1
        return symbol

    def report(self, file: str, findings: Findings, account: Account) -> None:
        """Say what was matched and what was not.

        Raises
        ------
        StudyError
            If there are names, and none of them is a gene that is known.
        """
        counts = {**self.matched, NOT_IN_HGNC: sum(self.unknown.values())}
        account.match(file, counts)
        account.puzzle(file, {f"{n} ({_either(n)})": c for n, c in self.ambiguous.items()})
        account.puzzle(file, {f"{n} (a date)": c for n, c in self.dates.items()})
        left = self.ambiguous + self.dates + self.unknown
        if left and not self.matched:
            raise _no_match(file, list(left))
        if self.ambiguous:
            shown = [f"{name} ({_either(name)})" for name in self.ambiguous]
            many = len(shown) > _FEW * self.matched.total()
            (findings.warn if many else findings.note)(
                f"{file}: {len(shown)} gene name(s) stand for several genes and keep their name: "
                f"{some(shown)}; give Entrez_Gene_Id or Chromosome beside them.",
                file,
            )
        if self.dates:
            shown = [f"{name} ({_either(name) or 'no gene'})" for name in self.dates]
            findings.warn(
                f"{file}: {len(shown)} gene name(s) are dates that a spreadsheet made of them: "
                f"{some(shown)}; write the symbols again, or give Entrez_Gene_Id.",
                file,
            )


def _how(symbol: str | None, gene: str) -> str:
    if symbol is None:
        return ENTREZ
    if _ENSEMBL.fullmatch(symbol):
        return ENSEMBL
    return SYMBOL if symbol.upper() == gene.upper() else OTHER_SYMBOL


def _either(name: str) -> str:
    return " or ".join(candidates(name))


def _no_match(file: str, names: Sequence[str]) -> Exception:
    example = names[0]
    what = ""
    if _ENSEMBL.fullmatch(example):
        what = ", an Ensembl identifier"
    elif example.startswith("entrez:"):
        what = ", an Entrez identifier without a symbol in any file of the study"
    message = (
        f"{file}: none of its {len(names):,} gene names is one that HGNC has (for one "
        f"{example!r}{what}); give Hugo symbols in a column Hugo_Symbol."
    )
    return study_error(message, file)


def resolve_labels(
    labels: Iterable[str], by_entrez: Mapping[int, str], count: NameCount | None = None
) -> dict[str, str]:
    """Label of `label_genes` -> name of its gene.

    Parameters
    ----------
    labels : iterable of str
        Each once.
    by_entrez : mapping of int to str
        See `symbols_by_entrez`.
    count : NameCount, optional
        Counts each label.
    """
    counted = NameCount() if count is None else count
    found: dict[str, str] = {}
    for label in labels:
        symbol, number = _split(label)
        if symbol is None and number is None:
            continue
        found[label] = counted.name(symbol, number, by_entrez)
    return found


def name_calls(genes: pd.Series, by_entrez: Mapping[int, str], count: NameCount) -> pd.Series:
    """Names of calls' genes, which are labels; categories stay categories."""
    if genes.dtype != "category":
        name_of = resolve_labels(genes.dropna().unique(), by_entrez, count)
        return genes.map(name_of).astype("str")
    name_of = resolve_labels(genes.cat.categories, by_entrez, count)
    names = pd.Index([name_of.get(label, label) for label in genes.cat.categories], dtype="str")
    unique = names.unique()
    places = np.append(unique.get_indexer(names), -1)
    codes = pd.Categorical.from_codes(places[genes.cat.codes.to_numpy()], categories=unique)
    return pd.Series(codes, index=genes.index, name=genes.name)
