"""What does a drug hit? Its targets, their immediate partners, and the clinician's marker."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import read_rows

PANELS = ("her2", "kinase")
COLUMNS = ("name", "synonyms", "class", "targets", "panels", "marker", "source")
PARTNER_COLUMNS = ("gene", "partner", "relation", "source")
MAY_BE_BLANK = frozenset({"synonyms", "panels"})

# GDSC names a compound that it screened twice `Name-identifier`, an identifier of 1 to 4 digits.
_GDSC_IDENTIFIER = re.compile(r"-\d{1,4}$")


@dataclass(frozen=True)
class Drug:
    """One drug of the drug table.

    Attributes
    ----------
    name : str
        The name that Sidestep shows: the international name where there is one, else the code.
    synonyms : tuple of str
        Other names in use, among them those of the public response files.
    drug_class : str
        Short class, such as ``"MEK inhibitor"``.
    targets : tuple of str
        Hugo symbols, the most potent or most relevant first.
    partners : tuple of str
        Hugo symbols of the targets' immediate partners (`features/knowledge/partners.tsv`), the
        targets themselves left out; in the order of the targets, then of the table.
    panels : frozenset of str
        ``"her2"`` (anti-HER2 drugs), ``"kinase"`` (small molecules against protein or lipid
        kinases), both, or neither.
    marker : str
        Hugo symbol of the single marker a clinician would read: ERBB2 for anti-HER2 drugs, else
        the lead target.
    source : str
        ``PMID:…`` or ``DOI:…`` of the publication that holds the target profile.
    """

    name: str
    synonyms: tuple[str, ...]
    drug_class: str
    targets: tuple[str, ...]
    partners: tuple[str, ...]
    panels: frozenset[str]
    marker: str
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """The name and every synonym."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Partnership:
    """One row of the partner table: `partner` stands in `relation` to the target `gene`."""

    gene: str
    partner: str
    relation: str
    source: str


@functools.cache
def load_partnerships() -> tuple[Partnership, ...]:
    """Read the partner table, each row with its source.

    Raises
    ------
    ValueError
        If the table is malformed.
    """
    rows = read_rows("partners.tsv", PARTNER_COLUMNS)
    return tuple(
        Partnership(row.gene(), row.gene("partner"), row["relation"], row["source"]) for row in rows
    )


@functools.cache
def load_drugs() -> Mapping[str, Drug]:
    """Read the drug table.

    Returns
    -------
    Mapping of str to Drug
        By drug name, in the order of the table; read-only.

    Raises
    ------
    ValueError
        If the table is malformed, or one name or synonym stands for two drugs.
    """
    rows = read_rows("drugs.tsv", COLUMNS, MAY_BE_BLANK)
    drugs = build_drugs([row.cells for row in rows], load_partnerships())
    return MappingProxyType({drug.name: drug for drug in drugs})


def build_drugs(
    records: Iterable[Mapping[str, str]], partnerships: Iterable[Partnership]
) -> tuple[Drug, ...]:
    """Join the records of a drug table with the partners of each drug's targets.

    Parameters
    ----------
    records : iterable of mapping
        Rows with the columns name, synonyms (``|``-separated), class, targets and panels
        (``;``-separated), marker, source.
    partnerships : iterable of Partnership
        Rows of the partner table.

    Raises
    ------
    ValueError
        If one name or synonym, compared by `features.identifiers.match_key`, stands for two drugs.
    """
    partners_of: dict[str, list[str]] = {}
    for row in partnerships:
        partners_of.setdefault(row.gene, []).append(row.partner)
    drugs = []
    for record in records:
        targets = _split(record["targets"], ";")
        partners = [partner for target in targets for partner in partners_of.get(target, [])]
        drugs.append(
            Drug(
                name=record["name"],
                synonyms=_split(record["synonyms"], "|"),
                drug_class=record["class"],
                targets=targets,
                partners=tuple(dict.fromkeys(p for p in partners if p not in targets)),
                panels=frozenset(_split(record["panels"], ";")),
                marker=record["marker"],
                source=record["source"],
            )
        )
    _index_names(drugs)
    return tuple(drugs)


def find_drug(name: str) -> Drug | None:
    """Find a drug by name or synonym, regardless of case and punctuation.

    A trailing GDSC identifier is dropped where the full name is not known
    (``"Selumetinib-1736"`` is selumetinib).

    Parameters
    ----------
    name : str
        Any name, such as a row name of a response file.

    Returns
    -------
    Drug or None
        None where the table does not know the name.
    """
    by_key = _names_of_the_table()
    found = by_key.get(match_key(name))
    if found is None:
        found = by_key.get(match_key(_GDSC_IDENTIFIER.sub("", name.strip())))
    return found


def panel(name: str) -> list[Drug]:
    """List the drugs of a panel.

    Parameters
    ----------
    name : {"her2", "kinase", "all"}
        ``"all"`` is the whole table.

    Raises
    ------
    ValueError
        If the panel is not one of these.
    """
    drugs = load_drugs().values()
    if name == "all":
        return list(drugs)
    if name not in PANELS:
        raise ValueError(f"panel {name!r} does not exist; use one of her2, kinase, all")
    return [drug for drug in drugs if name in drug.panels]


def nearest_drugs(name: str, among: Iterable[str], count: int = 3) -> list[str]:
    """Suggest which drugs a misspelt name may have meant.

    Every name that the drug table gives a candidate counts, so that ``"BIBW2292"`` suggests
    ``"Afatinib"``.

    Parameters
    ----------
    name : str
        What the user wrote.
    among : iterable of str
        The names to choose from, such as the drugs of a response file.
    count : int, default 3
        The most suggestions to give.

    Returns
    -------
    list of str
        Names out of `among`, the likeliest first; empty where nothing is near.
    """
    spellings: dict[str, str] = {}
    for candidate in among:
        drug = find_drug(candidate)
        for spelling in (candidate, *(drug.names if drug else ())):
            spellings.setdefault(match_key(spelling), candidate)
    close = difflib.get_close_matches(match_key(name), spellings, n=len(spellings) or 1)
    return list(dict.fromkeys(spellings[spelling] for spelling in close))[:count]


@functools.cache
def _names_of_the_table() -> Mapping[str, Drug]:
    return _index_names(load_drugs().values())


def _index_names(drugs: Iterable[Drug]) -> Mapping[str, Drug]:
    by_key: dict[str, Drug] = {}
    for drug in drugs:
        for name in drug.names:
            other = by_key.setdefault(match_key(name), drug)
            if other is not drug:
                raise ValueError(
                    f"the drug table names both {other.name!r} and {drug.name!r} {name!r}; "
                    "a name must stand for one drug"
                )
    return by_key


def _split(field: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in field.split(separator) if part.strip())
