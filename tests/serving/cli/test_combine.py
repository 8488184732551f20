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
    _set_her2(folder / "cohort" / "data_clinical_sample.txt")
    breast = read_study(simulated / "breast_sim")
    save_predictor(fit_predictor(breast, "gi50", DRUGS, ["rppa"]), folder / "model")
    model, study = load_model(str(folder / "model")), read_study(folder / "cohort")
    score_study(study, model, folder / "scores")
    score_study(study, model, folder / "asked", drugs=ASKED)
    return folder


def _set_her2(clinical: Path) -> None:
    """Make all tumours HER2-positive but every fourth, so that HER2 drugs have partners."""
    *comments, head, first = clinical.read_text().splitlines()[:6]
    assert first
    rows = clinical.read_text().splitlines()[len(comments) + 1 :]
    at = head.split("\t").index("ERBB2_STATUS")
    for n, row in enumerate(rows):
        cells = row.split("\t")
        cells[at] = "Positive" if n % 4 else "Negative"
        rows[n] = "\t".join(cells)
    clinical.write_text("\n".join([*comments, head, *rows]) + "\n")


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


@pytest.mark.slow
def test_two_files_are_added_and_the_report_alone_is_drawn_anew(combine: Run, scores: Path) -> None:
    before = contents(scores)
    drawn = before.pop("report.html")
    code, stdout, stderr = combine(scores)
    assert (code, stderr) == (0, "")
    after = contents(scores)
    marks = [b'"partners":[["' in page for page in (drawn, after.pop("report.html"))]
    assert marks == [False, True]
    assert after.keys() - before.keys() == TABLES
    again = dict(after)
    facts, listed = (json.loads(content.pop("manifest.json")) for content in (before, after))
    assert {name: after[name] for name in before} == before
    assert set(listed.pop("added")) == TABLES
    for manifest in (facts, listed):
        del manifest["files"]["report.html"]
    assert listed == facts
    assert pq.read_schema(scores / "combinations.parquet").equals(COMBINATIONS)
    written = ("combinations.parquet", "combinations.csv", "report.html")
    assert stdout.endswith(f"Written: {', '.join(str(scores / name) for name in written)}\n")
    combine(scores)
    assert {**contents(scores), "report.html": b""} == {**again, "report.html": b""}


@pytest.mark.slow
def test_a_table_that_somebody_changed_is_kept(combine: Run, scores: Path) -> None:
    combine(scores)
    (scores / "combinations.csv").write_text("my notes")
    before = contents(scores)
    code, _, stderr = combine(scores)
    assert code == 2
    assert "combinations.csv was changed after sidestep wrote it; move it elsewhere" in stderr
    assert contents(scores)["combinations.csv"] == before["combinations.csv"]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_her2_drug_has_partners_only_where_her2_drives(combine: Run, scores: Path) -> None:
    stdout = combine(scores, "--at-least", "50", "--group", "her2")[1]
    rows, scored = read(scores), pd.read_parquet(scores / "scores.parquet")
    her2 = scored.drop_duplicates("sample_id").set_index("sample_id")["her2"]
    against = rows[rows["drug"].isin(ASKED)]
    assert set(against["sample_id"].map(her2)) == {"high"}
    # Other drugs have partners wherever they fail.
    assert "not high" in set(rows.loc[~rows["drug"].isin(ASKED), "sample_id"].map(her2))
    failing = scored[(scored["resistance_percentile"] >= 50) & (scored["call"] != "sensitive")]
    without = failing[failing["drug"].isin(ASKED) & (failing["her2"] != "high")]
    assert len(without)
    assert f"Of these, {len(without)} pairs of {without['sample_id'].nunique()} sample(s)" in stdout
    table = [line.split() for line in stdout.split("\n\n")[1].splitlines()]
    assert [cells[0] for cells in table] == ["HER2", "high", "not"]
    high = failing[failing["her2"] == "high"]
    assert table[1][1:3] == [str((her2 == "high").sum()), str(len(high))]


@pytest.mark.slow
def test_a_part_is_told_and_nothing_is_written(combine: Run, scores: Path, tmp_path: Path) -> None:
    combine(scores, "--at-least", "50")
    rows, before = read(scores), contents(scores)
    sample, drug = rows.loc[rows["rank"] == 1, ["sample_id", "drug"]].iloc[0]
    out = tmp_path / "part.parquet"
    asked = ("--at-least", "50", "--sample", sample.lower(), "--drug", drug.upper())
    assert combine(scores, *asked, "--out", out)[0] == 0
    part = rows[(rows["sample_id"] == sample) & (rows["drug"] == drug)].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_parquet(out), part, check_dtype=False)
    code, stdout, _ = combine(scores, *asked)
    assert (code, "Written" in stdout) == (0, False)
    assert "Predicted resistant: 1 sample, 1 pair" in stdout
    assert combine(scores, "--at-least", "50", "--where", "her2=high", "--out", out)[0] == 0
    scored = pd.read_parquet(scores / "scores.parquet")
    high = set(scored.loc[scored["her2"] == "high", "sample_id"])
    expected = rows[rows["sample_id"].isin(high)].reset_index(drop=True)
    assert 0 < len(expected) < len(rows)
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected, check_dtype=False)
    assert contents(scores) == before


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--sample", "nobody"], "has no sample 'nobody'"),
        (["--drug", "Lapatinob"], "did you mean Lapatinib"),
        (["--where", "her2=hihg"], "did you mean high?"),
        (["--where", "SUBTYPE=Luminal", "--where", "SUBTYPE!=Luminal"], "no sample of"),
        (["--group", "nothing"], "has no clinical attribute 'nothing'"),
    ],
)
def test_a_part_that_is_not_there_is_one_sentence(
    combine: Run, scores: Path, asked: list[str], says: str
) -> None:
    before = contents(scores)
    assert_refused(combine(scores, *asked), says)
    assert contents(scores) == before


@pytest.mark.slow
def test_csv_holds_the_same(combine: Run, scores: Path) -> None:
    combine(scores)
    rows = read(scores)
    text = pd.read_csv(scores / "combinations.csv")
    assert list(text.columns) == list(rows.columns)
    for name in ("sample_id", "partner", "reason", "caveat", "rank", "partner_percentile"):
        pd.testing.assert_series_equal(text[name], rows[name], check_exact=True)


@pytest.mark.slow
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


@pytest.mark.slow
def test_at_least_moves_the_bar(combine: Run, scores: Path) -> None:
    combine(scores)
    many = read(scores)
    combine(scores, "--at-least", "95")
    few = read(scores)
    assert 0 < few["basis"].size < many["basis"].size
    assert few["basis"].str.contains(r"called resistant|at least 95").all()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_measured_synergy_is_said_of_its_partner(
    combine: Run, scores: Path, tmp_path: Path
) -> None:
    assert combine(scores)[0] == 0
    before = read(scores)
    row = before[before["partner"].notna()].iloc[0]
    table = tmp_path / "synergy.csv"
    table.write_text(
        f"sample,drug1,drug2,score\n{row['sample_id']},{row['drug']},{row['partner']},31.5\n"
    )
    code, stdout, stderr = combine(scores, "--synergy", table)
    assert (code, stderr) == (0, "")
    assert f"Measured with {row['drug']} in {row['sample_id']} (synergy.csv, score)" in stdout
    after = read(scores)
    assert (after["rank"].fillna(0) == before["rank"].fillna(0)).all()
    assert "score 31.5; number 1 of 1 partners" in after.loc[row.name, "reason"]
    assert_refused(combine(scores, "--synergy", scores / "scores.csv"), "no column of")
