"""Gene sets of larger databases, and what they mean for a drug where a sample shows them.

Databases are read from where a user keeps them, and never copied in. They say which genes belong
together; what that means for a drug is in a table here, from publications of which most looked at
genes of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each
from sidestep.features.knowledge.rules import MARKER_DIRECTIONS

HALLMARK, REACTOME, PROGENY = "Hallmark", "Reactome", "PROGENy"
#: Databases that Sidestep knows findings of (`GENE_SET_FACT_TABLE`), each with its source.
DATABASES = {
    HALLMARK: "PMID:26771021",
    PROGENY: "PMID:29295995",
    REACTOME: "PMID:34788843",
}
TOP, BOTTOM = "top", "bottom"

#: Sets of a file: MSigDB as a whole has some 40,000.
_MOST_SETS = 500_000
_SYMBOL = re.compile(r"\S+")
_REACTOME_ID = re.compile(r"R-HSA-\d+")


# Sets are told apart by identity: two databases may have the same one.
@dataclass(frozen=True, eq=False)
class GeneSet:
    """A set of genes whose RNA tells of one thing.

    Attributes
    ----------
    database : str
        ``"Hallmark"`` (Liberzon et al., Cell Systems 2015, DOI 10.1016/j.cels.2015.12.004),
        ``"PROGENy"`` (Schubert et al., Nat Commun 2018, DOI 10.1038/s41467-017-02391-6),
        ``"Reactome"`` (Gillespie et al., Nucleic Acids Res 2022, DOI 10.1093/nar/gkab1028), or
        else the name of the file.
    name : str
        As the database has it.
    identifier : str
        Such as ``"R-HSA-156711"``; empty where the database has none.
    weights : mapping of str to float
        Hugo symbol -> weight of its RNA; 1 in a plain set.
    """

    database: str
    name: str
    identifier: str
    weights: Mapping[str, float]


@dataclass(frozen=True)
class GeneSetFact:
    """What one publication shows of these drugs where cells show what a gene set stands for.

    Attributes
    ----------
    database : str
        One of `DATABASES`.
    gene_set : str
        Name there, or identifier where names change between releases (Reactome).
    decile : str
        ``"top"`` or ``"bottom"``: where among the training lines the sample must lie.
    drugs : tuple of str
        As the drug table names them.
    target : str
        Hugo symbol of the target that the finding is about, where the drugs have several; empty
        where it is their marker.
    tissue : tuple of str
        Words of which one names the tissue or cancer that it was found in; none where it was
        found in several, or in HER2-positive cells.
    condition : Condition or None
        What the cells carried beside; None where nothing is asked of them.
    direction : str
        ``"sensitivity"``, ``"resistance"``, or ``"none"``.
    statement : str
        What was found, and in whom.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    database: str
    gene_set: str
    decile: str
    drugs: tuple[str, ...]
    target: str
    tissue: tuple[str, ...]
    condition: Condition | None
    direction: str
    statement: str
    source: str

    def is_about(self, gene_set: GeneSet) -> bool:
        """Whether a set is the one that is meant."""
        named = self.gene_set in (gene_set.name, gene_set.identifier)
        return named and self.database == gene_set.database


def read_gmt(path: Path) -> tuple[GeneSet, ...]:
    """Read gene sets in GMT format: a line a set, with name, description and symbols, tabs between.

    The content tells the database: names that begin with ``HALLMARK_``, or descriptions that are
    Reactome's identifiers, as in its ``ReactomePathways.gmt``.

    Raises
    ------
    InputError
        If a line holds no gene, or the file no line or very many.
    """
    lines = _text(path)
    if lines.count("\n") > _MOST_SETS:
        raise InputError(f"{path} holds more than {_MOST_SETS:,} gene sets; fetch it again")
    rows = [line.split("\t") for line in lines.splitlines() if line.strip()]
    for number, cells in enumerate(rows, start=1):
        if len(cells) < 3 or not cells[0].strip():
            raise InputError(
                f"{path}, line {number}: a gene set needs a name, a description and genes, with "
                "tabs between them; fetch the file in GMT format"
            )
    if not rows:
        raise InputError(f"{path} holds no gene set; fetch the file in GMT format")
    database = _database(path, rows)
    return tuple(_set(database, cells) for cells in rows)


def read_progeny(path: Path) -> tuple[GeneSet, ...]:
    """Read PROGENy's weights: a row a gene, which the first column names, a column a pathway.

    Raises
    ------
    InputError
        If the file is no such table, or a weight is no number.
    """
    try:
        table = pd.read_csv(path, index_col=0)
        values = table.astype(float).fillna(0.0)
    except (ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path} cannot be read as PROGENy's weights, a row a gene and a column a pathway "
            f"({reason}); fetch it again"
        ) from None
    sets = []
    for pathway in values.columns:
        weights = values.loc[values[pathway] != 0, pathway]
        if weights.empty or not all(map(math.isfinite, weights)):
            raise InputError(
                f"{path}, column {pathway}: a pathway needs genes with finite weights; "
                "fetch the file again"
            )
        sets.append(GeneSet(PROGENY, str(pathway), "", {str(g): w for g, w in weights.items()}))
    if not sets:
        raise InputError(f"{path} names no pathway; fetch PROGENy's weights again")
    return tuple(sets)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); fetch it again") from None


def _database(path: Path, rows: Iterable[list[str]]) -> str:
    if all(cells[0].startswith("HALLMARK_") for cells in rows):
        return HALLMARK
    return REACTOME if all(_REACTOME_ID.fullmatch(c[1].strip()) for c in rows) else path.stem


def _set(database: str, cells: list[str]) -> GeneSet:
    name, described, *members = (cell.strip() for cell in cells)
    identifier = described if _REACTOME_ID.fullmatch(described) else ""
    # Some releases of Reactome have a word on the kind of set among the genes.
    genes = [gene for gene in members if _SYMBOL.fullmatch(gene)]
    return GeneSet(database, name, identifier, dict.fromkeys(genes, 1.0))


def _fact(row: KnowledgeRow) -> GeneSetFact:
    return GeneSetFact(
        database=row.choice("database", tuple(DATABASES)),
        gene_set=row["gene_set"],
        decile=row.choice("decile", (TOP, BOTTOM)),
        drugs=row.parts("drugs"),
        target=row.gene("target") if row["target"] else "",
        tissue=row.parts("tissue", "|"),
        condition=row.condition() if row["condition"] else None,
        direction=row.choice("direction", MARKER_DIRECTIONS),
        statement=row["statement"],
        source=row["source"],
    )


#: What gene sets mean for drugs, a finding a row.
GENE_SET_FACT_TABLE = KnowledgeTable(
    "gene_set_facts.tsv",
    (
        "database", "gene_set", "decile", "drugs", "target", "tissue", "condition", "direction",
        "statement", "source",
    ),
    each(_fact),
    may_be_blank=frozenset({"target", "tissue", "condition"}),
)  # fmt: skip
