"""`ccle_broad_2019` in its own layout goes through check, train and score.

    python -m benchmarks.ccle_layout
    python -m benchmarks.ccle_layout --lines 300 --drugs 6

The folder has the study's own meta files (`layouts/layouts.tar.gz`), with data made of
`pancan_cell_lines` as that study writes them: linear RNA levels, z-scores beside them, mass-
spectrometry protein ratios instead of RPPA, discrete copy number, samples under CCLE's names, and
IC50 in micromolar with limits (``>30``). The three verbs get no option but the response (and where
the scores go). The numbers are of GDSC2 on part of the lines: they say that nothing broke.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.study.study import Study, read_study
from sidestep.main import main as sidestep

STUDY = "ccle_broad_2019"
DRUGS = ("Lapatinib", "Trametinib", "Erlotinib", "Dasatinib", "Crizotinib", "Palbociclib")
#: The highest concentration that the folder's screen tested, in micromolar.
_LIMIT = 30.0
_MODEL = re.compile(r"Model \(not registered\): (\S+)")


def main() -> None:
    """Make the folder, run the verbs, and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=120)
    parser.add_argument("--drugs", type=int, default=2)
    options = parser.parse_args()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = make_folder(shared, Path(place), options.lines, DRUGS[: options.drugs])
        os.chdir(place)
        say(["check", STUDY])
        trained = say(["train", STUDY, "--response", "ic50"])
        model = _MODEL.search(trained)
        if model is None:
            raise SystemExit("train names no model")
        say(["score", STUDY, "--model", model[1], "--out", "scores"])
        scores = pd.read_csv(Path(place) / "scores" / "scores.csv")
        print(f"{len(scores)} scores of {scores['sample_id'].nunique()} lines of {folder.name}")
        print(scores["modalities"].value_counts().to_string())
        print(scores["call"].value_counts().to_string())
    print(f"{time.perf_counter() - started:.0f} s")


def say(arguments: list[str]) -> str:
    """What a verb prints; it is printed, too, and must end well."""
    print("$ sidestep", *arguments, flush=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = sidestep(arguments)
    print(said.getvalue(), flush=True)
    if code:
        raise SystemExit(f"sidestep {arguments[0]} ended with {code}")
    return said.getvalue()


def make_folder(shared: Path, place: Path, lines: int, drugs: tuple[str, ...]) -> Path:
    """The study's meta files with data of some lines of `pancan_cell_lines`."""
    study = read_study(shared / "studies" / "pancan_cell_lines")
    folder = place / STUDY
    _unpack(shared / "layouts" / "layouts.tar.gz", folder)
    tables = _tables(_some_lines(study, lines, drugs), drugs)
    (folder / "case_lists").mkdir()
    (folder / "case_lists" / "cases_sequenced.txt").write_text(
        f"cancer_study_identifier: {STUDY}\nstable_id: {STUDY}_sequenced\n"
        "case_list_name: Samples with mutation data\ncase_list_ids: "
        + "\t".join(tables["data_clinical_sample.txt"]["SAMPLE_ID"])
        + "\n"
    )
    for meta in sorted(folder.glob("meta_*.txt")):
        fields = dict(line.split(": ", 1) for line in meta.read_text().splitlines() if ": " in line)
        name = fields.get("data_filename")
        if name in tables:
            tables[name].to_csv(folder / name, sep="\t", index=False, na_rep="NA")
        elif name is not None:
            meta.unlink()
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(archive) as members:
        for member in members:
            parts = Path(member.name).parts
            if STUDY in parts and parts[-1].startswith("meta_") and member.isfile():
                content = members.extractfile(member)
                if content is not None:
                    (folder / parts[-1]).write_bytes(content.read())


def _some_lines(study: Study, lines: int, drugs: tuple[str, ...]) -> Study:
    """Lines with every modality and a response to all drugs, under CCLE's names."""
    response = study.response("ln_ic50_gdsc2").values[list(drugs)].dropna()
    wanted = set(response.index)
    for modality in ("expression", "rppa", "mutation", "copy_number"):
        wanted &= set(study.profiled()[modality])
    named = study.clinical["CCLE_NAME"].notna()
    names = [line for line in study.samples if line in wanted and named[line]]
    step = max(1, len(names) // lines)
    return study.select(names[::step][:lines])


def _tables(study: Study, drugs: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Data files of the study, by name."""
    names = {str(line): str(name) for line, name in study.clinical["CCLE_NAME"].items()}
    expression, rppa, copies = study.expression, study.rppa, study.copy_number
    mutations = study.mutations
    assert expression is not None
    assert rppa is not None
    assert copies is not None
    assert mutations is not None
    ic50 = study.response("ln_ic50_gdsc2").values[list(drugs)].map(np.exp)
    auc = study.response("auc_gdsc2").values[list(drugs)]
    limited = ic50.map(lambda value: f">{_LIMIT:g}" if value > _LIMIT else f"{value:.5g}")
    totals = rppa[[name for name in rppa.columns if "_" not in str(name)]]
    protein = _wide(totals, names, "Composite.Element.REF")
    protein.iloc[:, 0] = [f"{name}|{name}" for name in protein.iloc[:, 0]]
    cna = copies.apply(lambda column: np.digitize(column, [-1.0, -0.4, 0.4, 1.0]) - 2)
    calls = mutations.rename(
        columns={
            "gene": "Hugo_Symbol",
            "sample_id": "Tumor_Sample_Barcode",
            "classification": "Variant_Classification",
            "protein_change": "HGVSp_Short",
        }
    )
    calls["Tumor_Sample_Barcode"] = calls["Tumor_Sample_Barcode"].astype(str).map(names)
    samples = [names[str(line)] for line in study.samples]
    clinical = pd.DataFrame(
        {
            "PATIENT_ID": samples,
            "SAMPLE_ID": samples,
            "CANCER_TYPE": study.clinical["LINEAGE"].to_numpy(),
            "SAMPLE_TYPE": "Cell Line",
        }
    )
    return {
        "data_clinical_sample.txt": clinical,
        "data_clinical_patient.txt": pd.DataFrame({"PATIENT_ID": samples, "SEX": "NA"}),
        "data_mrna_seq_rpkm.txt": _wide(2**expression - 1, names, "Hugo_Symbol"),
        "data_mrna_seq_rpkm_zscores_ref_all_samples.txt": _wide(
            (expression - expression.mean()) / expression.std(), names, "Hugo_Symbol"
        ),
        "data_protein_quantification.txt": protein,
        "data_cna.txt": _wide(cna, names, "Hugo_Symbol"),
        "data_mutations.txt": calls,
        "data_gene_panel_matrix.txt": pd.DataFrame({"SAMPLE_ID": samples, "mutations": "WES"}),
        "data_drug_treatment_ic50.txt": _treatment(limited, names),
        "data_drug_treatment_auc.txt": _treatment(auc.round(5), names),
    }


def _wide(values: pd.DataFrame, names: dict[str, str], label: str) -> pd.DataFrame:
    table = values.T.rename(columns=names).round(5)
    table.insert(0, label, values.columns)
    return table


def _treatment(values: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    table = values.T.rename(columns=names)
    for place, column in enumerate(("ENTITY_STABLE_ID", "NAME", "URL", "DESCRIPTION")):
        table.insert(place, column, "NA" if column == "URL" else values.columns)
    return table


if __name__ == "__main__":
    main()
