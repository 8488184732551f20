"""Small data for the meta files of a study: each file in the format that its meta file names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sidestep.features.study.meta import Meta, meta_paths, read_fields, read_meta
from sidestep.features.study.profiles import Profile

GENES = (
    "ERBB2", "EGFR", "ERBB3", "TP53", "PIK3CA", "PTEN", "MYC", "CCND1", "ESR1", "GATA3", "KRAS",
    "NRAS", "BRAF", "MET", "KIT", "AKT1", "MTOR", "CDK4", "CDK6", "RB1", "FGFR1", "FGFR2", "IGF1R",
    "NF1",
)  # fmt: skip
ANTIBODIES = ("ERBB2|HER2", "ERBB2|HER2_pY1248", "EGFR|EGFR", "EGFR|EGFR_pY1068", "AKT1|Akt_pS473")


def add_data(folder: Path) -> dict[str, str]:
    """Write small data files for all meta files of a folder, as far as they name any.

    Returns
    -------
    dict
        Data file -> the meta file that names it.
    """
    samples = _samples(folder)
    rng = np.random.default_rng(0)
    owner: dict[str, str] = {}
    for path in meta_paths(folder):
        meta = read_meta(path, folder)
        name = meta.fields.get("data_filename")
        if name:
            rows = _WRITERS.get(meta.kind, _other)(meta, samples, rng)
            text = "".join("\t".join(row) + "\n" for row in rows)
            (folder / name).write_text(text, encoding="utf-8")
            owner[name] = meta.name
    return owner


def _samples(folder: Path) -> list[str]:
    for name in ("cases_all.txt", "cases_sequenced.txt"):
        path = folder / "case_lists" / name
        if path.is_file():
            listed, _ = read_fields(path, folder)
            return listed["case_list_ids"].split("\t")[:6]
    return [f"S{n}" for n in range(6)]


def _matrix(label: str, rows: Sequence[str], samples: Sequence[str], values: np.ndarray) -> list:
    cells = [[f"{value:.5g}" for value in row] for row in values]
    return [[label, *samples], *([name, *row] for name, row in zip(rows, cells, strict=True))]


def _expression(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    profile = Profile.of(meta)
    size = (len(GENES), len(samples))
    genes = [f"hsa-mir-{n}" for n in range(len(GENES))] if profile.platform == "microRNA" else GENES
    levels = rng.normal(0, 1, size) + rng.uniform(2, 12, (len(GENES), 1))
    if profile.platform == "outlier calls":
        values = rng.integers(-1, 2, size).astype(float)
    elif profile.scale == "z-score":
        values = rng.normal(0, 1, size)
    elif profile.scale or profile.platform == "microarray":
        values = levels
    else:
        values = 2**levels
    return _matrix("Hugo_Symbol", genes, samples, values)


def _protein(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    return _matrix(
        "Composite.Element.REF",
        ANTIBODIES,
        samples,
        rng.normal(0, 1, (len(ANTIBODIES), len(samples))),
    )


def _copy_number(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    if meta.datatype == "SEG":
        header = ["ID", "chrom", "loc.start", "loc.end", "num.mark", "seg.mean"]
        return [header, *([name, "17", "1", "1000", "20", "0.4"] for name in samples)]
    calls = rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0], (len(GENES), len(samples)))
    if meta.datatype == "DISCRETE":
        return _matrix("Hugo_Symbol", GENES, samples, calls)
    log2 = calls / 2 + rng.normal(0, 0.1, calls.shape)
    linear = "linear" in meta.fields.get("profile_name", "")
    return _matrix("Hugo_Symbol", GENES, samples, 2 ** (log2 + 1) - 2 if linear else log2)


def _mutations(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    header = ["Hugo_Symbol", "Tumor_Sample_Barcode", "Variant_Classification", "HGVSp_Short"]
    return [header, *(["PIK3CA", name, "Missense_Mutation", "p.H1047R"] for name in samples[:3])]


def _variants(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    return [["Sample_Id", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol"], [samples[0], "ERBB2", "GRB7"]]


def _clinical(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    if meta.datatype == "SAMPLE_ATTRIBUTES":
        rows = [[f"P{n}", name, "Breast"] for n, name in enumerate(samples)]
        return [["PATIENT_ID", "SAMPLE_ID", "CANCER_TYPE"], *rows]
    return [["PATIENT_ID", "AGE"], *([f"P{n}", "50"] for n in range(len(samples)))]


def _panels(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    return [["SAMPLE_ID", "mutations"], *([name, "WES"] for name in samples)]


def _assay(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    values = rng.uniform(4, 9, (2, len(samples)))
    rows = [
        [name, name, *(f"{v:.3f}" for v in row)]
        for name, row in zip(("Lapatinib", "Gefitinib"), values, strict=True)
    ]
    return [["ENTITY_STABLE_ID", "NAME", *samples], *rows]


def _other(meta: Meta, samples: Sequence[str], rng: np.random.Generator) -> list:
    return [["ID", *samples], ["x", *("0" for _ in samples)]]


_WRITERS: Mapping[str, Callable[[Meta, Sequence[str], np.random.Generator], list]] = {
    "MRNA_EXPRESSION": _expression,
    "PROTEIN_LEVEL": _protein,
    "COPY_NUMBER_ALTERATION": _copy_number,
    "MUTATION_EXTENDED": _mutations,
    "STRUCTURAL_VARIANT": _variants,
    "CLINICAL": _clinical,
    "GENE_PANEL_MATRIX": _panels,
    "GENERIC_ASSAY": _assay,
}
