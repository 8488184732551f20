"""How features are named, and what a name says: its modality and its gene.

``expression:ERBB2``, ``rppa:ERBB2_pY1248``, ``rppa:ERBB2_pY1248/ERBB2`` (phospho-to-total ratio),
``mutation:TP53``, ``mutation:PIK3CA:hotspot``, ``mutation:TP53:truncating``, ``mutation:burden``,
``copy_number:ERBB2``, ``signature:Mod7_ERBB2``, ``clinical:LINEAGE=breast``,
``regimen:ARM_CODE=N`` (a condition that a prediction is made under, and no measurement).

Scores of mechanisms (`features.mechanisms.builder`) are named alike, by the one modality that they
are computed from: ``expression:signature_mitotic``, ``rppa:pathway_PI3K_AKT``. A ``state:`` is
computed from several. They measure no single gene.
"""

from __future__ import annotations

from collections.abc import Iterable

from sidestep.features.knowledge.study_signatures import find_signature

MODALITIES = ("expression", "rppa", "mutation", "copy_number", "signature", "clinical")
STATE = "state"
#: What stands before the colon in features that tell which regimen a sample had.
REGIMEN = "regimen"
#: Beginning of those of them that tell which drugs a regimen gave to the sample.
DRUG_GIVEN = "regimen:drug="
BURDEN = "mutation:burden"
_SCORES = ("signature_", "pathway_", "rtk_bypass_", "pi3k_phospho", "apoptotic_priming")


def modality_of(feature: str) -> str:
    """Modality of a feature: what stands before the first colon."""
    return feature.split(":", 1)[0]


def gene_of(feature: str) -> str | None:
    """Gene that a feature measures.

    None for tumour mutation burden, clinical covariates, signatures of several genes and scores of
    mechanisms. An antibody that cannot tell paralogues apart counts for its lead gene.
    """
    modality, rest = feature.split(":", 1)
    if modality in ("clinical", REGIMEN, STATE) or feature == BURDEN or rest.startswith(_SCORES):
        return None
    if modality == "signature":
        known = find_signature(rest)
        return next(iter(known.genes)) if known and len(known.genes) == 1 else None
    if modality == "rppa":
        return rest.split("/", 1)[0].split("_", 1)[0]
    if modality == "mutation":
        return rest.split(":", 1)[0]
    return rest


def features_of_genes(features: Iterable[str], genes: Iterable[str]) -> list[str]:
    """Features of `features`, in their order, that measure one of `genes`."""
    wanted = set(genes)
    return [feature for feature in features if gene_of(feature) in wanted]


def marker_features(gene: str) -> tuple[str, ...]:
    """Features that are a gene's level, the first choice first: its RNA, then its protein.

    None for a marker that is not known (an empty name).
    """
    return (f"expression:{gene}", f"rppa:{gene}") if gene else ()
