"""States of those mechanisms of resistance that more than one kind of data tells of.

Levels are in training standard deviations. Every state is NaN where nothing that could tell was
measured.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from sidestep.features.builders.copy_number import CopyNumberBuilder
from sidestep.features.knowledge.variants import (
    HOTSPOT_TABLE,
    RESISTANCE_TABLE,
    known_hotspots,
    pik3ca_strength,
)
from sidestep.features.mechanisms.calls import VariantCalls, any_of, fused, lost
from sidestep.features.mechanisms.pathways import mean_of_measured
from sidestep.features.study.study import Study

#: What `pik3ca_activity` gives for the strength of a change, and for a hot spot of unknown one.
PIK3CA_ACTIVITY = {"weak": 1.0, "strong": 3.0}
PIK3CA_HOTSPOT = 2.0
#: PTEN protein so far below the training median counts as lost: where most lines with a deletion
#: or a truncating change lie, of the breast and of the pan-cancer lines.
PTEN_LOW_SD = -1.5

_FUSION_CONTEXT = re.compile(r"\b(?:[A-Z0-9]+-)?([A-Z0-9]+) fusion\b|^[A-Z0-9]+-([A-Z0-9]+)$")


def pik3ca_activity(calls: VariantCalls) -> np.ndarray:
    """Strength of each sample's PIK3CA changes, (n_samples,).

    0 for none that is known to activate, 1 for a weak one (K111N), 2 for a hot spot whose
    strength no publication compares, 3 for a strong one (H1047R, E545K, E542K); the strongest
    where there are several.
    """
    activity = np.where(calls.tested("PIK3CA"), 0.0, np.nan)
    found = calls.of_gene("PIK3CA")
    for row, change, place in zip(found["row"], found["change"], found["residue"], strict=True):
        strength = pik3ca_strength(change) if isinstance(change, str) else "unknown"
        hotspot = PIK3CA_HOTSPOT if ("PIK3CA", place) in known_hotspots() else 0.0
        # A call outside the panel counts: fmax takes the number where the other is NaN.
        activity[row] = np.fmax(activity[row], PIK3CA_ACTIVITY.get(strength, hotspot))
    return activity


def pten_loss(study: Study, calls: VariantCalls, protein: np.ndarray) -> np.ndarray:
    """Whether each sample lost PTEN, (n_samples,).

    By a deep deletion, a call that cuts it short, a change that the hotspot table calls a loss of
    function, or protein at least 1.5 deviations below the training median.
    """
    low = np.where(np.isfinite(protein), (protein <= PTEN_LOW_SD).astype(float), np.nan)
    broken = [
        calls.carriers(spot.gene, spot.change or spot.residue)
        for spot in HOTSPOT_TABLE.load()
        if spot.gene == "PTEN" and spot.effect.startswith("loss of function")
    ]
    return any_of(lost(study, calls, "PTEN"), low, *broken)


def pi3k_genotype(pik3ca: np.ndarray, pten: np.ndarray) -> np.ndarray:
    """How strongly mutation and loss switch PI3K on, 0 to 3, (n_samples,).

    Loss of PTEN counts like a strong change of PIK3CA. NaN where PIK3CA was not looked at and
    PTEN is not known to be lost.
    """
    return np.asarray(np.where(pten == 1.0, PIK3CA_ACTIVITY["strong"], pik3ca))


def pi3k_state(genotype: np.ndarray, phospho: np.ndarray) -> np.ndarray:
    """Genotype and what it does, (n_samples,).

    The mean level of phosphorylated AKT and S6, to which the strongest genotype adds one
    deviation. NaN unless both are measured.
    """
    return np.asarray(genotype / PIK3CA_ACTIVITY["strong"] + phospho)


def mean_level(*levels: np.ndarray) -> np.ndarray:
    """Mean of several levels of one thing, over those that each sample has, (n_samples,)."""
    return mean_of_measured(np.column_stack(levels), at_least=0.0)


def fusion_state(study: Study, calls: VariantCalls, gene: str) -> np.ndarray:
    """Fusion of a kinase, and whether a change in it makes a drug fail, (n_samples,).

    0 without a fusion, 1 with one, 2 with one and a change of the same gene that the table of
    resistance variants has (EML4-ALK with ALK F1174L).
    """
    state = fused(study, gene)
    changes = {row.variant for row in RESISTANCE_TABLE.load() if row.gene == gene}
    second = np.zeros(len(state), dtype=bool)
    found = calls.of_gene(gene)
    second[found.loc[found["change"].isin(changes), "row"].to_numpy(int)] = True
    return np.where((state == 1.0) & second, 2.0, state)


def fusion_genes() -> tuple[str, ...]:
    """Kinases whose fusion is the context of a resistance variant, such as ALK."""
    genes = (fusion_in(row.context) for row in RESISTANCE_TABLE.load())
    return tuple(sorted({gene for gene in genes if gene}))


def fusion_in(context: str) -> str:
    """Kinase whose fusion a context names: ``"EML4-ALK"`` and ``"ALK fusion"`` are ``"ALK"``.

    Examples
    --------
    >>> fusion_in("RANBP2-ALK"), fusion_in("neuroblastoma, no fusion"), fusion_in("with L858R")
    ('ALK', '', '')
    """
    found = _FUSION_CONTEXT.search(context)
    gene = (found.group(1) or found.group(2)) if found else ""
    return {"ABL": "ABL1"}.get(gene, gene)


def log2_copies(study: Study, gene: str) -> np.ndarray:
    """Copy number of a gene as a log2 ratio, also from discrete calls, (n_samples,)."""
    names = [f"copy_number:{gene}"]
    # A builder that knows this gene alone: copy number has no statistic to learn.
    known = {"genes_": [gene], "entrez_": {}, "feature_names_": names}
    builder = CopyNumberBuilder.from_state({"parameters": {}, "fitted": known})
    table: pd.DataFrame = builder.transform(study)
    return table[names[0]].to_numpy(float)
