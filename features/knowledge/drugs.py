"""What a drug hits: its names, its targets and their partners, its marker, its plasma level."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each, keyed

PANELS = ("her2", "kinase")

# GDSC names a compound that it screened twice `Name-identifier`, an identifier of 1 to 4 digits.
_GDSC_IDENTIFIER = re.compile(r"-\d{1,4}$")
# A drug under its number in a database: PubChem's CID 208908, GDSC 1558.
PUBCHEM, GDSC = "PubChem", "GDSC"
_NUMBERED = re.compile(
    r"(?:(?P<PubChem>(?:pubchem[\s_:-]*)?cid|pubchem)[\s_:-]*|(?P<GDSC>gdsc[12]?)[\s_:-]+)"
    r"(?P<number>\d+)",
    re.IGNORECASE,
)


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
        Hugo symbols of the targets' immediate partners (`PARTNER_TABLE`), the
        targets themselves left out; in the order of the targets, then of the table.
    panels : frozenset of str
        ``"her2"`` (anti-HER2 drugs), ``"kinase"`` (small molecules against protein or lipid
        kinases), both, or neither.
    marker : str
        Hugo symbol of the single marker a clinician would read: ERBB2 for anti-HER2 drugs, else
        the lead target.
    source : str
        ``PMID:...`` or ``DOI:...`` of the publication that holds the target profile.
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


def _partnership(row: KnowledgeRow) -> Partnership:
    return Partnership(row.gene(), row.gene("partner"), row["relation"], row["source"])


def build_drugs(
    rows: Sequence[KnowledgeRow], partnerships: Iterable[Partnership]
) -> Mapping[str, Drug]:
    """Drugs of a drug table by name, each with the partners of its targets.

    Parameters
    ----------
    rows : sequence of KnowledgeRow
        Rows of `DRUG_TABLE`.
    partnerships : iterable of Partnership
        Rows of `PARTNER_TABLE`.

    Raises
    ------
    ValueError
        If a row is malformed, or one name or synonym, compared by
        `features.identifiers.match_key`, stands for two drugs.
    """
    partners_of: dict[str, list[str]] = {}
    for partnership in partnerships:
        partners_of.setdefault(partnership.gene, []).append(partnership.partner)
    drugs = keyed("name", lambda row: _drug(row, partners_of))(rows)
    _index_names(drugs.values())
    return drugs


def _drug(row: KnowledgeRow, partners_of: Mapping[str, Sequence[str]]) -> Drug:
    targets = row.parts("targets")
    partners = [partner for target in targets for partner in partners_of.get(target, [])]
    return Drug(
        name=row["name"],
        synonyms=row.parts("synonyms", "|"),
        drug_class=row["class"],
        targets=targets,
        partners=tuple(dict.fromkeys(p for p in partners if p not in targets)),
        panels=frozenset(row.parts("panels")),
        marker=row.gene("marker"),
        source=row["source"],
    )


def _plasma_concentration(row: KnowledgeRow) -> PlasmaConcentration:
    row.choice("unit", ("nM",))
    free, total = row.number("free"), row.number("total")
    if free is None and total is None:
        raise row.problem("free", "and total are both blank")
    if free is not None and total is not None and free > total:
        raise row.problem("free", "is more than the total")
    return PlasmaConcentration(row["drug"], free, total, row["measured"], row["source"])


#: Targets and their immediate partners, a pair a row.
PARTNER_TABLE = KnowledgeTable(
    "partners.tsv", ("gene", "partner", "relation", "source"), each(_partnership)
)
#: Name -> drug.
DRUG_TABLE = KnowledgeTable(
    "drugs.tsv",
    ("name", "synonyms", "class", "targets", "panels", "marker", "source"),
    lambda rows: build_drugs(rows, PARTNER_TABLE.load()),
    may_be_blank=frozenset({"synonyms", "panels"}),
)
#: Drug -> what a patient's plasma reaches.
CONCENTRATION_TABLE = KnowledgeTable(
    "concentrations.tsv",
    ("drug", "free", "total", "unit", "measured", "source"),
    keyed("drug", _plasma_concentration),
    may_be_blank=frozenset({"free", "total"}),
)


def _identifiers(rows: Sequence[KnowledgeRow]) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        row.checked()
        key = (row.choice("database", (PUBCHEM, GDSC)), row["identifier"])
        if key in found:
            raise row.problem("identifier", f"is {found[key]} already")
        found[key] = row["drug"]
    return found


#: Database and identifier -> drug. GDSC has several of a compound that it screened twice.
IDENTIFIER_TABLE = KnowledgeTable(
    "drug_identifiers.tsv",
    ("drug", "database", "identifier", "checked", "source"),
    _identifiers,
)


def pubchem_id(name: str) -> str | None:
    """PubChem's compound identifier (CID) of a drug; None where the table has none.

    Examples
    --------
    >>> pubchem_id("GW572016")
    '208908'
    """
    drug = find_drug(name)
    for (database, identifier), one in IDENTIFIER_TABLE.load().items():
        if database == PUBCHEM and drug is not None and one == drug.name:
            return identifier
    return None


@functools.lru_cache(maxsize=2**12)
def find_drug(name: str) -> Drug | None:
    """Find a drug by name or synonym, regardless of case and punctuation.

    A trailing GDSC identifier is dropped where the full name is not known
    (``"Selumetinib-1736"`` is selumetinib), and a number of a database is looked up
    (``"CID 208908"`` and ``"GDSC:1558"`` are lapatinib).

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
    if found is None and (numbered := _NUMBERED.fullmatch(name.strip())):
        database = PUBCHEM if numbered[PUBCHEM] else GDSC
        drug = IDENTIFIER_TABLE.load().get((database, numbered["number"]))
        found = None if drug is None else DRUG_TABLE.load()[drug]
    return found


def standard_name(name: str) -> str:
    """The name that the drug table shows for a drug; as it is where the table does not know it.

    Examples
    --------
    >>> standard_name("BIBW2992"), standard_name("SIMNULL-1")
    ('Afatinib', 'SIMNULL-1')
    """
    drug = find_drug(name)
    return name if drug is None else drug.name


def both_names(name: str) -> str:
    """The standard name with a study's own beside it, where they differ in more than case.

    Examples
    --------
    >>> both_names("BIBW2992"), both_names("lapatinib"), both_names("SIMNULL-1")
    ('Afatinib (BIBW2992)', 'Lapatinib', 'SIMNULL-1')
    """
    standard = standard_name(name)
    return standard if match_key(standard) == match_key(name) else f"{standard} ({name})"


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
    drugs = DRUG_TABLE.load().values()
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
    return _index_names(DRUG_TABLE.load().values())


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
