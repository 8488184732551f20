"""What does a set of a larger database tell of a drug, where a sample shows it?

The databases say which genes belong together, not what that means for a drug: that is in this
table, from publications of which most looked at genes of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.gene_sets import DATABASES, GeneSet
from sidestep.features.knowledge.markers import DIRECTIONS
from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = (
    "database", "gene_set", "decile", "drugs", "target", "tissue", "condition", "direction",
    "statement", "source",
)  # fmt: skip
MAY_BE_BLANK = frozenset({"target", "tissue", "condition"})
TOP, BOTTOM = "top", "bottom"


@dataclass(frozen=True)
class GeneSetFact:
    """What one publication shows of these drugs where cells show what a gene set stands for.

    Attributes
    ----------
    database : str
        One of `features.knowledge.gene_sets.DATABASES`.
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


@functools.cache
def load_gene_set_facts() -> tuple[GeneSetFact, ...]:
    """Read the table, in its order.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return build_gene_set_facts(read_rows("gene_set_facts.tsv", COLUMNS, MAY_BE_BLANK))


def build_gene_set_facts(rows: Iterable[KnowledgeRow]) -> tuple[GeneSetFact, ...]:
    """Check the rows of the table and give each its type; see `load_gene_set_facts`."""
    return tuple(
        GeneSetFact(
            database=row.choice("database", tuple(DATABASES)),
            gene_set=row["gene_set"],
            decile=row.choice("decile", (TOP, BOTTOM)),
            drugs=row.parts("drugs"),
            target=row.gene("target") if row["target"] else "",
            tissue=row.parts("tissue", "|"),
            condition=row.condition() if row["condition"] else None,
            direction=row.choice("direction", DIRECTIONS),
            statement=row["statement"],
            source=row["source"],
        )
        for row in rows
    )
