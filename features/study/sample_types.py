"""What a study itself calls its samples: tumours, cell lines, or something else."""

from __future__ import annotations

from typing import Final

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeTable, keyed
from sidestep.features.study.study import Study

LINE, TUMOUR, NEITHER, UNSAID = "cell line", "tumour", "neither", ""
#: Clinical attributes that name a cell line.
NAME_ATTRIBUTES: Final = (
    "CELL_LINE_NAME", "CELL_LINE", "STRIPPED_CELL_LINE_NAME", "CCLE_NAME", "DEPMAP_ID",
    "SANGER_MODEL_ID",
)  # fmt: skip
#: Word of ``SAMPLE_TYPE``, as `match_key` has it -> what the sample is.
SAMPLE_TYPE_TABLE = KnowledgeTable(
    "sample_types.tsv",
    ("word", "kind", "source"),
    keyed("word", lambda row: row.choice("kind", (LINE, TUMOUR, NEITHER)), match_key),
)
_ATTRIBUTE = "SAMPLE_TYPE"


def sample_kinds(study: Study) -> list[str]:
    """What the study calls each sample: `LINE`, `TUMOUR`, `NEITHER` (normal tissue …) or `UNSAID`.

    By its ``SAMPLE_TYPE``; a sample with the name of a cell line (`NAME_ATTRIBUTES`) is one. A word
    that the table does not have says nothing.
    """
    kinds = [UNSAID] * len(study.samples)
    if _ATTRIBUTE in study.clinical:
        table = SAMPLE_TYPE_TABLE.load()
        words = study.clinical[_ATTRIBUTE].reindex(study.samples).fillna("")
        kinds = [table.get(match_key(str(word)), UNSAID) for word in words]
    named = [name for name in NAME_ATTRIBUTES if name in study.clinical]
    is_line = study.clinical[named].reindex(study.samples).notna().any(axis=1)
    return [LINE if line else kind for line, kind in zip(is_line, kinds, strict=True)]
