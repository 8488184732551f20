"""Files as they are published: told by their columns, read as studies, broken ones refused."""

from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.originals.sources import read_published
from sidestep.features.originals.tables import import_tables
from sidestep.features.study.check import check_study
from sidestep.features.study.study import Study, read_study
from sidestep.main import main

GDSC = """\
DATASET,COSMIC_ID,CELL_LINE_NAME,SANGER_MODEL_ID,TCGA_DESC,DRUG_ID,DRUG_NAME,LN_IC50,AUC
GDSC2,1,SK-BR-3,SIDM1,BRCA,10,Lapatinib,-1.5,0.4
GDSC2,1,SK-BR-3,SIDM1,BRCA,11,Docetaxel,-6,0.3
GDSC2,1,SK-BR-3,SIDM1,BRCA,12,Docetaxel,-5,0.35
GDSC2,2,TT,SIDM2,THCA,10,Lapatinib,3,0.9
GDSC2,3,T-T,SIDM3,ESCA,10,Lapatinib,2,0.8
"""
RPPA = """\
,HER2_pY1248,EGFR,Akt_pS473
SKBR3_BREAST,2.5,-0.5,0.1
TT_OESOPHAGUS,-0.1,1.5,NA
TT_THYROID,0.2,0.3,0.4
"""
CCLE = """\
CCLE Cell Line Name,Compound,"Doses (uM)",ActArea
SKBR3_BREAST,Lapatinib,".0025,.0080",4.5
A549_LUNG,Lapatinib,".0025,.0080",0.5
"""
CTRP = {
    "v20.data.curves_post_qc.txt": (
        "experiment_id\tarea_under_curve\tmaster_cpd_id\n1\t10\t7\n2\t12\t7\n9\t3\t7\n"
    ),
    "v20.meta.per_experiment.txt": "experiment_id\tmaster_ccl_id\n1\t30\n2\t30\n",
    "v20.meta.per_cell_line.txt": "master_ccl_id\tccl_name\tccle_primary_site\n30\tSKBR3\tbreast\n",
    "v20.meta.per_compound.txt": "master_cpd_id\tcpd_name\n7\tlapatinib\n",
}


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def imported(source: Path, out: Path) -> Study:
    import_tables([], out, [source])
    assert not check_study(out).errors
    return read_study(out)


def test_gdsc_becomes_two_responses_and_keeps_lines_of_one_name_apart(tmp_path: Path) -> None:
    source = written(tmp_path, "x.csv", GDSC)
    study = imported(source, tmp_path / "gdsc2")
    assert list(study.samples) == ["SKBR3", "TT_SIDM2", "TT_SIDM3"]
    response = study.response("gdsc2_ln_ic50")
    assert response.higher_is_resistant
    assert response.values.loc["SKBR3"].to_dict() == {
        "Docetaxel-11": -6.0, "Docetaxel-12": -5.0, "Lapatinib": -1.5
    }  # fmt: skip
    assert study.response("gdsc2_auc").values.loc["TT_SIDM3", "Lapatinib"] == 0.8
    assert "TT, T-T" in read_published(source).told[0]


def test_rppa_is_told_by_the_tissues_of_its_lines(tmp_path: Path) -> None:
    study = imported(written(tmp_path, "any name.csv", RPPA), tmp_path / "rppa")
    assert list(study.samples) == ["SKBR3", "TT_OESOPHAGUS", "TT_THYROID"]
    assert study.rppa is not None
    assert study.rppa.loc["SKBR3", "ERBB2_pY1248"] == 2.5
    assert np.isnan(study.rppa.loc["TT_OESOPHAGUS", "AKT1_pS473"])
    assert study.clinical.loc["TT_THYROID", "LINEAGE"] == "thyroid"


def test_a_zip_of_tables_is_read_as_their_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ctrp.zip", "w") as file:
        for name, text in {"README.txt": "words", **CTRP}.items():
            file.writestr(f"CTRPv2.0/{name}", text)
    study = imported(tmp_path / "ctrp.zip", tmp_path / "out")
    assert study.response("ctrp2_auc").values.to_dict() == {"lapatinib": {"SKBR3": 11.0}}


def test_ctrp_is_joined_and_experiments_are_averaged(tmp_path: Path) -> None:
    for name, text in CTRP.items():
        written(tmp_path, name, text)
    read = read_published(tmp_path)
    (screen,) = read.screens
    assert screen.values.to_dict() == {"lapatinib": {"SKBR3": 11.0}}
    assert read.told == (
        "1 curve(s) of a line or compound that no table names are left out",
        "area: 1 repeated value(s) of a line and drug averaged",
    )
    (tmp_path / "v20.meta.per_compound.txt").unlink()
    with pytest.raises(InputError, match=r"lacks tables of CTRPv2: compounds \(cpd_name, master"):
        read_published(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("x.csv", "a,b\n1,2\n", "is none of the files that are known: responses of GDSC"),
        ("x.csv", "", "is empty: it has no header line"),
        ("x.csv", GDSC.replace("-1.5", "high"), r"line 2, column LN_IC50: 'high' is no number"),
        ("x.csv", GDSC.replace("GDSC2,2", "GDSC1,2"), r"several screens \(GDSC1, GDSC2\)"),
        ("x.csv", RPPA.replace("1.5", "?"), r"TT_OESOPHAGUS, column EGFR: '\?' is no number"),
        ("x.csv", RPPA.replace("TT_THYROID", "TT_OESOPHAGUS"), "has TT_OESOPHAGUS twice"),
        ("x.csv", CCLE.replace("4.5", "").replace("0.5", ""), "has no value in column ActArea"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, text: str, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        read_published(written(tmp_path, name, text))


@pytest.mark.slow
def test_from_published_files_to_one_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = []
    for name, text in {"gdsc": GDSC, "rppa": RPPA, "ccle": CCLE}.items():
        source = written(tmp_path, f"{name}.csv", text)
        folders.append(str(tmp_path / name))
        assert main(["data", "import", str(source), folders[-1]]) == 0
        assert [p for p in check_study(tmp_path / name).problems if p.severity == "error"] == []
    assert "drug response gdsc2_auc: 3 drugs x 3 samples" in capsys.readouterr().out
    assert main(["data", "merge", *folders, "--out", str(tmp_path / "all")]) == 0
    study = read_study(tmp_path / "all")
    assert study.rppa is not None
    assert study.response("ccle24").values.loc["SKBR3", "Lapatinib"] == 4.5
    assert study.response("gdsc2_auc").values.loc["SKBR3", "Lapatinib"] == 0.4
    assert study.rppa.loc["SKBR3", "ERBB2_pY1248"] == 2.5


def test_readings_of_plates_are_left_to_fit(shared: Path, tmp_path: Path) -> None:
    whole = shared / "raw" / "gb-2013-14-10-r110-s9.txt"
    with whole.open(encoding="utf-8") as file:
        source = written(tmp_path, "plates.txt", "".join(islice(file, 5)))
    with pytest.raises(InputError, match=r"holds readings of plates; .*: sidestep fit "):
        import_tables([], tmp_path / "out", [source])
    others = {"README.md", "GDSC2_fitted_dose_response.csv", "ctrp_v2", "CCLE_RPPA_20181003.csv",
              "CCLE_NP24.2009_Drug_data_2015.02.24.csv"}  # fmt: skip
    assert {path.name for path in (shared / "raw").iterdir()} == {whole.name, *others}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "ids", "least"),
    [
        ("GDSC2_fitted_dose_response.csv", ["gdsc2_ln_ic50", "gdsc2_auc"], 110_000),
        ("ctrp_v2", ["ctrp2_auc"], 300_000),
        ("CCLE_NP24.2009_Drug_data_2015.02.24.csv", ["ccle24_actarea"], 9_000),
    ],
)
def test_real_files_agree_with_the_study_made_of_them(
    shared: Path, tmp_path: Path, source: str, ids: list[str], least: int
) -> None:
    known = read_study(shared / "studies" / "pancan_cell_lines")
    read = imported(shared / "raw" / source, tmp_path / "raw")
    for stable_id in ids:
        theirs, ours = known.response(stable_id).values, read.response(stable_id).values
        # The study's numbers are rounded to five digits.
        difference = (theirs - ours).abs().to_numpy()
        assert np.isfinite(difference).sum() > least
        assert np.nanmax(difference) < 1e-3


@pytest.mark.slow
def test_the_real_proteins_agree_with_the_study_made_of_them(shared: Path, tmp_path: Path) -> None:
    known = read_study(shared / "studies" / "pancan_cell_lines").rppa
    read = imported(shared / "raw" / "CCLE_RPPA_20181003.csv", tmp_path / "raw").rppa
    assert known is not None
    assert read is not None
    rows, columns = known.index.intersection(read.index), known.columns.intersection(read.columns)
    assert (len(rows), len(columns)) == (724, known.shape[1])
    pd.testing.assert_frame_equal(
        known.loc[rows, columns], read.loc[rows, columns], rtol=1e-3, atol=1e-3, check_names=False
    )
