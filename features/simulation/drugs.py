"""What each drug does in simulated lines: planted effects, and the response they add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.simulation.biology import GROUP_ATTRIBUTE

#: The drug whose response is pure noise: a model that finds something in it finds nothing.
NULL_DRUG: Final = "SIMNULL-1"
#: Standard deviation of that noise, -log10 molar.
NULL_SPREAD: Final = 0.5
#: Standard deviation of the offset that a lineage or subtype gives a drug, -log10 molar.
GROUP_SPREAD: Final = 0.2


@dataclass(frozen=True)
class ResponseScale:
    """A response metric as a linear function of -log10 of a molar concentration."""

    metric: str
    stable_id: str
    title: str
    unit: str
    intercept: float
    slope: float
    sort_order: str
    pivot: str


#: ln IC50 in micromolar is ln(10) * (6 - p) where p = -log10 of the molar concentration.
GI50: Final = ResponseScale(
    "gi50", "sim_gi50", "-log10 GI50", "-log10 of GI50 in molar", 0.0, 1.0, "DESC", "6"
)
LN_IC50: Final = ResponseScale(
    "ln_ic50",
    "sim_ln_ic50",
    "ln IC50",
    "natural log of IC50 in micromolar",
    6 * math.log(10),
    -math.log(10),
    "ASC",
    "0",
)
#: Study kind -> its metric. The cohort has no response file; its truth is in the breast metric.
SCALES: Final[Mapping[str, ResponseScale]] = {"breast": GI50, "cohort": GI50, "pancan": LN_IC50}


@dataclass(frozen=True)
class Effect:
    """Change of -log10 molar potency per unit of a mechanism; positive makes sensitive.

    `only_with` names a mechanism whose activity multiplies it: a bypass of HER2 matters where
    HER2 drives.
    """

    mechanism: str
    size: float
    only_with: str = ""


@dataclass(frozen=True)
class SimulatedDrug:
    """A drug, its targets (Hugo symbols), its usual potency (-log10 molar) and what moves it."""

    name: str
    targets: tuple[str, ...]
    potency: float
    effects: tuple[Effect, ...]


def _bypassed(pi3k: float, receptors: float) -> tuple[Effect, ...]:
    """Resistance to an anti-HER2 drug through PI3K/MTOR and through other receptors."""
    return (
        Effect("pi3k_bypass", pi3k, "erbb2_drive"),
        Effect("igf1r_bypass", receptors, "erbb2_drive"),
        Effect("tyro3_bypass", receptors, "erbb2_drive"),
        Effect("pdgfrb_bypass", receptors, "erbb2_drive"),
    )


DRUGS: Final[tuple[SimulatedDrug, ...]] = (
    SimulatedDrug("Lapatinib", ("EGFR", "ERBB2"), 5.2, (
        Effect("erbb2_drive", 1.8), *_bypassed(-0.8, -0.6), Effect("pi3k_bypass", -0.15),
        Effect("egfr_drive", 0.3), Effect("apoptotic_priming", 0.15))),
    SimulatedDrug("Afatinib", ("EGFR", "ERBB2", "ERBB4"), 6.3, (
        Effect("erbb2_drive", 1.7), *_bypassed(-0.6, -0.5), Effect("egfr_drive", 0.9),
        Effect("apoptotic_priming", 0.15))),
    SimulatedDrug("Neratinib", ("EGFR", "ERBB2", "ERBB4"), 6.6, (
        Effect("erbb2_drive", 2.0), *_bypassed(-0.6, -0.6), Effect("egfr_drive", 0.5),
        Effect("apoptotic_priming", 0.15))),
    SimulatedDrug("Trastuzumab emtansine", ("ERBB2",), 7.6, (
        Effect("erbb2_drive", 1.8), Effect("mitotic_programme", -0.4, "erbb2_drive"),
        Effect("mitotic_programme", -0.15))),
    SimulatedDrug("Everolimus", ("MTOR",), 6.4, (
        Effect("pi3k_bypass", 0.9), Effect("mapk_drive", -0.35), Effect("erbb2_drive", 0.2))),
    SimulatedDrug("Alpelisib", ("PIK3CA",), 5.4, (
        Effect("pi3k_bypass", 0.9), Effect("mapk_drive", -0.25), Effect("erbb2_drive", 0.2))),
    SimulatedDrug("BI-2536", ("PLK1",), 7.4, (
        Effect("mitotic_programme", 0.6), Effect("apoptotic_priming", 0.2))),
    SimulatedDrug("Crizotinib", ("MET", "ALK", "ROS1"), 5.5, (
        Effect("alk_fusion", 1.8), Effect("alk_f1174l", -1.6), Effect("met_drive", 0.6))),
    SimulatedDrug("Erlotinib", ("EGFR",), 5.0, (
        Effect("egfr_drive", 1.0), Effect("mapk_drive", -0.4), Effect("met_drive", -0.3),
        Effect("apoptotic_priming", 0.15))),
    SimulatedDrug("Linsitinib", ("IGF1R", "INSR"), 4.9, (
        Effect("igf1r_bypass", 1.0), Effect("pi3k_bypass", -0.2))),
    SimulatedDrug("Trametinib", ("MAP2K1", "MAP2K2"), 6.8, (
        Effect("mapk_drive", 1.3), Effect("pi3k_bypass", -0.3),
        Effect("apoptotic_priming", 0.15))),
    SimulatedDrug(NULL_DRUG, (), 5.0, ()),
)  # fmt: skip

#: Mechanism -> the features in which a model can see it, the closest first.
MECHANISM_FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "erbb2_drive": (
        "expression:ERBB2", "rppa:ERBB2", "rppa:ERBB2_pY1248", "copy_number:ERBB2",
        "expression:GRB7", "expression:STARD3", "expression:PGAP3", "expression:MIEN1",
        "copy_number:GRB7", "copy_number:STARD3", "copy_number:PGAP3", "copy_number:MIEN1",
        "clinical:ERBB2_STATUS=Positive",
    ),
    "pi3k_bypass": (
        "rppa:AKT1_pS473", "rppa:RPS6_pS235_S236", "mutation:PIK3CA",
        "mutation:PIK3CA:hotspot", "rppa:AKT1_pS473/AKT1", "rppa:RPS6_pS235_S236/RPS6",
        "rppa:AKT1_pT308", "rppa:RPS6_pS240_S244", "rppa:AKT1S1_pT246", "rppa:PTEN",
        "expression:PTEN", "copy_number:PTEN", "mutation:PTEN", "mutation:PTEN:truncating",
    ),
    "igf1r_bypass": (
        "expression:IGF1R", "rppa:IGF1R", "copy_number:IGF1R", "expression:IRS1", "rppa:IRS1",
        "expression:IGF2",
    ),
    "tyro3_bypass": ("expression:TYRO3", "rppa:TYRO3", "expression:AXL"),
    "pdgfrb_bypass": ("expression:PDGFRB", "rppa:PDGFRB", "expression:PDGFRA"),
    "egfr_drive": (
        "expression:EGFR", "rppa:EGFR", "rppa:EGFR_pY1068", "rppa:EGFR_pY1173",
        "copy_number:EGFR", "mutation:EGFR", "mutation:EGFR:hotspot",
    ),
    "met_drive": (
        "expression:MET", "rppa:MET", "rppa:MET_pY1234_Y1235", "rppa:MET_pY1235",
        "copy_number:MET",
    ),
    "mapk_drive": (
        "expression:DUSP6", "rppa:MAPK1_pT202_Y204", "expression:ETV4", "expression:SPRY2",
        "mutation:KRAS", "mutation:KRAS:hotspot", "mutation:BRAF", "mutation:BRAF:hotspot",
        "rppa:MAP2K1_pS217_S221",
    ),
    "mitotic_programme": (
        "expression:PLK1", "rppa:CCNB1", "expression:CCNB1", "expression:CDK1",
        "expression:AURKA", "expression:AURKB", "expression:BUB1", "expression:MKI67",
        "expression:FOXM1", "expression:TOP2A", "expression:CDC20", "rppa:CDK1", "rppa:FOXM1",
        "rppa:RB1_pS807_S811",
    ),
    "apoptotic_priming": (
        "rppa:BCL2L11", "expression:BCL2L11", "rppa:BCL2L1", "expression:BCL2L1", "rppa:MCL1",
        "expression:MCL1",
    ),
    "alk_fusion": ("expression:ALK",),
    "alk_f1174l": ("mutation:ALK", "mutation:ALK:hotspot"),
}  # fmt: skip


def group_offsets(groups: Sequence[str], rng: np.random.Generator) -> pd.DataFrame:
    """Offsets that lineages or subtypes give the drugs.

    Parameters
    ----------
    groups : sequence of str
        The lineages or subtypes.
    rng : numpy.random.Generator
        Where the offsets are drawn from.

    Returns
    -------
    pandas.DataFrame
        Groups x drugs, -log10 molar; zero for the null drug.
    """
    offsets = GROUP_SPREAD * rng.standard_normal((len(groups), len(DRUGS)))
    table = pd.DataFrame(offsets, index=list(groups), columns=[drug.name for drug in DRUGS])
    table[NULL_DRUG] = 0.0
    return table


def potencies(latents: pd.DataFrame, groups: pd.Series, offsets: pd.DataFrame) -> pd.DataFrame:
    """Noise-free potency of every drug in every sample.

    Parameters
    ----------
    latents : pandas.DataFrame
        Samples x mechanisms.
    groups : pandas.Series
        Sample -> group.
    offsets : pandas.DataFrame
        Groups x drugs, as `group_offsets` gives them.

    Returns
    -------
    pandas.DataFrame
        Samples x drugs, -log10 molar (high is sensitive).
    """
    table = pd.DataFrame(index=latents.index)
    for drug in DRUGS:
        values = drug.potency + offsets[drug.name].reindex(groups).to_numpy(dtype=float)
        for effect in drug.effects:
            activity = latents[effect.mechanism].to_numpy(dtype=float)
            if effect.only_with:
                activity = activity * latents[effect.only_with].to_numpy(dtype=float)
            values = values + effect.size * activity
        table[drug.name] = values
    return table


def driver_table(
    kind: str, latents: pd.DataFrame, offsets: pd.DataFrame, measured: Set[str]
) -> pd.DataFrame:
    """What was planted, in the response's own unit.

    Parameters
    ----------
    kind : str
        Study kind; its metric sets unit and sign.
    latents : pandas.DataFrame
        Samples x mechanisms; a mechanism that no sample has is left out.
    offsets : pandas.DataFrame
        Groups x drugs, -log10 molar.
    measured : set of str
        Names of the features that the study measures; others are left out.

    Returns
    -------
    pandas.DataFrame
        Columns ``drug, mechanism, only_with, sign, effect, unit, makes, features``: `effect` is
        the change of the response per unit of the mechanism's latent value (times that of
        `only_with`, where given), `sign` its sign (``+`` or ``-``), `makes` what a positive
        activity does (``sensitive`` or ``resistant``), `features` are joined by ``;``.
    """
    scale = SCALES[kind]
    attribute = GROUP_ATTRIBUTE[kind]
    rows = []
    for drug in DRUGS:
        planted = [
            (effect.mechanism, effect.only_with, effect.size)
            for effect in drug.effects
            if latents[effect.mechanism].any()
        ]
        planted += [
            (f"{attribute}={group}", "", float(size))
            for group, size in offsets[drug.name].items()
            if size
        ]
        for mechanism, only_with, size in planted:
            names = MECHANISM_FEATURES.get(mechanism, (f"clinical:{mechanism}",))
            effect = scale.slope * size
            rows.append(
                {
                    "drug": drug.name,
                    "mechanism": mechanism,
                    "only_with": only_with or pd.NA,
                    "sign": "+" if effect > 0 else "-",
                    "effect": effect,
                    "unit": scale.unit,
                    "makes": "sensitive" if size > 0 else "resistant",
                    "features": ";".join(name for name in names if name in measured),
                }
            )
    return pd.DataFrame(rows)
