"""What do the assays see of simulated samples? RNA, protein, mutations, copy number, fusions.

Every modality is a noisy view of the same latent mechanisms, so that they agree with each other
the way biology does: copy number doses RNA, RNA makes protein, activity phosphorylates it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.simulated_antibodies import ANTIBODIES, STYLE, SimulatedAntibody, filler_antibody
from features.simulated_biology import (
    COPY_NUMBER_LOADINGS,
    ENTREZ,
    FILLER_ENTREZ_START,
    GROUP_MARKERS,
    GROUP_SHARES,
    PTEN_DELETION,
    RNA_LOADINGS,
    TYPICAL_LEVEL,
)
from features.simulated_samples import PROGRAMMES, SimulatedSamples, random_stream

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
    own = random_stream(seed, f"own expression of {samples.kind}")
    values += own.standard_normal(values.shape) * np.where(named, 0.25, 0.6)
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
