"""`sidestep combine` as a person meets it: what it writes, prints and returns."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sidestep.features.study.study import read_study
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import load_model
from sidestep.serving.combinations.partners import MODEL_ONLY
from sidestep.serving.combinations.rows import COMBINATIONS
from sidestep.serving.job import score_study

Run = Callable[..., tuple[int, str, str]]

DRUGS = ["Lapatinib", "Trastuzumab emtansine", "BI-2536", "Linsitinib"]
ASKED = ["Lapatinib", "Trastuzumab emtansine"]
TABLES = {"combinations.parquet", "combinations.csv"}
PARTNER = ["partner_prediction", "partner_percentile", "partner_call", "partner_applicability"]
SCORE = ["prediction", "resistance_percentile", "call", "applicability"]


@pytest.fixture(scope="module")
def made(simulated: Path, fit_predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model of four drugs, a study, and scores of all of them and of two."""
    folder = tmp_path_factory.mktemp("combined")
    shutil.copytree(simulated / "cohort_sim", folder / "cohort")
    breast = read_study(simulated / "breast_sim")
    save_predictor(fit_predictor(breast, "gi50", DRUGS, ["rppa"]), folder / "model")
    model, study = load_model(str(folder / "model")), read_study(folder / "cohort")
    score_study(study, model, folder / "scores")
    score_study(study, model, folder / "asked", drugs=ASKED)
    return folder


@pytest.fixture
def scores(made: Path, tmp_path: Path) -> Path:
    """A copy of the scores of all drugs, to write into."""
    return shutil.copytree(made / "scores", tmp_path / "scores")


@pytest.fixture
def combine(run: Run, made: Path) -> Run:
    """Combine with the model of `made`."""
    return lambda *args: run("combine", *args, "--model", made / "model")


def read(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "combinations.parquet")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def resave(folder: Path, **columns: object) -> None:
    """Change columns of the scores."""
    path = folder / "scores.parquet"
    table = pq.read_table(path)
    changed = table.to_pandas().assign(**columns)
    pq.write_table(table.from_pandas(changed, schema=table.schema, preserve_index=False), path)


def assert_refused(found: tuple[int, str, str], *parts: str) -> None:
    code, stdout, stderr = found
    assert (code, stdout) == (2, "")
    assert re.fullmatch(r"sidestep: error: [^\n]+\n", stderr), stderr
    for part in parts:
        assert part in stderr


def test_two_files_are_added_and_no_other_is_touched(combine: Run, scores: Path) -> None:
    before = contents(scores)
    code, stdout, stderr = combine(scores)
    assert (code, stderr) == (0, "")
    after = contents(scores)
    assert after.keys() - before.keys() == TABLES
    again = dict(after)
    facts, listed = (json.loads(content.pop("manifest.json")) for content in (before, after))
    assert {name: after[name] for name in before} == before
    assert set(listed.pop("added")) == TABLES
    assert listed == facts
    assert pq.read_schema(scores / "combinations.parquet").equals(COMBINATIONS)
    assert stdout.endswith(f"Written: {scores}/combinations.parquet, {scores}/combinations.csv\n")
    combine(scores)
    assert contents(scores) == again


def test_a_table_that_somebody_changed_is_kept(combine: Run, scores: Path) -> None:
    combine(scores)
    (scores / "combinations.csv").write_text("my notes")
    before = contents(scores)
    code, _, stderr = combine(scores)
    assert code == 2
    assert "combinations.csv was changed after sidestep wrote it; move it elsewhere" in stderr
    assert contents(scores)["combinations.csv"] == before["combinations.csv"]


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_only_a_partner_table_is_replaced_elsewhere(
    combine: Run, scores: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name
    assert combine(scores, "--out", str(out))[0] == combine(scores, "--out", str(out))[0] == 0
    out.write_text("mine")
    code, _, stderr = combine(scores, "--out", str(out))
    assert (code, out.read_text()) == (2, "mine")
    assert f"{name} is there already, and is no table of sidestep combine" in stderr


def test_rows_are_of_what_the_scores_predict_to_fail(combine: Run, scores: Path) -> None:
    combine(scores)
    rows, scored = read(scores), pd.read_parquet(scores / "scores.parquet")
    scored = scored.set_index(["sample_id", "drug"])
    of_pair = scored.loc[pd.MultiIndex.from_frame(rows[["sample_id", "drug"]])]
    fails = (of_pair["call"] == "resistant") | (of_pair["resistance_percentile"] >= 75)
    assert fails.all()
    in_panel = rows[rows["partner_in_panel"]]
    assert {"BI-2536", "Linsitinib"} <= set(in_panel["partner"])
    of_partner = scored.loc[pd.MultiIndex.from_frame(in_panel[["sample_id", "partner"]]), SCORE]
    assert of_partner.to_numpy().tolist() == in_panel[PARTNER].to_numpy().tolist()


def test_partners_of_the_model_that_were_not_scored_are_predicted_alike(
    combine: Run, scores: Path, made: Path, tmp_path: Path
) -> None:
    asked = shutil.copytree(made / "asked", tmp_path / "asked")
    assert combine(scores)[0] == combine(asked)[0] == 0
    rows, fewer = read(scores), read(asked)
    by_rule = rows[rows["drug"].isin(ASKED) & (rows["rule_evidence"] != MODEL_ONLY)]
    assert by_rule["partner"].isin(["BI-2536", "Linsitinib"]).any()
    pd.testing.assert_frame_equal(
        by_rule.reset_index(drop=True), fewer.reset_index(drop=True), check_exact=True
    )


def test_csv_holds_the_same(combine: Run, scores: Path) -> None:
    combine(scores)
    rows = read(scores)
    text = pd.read_csv(scores / "combinations.csv")
    assert list(text.columns) == list(rows.columns)
    for name in ("sample_id", "partner", "reason", "caveat", "rank", "partner_percentile"):
        pd.testing.assert_series_equal(text[name], rows[name], check_exact=True)


def test_what_is_printed_names_the_best_partners(combine: Run, scores: Path) -> None:
    stdout = combine(scores, "--show", "3")[1]
    rows = read(scores)
    assert stdout.startswith("Simulated data: no sample is real.\nPredicted resistant: ")
    assert "No synergy is claimed: the model predicts each drug by itself.\n" in stdout
    shown = stdout.split("\n\n")[1].splitlines()
    assert shown[0].split()[:3] == ["sample", "fails", "partner"]
    assert len(shown) == 5
    assert shown[4].startswith("… and ")
    first = rows[(rows["rank"] == 1) & (rows["rule_evidence"] != MODEL_ONLY)].iloc[0]
    assert shown[1].startswith(first["sample_id"])
    assert first["partner"] in shown[1]
    assert "Not measured, so that the rule does not apply: " in stdout
    assert combine(scores, "--show", "0")[1].count("\n\n") == 0
    assert combine(scores, "--quiet")[1].startswith("Written: ")


def test_at_least_moves_the_bar(combine: Run, scores: Path) -> None:
    combine(scores)
    many = read(scores)
    combine(scores, "--at-least", "95")
    few = read(scores)
    assert 0 < few["basis"].size < many["basis"].size
    assert few["basis"].str.contains(r"called resistant|at least 95").all()


def test_out_names_the_only_file_that_is_written(
    combine: Run, scores: Path, tmp_path: Path
) -> None:
    before = contents(scores)
    for ending in ("csv", "parquet"):
        out = tmp_path / ending / f"board.{ending}"
        out.parent.mkdir()
        code, stdout, _ = combine(scores, "--out", out)
        assert (code, stdout.splitlines()[-1]) == (0, f"Written: {out}")
        assert list(out.parent.iterdir()) == [out]
    assert contents(scores) == before
    board = pd.read_csv(tmp_path / "csv" / "board.csv")
    assert len(board) == len(pd.read_parquet(tmp_path / "parquet" / "board.parquet")) > 0


def test_no_resistant_sample_is_said_and_gives_an_empty_table(combine: Run, scores: Path) -> None:
    resave(scores, call="sensitive", resistance_percentile=10.0)
    code, stdout, stderr = combine(scores)
    assert (code, stderr) == (0, "")
    assert "No sample is predicted resistant to a drug" in stdout
    assert read(scores).empty
    assert pq.read_schema(scores / "combinations.parquet").equals(COMBINATIONS)
    header = ",".join(COMBINATIONS.names)
    assert (scores / "combinations.csv").read_text() == f"{header}\n"


@pytest.mark.parametrize(
    ("folder", "parts"),
    [
        ("nowhere", ["nowhere does not exist", "that sidestep score wrote"]),
        (__file__, ["is not a folder"]),
        (str(Path(__file__).parent), ["holds no manifest.json of sidestep score"]),
    ],
)
def test_what_is_no_output_of_score_is_refused(run: Run, folder: str, parts: list[str]) -> None:
    assert_refused(run("combine", folder), *parts)


@pytest.mark.parametrize(
    ("option", "value", "parts"),
    [
        ("--at-least", "40", ["--at-least"]),
        ("--show", "-1", ["--show"]),
        ("--study", "nowhere", ["nowhere"]),
        ("--out", "board.xlsx", ["board.xlsx must end in .parquet or .csv"]),
        ("--out", "no/such/folder/board.csv", ["board.csv cannot be written", "--out"]),
    ],
)
def test_a_bad_option_is_one_sentence(
    combine: Run, scores: Path, option: str, value: str, parts: list[str]
) -> None:
    before = contents(scores)
    assert_refused(combine(scores, option, value), *parts)
    assert contents(scores) == before


def test_a_study_that_changed_since_is_refused(
    combine: Run, scores: Path, made: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(made / "cohort", tmp_path / "cohort")
    rppa = changed / "data_rppa.txt"
    rppa.write_text(re.sub(r"(?m)\t[\d.-]+$", "\t1.5", rppa.read_text(), count=1))
    found = combine(scores, "--study", changed)
    assert_refused(found, "1 file(s) of study cohort_sim have changed", "data_rppa.txt")


def test_a_study_that_moved_can_be_named(
    combine: Run, scores: Path, made: Path, tmp_path: Path
) -> None:
    manifest = json.loads((scores / "manifest.json").read_text())
    manifest["study"]["path"] = str(tmp_path / "gone")
    (scores / "manifest.json").write_text(json.dumps(manifest))
    assert_refused(combine(scores), "gone", "give its place with --study")
    assert combine(scores, "--study", made / "cohort")[0] == 0


def test_another_model_than_that_of_the_scores_is_refused(
    run: Run, scores: Path, saved_model: Path
) -> None:
    assert_refused(run("combine", scores, "--model", saved_model), "is not the one that")
    assert_refused(run("combine", scores), "give --model")
