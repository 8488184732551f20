"""DepMap's tables, told by their columns: models, default entries, profiles and names of lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.symbols import symbol_table
from sidestep.features.originals.tables import import_tables
from sidestep.features.study.study import Study, read_study

MODELS = ["ACH-000017", "ACH-000018", "ACH-000019", "ACH-000020"]
NAMES = ["SKBR3", "TT_THYROID", "TT_OESOPHAGUS", "AU565"]


@pytest.fixture(scope="module")
def levels() -> pd.DataFrame:
    """log2(TPM + 1) of four models."""
    rng = np.random.default_rng(0)
    genes = ["ERBB2", "EGFR", *list(symbol_table().chromosomes)[:298]]
    tpm = rng.lognormal(2, 1.5, (4, 300))
    logs = np.log2(tpm / tpm.sum(axis=1, keepdims=True) * 1e6 + 1)
    return pd.DataFrame(
        logs, index=MODELS, columns=[f"{g} ({9000 + i})" for i, g in enumerate(genes)]
    )


def models(newer: bool) -> pd.DataFrame:
    names = "DepMap_ID patient_id cell_line_name stripped_cell_line_name lineage RRID"
    if newer:
        names = "ModelID PatientID CellLineName StrippedCellLineName OncotreeLineage RRID"
    rows = [
        ["PT-1", "SK-BR-3", "SKBR3", "Breast", "CVCL_0033"],
        ["PT-2", "TT", "TT", "Thyroid", "CVCL_1774"],
        ["PT-3", "T.T", "TT", "Oesophagus", "CVCL_3174"],
        ["PT-1", "AU-565", "AU565", "Breast", "CVCL_1074"],
        ["PT-9", "Other", "OTHER", "Lung", ""],
    ]
    table = [[model, *row] for model, row in zip([*MODELS, "ACH-000099"], rows, strict=True)]
    return pd.DataFrame(table, columns=names.split())


def imported(folder: Path) -> Study:
    import_tables([], folder / "out", [folder])
    return read_study(folder / "out")


def written(folder: Path, release: str, levels: pd.DataFrame) -> None:
    """Expression and models as a release has them."""
    if release == "older":
        levels.to_csv(folder / "CCLE_expression.csv")
    elif release == "by model":
        levels.to_csv(folder / "OmicsExpressionProteinCodingGenesTPMLogp1.csv")
    elif release == "by profile":
        levels.set_axis([f"PR-A{i}" for i in range(4)]).to_csv(
            folder / "OmicsExpressionTPMLogp1.csv"
        )
        pd.DataFrame({"ProfileID": [f"PR-A{i}" for i in range(4)], "ModelID": MODELS}).to_csv(
            folder / "OmicsProfiles.csv", index=False
        )
    else:
        table = pd.concat([levels, levels.iloc[:1] + 1]).rename_axis("ModelID").reset_index()
        table.insert(0, "SequencingID", [f"CDS-{i}" for i in range(5)])
        table.insert(2, "IsDefaultEntryForModel", [*["Yes"] * 4, "No"])
        table.to_csv(folder / "OmicsExpressionTPMLogp1HumanProteinCodingGenes.csv")
    name = "sample_info.csv" if release == "older" else "Model.csv"
    models(release != "older").to_csv(folder / name, index=False)


@pytest.mark.parametrize("release", ["older", "by model", "by profile", "by sequencing"])
def test_every_release_gives_lines_by_name(
    tmp_path: Path, levels: pd.DataFrame, release: str
) -> None:
    written(tmp_path, release, levels)
    study = imported(tmp_path)
    assert set(study.samples) == set(NAMES)
    assert study.donors["AU565"] == study.donors["SKBR3"]
    assert study.clinical.loc["TT_OESOPHAGUS", "DEPMAP_ID"] == "ACH-000019"
    assert study.expression is not None
    found = study.expression.loc[NAMES, ["ERBB2", "EGFR"]].to_numpy()
    np.testing.assert_allclose(found, levels.iloc[:, :2].to_numpy(), rtol=1e-14)
    assert study.entrez["EGFR"] == 9001


def test_copy_number_calls_and_proteins_are_told_apart(
    tmp_path: Path, levels: pd.DataFrame
) -> None:
    rng = np.random.default_rng(1)
    written(tmp_path, "by model", levels)
    ratio = pd.DataFrame(rng.normal(1, 0.15, levels.shape), levels.index, levels.columns)
    ratio.iloc[0, 0] = 8.0
    ratio.to_csv(tmp_path / "a.csv")
    calls = {
        "Chrom": ["chr17"], "Pos": [1], "Ref": ["A"], "Alt": ["G"],
        "VariantInfo": ["missense_variant"], "ProteinChange": ["p.L755S"], "HugoSymbol": ["ERBB2"],
        "ModelID": ["ACH-000017"], "IsDefaultEntryForModel": ["Yes"],
    }  # fmt: skip
    pd.DataFrame(calls).to_csv(tmp_path / "b.csv", index=False)
    study = imported(tmp_path)
    assert study.copy_number is not None
    assert study.copy_number.loc["SKBR3", "ERBB2"] == 3.0
    assert study.sequenced is not None
    assert list(study.sequenced) == ["SKBR3"]
    assert study.mutations is not None
    assert study.mutations.iloc[0].tolist()[:2] == ["SKBR3", "ERBB2"]


def test_without_models_the_identifiers_stay_and_are_known_to_a_merge(
    tmp_path: Path, levels: pd.DataFrame
) -> None:
    levels.to_csv(tmp_path / "x.csv")
    study = imported(tmp_path)
    assert list(study.samples) == MODELS
    assert study.clinical["DEPMAP_ID"].tolist() == MODELS


def test_prism_becomes_two_responses(tmp_path: Path) -> None:
    pd.DataFrame(
        {
            "broad_id": ["BRD-1"] * 3, "depmap_id": ["ACH-000017", "ACH-000017", "ACH-000018"],
            "ccle_name": ["SKBR3_BREAST", "SKBR3_BREAST", "TT_THYROID"], "name": ["lapatinib"] * 3,
            "screen_id": ["HTS002", "MTS010", "HTS002"], "auc": [0.4, 0.6, 1.1],
            "ic50": [1.0, None, None],
        }
    ).to_csv(tmp_path / "secondary.csv", index=False)  # fmt: skip
    study = imported(tmp_path)
    assert study.response("prism_auc").values["lapatinib"].to_dict() == {"SKBR3": 0.5, "TT": 1.1}
    assert study.response("prism_ln_ic50").values["lapatinib"].to_dict() == {"SKBR3": 0.0}
