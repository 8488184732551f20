"""Scores as a study: read back by Sidestep number by number, and held to cBioPortal's rules.

The rules are those of cBioPortal's documentation of file formats (docs.cbioportal.org/file-formats)
and of its validator's table of meta fields; the validator itself needs a portal to ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.check import check_study
from sidestep.features.study.study import read_study
from sidestep.serving.as_study import write_as_study
from sidestep.serving.disk.score_folder import read_score_folder

Run = Callable[..., tuple[int, str, str]]
FolderMaker = Callable[..., Path]

#: Meta file -> field -> whether it must be there.
FIELDS = {
    "study": {
        "cancer_study_identifier": True, "type_of_cancer": True, "name": True, "description": True,
        "short_name": False, "citation": False, "pmid": False, "groups": False,
        "add_global_case_list": False, "tags_file": False, "reference_genome": False,
        # Sidestep's own, which the validator warns of.
        "simulated": False,
    },
    "clinical": {"cancer_study_identifier": True, "genetic_alteration_type": True,
                 "datatype": True, "data_filename": True},
    "assay": {
        "cancer_study_identifier": True, "genetic_alteration_type": True,
        "generic_assay_type": True, "datatype": True, "stable_id": True, "profile_name": True,
        "profile_description": True, "data_filename": True, "show_profile_in_analysis_tab": True,
        "generic_entity_meta_properties": False, "pivot_threshold_value": False,
        "value_sort_order": False, "patient_level": False,
    },
}  # fmt: skip


def fields(path: Path, kind: str) -> dict[str, str]:
    """Lines of a meta file, which must have what its kind needs and nothing else."""
    found = dict(line.split(": ", 1) for line in path.read_text().splitlines())
    assert set(found) <= set(FIELDS[kind]), path.name
    assert {name for name, needed in FIELDS[kind].items() if needed} <= set(found), path.name
    return found


def clinical_samples(folder: Path, study_id: str) -> list[str]:
    """Samples of the clinical file."""
    meta = fields(folder / "meta_clinical_sample.txt", "clinical")
    assert meta["cancer_study_identifier"] == study_id
    lines = (folder / meta["data_filename"]).read_text().splitlines()
    head, columns = [line.removeprefix("#").split("\t") for line in lines[:4]], lines[4].split("\t")
    assert all(line.startswith("#") for line in lines[:4])
    assert all(len(row) == len(columns) for row in head)
    assert set(head[2]) <= {"STRING", "NUMBER", "BOOLEAN"}
    assert all(priority.isdigit() for priority in head[3])
    assert {"PATIENT_ID", "SAMPLE_ID"} <= set(columns)
    assert all(re.fullmatch(r"[A-Z0-9_]+", column) for column in columns)
    rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[5:]]
    for row in rows:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", row["SAMPLE_ID"])
        assert re.fullmatch(r"[A-Za-z0-9._-]+", row["PATIENT_ID"])
        for column, kind in zip(columns, head[2], strict=True):
            if kind == "NUMBER":
                float(row[column])
    samples = [row["SAMPLE_ID"] for row in rows]
    assert len(set(samples)) == len(samples)
    return samples


def assert_valid(folder: Path) -> None:
    """Hold a folder to the rules of cBioPortal."""
    study = fields(folder / "meta_study.txt", "study")
    study_id = study["cancer_study_identifier"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", study_id)
    samples = clinical_samples(folder, study_id)
    stable_ids = []
    for path in sorted(set(folder.glob("meta_*")) - {folder / "meta_study.txt"}):
        if "clinical" in path.name:
            continue
        meta = fields(path, "assay")
        assert meta["cancer_study_identifier"] == study_id
        assert meta["genetic_alteration_type"] == "GENERIC_ASSAY"
        assert meta["datatype"] in ("LIMIT-VALUE", "CATEGORICAL", "BINARY")
        assert meta["show_profile_in_analysis_tab"] in ("true", "false")
        assert meta.get("value_sort_order", "ASC") in ("ASC", "DESC")
        float(meta.get("pivot_threshold_value", "0"))
        assert re.fullmatch(r"[A-Za-z0-9_-]+", meta["stable_id"])
        stable_ids.append(meta["stable_id"])
        assert_valid_table(folder / meta["data_filename"], meta, samples)
    assert len(set(stable_ids)) == len(stable_ids)
    named = {path.name for path in folder.glob("data_*")}
    assert len(named) == len(stable_ids) + 1
    for path in (folder / "case_lists").iterdir():
        cases = dict(line.split(": ", 1) for line in path.read_text().splitlines())
        assert cases["stable_id"].startswith(f"{study_id}_")
        assert cases["cancer_study_identifier"] == study_id
        assert {"case_list_name", "case_list_description", "case_list_ids"} <= set(cases)
        assert set(cases["case_list_ids"].split("\t")) <= set(samples)
    assert (folder / "case_lists" / "cases_all.txt").exists()


def assert_valid_table(path: Path, meta: dict[str, str], samples: list[str]) -> None:
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    described = meta["generic_entity_meta_properties"].split(",")
    assert header[0] == "ENTITY_STABLE_ID"
    assert set(described) <= set(header)
    places = [at for at, name in enumerate(header) if name in samples]
    assert len(places) == len(header) - 1 - len(described)
    assert all(len(row) == len(header) for row in rows)
    entities = [row[0] for row in rows]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", entity) for entity in entities)
    assert len(set(entities)) == len(entities)
    if meta["datatype"] == "LIMIT-VALUE":
        for row in rows:
            for at in places:
                assert row[at] in ("NA", "") or np.isfinite(float(row[at].lstrip("<>")))


def test_numbers_come_back_and_names_that_no_portal_takes_are_replaced(
    make_folder: FolderMaker, tmp_path: Path
) -> None:
    """Samples are called ``<script>…``, ``=cmd()`` and ``A/../B``."""
    scores = read_score_folder(make_folder())
    out = write_as_study(scores, tmp_path / "study", {"SKBR3": "one woman", "BT474": "one woman"})
    assert_valid(out)
    assert not check_study(out).errors
    study = read_study(out)
    assert study.simulated
    assert study.donors["SKBR3"] == study.donors["BT474"] == "one_woman"
    own = study.clinical["SAMPLE_IN_STUDY"]
    rows = scores.scores.set_index(["sample_id", "drug"])
    for stable_id, column in (
        ("sidestep_prediction", "prediction"),
        ("sidestep_percentile", "resistance_percentile"),
        ("sidestep_p_resistant", "p_resistant"),
    ):
        response = study.response(stable_id)
        found = response.values.rename(index=own).stack().rename_axis(["sample_id", "drug"])
        wanted = rows[column].dropna()
        pd.testing.assert_series_equal(
            found.sort_index(), wanted.sort_index(), check_names=False, rtol=1e-15
        )
        assert response.higher_is_resistant == (column != "prediction")
    calls = pd.read_csv(out / "data_predicted_call.txt", sep="\t", index_col="NAME")
    assert calls.loc["Lapatinib", "SKBR3"] == rows.loc[("SKBR3", "Lapatinib"), "call"]
    counted = study.clinical.loc["SKBR3", [name for name in study.clinical if "DRUGS_" in name]]
    assert counted.astype(int).sum() == len(calls)


@pytest.mark.slow
def test_the_verb_writes_both_and_refuses_a_place_in_the_scores(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    common = ["score", simulated / "cohort_sim", "--model", saved_model, "--out", tmp_path / "out",
              "--drugs", "Lapatinib", "--no-report", "--quiet"]  # fmt: skip
    code, _, stderr = run(*common, "--as-study", tmp_path / "out" / "study")
    assert code == 2
    assert "lies in --out" in stderr
    assert not (tmp_path / "out").exists()
    code, stdout, _ = run(*common, "--as-study", tmp_path / "study")
    assert code == 0
    assert stdout.splitlines()[-1].startswith(f"As a study: {tmp_path / 'study'}")
    assert_valid(tmp_path / "study")
    read = read_study(tmp_path / "study")
    assert set(read.donors) <= set(read_study(simulated / "cohort_sim").donors)
    code, _, stderr = run(*common, "--as-study", tmp_path / "study")
    assert code == 2
    assert "already holds files" in stderr


@pytest.mark.parametrize("name", ["sidestep_prediction", "sidestep_p_resistant"])
def test_the_words_say_that_nothing_was_measured(
    make_folder: FolderMaker, tmp_path: Path, name: str
) -> None:
    out = write_as_study(read_score_folder(make_folder(simulated=False)), tmp_path / "study")
    file = read_study(out).response_files[name]
    assert "not measured" in file.description
    assert "SIMULATED" not in file.description
