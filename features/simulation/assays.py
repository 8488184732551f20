"""What assays measure of simulated samples: copy number, RNA and protein.

Each is a noisy view of the same latent mechanisms, so that they agree with each other the way
biology does: copy number doses RNA, RNA makes protein, activity phosphorylates it. `ANTIBODIES`
are those of the RPPA panels, with their names and what each one sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from sidestep.features.simulation.biology import (
    COPY_NUMBER_LOADINGS,
    ENTREZ,
    FILLER_ENTREZ_START,
    GROUP_MARKERS,
    GROUP_SHARES,
    PTEN_DELETION,
    RNA_LOADINGS,
    TYPICAL_LEVEL,
)
from sidestep.features.simulation.samples import PROGRAMMES, SimulatedSamples, random_stream

#: The floor of log2 FPKM in the real breast study: log2 of 0.1.
RNA_FLOOR: Final = -3.322
#: Copy number saturates, as it does in the real breast study.
COPY_NUMBER_RANGE: Final = (-3.0, 2.8)
#: Genes on a simulated chromosome arm, which gains and losses take together.
_GENES_AN_ARM: Final = 40

_RNA_NOISE: Final = 0.45
_COPY_NUMBER_NOISE: Final = 0.08
_PROTEIN_NOISE: Final = 0.25
#: log2 protein per log2 RNA, and log2 phospho-protein per log2 protein.
_PROTEIN_PER_RNA: Final = 0.4
_PHOSPHO_PER_PROTEIN: Final = 0.5

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


def gene_table(genes: int) -> pd.Series:
    """Hugo symbol -> Entrez id of the simulated genes: the named ones, then ``SIMG0001`` on."""
    fillers = range(1, genes - len(ENTREZ) + 1)
    table = dict(ENTREZ) | {f"SIMG{i:04d}": FILLER_ENTREZ_START + i for i in fillers}
    return pd.Series(table, name="Entrez_Gene_Id", dtype="int64")


def _loadings(
    rows: Sequence[str], genes: pd.Index, table: Mapping[str, Mapping[str, float]]
) -> npt.NDArray[np.float64]:
    """Rows (mechanisms or groups) x genes."""
    matrix = np.zeros((len(rows), len(genes)))
    for i, row in enumerate(rows):
        for gene, size in table.get(row, {}).items():
            matrix[i, genes.get_loc(gene)] = size
    return matrix


def measure_copy_number(samples: SimulatedSamples, genes: pd.Index, seed: int) -> pd.DataFrame:
    """Copy number: gains and losses of whole arms, the ERBB2 amplicon, PTEN deletions.

    Returns
    -------
    pandas.DataFrame
        Samples x genes, log2 ratio (0 = diploid).
    """
    rng = random_stream(seed, f"copy number of {samples.kind}")
    count = len(samples.names)
    arms = _arms(genes, random_stream(seed, "gene arms"))
    levels = np.array([-0.36, 0.0, 0.24, 0.48])
    states = rng.choice(levels, size=(count, arms.max() + 1), p=[0.15, 0.6, 0.18, 0.07])
    planted = samples.latents.to_numpy() @ _loadings(
        list(samples.latents.columns), genes, COPY_NUMBER_LOADINGS
    )
    # Amplification differs between carriers: between 0.75 and 1.25 of the usual height.
    values = states[:, arms] + planted * rng.uniform(0.75, 1.25, size=(count, 1))
    values[:, genes.get_loc("PTEN")] += PTEN_DELETION * samples.latents["pten_deleted"].to_numpy()
    values += _COPY_NUMBER_NOISE * rng.standard_normal(values.shape)
    return pd.DataFrame(values.clip(*COPY_NUMBER_RANGE), index=samples.names, columns=genes)


def _arms(genes: pd.Index, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Chromosome arm of each gene; the genes of the ERBB2 amplicon are neighbours."""
    arms = rng.integers(max(2, len(genes) // _GENES_AN_ARM), size=len(genes))
    amplicon = genes.isin(list(COPY_NUMBER_LOADINGS["erbb2_amplified"]))
    arms[amplicon] = 0
    return arms


def rna_shift(samples: SimulatedSamples, copy_number: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How far each sample's RNA lies from the gene's usual level, before the assay's noise.

    Returns
    -------
    pandas.DataFrame
        Samples x genes, log2.
    """
    genes = copy_number.columns
    named = genes.isin(list(ENTREZ))
    # Gene properties come from streams without the kind: a model of one study meets the same
    # biology in the others.
    rng = random_stream(seed, "gene programmes")
    weights = rng.standard_normal((PROGRAMMES, len(genes))) * np.where(named, 0.08, 0.35)
    groups = list(GROUP_SHARES[samples.kind])
    shifts = _group_shifts(groups, genes, random_stream(seed, f"markers of {','.join(groups)}"))
    values = samples.latents.to_numpy() @ _loadings(
        list(samples.latents.columns), genes, RNA_LOADINGS
    )
    values += samples.programmes.to_numpy() @ weights
    values += shifts[[groups.index(group) for group in samples.groups]]
    # Genes named in an RNA loading carry their copy number there already.
    dosed = np.where(named, 0.1, 0.6)
    values += copy_number.to_numpy() * dosed
    own_rng = random_stream(seed, f"own expression of {samples.kind}")
    values += own_rng.standard_normal(values.shape) * np.where(named, 0.25, 0.6)
    return pd.DataFrame(values, index=samples.names, columns=genes)


def _group_shifts(
    groups: Sequence[str], genes: pd.Index, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Groups x genes: the known markers, and shifts in a fifth of the filler genes."""
    filler = ~genes.isin(list(ENTREZ))
    shape = (len(groups), len(genes))
    shifted = (rng.random(shape) < 0.2) & filler
    shifts = _loadings(groups, genes, GROUP_MARKERS)
    shifts += 1.2 * rng.standard_normal(shape) * shifted
    return shifts


def measure_expression(samples: SimulatedSamples, shift: pd.DataFrame, seed: int) -> pd.DataFrame:
    """RNA-seq: log2 FPKM on its floor, or log2(TPM+1) in the pan-cancer study.

    Returns
    -------
    pandas.DataFrame
        Samples x genes.
    """
    genes = shift.columns
    usual = random_stream(seed, "gene levels").normal(3.5, 2.0, size=len(genes))
    for position, gene in enumerate(genes):
        if gene in ENTREZ:
            usual[position] = TYPICAL_LEVEL.get(str(gene), 4.5)
    rng = random_stream(seed, f"expression of {samples.kind}")
    noise = _RNA_NOISE * rng.standard_normal(shift.shape)
    values = np.maximum(shift.to_numpy() + usual + noise, RNA_FLOOR)
    if samples.kind == "pancan":
        values = np.log2(np.exp2(values) + 1)
    return pd.DataFrame(values, index=samples.names, columns=genes)


def rppa_panel(kind: str, genes: pd.Index, antibodies: int) -> list[SimulatedAntibody]:
    """Antibodies of a study's panel: those that its style has, and fillers.

    `antibodies` counts the whole table and its fillers; a style that lacks some has fewer.
    """
    named = [antibody for antibody in ANTIBODIES if STYLE[kind] in antibody.names]
    fillers = [gene for gene in genes if gene not in ENTREZ]
    extra = fillers[: antibodies - len(ANTIBODIES)]
    return named + [filler_antibody(gene, i + 1) for i, gene in enumerate(extra)]


def measure_rppa(
    samples: SimulatedSamples, shift: pd.DataFrame, panel: Sequence[SimulatedAntibody], seed: int
) -> pd.DataFrame:
    """RPPA: protein follows RNA, phosphosites follow protein and pathway activity.

    Returns
    -------
    pandas.DataFrame
        Samples x row names (``GENE|antibody``), centred log2 intensity.
    """
    rng = random_stream(seed, f"rppa of {samples.kind}")
    style = STYLE[samples.kind]
    columns = {}
    for antibody in panel:
        protein = _PROTEIN_PER_RNA * shift[antibody.gene].clip(-6, 6).to_numpy()
        values = protein * (_PHOSPHO_PER_PROTEIN if antibody.is_phospho else 1.0)
        for mechanism, size in antibody.loadings.items():
            values = values + size * samples.latents[mechanism].to_numpy()
        noise = _PROTEIN_NOISE * rng.standard_normal(len(values))
        columns[f"{antibody.genes}|{antibody.names[style]}"] = values + noise
    return pd.DataFrame(columns, index=samples.names)
