"""Simulated studies: the format of real ones, planned gaps, equal bytes, and refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.files.owned import listed
from sidestep.features.files.study_writer import DataFile, StudyDraft, write_study
from sidestep.features.simulation.simulate import SimulationPlan, Truth, simulate, simulate_study
from sidestep.features.study.check import check_study
from sidestep.features.study.study import read_study

METRICS = {"breast_sim": "gi50", "pancan_sim": "ln_ic50"}
STUDIES = ("breast_sim", "pancan_sim", "cohort_sim")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Truth]]:
    """The three default studies and their truth."""
    out = tmp_path_factory.mktemp("simulated")
    return out, simulate(out, seed=3)


def read_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)


def read_matrix(path: Path, index: str) -> pd.DataFrame:
    """Samples x rows of a data file, by what stands in it and nothing else."""
    table = pd.read_csv(path, sep="\t").set_index(index)
    return table.drop(
        columns=["Hugo_Symbol", "Entrez_Gene_Id", "ENTITY_STABLE_ID", "DESCRIPTION", "URL"],
        errors="ignore",
    ).T


def read_lines(path: Path) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in path.read_text().splitlines())


def case_list(study: Path, name: str) -> list[str]:
    return read_lines(study / "case_lists" / f"cases_{name}.txt")["case_list_ids"].split("\t")


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def responses(study: Path) -> pd.DataFrame:
    return read_matrix(study / f"data_treatment_{METRICS[study.name]}.txt", "NAME")


# --- format


@pytest.mark.parametrize("name", STUDIES)
def test_every_data_file_has_its_meta_file(simulated, name) -> None:
    study = simulated[0] / name
    metas = [path for path in study.glob("meta_*.txt") if path.name != "meta_study.txt"]
    named = {read_lines(path)["data_filename"] for path in metas}
    panels = {"data_gene_panel_sim_panel.txt"}
    assert named | panels == {path.name for path in study.glob("data_*.txt")}
    assert {read_lines(path)["cancer_study_identifier"] for path in metas} == {name}


@pytest.mark.parametrize("name", STUDIES)
def test_simulated_data_say_so(simulated, name) -> None:
    study = simulated[0] / name
    meta = read_lines(study / "meta_study.txt")
    assert meta["simulated"] == "true"
    assert meta["name"].startswith("Simulated ")
    profiles = [read_lines(path).get("profile_name") for path in study.glob("meta_*.txt")]
    assert all(profile.startswith("Simulated ") for profile in profiles if profile is not None)


def test_columns_are_those_of_real_studies(simulated) -> None:
    study = simulated[0] / "pancan_sim"

    def columns(name: str) -> list[str]:
        return list(read_table(study / f"data_{name}.txt").columns)

    assert columns("mrna_seq_tpm")[:2] == ["Hugo_Symbol", "Entrez_Gene_Id"]
    assert columns("log2_cna")[:2] == ["Hugo_Symbol", "Entrez_Gene_Id"]
    assert columns("rppa")[0] == "Composite.Element.REF"
    assert columns("clinical_sample")[:2] == ["PATIENT_ID", "SAMPLE_ID"]
    assert columns("treatment_ln_ic50")[:4] == ["ENTITY_STABLE_ID", "NAME", "DESCRIPTION", "URL"]
    assert columns("gene_panel_matrix") == ["SAMPLE_ID", "mutations"]
    assert {"Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode"} <= set(
        columns("mutations")
    )
    header = (study / "data_clinical_sample.txt").read_text().splitlines()[:5]
    assert [line.startswith("#") for line in header] == [True] * 4 + [False]
    assert len({line.count("\t") for line in header}) == 1


@pytest.mark.parametrize(
    ("name", "metric", "order"),
    [("breast_sim", "gi50", "DESC"), ("pancan_sim", "ln_ic50", "ASC")],
)
def test_a_response_says_its_direction_and_unit(simulated, name, metric, order) -> None:
    meta = read_lines(simulated[0] / name / f"meta_treatment_{metric}.txt")
    assert meta["value_sort_order"] == order
    assert meta["generic_assay_type"] == "TREATMENT_RESPONSE"
    assert meta["profile_description"].startswith("Unit: ")


@pytest.mark.parametrize(
    ("name", "antibody"),
    [
        ("breast_sim", "ERBB2|HER2_pY1248-R-C"),
        ("pancan_sim", "ERBB2|HER2_pY1248_Caution"),
        ("cohort_sim", "ERBB2|HER2_pY1248"),
    ],
)
def test_antibodies_are_named_in_each_source_s_style(simulated, name, antibody) -> None:
    rows = read_table(simulated[0] / name / "data_rppa.txt")["Composite.Element.REF"]
    assert antibody in set(rows)
    assert rows.is_unique


@pytest.mark.parametrize("name", STUDIES)
def test_the_reader_takes_a_simulated_study_without_a_complaint(simulated, name) -> None:
    out, truths = simulated
    study = read_study(out / name)
    assert study.simulated
    assert study.problems == ()
    assert check_study(out / name).errors == ()
    assert list(study.samples) == list(truths[name].mechanisms.index)
    assert {"ERBB2", "ERBB2_pY1248", "AKT1_pS473", "AKT1", "IGF1R", "BCL2L11"} <= set(
        study.rppa.columns
    )
    if name in METRICS:
        response = study.response(METRICS[name])
        assert response.higher_is_resistant == (name == "pancan_sim")
        assert "SIMNULL-1" in response.values.columns


# --- missing blocks, donors


def test_blocks_are_missing_as_planned(simulated) -> None:
    study = simulated[0] / "breast_sim"
    assert len(case_list(study, "all")) == 60
    assert len(case_list(study, "sequenced")) == 45
    assert len(case_list(study, "rppa")) == 54
    assert list(read_matrix(study / "data_rppa.txt", "Composite.Element.REF").index) == case_list(
        study, "rppa"
    )
    calls = read_table(study / "data_mutations.txt")
    assert set(calls["Tumor_Sample_Barcode"]) <= set(case_list(study, "sequenced"))
    assert "Silent" in set(calls["Variant_Classification"])
    gaps = responses(study).isna().to_numpy().mean()
    assert 0.02 < gaps < 0.09


def test_one_cohort_sample_has_expression_only(simulated) -> None:
    study = simulated[0] / "cohort_sim"
    everyone = set(case_list(study, "all"))
    lacking = {
        name: everyone - set(case_list(study, name))
        for name in ("RNA_Seq_mRNA", "rppa", "sequenced", "log2CNA")
    }
    assert lacking["RNA_Seq_mRNA"] == set()
    assert len(lacking["rppa"]) > 1
    assert len(lacking["sequenced"]) > 1
    assert len(lacking["rppa"] & lacking["sequenced"] & lacking["log2CNA"]) == 1
    assert not list(study.glob("data_treatment_*"))


def test_nothing_is_missing_where_nothing_should_be(tmp_path) -> None:
    simulate_study(tmp_path / "s", SimulationPlan(lines=20, genes=120, missing=0.0))
    names = case_list(tmp_path / "s", "all")
    for assay in ("RNA_Seq_mRNA", "rppa", "sequenced", "log2CNA"):
        assert case_list(tmp_path / "s", assay) == names
    measured = read_matrix(tmp_path / "s" / "data_treatment_gi50.txt", "NAME")
    assert measured.notna().all(axis=None)


def test_two_lines_of_one_donor_share_drivers_and_lie_close(simulated) -> None:
    out, truths = simulated
    for name in METRICS:
        clinical = read_table(out / name / "data_clinical_sample.txt").set_index("SAMPLE_ID")
        pairs = clinical.groupby("PATIENT_ID").groups
        pairs = [list(lines) for lines in pairs.values() if len(lines) == 2]
        assert len(pairs) >= 3
        truth = truths[name]
        spread = truth.responses.std()
        for one, other in pairs:
            states = ["erbb2_amplified", "pik3ca_hotspot", "pten_loss", "alk_fusion"]
            assert (truth.mechanisms.loc[one, states] == truth.mechanisms.loc[other, states]).all()
        gaps = [(truth.responses.loc[a] - truth.responses.loc[b]).abs() / spread for a, b in pairs]
        assert np.nanmean(np.array(gaps)) < 0.5


def test_a_cohort_has_one_sample_a_patient(simulated) -> None:
    clinical = read_table(simulated[0] / "cohort_sim" / "data_clinical_sample.txt")
    assert clinical["PATIENT_ID"].is_unique


# --- equal bytes


@pytest.mark.slow
def test_the_same_plan_gives_the_same_bytes(tmp_path) -> None:
    for plan in (
        SimulationPlan(lines=20, genes=120, seed=5),
        SimulationPlan(kind="pancan", lines=40, genes=120, seed=5),
        SimulationPlan(kind="cohort", lines=6, genes=120, seed=5),
    ):
        simulate_study(tmp_path / plan.kind / "one", plan)
        simulate_study(tmp_path / plan.kind / "two", plan)
        one, two = (folder_bytes(tmp_path / plan.kind / name) for name in ("one", "two"))
        assert one == two


def test_another_seed_gives_other_samples(tmp_path) -> None:
    one = simulate_study(tmp_path / "one", SimulationPlan(lines=20, genes=120, seed=0))
    two = simulate_study(tmp_path / "two", SimulationPlan(lines=20, genes=120, seed=1))
    assert not np.allclose(one.responses, two.responses)


def test_more_genes_change_no_response(tmp_path) -> None:
    simulate_study(tmp_path / "few", SimulationPlan(lines=20, genes=120))
    simulate_study(tmp_path / "many", SimulationPlan(lines=20, genes=150))
    name = "data_treatment_gi50.txt"
    assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


# --- refusals


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lines": 5}, r"lines=5.*at least 20"),
        ({"kind": "pancan", "lines": 39}, r"lines=39.*at least 40"),
        ({"genes": 10}, r"genes=10.*at least 120"),
        ({"antibodies": 3}, r"antibodies=3.*at least"),
        ({"antibodies": 5000}, r"antibodies=5000.*at most \d+"),
        ({"seed": -1}, r"seed=-1.*at least 0"),
        ({"noise": -0.1}, r"noise=-0.1.*at least 0"),
        ({"noise": float("nan")}, r"noise=nan"),
        ({"missing": 0.9}, r"missing=0.9.*0 to 0.6"),
        ({"kind": "mouse"}, r"'mouse'.*breast, pancan, cohort"),
    ],
)
def test_a_bad_plan_names_the_value_and_the_fix(changes, said) -> None:
    with pytest.raises(InputError, match=said):
        SimulationPlan(**changes)


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(InputError, match="already holds files"):
        simulate_study(tmp_path, SimulationPlan(lines=20, genes=120))
    assert folder_bytes(tmp_path) == {"kept.txt": b"mine"}


def test_simulate_writes_nothing_when_one_of_its_folders_is_taken(tmp_path) -> None:
    (tmp_path / "cohort_sim").mkdir()
    (tmp_path / "cohort_sim" / "kept.txt").write_text("mine")
    with pytest.raises(InputError, match="cohort_sim"):
        simulate(tmp_path)
    assert set(folder_bytes(tmp_path)) == {"cohort_sim/kept.txt"}


def test_an_empty_folder_is_filled(tmp_path) -> None:
    simulate_study(tmp_path, SimulationPlan(kind="cohort", lines=6, genes=120))
    assert (tmp_path / "meta_study.txt").is_file()


def test_a_file_in_the_way_is_refused(tmp_path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="not a folder"):
        simulate_study(tmp_path / "out", SimulationPlan(lines=20, genes=120))
    with pytest.raises(InputError, match="cannot write"):
        simulate(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_failed_write_leaves_nothing(tmp_path) -> None:
    impossible = StudyDraft(
        study={"cancer_study_identifier": "s"},
        files=[
            DataFile("rppa", pd.DataFrame({"a": [1.0]}), {}),
            # More bytes than a name on disk may have.
            DataFile("é" * 140, pd.DataFrame(), {}),
        ],
    )
    with pytest.raises(InputError, match="cannot write"):
        write_study(tmp_path / "s", impossible)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_call_that_was_killed_goes_on_when_it_is_called_again(tmp_path):
    settings = {"lines": 20, "genes": 120, "pancan_lines": 40, "cohort_samples": 8}
    simulate(tmp_path / "whole", **settings)
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "whole" / "breast_sim", killed / "breast_sim")
    assert list(simulate(killed, **settings)) == ["breast_sim", "pancan_sim", "cohort_sim"]
    assert listed(killed) == listed(tmp_path / "whole")
    shutil.rmtree(killed / "cohort_sim")
    (killed / "breast_sim" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="breast_sim is a folder that already holds files"):
        simulate(killed, **settings)
    assert not (killed / "cohort_sim").exists()
