"""Genes that tell which other cells a piece of tissue holds: immune cells, and vessels."""

from __future__ import annotations

from typing import Final

from sidestep.features.knowledge.rows import KnowledgeTable, keyed

IMMUNE, VESSELS = "immune cells", "vessels"
TISSUES: Final = (IMMUNE, VESSELS)
#: Gene -> the cells that it marks.
TISSUE_TABLE = KnowledgeTable(
    "tissue.tsv",
    ("gene", "tissue", "checked", "source"),
    keyed("gene", lambda row: (row.gene(), row.checked(), row.choice("tissue", TISSUES))[2]),
)
