"""`sidestep score` as a person meets it: what it prints and returns."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sidestep.serving.cli import score as verbs

ROOT = Path(__file__).parents[3]

Run = Callable[..., tuple[int, str, str]]


def assert_one_sentence(stderr: str, *parts: str) -> None:
    assert re.fullmatch(r"sidestep: error: [^\n]+\n", stderr), stderr
    for part in parts:
        assert part in stderr


@pytest.mark.slow
def test_score_says_what_it_did_in_few_lines(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    study, out, nothing = simulated / "cohort_sim", tmp_path / "out", tmp_path / "nothing"
    nothing.mkdir()
    asked = ("--model", saved_model, "--out", out, "--knowledge", nothing)
    code, stdout, stderr = run("score", study, *asked)
    assert code == 0
    lines = stdout.splitlines()
    assert 3 <= len(lines) <= 11
    assert lines[0].startswith("Scored 24 of 24 samples of cohort_sim for 3 drug(s)")
    assert lines[0].endswith("72 rows")
    assert lines[1] == "Response: sim_gi50, -log10 of GI50 in molar"
    assert re.search(r": rppa \d+, mutation \d+, copy_number \d+$", lines[2])
    assert lines[3] == (
        "Worse than the best baseline in cross-validation, so that every call abstains: SIMNULL-1"
    )
    assert lines[4] == "Calls, samples by drug"
    assert [line.split()[0] for line in lines[5:-1]] == [
        "drug",
        "Lapatinib",
        "Trametinib",
        "SIMNULL-1",
    ]
    assert lines[-1].startswith(f"Written to {out}: scores.parquet, ")
    note, missing, progress = stderr.splitlines()
    assert missing.startswith("sidestep: note: no CIViC (")
    assert note.startswith("sidestep: note: the study and the model's training study are simulated")
    assert re.fullmatch(r"sidestep: scored 24 of 24 samples \([\d.,]+ a second\)", progress)


@pytest.mark.slow
def test_a_log_tells_rate_and_time_left(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    study = simulated / "cohort_sim"
    code, _, stderr = run(
        "score", study, "--model", saved_model, "--out", tmp_path / "out", "--chunk-size", 12
    )
    assert code == 0
    *_, half, whole = stderr.splitlines()
    progress = r"sidestep: scored 12 of 24 samples \([\d.,]+ a second, \d\d:\d\d left\)"
    assert re.fullmatch(progress, half)
    assert whole.endswith(" a second)")


@pytest.mark.slow
def test_without_a_report_everything_else_is_there(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    study, out = simulated / "cohort_sim", tmp_path / "out"
    options = ["--model", saved_model, "--out", out, "--drugs", "Lapatinib"]
    code, stdout, _ = run("score", study, *options, "--no-report")
    assert code == 0
    assert "report.html" not in stdout
    without = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run("score", study, *options)[0] == 0
    with_report = {path.name: path.read_bytes() for path in out.iterdir()}
    assert with_report.pop("report.html")
    manifest, shorter = (json.loads(files.pop("manifest.json")) for files in (with_report, without))
    assert manifest["files"].pop("report.html")
    assert (without, shorter) == (with_report, manifest)


@pytest.mark.slow
def test_quiet_keeps_only_what_must_be_said(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    study = simulated / "cohort_sim"
    code, stdout, stderr = run(
        "score", study, "--model", saved_model, "--out", tmp_path / "out", "--quiet"
    )
    assert (code, len(stdout.splitlines())) == (0, 5)
    assert [line.split(":")[1] for line in stderr.splitlines()] == [" note"]


@pytest.mark.slow
def test_options_choose_drugs_and_length(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    common = ["score", simulated / "cohort_sim", "--model", saved_model, "--out", tmp_path / "out"]
    code, _, _ = run(*common, "--drugs", "SIMNULL-1, lapatinib,", "--top-k", "2")
    assert code == 0
    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    assert list(explained["drug"].unique()) == ["Lapatinib", "SIMNULL-1"]
    assert explained["rank"].max() == 3


@pytest.mark.slow
def test_calls_are_made_at_the_probability_that_is_asked_for(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    common = ["score", simulated / "cohort_sim", "--model", saved_model, "--drugs", "Lapatinib"]
    tables = {}
    for at in (0.6, 0.9):
        out = tmp_path / str(at)
        assert run(*common, "--out", out, "--no-report", "--call-at", at)[0] == 0
        assert json.loads((out / "manifest.json").read_text())["options"]["call_at"] == at
        tables[at] = pd.read_parquet(out / "scores.parquet")
        called = tables[at]["call"].isin(["resistant", "sensitive"])
        p = tables[at]["p_resistant"]
        abstained = tables[at]["call"] == "abstain"
        assert (called == (~abstained & ((p >= at) | (p <= 1 - at)))).all()
    assert (tables[0.6]["call"] != tables[0.9]["call"]).any()
    rest = [name for name in tables[0.6] if name != "call"]
    pd.testing.assert_frame_equal(tables[0.6][rest], tables[0.9][rest])


@pytest.mark.slow
def test_empty_options_count_as_not_given(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    empty = ["--drugs", "", "--top-k", "", "--tracking-uri", ""]
    code, stdout, _ = run(
        "score", simulated / "cohort_sim", "--model", saved_model, "--out", tmp_path / "out", *empty
    )
    assert code == 0
    assert "3 drug(s)" in stdout
    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    assert explained["rank"].max() == 21


@pytest.mark.slow_but_first
@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("quarantine", 3), ("abstain", 3)])
def test_quarantined_samples_are_named_and_fail_if_asked_to(
    run: Run, simulated: Path, rppa_folder: Path, tmp_path: Path, fail_on: str, code: int
) -> None:
    given, stdout, _ = run(
        *("score", simulated / "cohort_sim", "--model", rppa_folder),
        *("--out", tmp_path / "out", "--fail-on", fail_on),
    )
    assert given == code
    assert re.search(r"^Quarantined, for the reasons in manifest.json: SIM-\S+, ", stdout, re.M)
    assert len(stdout.splitlines()) <= 9
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert len(scores) + len(manifest["quarantined"]) == 24


@pytest.mark.slow
@pytest.mark.parametrize(("fail_on", "expected"), [("quarantine", 0), ("abstain", 3)])
def test_a_scheduler_hears_of_what_it_asked_for(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path, fail_on: str, expected: int
) -> None:
    # Every sample is scored, and every call for the drug whose response is noise is to abstain.
    code, _, _ = run(
        *("score", simulated / "cohort_sim", "--model", saved_model),
        *("--out", tmp_path / "out", "--fail-on", fail_on, "--chunk-size", "7"),
    )
    assert code == expected


@pytest.mark.parametrize(
    ("quarantined", "abstained", "failing"),
    [(0, 0, []), (1, 0, ["quarantine", "abstain"]), (0, 1, ["abstain"])],
)
def test_what_each_choice_of_fail_on_looks_at(
    quarantined: int, abstained: int, failing: list[str]
) -> None:
    calls = {"resistant": 7} | ({"abstain": abstained} if abstained else {})
    manifest = {"counts": {"samples_quarantined": quarantined, "calls": calls}}
    choices = ["never", "quarantine", "abstain"]
    assert [choice for choice in choices if verbs.fails_on(manifest, choice)] == failing


def test_help_and_documentation_name_the_same_exit_codes(run: Run) -> None:
    _, stdout, _ = run("score", "--help")
    table = re.findall(r"^ *(\d+) {2,}(\S.*)$", verbs.__doc__ or "", re.M)
    assert [int(code) for code, _ in table] == [0, 1, 2, 3, 130, 137, 143]
    for code, what in table:
        assert re.search(rf"^ +{code} +{re.escape(what)}$", stdout, re.M)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"study": "nowhere"}, ["nowhere"]),
        ({"--model": "nowhere"}, ["models:/nowhere@champion is not in", "sidestep models"]),
        ({"--drugs": "Lapatinob"}, ["Lapatinob is not in the model", "did you mean Lapatinib"]),
        ({"--out": __file__}, ["is not a folder", "give --out"]),
        ({"--out": str(ROOT)}, ["already holds files", "give --out a new folder"]),
        ({"--top-k": "0"}, ["--top-k", "0"]),
        ({"--call-at": "0.5"}, ["--call-at", "0.5"]),
        ({"--call-at": "1"}, ["--call-at", "1"]),
        ({"--call-at": "often"}, ["--call-at", "often"]),
    ],
)
def test_what_cannot_be_scored_is_one_sentence_and_exit_code_2(
    run: Run,
    simulated: Path,
    saved_model: Path,
    tmp_path: Path,
    changed: dict[str, str],
    parts: list[str],
) -> None:
    given = {"study": str(simulated / "cohort_sim"), "--model": str(saved_model)}
    given |= {"--out": str(tmp_path / "out")} | changed
    study = given.pop("study")
    code, stdout, stderr = run("score", study, *(w for pair in given.items() for w in pair))
    assert (code, stdout) == (2, "")
    assert_one_sentence(stderr, *parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_name_that_is_not_registered_is_one_sentence(simulated: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "sidestep", "score", simulated / "cohort_sim"),
            *("--model", "models:/nobody@champion", "--out", tmp_path / "out"),
            *("--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SIDESTEP_TRACEBACK": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "model models:/nobody@champion is not in sqlite" in shown.stderr
    assert not (tmp_path / "mlflow.db").exists()
    assert "Traceback" not in shown.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_registered_model_scores_in_a_process_of_its_own(
    simulated: Path, saved_model: Path, run: Run, tmp_path: Path
) -> None:
    """A process of its own gives the same bytes, and the same errors in one sentence."""
    from mlflow import MlflowClient

    from sidestep.models.registry.load import digest_of

    address = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(address, registry_uri=address)
    client.create_registered_model("panel")
    tags = {"digest": digest_of(saved_model)}
    client.create_model_version("panel", source=saved_model.as_uri(), tags=tags)
    client.set_registered_model_alias("panel", "champion", "1")

    def score(study: Path, model: str) -> subprocess.CompletedProcess[str]:
        called = [sys.executable, "-m", "sidestep", "score", study, "--model", model]
        called += ["--tracking-uri", address, "--out", tmp_path / "out"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SIDESTEP_TRACEBACK": ""}
        return subprocess.run(
            called, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    scored = score(simulated / "cohort_sim", "models:/panel@champion")
    assert scored.returncode == 0, scored.stderr
    model = json.loads((tmp_path / "out" / "manifest.json").read_text())["model"]
    assert (model["name"], model["version"]) == ("panel", "1")
    asked = ("--model", saved_model, "--out", tmp_path / "same")
    assert run("score", simulated / "cohort_sim", *asked)[0] == 0
    for name in ("explanations.parquet", "mechanisms.parquet", "evidence.parquet"):
        there, here = (tmp_path / folder / name for folder in ("out", "same"))
        assert there.read_bytes() == here.read_bytes()
    broken = shutil.copytree(simulated / "cohort_sim", tmp_path / "broken")
    missing = next(path for path in sorted(broken.glob("data_*")) if "clinical" not in path.name)
    missing.unlink()
    for model, complaint in (("panel@champion", missing.name), ("nobody@champion", "nobody")):
        refused = score(broken, f"models:/{model}")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert_one_sentence(refused.stderr, complaint)
