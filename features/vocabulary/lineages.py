"""Words of clinical files for where a line or tumour comes from, as lineage and OncoTree tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key, tissue_of
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed

#: Clinical attributes that say a lineage, the first one asked first.
LINEAGE_ATTRIBUTES: Final = (
    "LINEAGE", "CANCER_TYPE", "CANCER_TYPE_DETAILED", "ONCOTREE_CODE", "TCGA_CODE", "PRIMARY_SITE",
)  # fmt: skip


@dataclass(frozen=True)
class Lineage:
    """Where cells come from.

    Attributes
    ----------
    name : str
        In the words of DepMap, but for blood, which is one.
    oncotree : str
        Code of the tissue of OncoTree (Kundra et al. 2021, doi:10.1200/CCI.20.00108); empty where
        it has none. The stomach's holds the oesophagus.
    """

    name: str
    oncotree: str


def _lineage(row: KnowledgeRow) -> Lineage:
    row.checked()
    return Lineage(row["lineage"], row["oncotree"])


#: Word, as `match_key` has it -> lineage.
LINEAGE_TABLE = KnowledgeTable(
    "lineages.tsv",
    ("word", "lineage", "oncotree", "checked", "source"),
    keyed("word", _lineage, match_key),
    may_be_blank=frozenset({"oncotree"}),
)


def find_lineage(word: object) -> Lineage | None:
    """The lineage that a word or code means; None where the table does not have it.

    Examples
    --------
    >>> find_lineage("LARGE_INTESTINE"), find_lineage("COREAD") == find_lineage("colorectal")
    (Lineage(name='colorectal', oncotree='BOWEL'), True)
    """
    return LINEAGE_TABLE.load().get(match_key(word)) if isinstance(word, str) else None


def sample_lineages(clinical: pd.DataFrame) -> dict[str, str]:
    """Lineage of each sample that says one, by its attributes or the tissue behind its name."""
    found: dict[str, str] = {}
    by_case = {str(column).upper(): column for column in clinical.columns}
    words = [clinical[by_case[name]] for name in LINEAGE_ATTRIBUTES if name in by_case]
    words.append(pd.Series([tissue_of(str(s)) for s in clinical.index], index=clinical.index))
    for column in words:
        meant = {word: find_lineage(word) for word in column.dropna().unique()}
        for sample, word in column.items():
            lineage = meant.get(word)
            if lineage is not None:
                found.setdefault(str(sample), lineage.name)
    return found
