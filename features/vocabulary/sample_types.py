"""What a study itself calls its samples: tumours, cell lines, or something else."""

from __future__ import annotations

from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeTable, keyed

LINE, TUMOUR, NEITHER, UNSAID = "cell line", "tumour", "neither", ""
#: Clinical attributes that name a cell line.
NAME_ATTRIBUTES: Final = (
    "CELL_LINE_NAME", "CELL_LINE", "STRIPPED_CELL_LINE_NAME", "CCLE_NAME", "DEPMAP_ID",
    "SANGER_MODEL_ID",
)  # fmt: skip
#: Word of ``SAMPLE_TYPE``, as `match_key` has it -> what the sample is.
SAMPLE_TYPE_TABLE = KnowledgeTable(
    "sample_types.tsv",
    ("word", "kind", "checked", "source"),
    keyed(
        "word",
        lambda row: (row.checked(), row.choice("kind", (LINE, TUMOUR, NEITHER)))[1],
        match_key,
    ),
)
_ATTRIBUTE = "SAMPLE_TYPE"


def sample_kinds(clinical: pd.DataFrame) -> list[str]:
    """What a study calls each sample of its clinical table.

    `LINE`, `TUMOUR`, `NEITHER` (normal tissue, xenograft) or `UNSAID`, by its ``SAMPLE_TYPE``; a
    sample with the name of a cell line (`NAME_ATTRIBUTES`) is one. A word
    that the table does not have says nothing.
    """
    kinds = [UNSAID] * len(clinical)
    if _ATTRIBUTE in clinical:
        table = SAMPLE_TYPE_TABLE.load()
        words = clinical[_ATTRIBUTE].fillna("")
        kinds = [table.get(match_key(str(word)), UNSAID) for word in words]
    named = [name for name in NAME_ATTRIBUTES if name in clinical]
    is_line = clinical[named].notna().any(axis=1)
    return [LINE if line else kind for line, kind in zip(is_line, kinds, strict=True)]
