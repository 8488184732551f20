"""Groups of a study's samples, for strata, baselines and reports: HER2-high ones, and lineages.

Both are read from the clinical file first. None is ever a feature.
"""

from __future__ import annotations

import pandas as pd

from sidestep.features.study.study import Study

#: Clinical attributes that name a sample's lineage or cancer.
LINEAGE_COLUMNS = ("LINEAGE", "CANCER_TYPE", "ONCOTREE_CODE")
#: Clinical attributes that say whether a sample is HER2-positive.
STATUS_COLUMNS = ("HER2_STATUS", "ERBB2_STATUS", "HER2_STATUS_BY_IHC", "HER2_SNP6")
_POSITIVE = {"positive", "pos", "gain", "amplified", "3+", "her2+"}
_UNDECIDED = {"equivocal", "undef", "unknown", "indeterminate", "2+", "not evaluated"}
_AMPLIFIED_LOG2 = 1.0
_OUTLIER_MADS = 3.0


def her2_high(study: Study) -> pd.Series:
    """Whether each sample is HER2-high: bool, by sample; False where nothing tells.

    The clinical status where the study records one (HER2_STATUS, ERBB2_STATUS ...). A sample
    without it, or with one that decides nothing (equivocal), is high if its ERBB2 copy number
    is at least 1 (log2; discrete: 2), or its ERBB2 RNA or HER2 protein lies 3 robust standard
    deviations (1.4826 x median absolute deviation) above the study's median.
    """
    measured = pd.Series(False, index=study.samples, name="her2_high")
    if study.copy_number is not None and "ERBB2" in study.copy_number:
        cut = _AMPLIFIED_LOG2 if study.copy_number_kind == "log2" else 2
        measured |= (study.copy_number["ERBB2"] >= cut).reindex(study.samples, fill_value=False)
    for table in (study.expression, study.rppa):
        if table is not None and "ERBB2" in table:
            measured |= _outlying(table["ERBB2"]).reindex(study.samples, fill_value=False)
    for column in STATUS_COLUMNS:
        if column in study.clinical:
            status = study.clinical[column].reindex(study.samples).str.strip().str.lower()
            decided = status.notna() & ~status.isin(_UNDECIDED)
            return status.isin(_POSITIVE).where(decided, measured).astype(bool).rename("her2_high")
    return measured


def _outlying(values: pd.Series) -> pd.Series:
    centre = values.median()
    spread = 1.4826 * (values - centre).abs().median()
    if not spread > 0:  # half the samples are alike, or nothing is measured: no outlier is known
        return pd.Series(False, index=values.index)
    return values > centre + _OUTLIER_MADS * spread


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
