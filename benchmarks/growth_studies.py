"""Cohorts of any size that look like a training study's lines, written piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.study.study import Study

#: Numbers drawn at once, and of a row group: of smaller ones, the file's index would be large.
_CELLS = 2**24
#: Noise, in standard deviations of a feature over the lines.
_NOISE = 0.3
_KINDS = {
    "expression": ("MRNA_EXPRESSION", "CONTINUOUS"),
    "rppa": ("PROTEIN_LEVEL", "LOG2-VALUE"),
    "copy_number": ("COPY_NUMBER_ALTERATION", "LOG2-VALUE"),
}


def write_cohort(folder: Path, lines: Study, samples: int) -> None:
    """Write a study of so many samples, each a line of `lines` with noise.

    A sample has the modalities and calls of its line; fusions are left out.

    Parameters
    ----------
    folder : Path
        Made.
    lines : Study
    samples : int
    """
    folder.mkdir()
    (folder / "case_lists").mkdir()
    (folder / "meta_study.txt").write_text(
        "cancer_study_identifier: growth\nname: Growth\nsimulated: true\n"
    )
    names = np.array([f"S{number:07d}" for number in range(samples)])
    drawn = np.random.default_rng(0).integers(len(lines.samples), size=samples)
    _meta(folder, "clinical", "CLINICAL", "SAMPLE_ATTRIBUTES", "data_clinical.txt")
    pd.DataFrame({"PATIENT_ID": names, "SAMPLE_ID": names}).to_csv(
        folder / "data_clinical.txt", sep="\t", index=False
    )
    for modality, (kind, datatype) in _KINDS.items():
        if getattr(lines, modality) is None:
            continue
        _meta(folder, modality, kind, datatype, f"data_{modality}.parquet")
        _write_matrix(folder / f"data_{modality}.parquet", lines, modality, names, drawn)
    if lines.mutations is not None and lines.sequenced is not None:
        _meta(folder, "mutations", "MUTATION_EXTENDED", "MAF", "data_mutations.txt")
        _write_calls(folder, lines.mutations, np.asarray(lines.samples), names, drawn)
        sequenced = lines.samples.isin(lines.sequenced)[drawn]
        (folder / "case_lists" / "cases_sequenced.txt").write_text(
            "stable_id: growth_sequenced\ncase_list_ids: " + "\t".join(names[sequenced]) + "\n"
        )


def as_text(folder: Path) -> None:
    """Turn the matrices of a written cohort into text, genes x samples, as cBioPortal has them."""
    for path in sorted(folder.glob("data_*.parquet")):
        meta = folder / f"meta_{path.stem.removeprefix('data_')}.txt"
        label = "Composite.Element.REF" if "rppa" in path.stem else "Hugo_Symbol"
        table = pd.read_parquet(path).set_index("SAMPLE_ID").T
        text = path.with_suffix(".txt")
        table.rename_axis(label).to_csv(text, sep="\t", float_format="%.4f", na_rep="NA")
        meta.write_text(meta.read_text().replace(path.name, text.name))
        path.unlink()


def _meta(folder: Path, name: str, kind: str, datatype: str, data: str) -> None:
    (folder / f"meta_{name}.txt").write_text(
        f"genetic_alteration_type: {kind}\ndatatype: {datatype}\nstable_id: {name}\n"
        f"data_filename: {data}\n"
    )


def _write_matrix(
    path: Path, lines: Study, modality: str, names: np.ndarray, drawn: np.ndarray
) -> None:
    """Rows of the lines with noise; a line that lacks the modality gives a row without values."""
    table: pd.DataFrame = getattr(lines, modality).reindex(lines.samples)
    values = table.to_numpy(np.float32)
    spread = _NOISE * np.nanstd(values, axis=0)
    columns = _source_names(lines, modality, table)
    schema = pa.schema([("SAMPLE_ID", pa.string()), *((c, pa.float32()) for c in columns)])
    noise = np.random.default_rng(1)
    with pq.ParquetWriter(path, schema, use_dictionary=False, write_statistics=False) as file:
        height = _CELLS // len(columns)
        for at in range(0, len(names), height):
            rows = drawn[at : at + height]
            errors = noise.standard_normal((len(rows), len(columns)), dtype=np.float32)
            piece = np.asfortranarray(values[rows] + spread.astype(np.float32) * errors)
            arrays = [pa.array(names[at : at + height]), *map(pa.array, piece.T)]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _source_names(lines: Study, modality: str, table: pd.DataFrame) -> list[str]:
    """Genes; of antibodies the name in the file, from which reading makes the canonical one."""
    if modality != "rppa":
        return [str(column) for column in table.columns]
    return [str(lines.antibodies.loc[column, "source"]) for column in table.columns]


def _write_calls(
    folder: Path, mutations: pd.DataFrame, lines: np.ndarray, names: np.ndarray, drawn: np.ndarray
) -> None:
    """A MAF in which each sample has the calls of its line."""
    header = "Hugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short\n"
    calls: dict[str, list[tuple[str, str]]] = {}
    for call in mutations.fillna("NA").itertuples():
        after = f"{call.classification}\t{call.protein_change}\n"
        calls.setdefault(call.sample_id, []).append((call.gene, after))
    with (folder / "data_mutations.txt").open("w") as file:
        file.write(header)
        for name, line in zip(names, drawn, strict=True):
            own = calls.get(lines[line], [])
            file.writelines(f"{gene}\t{name}\t{after}" for gene, after in own)
