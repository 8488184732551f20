"""The MLflow project: every verb's parameters are the command line's, and `mlflow run` runs one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
import yaml

from sidestep.main import VERBS

ROOT = Path(__file__).parents[2]
PROJECT = yaml.safe_load((ROOT / "mlproject.yml").read_text(encoding="utf-8"))
ENTRY_POINTS = PROJECT["entry_points"]

SAID_TO_MLFLOW = {"--tracking-uri", "--experiment"}

STUDY = {
    "meta_study.txt": """
        type_of_cancer: brca
        cancer_study_identifier: tiny
        name: Three lines
        description: Three lines and two drugs
    """,
    "meta_clinical_sample.txt": """
        cancer_study_identifier: tiny
        genetic_alteration_type: CLINICAL
        datatype: SAMPLE_ATTRIBUTES
        data_filename: data_clinical_sample.txt
    """,
    "data_clinical_sample.txt": """
        #Patient Identifier\tSample Identifier
        #Donor\tCell line
        #STRING\tSTRING
        #1\t1
        PATIENT_ID\tSAMPLE_ID
        P1\tAU565
        P1\tSKBR3
        P2\tBT474
    """,
    "meta_mrna.txt": """
        cancer_study_identifier: tiny
        genetic_alteration_type: MRNA_EXPRESSION
        datatype: CONTINUOUS
        stable_id: rna_seq_mrna
        profile_name: RNA
        profile_description: log2 FPKM
        data_filename: data_mrna.txt
        show_profile_in_analysis_tab: false
    """,
    "data_mrna.txt": """
        Hugo_Symbol\tEntrez_Gene_Id\tAU565\tSKBR3\tBT474
        ERBB2\t2064\t9.1\t9.3\t8.8
        EGFR\t1956\t2.1\t2.4\t1.9
    """,
    "meta_treatment_gi50.txt": """
        cancer_study_identifier: tiny
        genetic_alteration_type: GENERIC_ASSAY
        generic_assay_type: TREATMENT_RESPONSE
        datatype: LIMIT-VALUE
        stable_id: tiny_gi50
        profile_name: -log10 GI50
        profile_description: Unit: -log10 of GI50 in molar.
        data_filename: data_treatment_gi50.txt
        show_profile_in_analysis_tab: true
        pivot_threshold_value: 6
        value_sort_order: DESC
        generic_entity_meta_properties: NAME,DESCRIPTION,URL
    """,
    "data_treatment_gi50.txt": """
        ENTITY_STABLE_ID\tNAME\tDESCRIPTION\tURL\tAU565\tSKBR3\tBT474
        Lapatinib\tLapatinib\tHER2\tNA\t6.5\t6.4\t6.9
        Erlotinib\tErlotinib\tEGFR\tNA\t4.9\t5.0\t5.1
    """,
}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of three lines, in a folder whose name has a space."""
    folder = tmp_path / "tiny study"
    folder.mkdir()
    for name, text in STUDY.items():
        lines = [line.strip(" ") for line in text.strip().splitlines()]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def project_environment(where: Path) -> dict[str, str]:
    """Variables by which this interpreter is `python`, and runs are kept in a folder."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "MLFLOW_TRACKING_URI": f"sqlite:///{where / 'runs.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def mlflow_run(where: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `mlflow run` from another folder, with this interpreter as `python`."""
    return subprocess.run(
        [sys.executable, "-m", "mlflow", "run", str(ROOT), "--env-manager", "local", *args],
        cwd=where,
        env=os.environ | project_environment(where),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def command_of(entry_point: str) -> click.Command:
    """Give the command that an entry point calls, as its words `sidestep VERB` say."""
    words = ENTRY_POINTS[entry_point]["command"].split()
    assert words[:3] == ["python", "-m", "sidestep"]
    verb = VERBS[words[3]]
    command: click.Command = getattr(import_module(f"sidestep.{verb.module}"), verb.attribute)
    return command.commands[words[4]] if isinstance(command, click.Group) else command


def test_mlflow_finds_the_project_under_its_own_name() -> None:
    link = ROOT / "MLproject"
    assert link.is_symlink()
    assert link.resolve() == (ROOT / "mlproject.yml").resolve()


def test_its_environment_is_the_lock() -> None:
    environment = yaml.safe_load((ROOT / PROJECT["python_env"]).read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["-r requirements.lock"]
    assert (ROOT / "requirements.lock").is_file()


def test_the_main_entry_point_trains() -> None:
    assert ENTRY_POINTS["main"] == ENTRY_POINTS["train"]
    assert {"train", "score", "check", "demo"} <= set(ENTRY_POINTS)


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_an_entry_point_says_what_its_verb_understands(entry_point: str) -> None:
    command = command_of(entry_point)
    text = ENTRY_POINTS[entry_point]["command"]
    parameters = ENTRY_POINTS[entry_point]["parameters"]
    assert set(re.findall(r"{(\w+)}", text)) == set(parameters)

    options = {
        spelling: option
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag
        for spelling in option.opts
    }
    given = dict(re.findall(r"(--[\w-]+) {(\w+)}", text))
    assert set(given) == set(options) - SAID_TO_MLFLOW
    for spelling, parameter in given.items():
        not_required = parameters[parameter] == {"type": "string", "default": ""}
        assert not_required != options[spelling].required, f"{spelling}: required or left out?"


@pytest.mark.slow
def test_mlflow_runs_a_verb_on_a_study(tmp_path: Path, study: Path) -> None:
    ran = mlflow_run(tmp_path, "-e", "check", "-P", f"study={study}")
    assert ran.returncode == 0, ran.stderr
    assert "3" in ran.stdout
    assert "succeeded" in ran.stderr


@pytest.mark.slow
def test_mlflow_reports_a_verb_that_fails(
    tmp_path: Path,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Called from Python, which spares a process; the verb has one of its own."""
    import mlflow

    (study / "data_mrna.txt").unlink()
    for name, value in project_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mlflow.exceptions.ExecutionException, match="failed"):
        mlflow.projects.run(
            str(ROOT), "check", parameters={"study": str(study)}, env_manager="local"
        )
    assert "data_mrna.txt" in "".join(capfd.readouterr())
