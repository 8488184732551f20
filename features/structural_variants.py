"""Structural variants: which genes were fused."""

from __future__ import annotations

import pandas as pd

from features.identifiers import Samples
from features.problems import study_error
from features.tables import Table


def read_fusions(table: Table, samples: Samples) -> pd.DataFrame:
    """Read a STRUCTURAL_VARIANT file.

    Returns
    -------
    pandas.DataFrame
        `sample_id, gene_a, gene_b`, one variant a row; a gene is NaN where the file names one
        partner only.

    Raises
    ------
    StudyError
        If Sample_Id, Site1_Hugo_Symbol or Site2_Hugo_Symbol is absent, or a row has no sample.
    """
    needed = ("Sample_Id", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol")
    found = [table.find(name) for name in needed]
    absent = [name for name, column in zip(needed, found, strict=True) if column is None]
    if absent:
        message = (
            f"{table.name} lacks {len(absent)} column(s) that structural variants need: "
            f"{', '.join(absent)}."
        )
        raise study_error(message, table.name)
    columns = [column for column in found if column is not None]
    text = table.text(columns).set_axis(["sample_id", "gene_a", "gene_b"], axis=1)
    if text["sample_id"].isna().any():
        place = table.row(int(text["sample_id"].isna().to_numpy().argmax()))
        raise study_error(f"{table.name}, {place} has no Sample_Id.", table.name, place)
    meant = samples.resolve(list(dict.fromkeys(text["sample_id"])), table.name)
    return text.assign(sample_id=text["sample_id"].map(meant).astype("str"))
