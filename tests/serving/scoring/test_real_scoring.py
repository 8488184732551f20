"""Tumours of a real cohort, scored by a model of real cell lines that measure more than they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.predictor.drug_model import DrugModel, Gain
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study


@pytest.fixture(scope="module")
def tumours(shared: Path) -> Study:
    return read_study(shared / "studies" / "tcga_brca_rppa")


@pytest.fixture(scope="module")
def lines_model(shared: Path, fit_predictor) -> LoadedModel:
    lines = read_study(shared / "studies" / "pancan_cell_lines")
    lines = lines.select(list(lines.samples[::3]))
    return LoadedModel(fit_predictor(lines, "gdsc2_ln_ic50", ["Lapatinib"]), "lines", "1", "")


@pytest.mark.slow
def test_tumours_without_expression_are_scored_and_say_so(
    tumours: Study, lines_model: LoadedModel, tmp_path: Path
) -> None:
    manifest = score_study(tumours, lines_model, tmp_path / "out")
    counts = manifest["counts"]
    assert counts["samples"] == counts["samples_scored"] == counts["rows"] == 410
    covered = {name: part["samples"] for name, part in manifest["coverage"].items()}
    assert covered == {"expression": 0, "rppa": 410, "mutation": 394, "copy_number": 0}
    assert manifest["coverage"]["expression"]["mean_share_of_features"] is None
    assert manifest["coverage"]["rppa"]["mean_share_of_features"] > 0.4
    assert manifest["simulated"] is False

    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet").set_index("sample_id")
    lacks = "MODALITY_MISSING:expression;MODALITY_MISSING:copy_number"
    assert scores["reasons"].str.endswith(lacks).sum() == 394
    assert (scores["contribution_expression"] == 0).all()
    parts = scores.filter(like="contribution_")
    np.testing.assert_allclose(
        scores["base_value"] + parts.sum(axis=1), scores["prediction"], rtol=1e-6
    )
    few = list(tumours.samples[400:403])
    score_study(tumours.select(few), lines_model, tmp_path / "few")
    alone = pd.read_parquet(tmp_path / "few" / "scores.parquet").set_index("sample_id")
    pd.testing.assert_frame_equal(alone, scores.loc[few], check_exact=True, check_dtype=False)

    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    total = explained.groupby("sample_id", sort=False)["contribution"].sum()
    np.testing.assert_allclose(scores["base_value"] + total, scores["prediction"], rtol=1e-6)
    her2 = tumours.clinical["HER2_STATUS"]
    percentile = scores["resistance_percentile"].groupby(her2).median()
    assert percentile["Positive"] < percentile["Negative"]


@pytest.mark.slow
def test_three_levels_of_explanation_add_up_for_a_third_of_the_drugs_of_a_screen(
    shared: Path, fit_predictor, tmp_path: Path
) -> None:
    lines = read_study(shared / "studies" / "breast_cell_lines")
    predictor = fit_predictor(lines, "gi50", ["Lapatinib"], ["expression", "rppa"])
    features, screen = predictor.features(lines), lines.response("gi50").values
    drugs = {}
    for name in screen.columns[::3]:
        y = screen[name].dropna()
        blend = PatternBlend(inner_folds=0, tree_settings={"n_trees": 25, "n_features": 60})
        drugs[name] = DrugModel(
            name=name,
            blend=blend.fit(features.loc[y.index], y, lines.donors.loc[y.index]),
            fold_blends={},
            errors={},
            lines=features.index.get_indexer(y.index),
            observed=y.to_numpy(float),
            metrics=predictor.drugs["Lapatinib"].metrics,
            gain=Gain("better", 0.99, "marker", 0.1),
        )
    model = LoadedModel(replace(predictor, drugs=drugs), "lines", "1", "")
    assert len(drugs) == 30
    score_study(lines, model, tmp_path / "out")

    keys = ["sample_id", "drug"]
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet").set_index(keys)
    assert len(scores) == 30 * len(lines.samples)
    explained = scores["prediction"] - scores["base_value"]
    modalities = scores.filter(like="contribution_").sum(axis=1)
    assert np.abs(modalities - explained).max() < 1e-4
    for level in ("explanations", "mechanisms"):
        rows = pd.read_parquet(tmp_path / "out" / f"{level}.parquet")
        sums = rows.groupby(keys)["contribution"].sum().reindex(scores.index)
        assert np.abs(sums - explained).max() < 1e-4
