"""The biology that is planted in simulated samples: genes, mechanisms, lineages, their shares.

The mechanisms are those of the papers the project grew from: ERBB2 amplification drives the
response to anti-HER2 drugs; PI3K/MTOR activity and a subset of receptor tyrosine kinases (IGF1R,
TYRO3, PDGFRB; Alexander et al., J Biol Chem 2017) bypass HER2; the mitotic programme around PLK1
(Saatci et al., Oncogene 2018); ALK F1174L beside an ALK fusion (Sasaki et al., Cancer Res 2010).
The sizes are chosen, not measured: large enough to be learnt from tens of lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Hugo symbol -> Entrez gene id (NCBI Gene) of the genes that carry a meaning.
ENTREZ: Final[Mapping[str, int]] = {
    "ERBB2": 2064, "GRB7": 2886, "STARD3": 10948, "PGAP3": 93210, "MIEN1": 84299,
    "EGFR": 1956, "ERBB3": 2065, "ERBB4": 2066, "IGF1R": 3480, "IGF2": 3481,
    "IGFBP2": 3485, "IRS1": 3667, "TYRO3": 7301, "AXL": 558, "PDGFRB": 5159,
    "PDGFRA": 5156, "MET": 4233, "HGF": 3082, "ALK": 238, "EML4": 27436,
    "INSR": 3643, "FGFR1": 2260, "KIT": 3815, "MST1R": 4486, "EPHB3": 2049,
    "PIK3CA": 5290, "PIK3R1": 5295, "PTEN": 5728, "AKT1": 207, "AKT2": 208,
    "AKT3": 10000, "MTOR": 2475, "RPTOR": 57521, "TSC2": 7249, "RPS6": 6194,
    "RPS6KB1": 6198, "EIF4EBP1": 1978, "INPP4B": 8821, "AKT1S1": 84335, "PLK1": 5347,
    "CCNB1": 891, "CDK1": 983, "AURKA": 6790, "AURKB": 9212, "BUB1": 699,
    "MKI67": 4288, "FOXM1": 2305, "TOP2A": 7153, "CDC20": 991, "CCNE1": 898,
    "KRAS": 3845, "BRAF": 673, "NRAS": 4893, "MAPK1": 5594, "MAPK3": 5595,
    "MAP2K1": 5604, "DUSP6": 1848, "SPRY2": 10253, "ETV4": 2118, "BCL2L11": 10018,
    "BCL2L1": 598, "MCL1": 4170, "BCL2": 596, "ESR1": 2099, "GATA3": 2625,
    "PGR": 5241, "CDH1": 999, "VIM": 7431, "FOXA1": 3169, "KRT5": 3852,
    "TP53": 7157, "RB1": 5925, "CCND1": 595, "MYC": 4609, "CDKN1A": 1026,
    "SRC": 6714, "STAT3": 6774, "YAP1": 10413,
}  # fmt: skip

#: Filler genes get identifiers far above the ones that NCBI has given out.
FILLER_ENTREZ_START: Final = 900_000_000

#: Typical log2 level of a named gene where it is far from the common 4.5 (log2 FPKM).
TYPICAL_LEVEL: Final[Mapping[str, float]] = {
    "ERBB2": 5.2, "GRB7": 3.6, "STARD3": 4.7, "ALK": -2.8, "ESR1": -0.5, "PGR": -2.0,
    "TYRO3": 2.5, "PDGFRB": 0.5, "IGF1R": 3.2, "KRT5": 0.0, "ERBB4": -1.0, "HGF": -2.0,
    "KIT": -1.0, "RPS6": 9.5, "CDH1": 5.5, "VIM": 5.0,
}  # fmt: skip

#: States of a donor that are present or absent, and the latent activity each one feeds with its
#: size. The activity is continuous: carriers differ, and so do the others.
STATES: Final[Mapping[str, tuple[str, float]]] = {
    "erbb2_amplified": ("erbb2_drive", 1.0),
    "pik3ca_hotspot": ("pi3k_bypass", 1.0),
    "pten_loss": ("pi3k_bypass", 1.0),
    "igf1r_high": ("igf1r_bypass", 1.0),
    "tyro3_high": ("tyro3_bypass", 1.0),
    "pdgfrb_high": ("pdgfrb_bypass", 1.0),
    "egfr_high": ("egfr_drive", 1.0),
    "met_high": ("met_drive", 1.0),
    "mapk_mutant": ("mapk_drive", 1.0),
}

#: Standard deviation of each continuous activity among lines of the same state.
ACTIVITY_SPREAD: Final[Mapping[str, float]] = {
    "erbb2_drive": 0.15, "pi3k_bypass": 0.2, "igf1r_bypass": 0.25, "tyro3_bypass": 0.2,
    "pdgfrb_bypass": 0.2, "egfr_drive": 0.35, "met_drive": 0.3, "mapk_drive": 0.25,
    "mitotic_programme": 1.0, "apoptotic_priming": 1.0,
}  # fmt: skip

#: log2 RNA change per unit of an activity or state.
RNA_LOADINGS: Final[Mapping[str, Mapping[str, float]]] = {
    "erbb2_drive": {"ERBB2": 4.4, "GRB7": 3.8, "STARD3": 2.8, "PGAP3": 2.5, "MIEN1": 2.6},
    "pi3k_bypass": {"IRS1": 0.5, "RPS6KB1": 0.3, "EIF4EBP1": 0.4, "MTOR": 0.2},
    "pten_loss": {"PTEN": -2.6, "INPP4B": -0.6},
    "igf1r_bypass": {"IGF1R": 2.2, "IRS1": 0.9, "IGF2": 1.0},
    "tyro3_bypass": {"TYRO3": 2.2, "AXL": 0.5},
    "pdgfrb_bypass": {"PDGFRB": 3.0, "PDGFRA": 1.2},
    "egfr_drive": {"EGFR": 2.6},
    "met_drive": {"MET": 2.2, "HGF": 0.5},
    "mapk_drive": {"DUSP6": 1.8, "SPRY2": 1.2, "ETV4": 1.6},
    "mitotic_programme": {
        "PLK1": 0.9, "CCNB1": 0.8, "CDK1": 0.8, "AURKA": 0.8, "AURKB": 0.7, "BUB1": 0.8,
        "MKI67": 0.9, "FOXM1": 0.8, "TOP2A": 0.9, "CDC20": 0.8, "CDKN1A": -0.4,
    },
    "apoptotic_priming": {"BCL2L11": 0.8, "BCL2L1": -0.5, "MCL1": -0.4},
    "alk_fusion": {"ALK": 8.0},
}  # fmt: skip

#: log2 copy-number change per unit: the ERBB2 amplicon on 17q12, and losses and gains.
COPY_NUMBER_LOADINGS: Final[Mapping[str, Mapping[str, float]]] = {
    "erbb2_amplified": {"ERBB2": 2.2, "GRB7": 2.1, "STARD3": 2.0, "PGAP3": 2.1, "MIEN1": 2.1},
    "igf1r_high": {"IGF1R": 0.9},
    "met_high": {"MET": 0.9},
    "egfr_high": {"EGFR": 0.8},
}

#: Part of the donors with PTEN loss who lost the gene; the others carry a truncating mutation.
PTEN_DELETED_SHARE: Final = 0.6
PTEN_DELETION: Final = -1.8

#: Study kind -> the clinical attribute that groups its samples.
GROUP_ATTRIBUTE: Final[Mapping[str, str]] = {
    "breast": "SUBTYPE",
    "cohort": "SUBTYPE",
    "pancan": "LINEAGE",
}

#: Study kind -> group -> share of the donors.
GROUP_SHARES: Final[Mapping[str, Mapping[str, float]]] = {
    "breast": {"Luminal": 0.33, "HER2-enriched": 0.27, "Basal": 0.25, "Claudin-low": 0.15},
    "cohort": {"Luminal": 0.40, "HER2-enriched": 0.35, "Basal": 0.17, "Claudin-low": 0.08},
    "pancan": {
        "lung": 0.28, "breast": 0.15, "colorectal": 0.12, "blood": 0.12, "skin": 0.10,
        "gastric": 0.08, "ovary": 0.08, "pancreas": 0.07,
    },
}  # fmt: skip

_BREAST_PREVALENCE: Final[Mapping[str, Mapping[str, float]]] = {
    "erbb2_amplified": {"Luminal": 0.15, "HER2-enriched": 0.95},
    "pik3ca_hotspot": {"Luminal": 0.4, "HER2-enriched": 0.3, "": 0.08},
    "pten_loss": {"": 0.15},
    "igf1r_high": {"Luminal": 0.3, "": 0.15},
    "tyro3_high": {"": 0.15},
    "pdgfrb_high": {"Claudin-low": 0.5, "": 0.1},
    "egfr_high": {"Basal": 0.5, "": 0.08},
    "met_high": {"": 0.12},
    "mapk_mutant": {"Claudin-low": 0.4, "": 0.08},
}

#: Study kind -> state -> share of a group's donors that carry it; "" stands for every other
#: group, and a group without an entry has none.
PREVALENCE: Final[Mapping[str, Mapping[str, Mapping[str, float]]]] = {
    "breast": _BREAST_PREVALENCE,
    "cohort": _BREAST_PREVALENCE,
    "pancan": {
        "erbb2_amplified": {"breast": 0.4, "gastric": 0.3, "ovary": 0.15, "lung": 0.05},
        "pik3ca_hotspot": {"breast": 0.35, "colorectal": 0.25, "blood": 0.02, "": 0.12},
        "pten_loss": {"": 0.12},
        "igf1r_high": {"breast": 0.25, "colorectal": 0.25, "": 0.12},
        "tyro3_high": {"": 0.12},
        "pdgfrb_high": {"skin": 0.2, "": 0.08},
        "egfr_high": {"lung": 0.3, "blood": 0.0, "": 0.1},
        "met_high": {"gastric": 0.3, "blood": 0.0, "": 0.1},
        "mapk_mutant": {
            "skin": 0.7, "pancreas": 0.8, "colorectal": 0.5, "lung": 0.2, "": 0.08,
        },
        "alk_fusion": {"lung": 0.29},
    },
}  # fmt: skip

#: Part of the donors with an ALK fusion whose kinase carries F1174L as well.
ALK_F1174L_SHARE: Final = 0.4

#: log2 RNA shift of named genes in a group.
GROUP_MARKERS: Final[Mapping[str, Mapping[str, float]]] = {
    "Luminal": {"ESR1": 4.5, "GATA3": 2.0, "FOXA1": 2.0, "PGR": 2.5, "ERBB3": 1.0},
    "HER2-enriched": {"FOXA1": 1.5, "GATA3": 1.0, "ERBB3": 0.8},
    "Basal": {"KRT5": 4.0, "FOXA1": -1.5, "GATA3": -1.0, "CCNE1": 0.8},
    "Claudin-low": {"VIM": 3.0, "CDH1": -4.0, "GATA3": -1.5},
    "breast": {"ESR1": 2.5, "GATA3": 2.5, "FOXA1": 2.0},
    "blood": {"CDH1": -5.0, "ERBB2": -2.0, "EGFR": -4.0, "MET": -3.0, "ERBB3": -3.0},
    "skin": {"CDH1": -2.0, "VIM": 2.0, "ERBB3": 1.0},
    "colorectal": {"CDH1": 1.0, "VIM": -2.0, "MYC": 0.8},
    "gastric": {"CDH1": 0.8},
    "lung": {"VIM": 0.8, "EGFR": 0.4},
    "ovary": {"ESR1": 1.0, "PGR": 0.5},
    "pancreas": {"VIM": 0.5, "CCND1": 0.8},
}
