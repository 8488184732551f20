"""The files of a simulated study's folder, its case lists, and which samples lack which assay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.files.study_writer import CaseList, DataFile, GenePanel
from sidestep.features.simulation.assays import gene_table
from sidestep.features.simulation.drugs import DRUGS, NULL_DRUG, NULL_SPREAD, SCALES
from sidestep.features.simulation.mutations import panel_genes
from sidestep.features.simulation.samples import SimulatedSamples, random_stream

#: Stable id of the simulated gene panel.
PANEL_ID: Final = "sim_panel"

#: Missing block -> its part of the lines, as a multiple of the plan's `missing`.
BLOCKS: Final[Mapping[str, Mapping[str, float]]] = {
    "breast": {"mutations": 1.0, "rppa": 0.4, "copy_number": 0.5, "response": 0.2},
    "pancan": {
        "mutations": 1.0, "rppa": 0.4, "copy_number": 0.5, "expression": 0.2, "response": 0.2,
    },
    "cohort": {"mutations": 0.8, "rppa": 0.8, "copy_number": 0.5},
}  # fmt: skip
#: Single missing responses, as a multiple of the plan's `missing`.
MISSING_RESPONSES: Final = 0.2

_ASSAYS: Final = ("expression", "rppa", "mutations", "copy_number", "response")

_CASE_LISTS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "expression": (
        "RNA_Seq_mRNA",
        "rna_seq_mrna",
        "Samples with mRNA data",
        "all_cases_with_mrna_rnaseq_data",
    ),
    "rppa": ("rppa", "rppa", "Samples with protein data (RPPA)", "all_cases_with_rppa_data"),
    "mutations": (
        "sequenced",
        "sequenced",
        "Samples sequenced (simulated gene panel)",
        "all_cases_with_mutation_data",
    ),
    "copy_number": (
        "log2CNA",
        "log2CNA",
        "Samples with copy number",
        "all_cases_with_log2_cna_data",
    ),
}

_CLINICAL_COLUMNS: Final[Mapping[str, tuple[str, str, str]]] = {
    "PATIENT_ID": (
        "Patient Identifier",
        "Donor: samples that come from one person share it",
        "1",
    ),
    "SAMPLE_ID": ("Sample Identifier", "Simulated sample", "1"),
    "CELL_LINE_NAME": ("Cell line name", "Name with punctuation, as sources write it", "1"),
    "LINEAGE": ("Lineage", "Simulated lineage", "5"),
    "CANCER_TYPE": ("Cancer Type", "Cancer type", "1"),
    "ONCOTREE_CODE": ("Oncotree Code", "Oncotree code", "1"),
    "SAMPLE_TYPE": ("Sample Type", "Sample type", "1"),
    "ERBB2_STATUS": ("ERBB2 status", "Simulated ERBB2 amplification", "5"),
    "SUBTYPE": ("Subtype", "Simulated intrinsic subtype", "5"),
}


@dataclass(frozen=True)
class Coverage:
    """Assay -> the samples that have it."""

    kind: str
    measured: Mapping[str, list[str]]


def draw_coverage(samples: SimulatedSamples, missing: float, seed: int) -> Coverage:
    """Decide which samples lack which assay.

    A cohort has one sample with expression only, and its other gaps do not overlap; a line
    without expression has RPPA.
    """
    rng = random_stream(seed, f"coverage of {samples.kind}")
    names = samples.names.to_numpy()
    lacking: dict[str, set[str]] = {assay: set() for assay in _ASSAYS}
    queue = list(rng.permutation(names))
    if samples.kind == "cohort" and missing:
        expression_only = str(queue.pop())
        for assay in ("rppa", "mutations", "copy_number"):
            lacking[assay].add(expression_only)
    for assay, factor in BLOCKS[samples.kind].items():
        size = min(len(names) - 2, int(np.ceil(factor * missing * len(names) - 0.5)))
        if samples.kind == "cohort":
            lacking[assay].update(str(queue.pop()) for _ in range(min(size, len(queue))))
        else:
            eligible = [n for n in names if assay != "expression" or n not in lacking["rppa"]]
            chosen = rng.permutation(np.array(eligible, dtype=object))[:size]
            lacking[assay].update(str(name) for name in chosen)
    return Coverage(
        samples.kind,
        {a: [str(n) for n in names if str(n) not in lacking[a]] for a in _ASSAYS},
    )


def clinical_file(samples: SimulatedSamples, missing: float, seed: int) -> DataFile:
    """Clinical sample file with its four header lines."""
    kind = samples.kind
    table = pd.DataFrame({"PATIENT_ID": samples.donors, "SAMPLE_ID": samples.names})
    if kind != "cohort":
        table["CELL_LINE_NAME"] = [f"{n[:3].title()}-{n[3:4]}-{n[4:]}" for n in samples.names]
    if kind == "pancan":
        table["LINEAGE"] = samples.groups
        table["SAMPLE_TYPE"] = "Cell Line"
    else:
        table["CANCER_TYPE"] = "Breast Cancer"
        table["ONCOTREE_CODE"] = "BRCA"
        table["SAMPLE_TYPE"] = "Primary" if kind == "cohort" else "Cell Line"
        amplified = samples.latents["erbb2_amplified"] > 0
        table["ERBB2_STATUS"] = np.where(amplified, "Positive", "Negative")
        table["SUBTYPE"] = samples.groups
    if kind == "cohort":
        rng = random_stream(seed, "clinical gaps of cohort")
        table.loc[rng.random(len(table)) < 0.4 * missing, "ERBB2_STATUS"] = pd.NA
    described = [_CLINICAL_COLUMNS[column] for column in table.columns]
    preamble = ["\t".join(texts) for texts in zip(*described, strict=True)]
    preamble.insert(2, "\t".join("STRING" for _ in described))
    return DataFile(
        "clinical_sample",
        table,
        {"genetic_alteration_type": "CLINICAL", "datatype": "SAMPLE_ATTRIBUTES"},
        preamble=[f"#{line}" for line in preamble],
    )


def _gene_rows(values: pd.DataFrame, entrez: pd.Series) -> pd.DataFrame:
    """Genes x samples with the two identifier columns."""
    table = values.T
    table.insert(0, "Entrez_Gene_Id", entrez.reindex(table.index))
    table.insert(0, "Hugo_Symbol", table.index)
    return table


def expression_file(kind: str, values: pd.DataFrame, entrez: pd.Series) -> DataFile:
    """RNA-seq file (log2 FPKM, or log2(TPM+1) in the pan-cancer study)."""
    pancan = kind == "pancan"
    unit = "log2(TPM+1)" if pancan else "log2 FPKM"
    meta = {
        "genetic_alteration_type": "MRNA_EXPRESSION",
        "datatype": "CONTINUOUS",
        "stable_id": "rna_seq_mrna",
        "show_profile_in_analysis_tab": "false",
        "profile_name": f"Simulated mRNA expression (RNA-seq, {unit})",
        "profile_description": f"Simulated RNA-seq, {unit}.",
    }
    name = "mrna_seq_tpm" if pancan else "mrna_seq_fpkm"
    return DataFile(name, _gene_rows(values, entrez), meta)


def rppa_file(values: pd.DataFrame) -> DataFile:
    """RPPA file, ``GENE|antibody`` rows."""
    table = values.T
    table.insert(0, "Composite.Element.REF", table.index)
    meta = {
        "genetic_alteration_type": "PROTEIN_LEVEL",
        "datatype": "LOG2-VALUE",
        "stable_id": "rppa",
        "show_profile_in_analysis_tab": "false",
        "profile_name": "Simulated protein expression (RPPA)",
        "profile_description": "Simulated RPPA, normalised log2 intensity, centred per antibody.",
    }
    return DataFile("rppa", table, meta)


def copy_number_file(values: pd.DataFrame, entrez: pd.Series) -> DataFile:
    """Copy-number file, log2 ratio."""
    meta = {
        "genetic_alteration_type": "COPY_NUMBER_ALTERATION",
        "datatype": "LOG2-VALUE",
        "stable_id": "log2CNA",
        "show_profile_in_analysis_tab": "false",
        "profile_name": "Simulated log2 copy number",
        "profile_description": "Simulated log2 copy-number ratio per gene (0 = diploid).",
    }
    return DataFile("log2_cna", _gene_rows(values, entrez), meta, digits=4)


def mutation_files(calls: pd.DataFrame, sequenced: list[str]) -> list[DataFile]:
    """MAF file of the sequenced samples, and the panel that each was sequenced with."""
    meta = {
        "genetic_alteration_type": "MUTATION_EXTENDED",
        "datatype": "MAF",
        "stable_id": "mutations",
        "show_profile_in_analysis_tab": "true",
        "profile_name": "Simulated mutations",
        "profile_description": "Simulated mutation calls, silent ones kept. "
        "case_lists/cases_sequenced.txt lists the sequenced samples; absence from it means not "
        "profiled.",
    }
    panel_meta = {
        "genetic_alteration_type": "GENE_PANEL_MATRIX",
        "datatype": "GENE_PANEL_MATRIX",
    }
    matrix = pd.DataFrame({"SAMPLE_ID": sequenced, "mutations": PANEL_ID})
    return [
        DataFile("mutations", calls, meta),
        DataFile("gene_panel_matrix", matrix, panel_meta),
    ]


def fusion_file(fusions: pd.DataFrame) -> DataFile:
    """Structural-variant file."""
    meta = {
        "genetic_alteration_type": "STRUCTURAL_VARIANT",
        "datatype": "SV",
        "stable_id": "structural_variants",
        "show_profile_in_analysis_tab": "true",
        "profile_name": "Simulated structural variants",
        "profile_description": "Simulated gene fusions.",
    }
    return DataFile("sv", fusions, meta)


def response_file(
    kind: str, potency: pd.DataFrame, noise: float, missing: float, seed: int
) -> DataFile:
    """Drug-response file: noisy, with gaps, in the study's own metric."""
    scale = SCALES[kind]
    rng = random_stream(seed, f"responses of {kind}")
    spread = noise * potency.std(ddof=0)
    spread[NULL_DRUG] = NULL_SPREAD
    noisy = potency + rng.standard_normal(potency.shape) * spread.to_numpy()
    gaps = rng.random(potency.shape) < MISSING_RESPONSES * missing
    table = (scale.intercept + scale.slope * noisy).mask(gaps).T
    targets = {drug.name: " ".join(drug.targets) or "none" for drug in DRUGS}
    columns = {
        "ENTITY_STABLE_ID": table.index,
        "NAME": table.index,
        "DESCRIPTION": [f"Simulated response; target: {targets[drug]}" for drug in table.index],
        "URL": pd.NA,
    }
    for place, (column, values) in enumerate(columns.items()):
        table.insert(place, column, values)
    direction = "sensitive" if scale.slope > 0 else "resistant"
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": "TREATMENT_RESPONSE",
        "datatype": "LIMIT-VALUE",
        "stable_id": scale.stable_id,
        "profile_name": f"Simulated drug response: {scale.title}",
        "profile_description": f"Unit: {scale.unit}. Direction: higher value = more {direction}. "
        "Simulated.",
        "show_profile_in_analysis_tab": "true",
        "pivot_threshold_value": scale.pivot,
        "value_sort_order": scale.sort_order,
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }
    return DataFile(f"treatment_{scale.metric}", table, meta)


def case_lists(names: Iterable[str], coverage: Coverage, fusions: bool) -> list[CaseList]:
    """Lists of all samples, and of those that each assay measured."""
    lists = [CaseList("all", "all", "All samples", "all_cases_in_study", [str(n) for n in names])]
    for assay, (name, suffix, title, category) in _CASE_LISTS.items():
        lists.append(CaseList(name, suffix, title, category, coverage.measured[assay]))
    if fusions:
        sequenced = coverage.measured["mutations"]
        title = "Samples with structural variants tested"
        lists.append(CaseList("sv", "sv", title, "all_cases_with_sv_data", sequenced))
    return lists


def gene_panel(genes: int) -> GenePanel:
    """The simulated gene panel of a study with so many genes."""
    covered = panel_genes(gene_table(genes).index)
    return GenePanel(PANEL_ID, "Genes covered by the simulated mutation calls", covered)
