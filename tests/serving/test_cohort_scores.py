"""Scores of a cohort: no number changes, no other cohort is mixed in, calls are counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.cohorts import by_group, cohort_of, group_labels
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving import job as jobs
from sidestep.serving.disk.samples import CALLS
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.job import score_study, scored_cohort

Run = Callable[..., tuple[int, str, str]]
TABLES = ("scores", "explanations", "mechanisms", "evidence", "gene_sets")


@pytest.fixture(scope="module")
def whole(cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    score_study(cohort, model, out, drugs=["Lapatinib"], report=False)
    return out


@pytest.mark.slow_but_first
@pytest.mark.parametrize("where", ["SUBTYPE=HER2-enriched", "her2=high", "SUBTYPE!=Luminal"])
def test_a_cohort_has_the_numbers_that_it_has_in_the_study(
    cohort: Study, model: LoadedModel, whole: Path, tmp_path: Path, where: str
) -> None:
    out = tmp_path / "out"
    manifest = score_study(cohort, model, out, drugs=["Lapatinib"], where=[where], report=False)
    chosen = list(scored_cohort(cohort, model, where).samples)
    if where == "her2=high":
        scores = pd.read_parquet(whole / "scores.parquet")
        assert chosen == list(scores.loc[scores["her2"] == "high", "sample_id"])
    assert 0 < len(chosen) < len(cohort.samples)
    assert manifest["counts"]["samples"] == len(chosen)
    assert manifest["cohort"]["where"] == [where]
    assert manifest["cohort"]["of_samples"] == 24
    for name in (*TABLES, "samples"):
        of_all = pd.read_parquet(whole / f"{name}.parquet")
        expected = of_all[of_all["sample_id"].isin(chosen)].reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.read_parquet(out / f"{name}.parquet"), expected)


@pytest.mark.slow
def test_work_on_another_cohort_is_not_taken_up(
    cohort: Study, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, notices = tmp_path / "out", []
    settings = {"drugs": ["Lapatinib"], "chunk": 2, "report": False, "notice": notices.append}

    def stop(*args: object) -> dict[str, object]:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "write_manifest", stop)
        with pytest.raises(InputError, match="are done"):
            score_study(cohort, model, out, where=["SUBTYPE=Luminal"], **settings)
    score_study(cohort, model, out, where=["SUBTYPE!=Luminal"], **settings)
    assert "unfinished work of another job was removed" in notices[-1]
    scored = pd.read_parquet(out / "scores.parquet")["sample_id"]
    assert set(scored) == set(cohort_of(cohort, "SUBTYPE!=Luminal").samples)


def test_what_is_known_of_the_samples_is_kept(cohort: Study, whole: Path) -> None:
    known = read_score_folder(whole).known
    assert list(known.samples) == list(cohort.samples)
    assert known.lineage == "SUBTYPE"
    pd.testing.assert_frame_equal(known.clinical, cohort.clinical, check_names=False)
    groups = by_group(group_labels(known, "her2"))
    scores = pd.read_parquet(whole / "scores.parquet")
    assert groups["high"] == list(scores.loc[scores["her2"] == "high", "sample_id"])


@pytest.mark.slow
def test_calls_are_counted_by_drug_and_group(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ("--model", saved_model, "--out", out, "--group", "subtype", "--no-report")
    code, stdout, _ = run("score", simulated / "cohort_sim", *asked)
    assert code == 0
    lines = stdout.splitlines()
    start = lines.index("Calls, samples by drug and SUBTYPE")
    assert lines[start + 1].split() == ["drug", "SUBTYPE", *CALLS[:3], "no", "call"]
    scores = pd.read_parquet(out / "scores.parquet")
    attributes = pd.read_parquet(out / "samples.parquet").set_index("sample_id")
    shown = [line.split() for line in lines[start + 2 : -1]]
    assert [cells[0] for cells in shown if len(cells) == 6] == list(scores["drug"].unique())
    drug = ""
    for cells in shown:
        drug = cells[0] if len(cells) == 6 else drug
        group, numbers = cells[-5], cells[-4:]
        members = attributes.index[attributes["SUBTYPE"] == group]
        part = scores[(scores["drug"] == drug) & scores["sample_id"].isin(members)]
        assert [int(n) for n in numbers] == [(part["call"] == call).sum() for call in CALLS]
    assert lines[-1].startswith("Written to ")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--where", "SUBTYPE"], "the filter 'SUBTYPE' cannot be read"),
        (["--where", "SUBTYPE=Lumnal"], "did you mean Luminal?"),
        (["--where", "SUBTIPE=Luminal"], "did you mean SUBTYPE?"),
        (["--group", "SUBTIPE"], "did you mean SUBTYPE?"),
        (["--where", "SUBTYPE=Luminal", "--where", "SUBTYPE=Basal"], "no sample of study"),
    ],
)
def test_a_cohort_that_is_not_there_is_refused_at_once(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path, given: list[str], says: str
) -> None:
    asked = ("--model", saved_model, "--out", tmp_path / "out")
    code, stdout, stderr = run("score", simulated / "cohort_sim", *asked, *given)
    assert (code, stdout) == (2, "")
    assert says in stderr
    assert stderr.splitlines()[-1].startswith("sidestep: error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_clinical_attributes_is_scored_too(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    bare = replace(cohort, clinical=cohort.clinical[[]])
    out = tmp_path / "out"
    score_study(bare, model, out, drugs=["Lapatinib"], report=False)
    known = read_score_folder(out).known
    assert known.clinical.shape == (24, 0)
    assert known.lineage is None
    assert set(known.her2_status.dropna()) <= {"high", "not high"}


@pytest.mark.slow
def test_a_sample_whose_features_cannot_be_built_has_no_her2(
    cohort: Study, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(scored_cohort(cohort, model, "her2=high").samples)
    broken, build = expected[0], type(model.predictor).features

    def fail(predictor: object, part: Study) -> pd.DataFrame:
        if broken in part.samples:
            raise ZeroDivisionError
        return build(model.predictor, part)

    monkeypatch.setattr(type(model.predictor), "features", fail)
    assert list(scored_cohort(cohort, model, "her2=high").samples) == expected[1:]
    assert broken in scored_cohort(cohort, model, "her2=NA").samples
