"""Which lineage or subtype a sample belongs to, for strata and baselines."""

from __future__ import annotations

import pandas as pd

from features.study import Study

#: Clinical attributes that name a sample's lineage or cancer.
LINEAGE_COLUMNS = ("LINEAGE", "CANCER_TYPE", "ONCOTREE_CODE")


def lineage_column(study: Study) -> str | None:
    """Clinical attribute that tells lineages apart, or subtypes where there is one lineage.

    The first of LINEAGE, CANCER_TYPE, ONCOTREE_CODE, and then any attribute whose name begins
    with SUBTYPE or ends with it, that takes at least two values.
    """
    subtypes = [
        str(name)
        for name in study.clinical.columns
        if str(name).startswith("SUBTYPE") or str(name).endswith("SUBTYPE")
    ]
    for name in (*LINEAGE_COLUMNS, *subtypes):
        if name in study.clinical.columns and study.clinical[name].nunique() >= 2:
            return name
    return None


def lineage_labels(study: Study) -> pd.Series:
    """Lineage or subtype of every sample, NaN where not recorded."""
    column = lineage_column(study)
    if column is None:
        return pd.Series(index=study.samples, dtype=object, name="lineage")
    return study.clinical[column].reindex(study.samples).rename("lineage")
