"""A study taken apart: each table, what it holds, and what its meta file says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.files.study_writer import DataFile
from sidestep.features.merging.drafts import study_draft
from sidestep.features.originals.calls import SAMPLE_COLUMN_OF
from sidestep.features.originals.parts import Part
from sidestep.features.study.signatures import SIGNATURE_ASSAY
from sidestep.features.study.study import Study

#: cBioPortal's kind of data -> the kind of a table.
_KINDS: Final = {
    "CLINICAL": "clinical",
    "MRNA_EXPRESSION": "expression",
    "PROTEIN_LEVEL": "rppa",
    "COPY_NUMBER_ALTERATION": "copy_number",
    "MUTATION_EXTENDED": "mutations",
    "STRUCTURAL_VARIANT": "fusions",
    "GENERIC_ASSAY": "responses",
}
#: Columns of a table of levels that name its features.
_NAMES: Final = frozenset(
    "Hugo_Symbol Entrez_Gene_Id Composite.Element.REF ENTITY_STABLE_ID NAME DESCRIPTION URL".split()
)


@dataclass(frozen=True)
class StudyTables:
    """A study's tables.

    Attributes
    ----------
    info : mapping of str to str
        Lines of ``meta_study.txt``.
    parts : tuple of Part
        Clinical attributes first.
    """

    info: Mapping[str, str]
    parts: tuple[Part, ...]


def study_tables(study: Study) -> StudyTables:
    """Take a study apart, with every digit of its numbers."""
    draft = study_draft(study, _description(study))
    kept = [file for file in draft.files if file.meta["genetic_alteration_type"] in _KINDS]
    return StudyTables(dict(draft.study), tuple(_part(study, file) for file in kept))


def _description(study: Study) -> str:
    return f"Study {study.study_id}, exported by sidestep data export."


def _part(study: Study, file: DataFile) -> Part:
    kind = _KINDS[file.meta["genetic_alteration_type"]]
    if file.meta.get("generic_assay_type") == SIGNATURE_ASSAY:
        kind = "signatures"
    if kind == "clinical":
        table = file.table.set_index("SAMPLE_ID")
        return Part(kind, file.name, file.name, tuple(map(str, table.index)), table, {})
    if kind in SAMPLE_COLUMN_OF:
        column = SAMPLE_COLUMN_OF[kind]
        samples = tuple(map(str, file.table[column].unique()))
        part = Part(
            kind, file.name, file.name, samples, file.table, file.meta, sample_column=column
        )
        return _with_tested(part, study) if kind == "mutations" else part
    names = [column for column in file.table.columns if column in _NAMES]
    levels = file.table.drop(columns=names)
    return Part(
        kind,
        file.name,
        file.name,
        tuple(map(str, levels.columns)),
        file.table[names[:1] if kind in ("responses", "signatures") else names].reset_index(
            drop=True
        ),
        file.meta,
        values=levels.to_numpy(dtype=np.float64),
    )


def _with_tested(part: Part, study: Study) -> Part:
    """Calls with the samples that were tested, and for which genes."""
    tested: pd.Index = pd.Index([]) if study.sequenced is None else study.sequenced
    of = study.panel_of.dropna()
    return Part(**{
        **vars(part),
        "sequenced": tuple(map(str, tested)),
        "panels": {panel: tuple(sorted(genes)) for panel, genes in study.panels.items()},
        "panel_of": {str(sample): str(panel) for sample, panel in of.items()},
    })  # fmt: skip
