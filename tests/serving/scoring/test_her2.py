"""The training study's cut-offs decide whether a sample is HER2-high, and it is said by what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.groups import RNA, her2_calls, her2_high
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.her2 import Her2Reference
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.explain.answer import answer
from sidestep.serving.explain.text import as_text
from sidestep.serving.job import score_study
from sidestep.serving.source import Source


@pytest.fixture(scope="module")
def model(model: LoadedModel, simulated: Path) -> LoadedModel:
    """The small model with cut-offs of lines that are mostly negative, as in most studies."""
    breast = read_study(simulated / "breast_sim")
    high = her2_high(breast)
    mixed = [*high.index[~high], *high.index[high][:3]]
    predictor = model.predictor
    learnt = Her2Reference.fit(breast, predictor.features(breast).loc[mixed])
    her2 = Her2Reference(learnt.cutoffs, predictor.her2.high)
    return replace(model, predictor=replace(predictor, her2=her2))


@pytest.fixture(scope="module")
def by_rna(cohort: Study) -> Study:
    """The cohort, of which only the RNA tells whether a tumour is HER2-high."""
    known = cohort.clinical.drop(columns="ERBB2_STATUS", errors="ignore")
    assert cohort.expression is not None
    expressed = cohort.select(list(cohort.expression.index))
    return replace(expressed, clinical=known, copy_number=None, rppa=None)


def calls_of(model: LoadedModel, study: Study) -> pd.DataFrame:
    return model.predictor.her2.calls(study, model.predictor.features(study))


@pytest.fixture(scope="module")
def positives(by_rna: Study, model: LoadedModel) -> list[str]:
    calls = calls_of(model, by_rna)
    assert set(calls["assay"]) == {RNA}
    names = [str(name) for name in calls.index[calls["high"]]]
    assert 2 <= len(names) < len(by_rna.samples) - 1
    return names


@pytest.mark.slow
def test_positives_are_positive_among_themselves_and_alone(
    by_rna: Study, model: LoadedModel, positives: list[str]
) -> None:
    among_themselves = by_rna.select(positives)
    assert calls_of(model, among_themselves)["high"].all()
    # By cut-offs of their own they would not be.
    assert not her2_calls(among_themselves)["high"].all()
    for name in by_rna.samples:
        alone = calls_of(model, by_rna.select([name]))
        assert alone["high"].tolist() == [name in positives]


def test_the_unit_of_the_rna_does_not_matter(
    by_rna: Study, model: LoadedModel, positives: list[str]
) -> None:
    assert by_rna.expression is not None
    linear = replace(by_rna, expression=2**by_rna.expression)
    calls = calls_of(model, linear)
    assert list(calls.index[calls["high"]]) == positives


@pytest.mark.slow
def test_rows_manifest_report_and_explanation_name_what_decided(
    by_rna: Study, model: LoadedModel, positives: list[str], tmp_path: Path
) -> None:
    some = by_rna.select(positives)
    score_study(some, model, tmp_path / "out", drugs=["Lapatinib"])
    rows = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert set(zip(rows["her2"], rows["her2_assay"], strict=True)) == {("high", RNA)}
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())["her2"]
    assert told["decided_by"] == {RNA: {"high": len(positives)}}
    assert told["cutoffs"]["rna"] == pytest.approx(model.predictor.her2.cutoffs.rna)
    assert f"HER2: high, by {RNA}." in (tmp_path / "out" / "report.html").read_text()
    source = Source(by_rna, model, 0.8, False, 0.75)
    found = answer(source, positives[0], "Lapatinib", (), top_k=3, level=0.8, her2_context=False)
    assert (found.her2, found.her2_assay) == ("high", RNA)
    assert any(line.split() == ["HER2", "high,", "by", *RNA.split()] for line in as_text(found))


def test_nothing_is_said_where_nothing_decides(
    by_rna: Study, model: LoadedModel, tmp_path: Path
) -> None:
    assert by_rna.expression is not None
    blind = replace(by_rna, expression=by_rna.expression.drop(columns="ERBB2"))
    score_study(blind, model, tmp_path / "out", drugs=["Lapatinib"], report=False)
    rows = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert rows["her2"].isna().all()
    assert rows["her2_assay"].isna().all()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["her2"]["decided_by"] == {}
