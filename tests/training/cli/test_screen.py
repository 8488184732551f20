"""`sidestep screen` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from matplotlib._pylab_helpers import Gcf

from sidestep.features.files.study_writer import DataFile, StudyDraft, write_study
from sidestep.main import main
from sidestep.training.cli.screen import screen
from sidestep.training.survival.follow_up import ENDPOINTS
from sidestep.training.survival.screen import COLUMNS

FILES = ["forest.png", "kaplan_meier.png", "screen.csv", "screen.json", "screen.parquet"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command: its exit code, standard output and standard error."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


def write_patients(
    folder: Path, levels: Mapping[str, np.ndarray], clinical: Mapping[str, list[str]]
) -> Path:
    """A study of made-up patients P0, P1 … with expression and clinical columns."""
    count = len(next(iter(clinical.values())))
    patients = [f"P{number}" for number in range(count)]
    samples = pd.DataFrame({"PATIENT_ID": patients, "SAMPLE_ID": patients, **clinical})
    names = "#" + "\t".join(samples.columns)
    kinds = "#" + "\t".join(["STRING"] * samples.shape[1])
    expression = pd.DataFrame(dict(levels), index=patients).T.reset_index(names="Hugo_Symbol")
    meta = {
        "genetic_alteration_type": "MRNA_EXPRESSION",
        "datatype": "CONTINUOUS",
        "stable_id": "mrna",
        "show_profile_in_analysis_tab": "false",
        "profile_name": "RNA",
        "profile_description": "log2",
    }
    study = {
        "type_of_cancer": "brca",
        "cancer_study_identifier": "made_up",
        "name": "Made-up patients",
        "description": "Made-up patients",
        "simulated": "true",
    }
    attributes = {"genetic_alteration_type": "CLINICAL", "datatype": "SAMPLE_ATTRIBUTES"}
    files = [
        DataFile("clinical_sample", samples, attributes, [names, names, kinds, kinds]),
        DataFile("mrna", expression, meta),
    ]
    return write_study(folder, StudyDraft(study, files))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 160 patients, 120 HER2-positive; IGF1R makes outcome worse, one gene has a bad name."""
    rng = np.random.default_rng(0)
    levels = {gene: rng.standard_normal(160) for gene in ("IGF1R", "MET", "AXL", "=1+1", "$A$^")}
    died = rng.exponential(60 * np.exp(-1.0 * levels["IGF1R"]))
    seen = rng.uniform(20, 200, 160)
    clinical = {
        "HER2_STATUS": ["Positive"] * 120 + ["Negative"] * 40,
        "RFS_MONTHS": [f"{value:.4f}" for value in np.minimum(died, seen)],
        "RFS_STATUS": np.where(died <= seen, "1:Recurred", "0:Not Recurred").tolist(),
    }
    return write_patients(tmp_path_factory.mktemp("studies") / "made_up", levels, clinical)


@pytest.mark.slow
def test_a_screen_is_told_and_left_in_a_folder(run: Run, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "results" / "screen"
    code, stdout, stderr = run("screen", study, "--out", out, "--bootstrap", "100")
    assert code == 0
    lines = stdout.splitlines()
    assert lines[0] == "Simulated data: no sample is real."
    assert lines[1].startswith("made_up, relapse-free survival, HER2-positive (clinical HER2_STAT")
    assert lines[2].startswith("120 of 160 patients are in the group, 120 of them have survival")
    assert lines[4].split()[0] == "IGF1R"
    assert lines[4].endswith("worse     worse (agrees)")
    assert "1 of 3 genes have q at most 0.05" in stdout
    assert "Not in the study's expression: 55 of 58 genes: AATK, ALK, CSF1R" in stdout
    assert "it says nothing on the benefit from a drug" in stdout
    assert lines[-1] == f"Table and plots: {out}"
    assert "screening genes: 58 of 58" in stderr
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert list(out.parent.iterdir()) == [out]
    for name in ("forest.png", "kaplan_meier.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert not Gcf.get_all_fig_managers()


@pytest.mark.slow
def test_the_table_and_the_summary_agree(run: Run, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "screen"
    wanted = ("--genes", "IGF1R,MET,NOPE", "--group", "all", "--fdr", "0.1", "--bootstrap", "100")
    code, _, stderr = run("screen", study, "--out", out, "--quiet", *wanted)
    assert (code, stderr) == (0, "")
    table = pd.read_parquet(out / "screen.parquet")
    assert tuple(table.columns) == COLUMNS
    assert list(table["gene"]) == ["IGF1R", "MET", "NOPE"]
    in_csv = pd.read_csv(out / "screen.csv", keep_default_na=False, na_values={"q": "", "n": ""})
    pd.testing.assert_series_equal(in_csv["q"], table["q"], check_exact=True)
    assert list(in_csv["direction"]) == list(table["direction"])
    summary = json.loads((out / "screen.json").read_text(encoding="utf-8"))
    assert summary["kind"] == "sidestep screen"
    assert summary["simulated"] is True
    assert summary["endpoint"] == {"code": "rfs", "name": "relapse-free survival"}
    assert summary["group"] == {"name": "all", "rule": "every sample"}
    assert summary["counts"]["with_expression"] == 160
    assert summary["counts"]["events"] == table["events"].max()
    assert summary["counts"]["genes_tested"] == 2
    assert summary["genes"]["not_in_the_study"] == ["NOPE"]
    assert summary["settings"] == {"fdr": 0.1, "bootstrap": 100, "confidence": 0.95, "seed": 0}
    assert {"python", "scikit-survival", "numpy"} <= set(summary["software"])


@pytest.mark.slow
def test_the_same_screen_gives_the_same_bytes_and_replaces_the_last(
    run: Run, study: Path, tmp_path: Path
) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    for out in (once, twice, twice):
        assert (
            run("screen", study, "--genes", "IGF1R,AXL", "--out", out, "--bootstrap", "100")[0] == 0
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["once", "twice"]
    for name in FILES:
        assert (once / name).read_bytes() == (twice / name).read_bytes()


@pytest.mark.slow
def test_text_that_a_spreadsheet_would_run_is_made_plain(
    run: Run, study: Path, tmp_path: Path
) -> None:
    assert (
        run("screen", study, "--genes", "=1+1,$A$^", "--out", tmp_path / "out", "--quiet")[0] == 0
    )
    kept = pd.read_parquet(tmp_path / "out" / "screen.parquet")["gene"]
    assert set(kept) == {"=1+1", "$A$^"}
    text = (tmp_path / "out" / "screen.csv").read_text(encoding="utf-8")
    assert "\n'=1+1,120," in text
    assert "\n$A$^,120," in text


def test_a_folder_with_other_files_is_left_alone(run: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    code, stdout, stderr = run("screen", study, "--out", tmp_path)
    assert (code, stdout) == (2, "")
    assert "already holds files that sidestep screen did not write" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert run("screen", study, "--out", tmp_path / "thesis.txt")[0] == 2


@pytest.mark.parametrize("name", ["notes.txt", "screen.csv"])
def test_an_earlier_screen_with_something_of_mine_is_left_alone(
    run: Run, study: Path, tmp_path: Path, name: str
) -> None:
    command = ("screen", study, "--genes", "AXL", "--out", tmp_path, "--bootstrap", "100")
    assert run(*command)[0] == 0
    (tmp_path / name).write_text("mine")
    code, _, stderr = run(*command)
    assert (code, (tmp_path / name).read_text()) == (2, "mine")
    assert name in stderr
    assert "move it elsewhere, or give --out a new folder" in stderr


def test_a_folder_that_cannot_be_written_is_told(run: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, stderr = run("screen", study, "--out", tmp_path / "file" / "out", "--quiet")
    assert code == 2
    assert "out cannot be written (" in stderr
    assert "give --out another folder" in stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--group", "stage=4"], "no clinical attribute 'stage'"),
        (["--endpoint", "os"], "has no overall survival, which needs the clinical columns OS_MON"),
        (["--endpoint", "cure"], "'cure' is not one of 'os', 'rfs'"),
        (["--genes", "no/such/file"], "there is no file no/such/file"),
        (["--genes", "NOPE"], "expression of 5 genes, and none of the 1 asked for (NOPE)"),
        (["--fdr", "1"], "0<x<1"),
        (["--bootstrap", "5"], "100<=x<=100000"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    run: Run, study: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    code, stdout, stderr = run("screen", study, "--out", tmp_path / "out", "--quiet", *options)
    assert (code, stdout) == (2, "")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_gene_that_nobody_is_above_the_median_of_has_no_curves(run: Run, tmp_path: Path) -> None:
    clinical = {"OS_MONTHS": [str(n) for n in range(1, 21)], "OS_STATUS": ["1:DECEASED"] * 20}
    levels = {"ROR2": np.repeat([9.0, 1.0], [15, 5])}
    folder = write_patients(tmp_path / "study", levels, clinical)
    out = tmp_path / "out"
    code, stdout, _ = run("screen", folder, "--genes", "ROR2", "--group", "all", "--out", out)
    assert code == 0
    assert "nan" in stdout.splitlines()[4]
    assert sorted(path.name for path in out.iterdir()) == [n for n in FILES if n[0] != "k"]


def test_the_verb_offers_every_endpoint() -> None:
    (option,) = (o for o in screen.params if o.name == "endpoint")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(ENDPOINTS)


@pytest.mark.slow
def test_without_the_library_it_says_what_to_install(study: Path, tmp_path: Path) -> None:
    """In a process of its own, in which the library cannot be found."""
    program = (
        "import sys; sys.modules['sksurv'] = None; from sidestep.main import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "screen", str(study), "--out", str(tmp_path / "out")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert "run pip install scikit-survival" in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_metabric_is_screened_for_the_receptors_it_has(
    run: Run, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "studies" / "metabric_her2"
    out = tmp_path / "screen"
    assert run("screen", folder, "--out", out, "--bootstrap", "200", "--quiet")[0] == 0
    table = pd.read_parquet(out / "screen.parquet").set_index("gene")
    assert len(table) == 58
    tested = table[table["c_index"].notna()]
    assert sorted(tested.index) == ["ERBB2", "ERBB3"]
    # A gain on an array is no amplification: without another assay it makes nobody HER2-positive.
    assert list(tested["n"]) == [289, 289]
    assert list(tested["events"]) == [175, 175]
    assert table.at["ERBB2", "c_index"] == pytest.approx(0.566, abs=0.001)
    assert table.at["ERBB2", "logrank_p"] == pytest.approx(0.019, abs=0.001)
