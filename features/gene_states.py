"""Is a gene amplified, lost or fused in a sample?

Every answer is 1, 0, or NaN where nothing that could tell was measured.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.her2 import her2_high
from features.study import Study
from features.variant_calls import VariantCalls

#: log2 ratio from which a gene counts as amplified, and the discrete call that says so.
AMPLIFIED_LOG2, AMPLIFIED_CALL = 1.0, 2.0
#: log2 ratio down to which a gene counts as deleted: what is typical of a deep deletion in tumours
#: of usual purity (Mermel et al., Genome Biol 2011, PMID 21527027). One copy of two in a pure cell
#: line is -1 and does not count.
DELETED_LOG2, DELETED_CALL = -1.3, -2.0


def amplified(study: Study, gene: str) -> np.ndarray:
    """Whether a gene is amplified in each sample, (n_samples,).

    By copy number; ERBB2 also if the clinical file says that the sample is HER2-positive, which
    holds whatever its copy number.
    """
    state = amplified_in_copies(study, gene)
    if gene == "ERBB2":
        clinical = replace(study, copy_number=None, expression=None, rppa=None)
        state[her2_high(clinical).to_numpy(bool)] = 1.0
    return state


def amplified_in_copies(study: Study, gene: str) -> np.ndarray:
    """Whether the copy number of a gene alone shows its amplification, (n_samples,)."""
    discrete = study.copy_number_kind == "discrete"
    levels = copy_number(study, gene)
    return _beyond(levels, levels >= (AMPLIFIED_CALL if discrete else AMPLIFIED_LOG2))


def deleted(study: Study, gene: str) -> np.ndarray:
    """Whether all copies of a gene are deleted in each sample, (n_samples,)."""
    discrete = study.copy_number_kind == "discrete"
    levels = copy_number(study, gene)
    return _beyond(levels, levels <= (DELETED_CALL if discrete else DELETED_LOG2))


def lost(study: Study, calls: VariantCalls, gene: str) -> np.ndarray:
    """Whether a gene is deleted or cut short in each sample, (n_samples,).

    NaN where neither copy number nor mutations of it were measured.
    """
    return any_of(deleted(study, gene), calls.truncated(gene))


def fused(study: Study, gene: str) -> np.ndarray:
    """Whether a gene is fused to another one in each sample, (n_samples,).

    A study lists the fusions that were found and not where they were looked for. A sample
    without one counts as tested if it has another structural variant or was sequenced.
    """
    state = np.full(len(study.samples), np.nan)
    if study.fusions is None:
        return state
    state[study.samples.isin(study.fusions["sample_id"])] = 0.0
    if study.sequenced is not None:
        state[study.samples.isin(study.sequenced)] = 0.0
    state[study.samples.isin(fusions_of(study, gene).index)] = 1.0
    return state


def fusions_of(study: Study, gene: str) -> pd.Series:
    """Sample -> name of its fusion of a gene, such as ``"EML4-ALK"``; several joined by ``/``.

    A rearrangement within the gene is no fusion. Where the file names one partner only, the name
    is ``"ALK fusion"``.
    """
    if study.fusions is None:
        return pd.Series(dtype="str")
    one, other = study.fusions["gene_a"], study.fusions["gene_b"]
    found = study.fusions[((one == gene) ^ (other == gene)).to_numpy()].astype("str")
    names = found["gene_a"].str.cat(found["gene_b"], sep="-").fillna(f"{gene} fusion")
    return names.groupby(found["sample_id"].to_numpy(), sort=False).agg(
        lambda several: "/".join(dict.fromkeys(several))
    )


def any_of(*states: np.ndarray) -> np.ndarray:
    """1 where any of the states is 1, else 0 where any was measured, else NaN."""
    several = np.column_stack(states)
    measured = np.isfinite(several)
    shown = np.where(measured, several, 0.0).max(axis=1)
    return np.where(measured.any(axis=1), shown, np.nan)


def copy_number(study: Study, gene: str) -> np.ndarray:
    """Copy number of a gene as the study has it, (n_samples,), NaN where not measured."""
    if study.copy_number is None or gene not in study.copy_number:
        return np.full(len(study.samples), np.nan)
    return study.copy_number[gene].reindex(study.samples).to_numpy(float)


def _beyond(levels: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(levels), beyond.astype(float), np.nan)
