"""Which antibodies do simulated RPPA panels hold? Their names, and what each one sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Study kind -> the naming style of its antibodies.
STYLE: Final[Mapping[str, str]] = {"breast": "md_anderson", "pancan": "ccle", "cohort": "tcga"}


@dataclass(frozen=True)
class SimulatedAntibody:
    """An antibody and the part of its signal that RNA does not carry.

    `names` are the antibody's names in the three styles; a panel that lacks it has no entry.
    `gene` leads `genes`. `loadings` are log2 units per unit of a latent activity.
    """

    genes: str
    names: Mapping[str, str]
    loadings: Mapping[str, float]

    @property
    def gene(self) -> str:
        """The lead gene."""
        return self.genes.split(" ")[0]

    @property
    def is_phospho(self) -> bool:
        """Whether it sees a phosphosite rather than the total protein."""
        return "_p" in self.names["md_anderson"]


def _antibody(
    genes: str, md_anderson: str, ccle: str, tcga: str, **loadings: float
) -> SimulatedAntibody:
    """A row of the table; an empty name says that the panel lacks the antibody."""
    named = {"md_anderson": md_anderson, "ccle": ccle, "tcga": tcga}
    return SimulatedAntibody(genes, {s: n for s, n in named.items() if n}, loadings)


_AKT = "AKT1 AKT2 AKT3"
_ERK = "MAPK1 MAPK3"

#: Names as the panels of MD Anderson (Marcotte et al., Cell 2016), CCLE (Ghandi et al., Nature
#: 2019) and TCGA write them. CCLE and TCGA lack some; IGF1R and MCL1 are kept in all three.
ANTIBODIES: Final[tuple[SimulatedAntibody, ...]] = (
    _antibody("ERBB2", "HER2-M-V", "HER2", "HER2", erbb2_drive=0.4),
    _antibody("ERBB2", "HER2_pY1248-R-C", "HER2_pY1248_Caution", "HER2_pY1248",
              erbb2_drive=0.9, egfr_drive=0.3),
    _antibody("ERBB3", "HER3-R-V", "HER3", "HER3"),
    _antibody("ERBB3", "HER3_pY1289-R-C", "HER3_pY1289_Caution", "HER3_pY1289",
              erbb2_drive=0.5),
    _antibody("EGFR", "EGFR-R-V", "EGFR", "EGFR", egfr_drive=0.3),
    _antibody("EGFR", "EGFR_pY1068-R-C", "EGFR_pY1068_Caution", "EGFR_pY1068",
              egfr_drive=0.7, erbb2_drive=0.3),
    _antibody("EGFR", "EGFR_pY1173-R-V", "EGFR_pY1173", "EGFR_pY1173", egfr_drive=0.6),
    _antibody("IGF1R", "IGF1R-beta-R-V", "IGF1R-beta", "IGF1R-beta", igf1r_bypass=0.4),
    _antibody("IRS1", "IRS1-R-V", "IRS1", "IRS1", igf1r_bypass=0.2),
    _antibody("IGFBP2", "IGFBP2-R-V", "IGFBP2", "IGFBP2"),
    _antibody("TYRO3", "Tyro3-R-V", "", "", tyro3_bypass=0.4),
    _antibody("PDGFRB", "PDGFR-beta-R-V", "", "", pdgfrb_bypass=0.4),
    _antibody("MET", "c-Met-M-QC", "c-Met_Caution", "", met_drive=0.3),
    _antibody("MET", "c-Met_pY1234_Y1235-R-V", "c-Met_pY1235", "c-Met_pY1235", met_drive=0.7),
    _antibody("KIT", "c-Kit-R-V", "c-Kit", "c-Kit"),
    _antibody(_AKT, "Akt-R-V", "Akt", "Akt"),
    _antibody(_AKT, "Akt_pS473-R-V", "Akt_pS473", "Akt_pS473",
              pi3k_bypass=1.1, erbb2_drive=0.25, igf1r_bypass=0.25),
    _antibody(_AKT, "Akt_pT308-R-V", "Akt_pT308", "Akt_pT308",
              pi3k_bypass=0.9, erbb2_drive=0.2, igf1r_bypass=0.2),
    _antibody("AKT1S1", "PRAS40_pT246-R-V", "PRAS40_pT246", "PRAS40_pT246", pi3k_bypass=0.7),
    _antibody("PTEN", "PTEN-R-V", "PTEN", "PTEN", pten_loss=-0.5),
    _antibody("INPP4B", "INPP4b-R-V", "INPP4B", "INPP4B"),
    _antibody("PIK3CA", "PI3K-p110-alpha-R-C", "PI3K-p110-alpha_Caution", "PI3K-p110-alpha"),
    _antibody("PIK3R1", "PI3K-p85-R-V", "PI3K-p85", ""),
    _antibody("MTOR", "mTOR-R-V", "mTOR", "mTOR"),
    _antibody("MTOR", "mTOR_pS2448-R-C", "mTOR_pS2448_Caution", "mTOR_pS2448", pi3k_bypass=0.5),
    _antibody("TSC2", "Tuberin-R-V", "Tuberin", "Tuberin"),
    _antibody("RPS6KB1", "p70-S6K1-R-V", "p70S6K", "p70S6K"),
    _antibody("RPS6KB1", "p70-S6K_pT389-R-V", "p70S6K_pT389", "p70S6K_pT389", pi3k_bypass=0.6),
    _antibody("RPS6", "S6-R-V", "S6", "S6"),
    _antibody("RPS6", "S6_pS235_S236-R-V", "S6_pS235_S236", "S6_pS235_S236",
              pi3k_bypass=1.0, erbb2_drive=0.2, mapk_drive=0.2),
    _antibody("RPS6", "S6_pS240_S244-R-V", "S6_pS240_S244", "S6_pS240_S244", pi3k_bypass=0.9),
    _antibody("EIF4EBP1", "4E-BP1-R-V", "4E-BP1", "4E-BP1"),
    _antibody("EIF4EBP1", "4E-BP1_pS65-R-V", "4E-BP1_pS65", "4E-BP1_pS65", pi3k_bypass=0.5),
    _antibody(_ERK, "MAPK_pT202_Y204-R-V", "MAPK_pT202_Y204", "MAPK_pT202_Y204",
              mapk_drive=0.9, erbb2_drive=0.2, alk_fusion=0.4),
    _antibody("MAP2K1", "MEK1-R-V", "MEK1", "MEK1"),
    _antibody("MAP2K1", "MEK1_pS217_S221-R-V", "MEK1_pS217_S221", "MEK1_pS217_S221",
              mapk_drive=0.7),
    _antibody("CCNB1", "Cyclin-B1-R-V", "Cyclin_B1", "Cyclin_B1", mitotic_programme=0.3),
    _antibody("CDK1", "CDK1-R-V", "CDK1", "CDK1", mitotic_programme=0.2),
    _antibody("FOXM1", "FoxM1-R-V", "FoxM1", "", mitotic_programme=0.3),
    _antibody("RB1", "Rb_pS807_S811-R-V", "Rb_pS807_S811", "Rb_pS807_S811",
              mitotic_programme=0.4),
    _antibody("CCNE1", "Cyclin-E1-M-V", "Cyclin_E1", "Cyclin_E1"),
    _antibody("CCND1", "Cyclin-D1-R-V", "Cyclin_D1", "Cyclin_D1"),
    _antibody("BCL2L11", "Bim-R-V", "Bim(CST2933)", "Bim", apoptotic_priming=0.3),
    _antibody("BCL2L1", "Bcl-xL-R-V", "Bcl-xL", "Bcl-xL", apoptotic_priming=-0.2),
    _antibody("MCL1", "Mcl-1-R-V", "Mcl-1", "Mcl-1", apoptotic_priming=-0.2),
    _antibody("BCL2", "Bcl2-M-V", "Bcl-2", "Bcl-2"),
    _antibody("ESR1", "ER-alpha-R-V", "ER-alpha", "ER-alpha"),
    _antibody("PGR", "PR-R-V", "PR", "PR"),
    _antibody("GATA3", "GATA3-M-V", "GATA3", "GATA3"),
    _antibody("CDH1", "E-Cadherin-R-V", "E-Cadherin", "E-Cadherin"),
    _antibody("TP53", "p53-R-C", "p53_Caution", "p53"),
    _antibody("SRC", "Src-M-V", "Src", "Src"),
    _antibody("STAT3", "Stat3_pY705-R-V", "STAT3_pY705", "STAT3_pY705"),
    _antibody("YAP1", "YAP_pS127-R-E", "YAP_pS127_Caution", "YAP_pS127"),
)  # fmt: skip


def filler_antibody(gene: str, number: int) -> SimulatedAntibody:
    """A total-protein antibody without a mechanism, named after its number."""
    name = f"SIMAB{number:03d}"
    caution = "_Caution" if number % 4 == 0 else ""
    return _antibody(gene, f"{name}-R-V", f"{name}{caution}", name)
