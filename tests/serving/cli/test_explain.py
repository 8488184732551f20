"""`sidestep explain` as a person meets it: what it prints and returns."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.features.study.study import read_study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parents[3]
SAMPLE = "SIM-0002-01"


@pytest.fixture(scope="module")
def scores(simulated: Path, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of a copy of the cohort, in a folder named scores beside it."""
    folder = tmp_path_factory.mktemp("explained")
    shutil.copytree(simulated / "cohort_sim", folder / "cohort")
    score_study(read_study(folder / "cohort"), model, folder / "scores")
    return folder / "scores"


@pytest.fixture
def ask(run: Run, scores: Path, saved_model: Path) -> Callable[..., dict[str, Any]]:
    """Explain a sample of the scores, as JSON."""

    def ask(*args: str, sample: str = SAMPLE, drug: str = "Lapatinib") -> dict[str, Any]:
        common = ("--scores", scores, "--model", saved_model, "--json")
        code, stdout, stderr = run("explain", sample, "--drug", drug, *common, *args)
        assert (code, stderr) == (0, "")
        answer: dict[str, Any] = json.loads(stdout)
        return answer

    return ask


def assert_refused(found: tuple[int, str, str], *parts: str) -> None:
    code, stdout, stderr = found
    assert (code, stdout) == (2, "")
    assert re.fullmatch(r"sidestep: error: [^\n]+\n", stderr), stderr
    for part in parts:
        assert part in stderr


def test_it_says_what_the_scores_say(ask: Callable[..., dict[str, Any]], scores: Path) -> None:
    table = pd.read_parquet(scores / "scores.parquet").set_index(["sample_id", "drug"])
    explained = pd.read_parquet(scores / "explanations.parquet")
    for drug in ("Lapatinib", "SIMNULL-1"):
        row = table.loc[(SAMPLE, drug)]
        answer = ask(drug=drug, sample=SAMPLE.lower().replace("-", ""))
        explanation = answer["explanation"]
        assert (answer["sample"], answer["drug"]) == (SAMPLE, drug)
        assert answer["simulated"] is True
        for ours, theirs in (
            *((name, name) for name in ("prediction", "lower", "upper", "base_value", "level")),
            ("percentile", "resistance_percentile"),
            ("applicability", "applicability"),
            ("p_resistant", "p_resistant"),
        ):
            assert explanation[ours] == row[theirs]
        assert explanation["call"] == row["call"]
        assert ";".join(explanation["reasons"]) == row["reasons"]
        for modality, total in explanation["by_modality"].items():
            assert total == row[f"contribution_{modality}"]
        rows = explained[(explained["sample_id"] == SAMPLE) & (explained["drug"] == drug)][:10]
        assert [one["feature"] for one in explanation["features"]] == list(rows["feature"])
        assert [one["contribution"] for one in explanation["features"]] == list(
            rows["contribution"]
        )


def test_it_adds_up_at_every_level(ask: Callable[..., dict[str, Any]]) -> None:
    for args in ((), ("--set", "ERBB2=+2sd")):
        answer = ask(*args, "--top-k", "5")
        explanation = answer["what_if"]["after"] if args else answer["explanation"]
        assert len(explanation["features"]) == 5
        features = sum(one["contribution"] for one in explanation["features"]) + explanation["rest"]
        moved = explanation["prediction"] - explanation["base_value"]
        assert features == pytest.approx(moved, abs=1e-4)
        assert sum(explanation["by_modality"].values()) == pytest.approx(moved, abs=1e-4)
        assert sum(explanation["by_mechanism"].values()) == pytest.approx(moved, abs=1e-4)
        assert tuple(explanation["by_mechanism"]) == MECHANISMS


def test_a_change_is_told_before_after_and_as_difference(
    ask: Callable[..., dict[str, Any]],
) -> None:
    answer = ask("--set", "ERBB2=+2sd", "--set", "mutation:PIK3CA=1")
    before, what_if = answer["explanation"], answer["what_if"]
    after, delta = what_if["after"], what_if["difference"]
    assert answer["flips"] is None
    assert what_if["settings"] == ["ERBB2=+2sd", "mutation:PIK3CA=1"]
    for name in ("prediction", "lower", "upper", "percentile", "applicability"):
        assert delta[name] == after[name] - before[name]
    drive = after["by_mechanism"]["HER2 drive"] - before["by_mechanism"]["HER2 drive"]
    assert delta["by_mechanism"]["HER2 drive"] == drive > 0
    changes = [
        abs(one["contribution_after"] - one["contribution_before"]) for one in what_if["features"]
    ]
    assert changes == sorted(changes, reverse=True)
    assert "expression:ERBB2" in {one["feature"] for one in what_if["features"]}
    assert what_if["n_changed"] >= 3


def test_no_change_is_told_as_none(ask: Callable[..., dict[str, Any]]) -> None:
    answer = ask("--set", "ERBB2=+0sd")
    assert answer["what_if"]["after"] == answer["explanation"]
    assert answer["what_if"]["features"] == []
    assert answer["what_if"]["n_changed"] == 0


def test_what_flips_can_be_set(
    run: Run, simulated: Path, saved_model: Path, ask: Callable[..., dict[str, Any]]
) -> None:
    common = ("--study", simulated / "breast_sim", "--model", saved_model, "--level", "0.5")
    # Training lines, each answered by the model that has not seen it: the first that has a call.
    for number in range(1, 41):
        line = ("explain", f"SIMB{number:03}", "--drug", "Lapatinib", *common, "--json")
        code, stdout, _ = run(*line)
        flips = json.loads(stdout)["flips"] if code == 0 else {"call": None}
        if flips["call"] in ("sensitive", "resistant") and flips["smallest"]:
            break
    smallest = flips["smallest"]
    assert flips["call"] in ("sensitive", "resistant")
    assert smallest["sd"] == min(one["sd"] for one in flips["flips"])
    assert len(smallest["settings"]) == smallest["n_raised"] + smallest["n_lowered"]
    settings = [word for setting in smallest["settings"] for word in ("--set", setting)]
    after = json.loads(run(*line, *settings)[1])["what_if"]["after"]
    assert after["call"] == smallest["call"]
    assert after["prediction"] == pytest.approx(smallest["prediction"])


@pytest.mark.parametrize("drug", ["lapatinib", "SIMNULL-1"])
@pytest.mark.parametrize("settings", [[], ["--set", "ERBB2=+2sd"], ["--set", "EGFR=+0sd"]])
def test_the_text_is_a_screen(
    run: Run, scores: Path, saved_model: Path, drug: str, settings: list[str]
) -> None:
    given = ("--scores", scores, "--model", saved_model, *settings)
    code, stdout, stderr = run("explain", SAMPLE, "--drug", drug, *given)
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    assert re.match(rf"{SAMPLE} and \S+: study cohort_sim, model small_panel, SIMULATED", lines[0])
    assert not any(line != line.rstrip() for line in lines)
    for part in (
        ["What if     ERBB2=+2sd: ", "before", "difference", "Call", "HER2 drive"]
        if "ERBB2=+2sd" in settings
        else ["0 features changed", "unchanged"]
        if settings
        else [
            *("Prediction  ", "Interval    ", "Percentile  ", "Marker      "),
            *("all others", "What would change"),
        ]
    ):
        assert part in stdout


def test_a_drug_without_a_call_says_what_the_interval_alone_would(
    run: Run, scores: Path, saved_model: Path
) -> None:
    given = ("--drug", "SIMNULL-1", "--scores", scores, "--model", saved_model)
    _, stdout, _ = run("explain", SAMPLE, *given)
    text = " ".join(stdout.split())
    assert "the mean of the training lines does. (DRUG_WORSE_THAN_BASELINE)" in text
    assert "no change of the sample takes DRUG_WORSE_THAN_BASELINE away" in text
    assert re.search(r"By the probability alone the call would be (uncert|sensi|resist)", text)


def test_without_a_call_there_is_none_to_change(run: Run, scores: Path, saved_model: Path) -> None:
    given = ("--scores", scores, "--model", saved_model, "--level", "0.99")
    _, stdout, _ = run("explain", SAMPLE, "--drug", "Lapatinib", *given)
    assert "Interval    none  (to hold 99 % of samples)" in stdout
    assert "No call is made (NO_INTERVAL), and so there is none to change." in stdout


def test_the_folder_scores_is_looked_at_where_nothing_is_said(
    run: Run, scores: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    common = ("explain", SAMPLE, "--drug", "Lapatinib", "--model", saved_model, "--json")
    expected = run(*common, "--scores", scores)
    monkeypatch.chdir(scores.parent)
    assert run(*common) == run(*common, "--study", scores.parent / "cohort") == expected
    monkeypatch.chdir(tmp_path)
    assert_refused(run(*common), "no folder scores here", "--study and --model")


def test_options_of_the_scores_hold_unless_others_are_given(
    run: Run, scores: Path, saved_model: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(scores, tmp_path / "scores")
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["options"] |= {"level": 0.6, "her2_context": True}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    common = ("explain", SAMPLE, "--drug", "Lapatinib", "--model", saved_model, "--json")
    answer = json.loads(run(*common, "--scores", copied)[1])
    assert (answer["explanation"]["level"], answer["her2_context"]) == (0.6, True)
    answer = json.loads(run(*common, "--scores", copied, "--level", "0.7")[1])
    assert answer["explanation"]["level"] == 0.7
    answer = json.loads(run(*common, "--scores", scores, "--her2-context")[1])
    assert (answer["explanation"]["level"], answer["her2_context"]) == (0.8, True)


@pytest.mark.parametrize(
    ("context", "lines"), [([], "training line"), (["--her2-context"], "HER2-high training line")]
)
def test_the_text_names_the_lines_that_are_compared_with(
    run: Run, scores: Path, saved_model: Path, context: list[str], lines: str
) -> None:
    given = ("--drug", "Lapatinib", "--scores", scores, "--model", saved_model, *context)
    code, stdout, _ = run("explain", SAMPLE, *given)
    assert code == 0
    text = " ".join(stdout.split())
    middle = f"near the middle of what the {lines}s are predicted"
    assert f" % of the {lines}s are predicted" in text or middle in text
    assert f" of the median {lines} (" in text


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"sample": "SIM-0002-99"}, ["has no sample SIM-0002-99", "did you mean SIM-0002-01"]),
        ({"--drug": "Lapatinob"}, ["Lapatinob is not in the model", "did you mean Lapatinib"]),
        ({"--set": "ERBB22=+2sd"}, ["no feature of gene ERBB22", "did you mean ERBB2"]),
        ({"--set": "ERBB2"}, ["is no FEATURE=VALUE"]),
        ({"--set": "ERBB2=+lots"}, ["'+lots' is no value"]),
        ({"--model": "nowhere"}, ["models:/nowhere@champion is not in"]),
        ({"--scores": "nowhere"}, ["nowhere does not exist", "that sidestep score wrote"]),
        ({"--scores": __file__}, ["is not a folder"]),
        ({"--scores": str(Path(__file__).parent)}, ["holds no manifest.json"]),
        ({"--study": "nowhere"}, ["nowhere"]),
        ({"--top-k": "0"}, ["--top-k"]),
        ({"--level": "0.2"}, ["--level"]),
        ({"--call-at": "0.4"}, ["--call-at"]),
    ],
)
def test_what_cannot_be_explained_is_one_sentence_and_exit_code_2(
    run: Run, scores: Path, saved_model: Path, changed: dict[str, str], parts: list[str]
) -> None:
    given = {
        "sample": SAMPLE,
        "--drug": "Lapatinib",
        "--scores": str(scores),
        "--model": str(saved_model),
    } | changed
    sample = given.pop("sample")
    found = run("explain", sample, *(word for pair in given.items() for word in pair))
    assert_refused(found, *parts)


def test_a_drug_must_be_named(run: Run) -> None:
    assert_refused(run("explain", SAMPLE), "--drug")


def test_a_modality_that_the_sample_lacks_cannot_be_set(
    run: Run, scores: Path, saved_model: Path
) -> None:
    table = pd.read_parquet(scores / "scores.parquet")
    lacking = table.loc[~table["modalities"].str.contains("rppa"), "sample_id"].iloc[0]
    given = ("--drug", "Lapatinib", "--scores", scores, "--model", saved_model)
    found = run("explain", lacking, *given, "--set", "rppa:ERBB2=+2sd")
    assert_refused(found, f"rppa:ERBB2 is not measured in sample {lacking}", "of ERBB2 it has")


def test_a_sample_that_cannot_be_scored_is_named_with_the_reason(
    run: Run, simulated: Path, rppa_folder: Path, scores: Path
) -> None:
    table = pd.read_parquet(scores / "scores.parquet")
    lacking = table.loc[~table["modalities"].str.contains("rppa"), "sample_id"].iloc[0]
    given = ("--study", simulated / "cohort_sim", "--model", rppa_folder)
    found = run("explain", lacking, "--drug", "Lapatinib", *given)
    assert_refused(found, f"sample {lacking} cannot be predicted: no modality of the model")


def test_a_study_that_changed_since_is_refused(
    run: Run, scores: Path, saved_model: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(scores.parent / "cohort", tmp_path / "cohort")
    rppa = changed / "data_rppa.txt"
    rppa.write_text(re.sub(r"(?m)\t[\d.-]+$", "\t1.5", rppa.read_text(), count=1))
    common = ("explain", SAMPLE, "--drug", "Lapatinib", "--model", saved_model)
    found = run(*common, "--scores", scores, "--study", changed)
    assert_refused(found, "1 file(s) of study cohort_sim have changed", "data_rppa.txt")
    assert run(*common, "--study", changed)[0] == 0


def test_another_model_than_that_of_the_scores_is_refused(
    run: Run, scores: Path, rppa_folder: Path
) -> None:
    given = ("--scores", scores, "--model", rppa_folder)
    found = run("explain", SAMPLE, "--drug", "Lapatinib", *given)
    assert_refused(found, "model rppa_only is not the one that", "was made with")


def test_scores_of_a_model_in_a_folder_need_it_named(run: Run, scores: Path) -> None:
    found = run("explain", SAMPLE, "--drug", "Lapatinib", "--scores", scores)
    assert_refused(found, "made with the model small_panel of a folder", "give --model")


@pytest.mark.slow
def test_a_registered_model_is_looked_for_by_name_and_version(scores: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(scores, tmp_path / "scores")
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["model"] |= {"name": "her2-breast", "version": "3"}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "sidestep", "explain", SAMPLE, "--drug", "Lapatinib"),
            *("--scores", copied, "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SIDESTEP_TRACEBACK": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "model models:/her2-breast/3 is not in sqlite" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_manifest_that_lacks_parts_is_refused(
    run: Run, scores: Path, saved_model: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(scores, tmp_path / "scores")
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["options"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    given = ("--scores", copied, "--model", saved_model)
    found = run("explain", SAMPLE, "--drug", "Lapatinib", *given)
    assert_refused(found, "manifest.json lacks options", "score the study again")


def test_a_study_that_moved_is_asked_for(
    run: Run, scores: Path, saved_model: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(scores, tmp_path / "scores")
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["study"]["path"] = str(tmp_path / "gone")
    (copied / "manifest.json").write_text(json.dumps(manifest))
    given = ("--scores", copied, "--model", saved_model)
    found = run("explain", SAMPLE, "--drug", "Lapatinib", *given)
    assert_refused(found, "gone", "give its place with --study")


def test_help_shows_what_set_takes(run: Run) -> None:
    code, stdout, _ = run("explain", "--help")
    assert code == 0
    for example in ("ERBB2=+2sd", "expression:ERBB2=-1.5sd", "mutation:PIK3CA=1"):
        assert example in stdout
