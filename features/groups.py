"""Groups of a study's samples, for strata, baselines and reports: HER2-high ones, and lineages.

Whether a sample is HER2-high is decided by the first evidence that decides: the clinical status;
ERBB2's copy number; its place among the sample's own genes; and a level of ERBB2's RNA or HER2's
protein beyond a cut-off. A model freezes the cut-offs of its training lines, on the scale that it
puts every sample on; those of a study are on the log2 scale. None of this is ever a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.knowledge.statuses import (
    NEGATIVE,
    POSITIVE,
    STATUS_COLUMN_TABLE,
    UNDECIDED,
    read_status,
)
from sidestep.features.study.study import Study

#: Clinical attributes that name a sample's lineage or cancer.
LINEAGE_COLUMNS = ("LINEAGE", "CANCER_TYPE", "ONCOTREE_CODE")
#: Clinical attributes that tell hormone receptors: of both at once, and of one each.
_BOTH_RECEPTORS = ("ER_PR_STATUS", "HR_STATUS", "HORMONE_RECEPTOR_STATUS")
_EACH_RECEPTOR = (
    ("ER_STATUS", "ER_STATUS_BY_IHC", "ER_IHC"),
    ("PR_STATUS", "PR_STATUS_BY_IHC", "PGR_STATUS"),
)
#: What can decide, besides a clinical attribute, the most certain first.
COPY_NUMBER, OWN_GENES, RNA, PROTEIN = (
    "ERBB2 copy number",
    "ERBB2 RNA among the sample's own genes",
    "ERBB2 RNA",
    "HER2 protein",
)
_GENE = "ERBB2"
_AMPLIFIED_LOG2, _AMPLIFIED_CALL = 1.0, 2
_OUTLIER_MADS = 3.0
# ERBB2 is in the top 1 % of a sample's genes in all 14 breast lines that are HER2-positive by RNA,
# in JIMT1 and MDAMB453, whose ERBB2 is amplified, and in no other of 69; of SCAN-B's tumours, in
# 26 of 42 positive and none of 343 negative ones (`tests/features/test_groups.py`).
_TOP_SHARE, _FEWEST_GENES = 0.99, 5000
# Log2 levels end near 25; a linear table goes beyond, and its zeros take the least value of it.
_HIGHEST_LOG = 30.0


@dataclass(frozen=True)
class Her2Cutoffs:
    """Levels above which a sample counts as HER2-high, learnt from a study or frozen in a model.

    Attributes
    ----------
    rna : float or None
        Of ERBB2's expression; None where nothing was learnt of it.
    protein : float or None
        Of HER2.
    """

    rna: float | None = None
    protein: float | None = None

    @classmethod
    def of(cls, levels: pd.DataFrame) -> Self:
        """Three robust standard deviations (1.4826 x MAD) above the median of the samples.

        They tell outliers of a mixed cohort; where most samples are HER2-high, they tell nothing.

        Parameters
        ----------
        levels : DataFrame
            Samples x `RNA` and `PROTEIN`, as `her2_levels` returns.
        """
        return cls(*(_cutoff(levels[name]) for name in (RNA, PROTEIN)))


def her2_levels(study: Study) -> pd.DataFrame:
    """ERBB2's log2 expression and HER2's protein level, samples x `RNA` and `PROTEIN`, NaN without.

    `models.predictor.her2` has the same on the scale of a model.
    """
    rna = None if study.expression is None else _log2_levels(study.expression)
    protein = None
    if study.rppa is not None and _GENE in study.rppa:
        protein = study.rppa[_GENE]
    none = pd.Series(dtype=float)
    return pd.DataFrame(
        {
            name: (none if levels is None else levels).reindex(study.samples).astype(float)
            for name, levels in ((RNA, rna), (PROTEIN, protein))
        }
    )


def her2_high(study: Study) -> pd.Series:
    """Whether each sample is HER2-high: bool, by sample; False where nothing tells.

    See `her2_calls`, which also says what decided.
    """
    return her2_calls(study)["high"].rename("her2_high")


def her2_assay(study: Study) -> pd.Series:
    """What decided whether each sample is HER2-high; empty where nothing did."""
    return her2_calls(study)["assay"].rename("her2_assay")


def her2_calls(
    study: Study, cutoffs: Her2Cutoffs | None = None, levels: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Whether each sample is HER2-high, and by what.

    The clinical status where one decides (`knowledge.statuses`; an equivocal, unknown or unread
    one does not). Else a sample is high if its ERBB2 copy number is at least 1 (log2; discrete:
    2), if its ERBB2 RNA is in the top 1 % of at least 5,000 genes of its own, or if RNA or
    protein lies beyond the cut-off. These three are looked at in this order.

    Parameters
    ----------
    study : Study
    cutoffs : Her2Cutoffs, optional
        A model's; by default those of the study itself.
    levels : DataFrame, optional
        Samples x `RNA` and `PROTEIN` on the scale of the cut-offs; `her2_levels` by default.

    Returns
    -------
    pandas.DataFrame
        Samples x `high` (bool) and `assay` (str): the attribute or measurement that decided, for
        a sample that is not high the most certain one that was there; empty where none was.
    """
    shown = her2_levels(study) if levels is None else levels
    learnt = Her2Cutoffs.of(shown) if cutoffs is None else cutoffs
    high = np.zeros(len(study.samples), dtype=bool)
    decided = np.zeros(len(study.samples), dtype=bool)
    assay = np.full(len(study.samples), "", dtype=object)
    for column in her2_columns(study):
        status = read_status(study.clinical[column], column, study.grades.get(column)).status
        said = status.reindex(study.samples, fill_value=UNDECIDED).to_numpy()
        new = ~decided & np.isin(said, (POSITIVE, NEGATIVE))
        high |= new & (said == POSITIVE)
        assay[new] = column
        decided |= new
    for name, above in _measured(study, learnt, shown):
        told = above.reindex(study.samples).to_numpy(float)
        new = ~decided & ~high & (told == 1.0)
        high |= new
        assay[new] = name
        assay[~decided & (assay == "") & (told == 0.0)] = name
    return pd.DataFrame({"high": high, "assay": assay}, index=study.samples).astype(
        {"assay": "str"}
    )


def decided_by(calls: pd.DataFrame) -> str:
    """How many samples are HER2-high by what, in words; empty where none is.

    Parameters
    ----------
    calls : DataFrame
        As `her2_calls` returns.

    Examples
    --------
    >>> calls = pd.DataFrame({"high": [True, True, False], "assay": ["ERBB2 RNA"] * 3})
    >>> decided_by(calls)
    '2 by ERBB2 RNA'
    """
    counts = calls.loc[calls["high"], "assay"].value_counts(sort=False)
    return ", ".join(f"{count} by {assay}" for assay, count in counts.items())


def her2_columns(study: Study) -> list[str]:
    """Clinical attributes of a study that say whether samples are HER2-positive, in order."""
    by_case = {str(column).upper(): str(column) for column in study.clinical.columns}
    return [by_case[name] for name in STATUS_COLUMN_TABLE.load() if name in by_case]


def _measured(
    study: Study, cutoffs: Her2Cutoffs, shown: pd.DataFrame
) -> list[tuple[str, pd.Series]]:
    """What was measured: its name, and 1 where it shows HER2, 0 where not, NaN where unknown."""
    found: list[tuple[str, pd.Series]] = []
    if study.copy_number is not None and _GENE in study.copy_number:
        cut = _AMPLIFIED_LOG2 if study.copy_number_kind == "log2" else _AMPLIFIED_CALL
        copies = study.copy_number[_GENE]
        found.append((COPY_NUMBER, _beyond(copies, copies >= cut)))
    expression = study.expression if study.expression_kind != "z-score" else None
    if expression is not None and _GENE in expression:
        share = _share_of_own_genes(expression)
        found.append((OWN_GENES, _beyond(share, share >= _TOP_SHARE)))
    for name, level in ((RNA, cutoffs.rna), (PROTEIN, cutoffs.protein)):
        if level is not None:
            found.append((name, _beyond(shown[name], shown[name] > level)))
    return found


def _beyond(levels: pd.Series, beyond: pd.Series) -> pd.Series:
    return beyond.astype(float).where(levels.notna())


def _share_of_own_genes(expression: pd.DataFrame) -> pd.Series:
    """Share of each sample's genes that ERBB2 is not below; NaN where few were measured."""
    own = expression[_GENE].to_numpy(float)
    values = expression.to_numpy(float)
    measured = np.isfinite(values).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (values <= own[:, None]).sum(axis=1) / measured
    known = np.isfinite(own) & (measured >= _FEWEST_GENES)
    return pd.Series(np.where(known, share, np.nan), index=expression.index)


def _log2_levels(expression: pd.DataFrame) -> pd.Series:
    """ERBB2's log2 expression, whatever the unit of the table; NaN where it is not measured."""
    if _GENE not in expression:
        return pd.Series(np.nan, index=expression.index)
    levels = expression[_GENE].astype(float)
    values = expression.to_numpy(float)
    if not values.size or not np.nanmax(values, initial=-np.inf) > _HIGHEST_LOG:
        return levels
    least = levels[levels > 0].min()
    return pd.Series(np.log2(levels.clip(lower=least)), index=levels.index)


def _cutoff(levels: pd.Series) -> float | None:
    """Level of an outlier; None where half the levels are alike, or nothing is measured."""
    centre = levels.median()
    spread = 1.4826 * (levels - centre).abs().median()
    return float(centre + _OUTLIER_MADS * spread) if spread > 0 else None


def receptor_columns(study: Study) -> list[str]:
    """Clinical attributes that tell whether a tumour has HER2 and hormone receptors, in order.

    The first of HER2, and the first that tells of both hormone receptors or of each of them.
    """
    by_case = {str(column).upper(): str(column) for column in study.clinical.columns}
    joint = [by_case[name] for name in _BOTH_RECEPTORS if name in by_case][:1]
    each = [[by_case[n] for n in names if n in by_case][:1] for names in _EACH_RECEPTOR]
    return [*her2_columns(study)[:1], *(joint or [name for found in each for name in found])]


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
