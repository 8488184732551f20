"""Cell lines under their many names: which are one, and which come from one donor.

A line goes by the names of its table, whose rows also say of which donor it is: sister lines of
one patient, sublines, and lines that were found to be another. A name that two lines have (TT of
thyroid and T.T of oesophagus) means one of them only where spelling or lineage tells which.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key, tissue_of, without_tissue
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed
from sidestep.features.vocabulary.lineages import find_lineage
from sidestep.features.vocabulary.sample_types import LINE, UNSAID, sample_kinds

#: Clinical attributes that hold a line's name.
NAMES: Final = ("CELL_LINE_NAME", "CELL_LINE", "STRIPPED_CELL_LINE_NAME", "CCLE_NAME")
#: How a line stands to its donor's first one.
ITSELF, RELATIONS = "itself", ("same donor", "derivative", "taken for another")
# Of samples that nothing calls cell lines, a name so short may be anything.
_SHORTEST_NAME: Final = 4


@dataclass(frozen=True)
class CellLine:
    """One line of the table.

    Attributes
    ----------
    name : str
    synonyms : tuple of str
        Other spellings, but for case and punctuation.
    donor : str
        Line that names the donor; empty where the table knows no relative.
    relation : str
        To that line: itself, same donor, derivative, or taken for another.
    source : str
        ``DOI:...`` or ``PMID:...``.
    """

    name: str
    synonyms: tuple[str, ...]
    donor: str
    relation: str
    source: str


@dataclass(frozen=True)
class SharedName:
    """What a name of two lines means in one lineage."""

    line: str
    lineage: str


def _cell_line(row: KnowledgeRow) -> CellLine:
    row.checked()
    relation = row.choice("relation", (ITSELF, *RELATIONS, ""))
    if bool(row["donor"]) != bool(relation) or (relation == ITSELF) != (
        row["donor"] == row["line"]
    ):
        raise row.problem("relation", f"does not fit the donor {row['donor']!r}")
    return CellLine(row["line"], row.parts("synonyms", "|"), row["donor"], relation, row["source"])


#: Line -> what is known of it.
CELL_LINE_TABLE = KnowledgeTable(
    "cell_lines.tsv",
    ("line", "synonyms", "donor", "relation", "checked", "source"),
    keyed("line", _cell_line),
    may_be_blank=frozenset({"synonyms", "donor", "relation"}),
)


def _shared_names(rows: Iterable[KnowledgeRow]) -> Mapping[str, tuple[SharedName, ...]]:
    found: dict[str, tuple[SharedName, ...]] = {}
    for row in rows:
        row.checked()
        meaning = SharedName(row["line"], row["lineage"])
        found[row["name"]] = (*found.get(row["name"], ()), meaning)
    return found


#: Name without punctuation -> the lines that go by it.
SHARED_NAME_TABLE: KnowledgeTable[Mapping[str, tuple[SharedName, ...]]] = KnowledgeTable(
    "shared_line_names.tsv", ("name", "line", "lineage", "checked", "source"), _shared_names
)


def find_line(name: str, lineage: str = "") -> CellLine | None:
    """The line of the table that a name means, regardless of punctuation and of CCLE's tissue.

    Parameters
    ----------
    name : str
    lineage : str
        Any word for it; tells apart the lines that share a name.

    Examples
    --------
    >>> find_line("OVCAR-3").name, find_line("MDAMB435S_SKIN").donor, find_line("TT")
    ('NIH:OVCAR-3', 'M14', None)
    >>> find_line("TT", "oesophagus").name, find_line("T.T").name
    ('T.T', 'T.T')
    """
    meant = shared_meaning(name, lineage)
    if meant is not None:
        return CELL_LINE_TABLE.load().get(meant)
    return _by_key().get(match_key(without_tissue(name)))


def shared_meaning(name: str, lineage: str = "") -> str | None:
    """The line that a name of two lines means, empty where nothing tells; None for other names.

    Examples
    --------
    >>> shared_meaning("ML-1", "thyroid"), shared_meaning("ML-1"), shared_meaning("SKBR3")
    ('ML-1 of thyroid', '', None)
    """
    meanings = SHARED_NAME_TABLE.load().get(match_key(without_tissue(name)))
    if meanings is None:
        return None
    word = find_lineage(tissue_of(name)) or find_lineage(lineage)
    fits = [meaning.line for meaning in meanings if word and meaning.lineage == word.name]
    if word is not None:
        return fits[0] if len(fits) == 1 else ""
    # The letters alone are common to both; only punctuation can be a spelling of one.
    spelt = None if name == match_key(name) else _spellings().get(name)
    return "" if spelt is None else spelt.name


def are_lines(clinical: pd.DataFrame) -> dict[str, bool]:
    """Whether each sample of a clinical table is a cell line, as far as its names are to count.

    One that the study calls a line is, and one whose name ends with CCLE's tissue. Of one that
    nobody says anything of, a name of four letters and digits or more counts as a line's, and one
    that is known to stand for two lines.
    """
    return {
        str(sample): kind == LINE
        or bool(tissue_of(str(sample)))
        or (kind == UNSAID and _may_be_line(match_key(str(sample))))
        for sample, kind in zip(clinical.index, sample_kinds(clinical), strict=True)
    }


def line_names(clinical: pd.DataFrame) -> dict[str, list[str]]:
    """Names of each sample: its own, and those that its attributes (`NAMES`) give it."""
    named = {str(sample): [str(sample)] for sample in clinical.index}
    for column in clinical.columns:
        if str(column).upper() in NAMES:
            for sample, name in clinical[column].dropna().items():
                named[str(sample)].append(str(name))
    return named


def _may_be_line(key: str) -> bool:
    return len(key) >= _SHORTEST_NAME or key in SHARED_NAME_TABLE.load()


@dataclass(frozen=True)
class Siblings:
    """Samples of one donor whom a study gives to several.

    Attributes
    ----------
    samples : tuple of str
        The first names the donor.
    why : str
        How they are related, and the source.
    """

    samples: tuple[str, ...]
    why: str


#: Donor's key of a sample -> what is known of the relation, in words.
Relative = tuple[str, str]
Relations = Callable[[str, str], Relative | None]


def known_relative(name: str, lineage: str = "") -> Relative | None:
    """Donor that the table gives a line, and how the line stands to it; None if it has none."""
    line = find_line(name, lineage)
    if line is None or not line.donor:
        return None
    return line.donor, f"{line.relation} ({line.source})"


def unite_donors(
    donors: pd.Series,
    names: Mapping[str, Sequence[str]],
    lineages: Mapping[str, str],
    lines: Mapping[str, bool],
    relations: Iterable[Relations] = (known_relative,),
) -> tuple[pd.Series, list[Siblings]]:
    """Donors of samples, where lines that are known to come from one person share one.

    Parameters
    ----------
    donors : Series of str
        Sample -> donor, as the study says.
    names : mapping of str to sequence of str
        Sample -> what the line is called, as `line_names` returns.
    lineages : mapping of str to str
        Sample -> lineage, where known.
    lines : mapping of str to bool
        Whether a sample is a cell line; others keep their donor.
    relations : iterable of callable
        Name and lineage -> donor and relation, such as `known_relative`.

    Returns
    -------
    donors : Series of str
        The first sample's donor is kept.
    siblings : list of Siblings
        Those whom the study had given several.
    """
    told = donors.astype("str").copy()
    siblings: list[Siblings] = []
    for relation in relations:
        family: dict[str, dict[str, str]] = {}
        for sample in told.index:
            if not lines.get(str(sample), False):
                continue
            lineage = lineages.get(str(sample), "")
            found = (relation(name, lineage) for name in names[str(sample)])
            relative = next((one for one in found if one is not None), None)
            if relative is not None:
                family.setdefault(relative[0], {})[str(sample)] = relative[1]
        for members in family.values():
            of = list(dict.fromkeys(told.loc[list(members)]))
            if len(of) < 2:
                continue
            told = told.mask(told.isin(of[1:]), of[0])
            words = dict.fromkeys(why for why in members.values() if not why.startswith(ITSELF))
            siblings.append(Siblings(tuple(members), "; ".join(words)))
    return told, siblings


@functools.cache
def _spellings() -> Mapping[str, CellLine]:
    """Exact spelling -> line."""
    return {
        spelling: line
        for line in CELL_LINE_TABLE.load().values()
        for spelling in (line.name, *line.synonyms)
    }


@functools.cache
def _by_key() -> Mapping[str, CellLine]:
    """Spelling without punctuation -> line, but for the names that two lines share."""
    found: dict[str, CellLine] = {}
    shared = SHARED_NAME_TABLE.load()
    for line in CELL_LINE_TABLE.load().values():
        for spelling in (line.name, *line.synonyms):
            key = match_key(spelling)
            if key in shared:
                continue
            other = found.setdefault(key, line)
            if other is not line:
                raise ValueError(
                    f"cell_lines.tsv names both {other.name!r} and {line.name!r} {spelling!r}; a "
                    "name that two lines have belongs in shared_line_names.tsv"
                )
    return found
