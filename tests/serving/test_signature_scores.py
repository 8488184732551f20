"""A model that learned from expression signatures: saved, loaded, scored and explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import load_model
from sidestep.serving.job import score_study
from tests.features.builders.tumours import tumours

NAMES = ["Mod7_ERBB2", "ER_PGR_avg", "STAT1_sig", "Own_score", "Module11_Prolif_score"]


@pytest.mark.slow
def test_signatures_carry_a_prediction_and_missing_ones_say_nothing(
    fit_predictor, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    index = [f"P{number:02d}" for number in range(40)]
    values = pd.DataFrame(rng.normal(size=(40, 5)), index, NAMES)
    response = 2.0 * values[["Mod7_ERBB2"]] - values[["ER_PGR_avg"]].to_numpy()
    study = Study.from_frames(
        signatures=values,
        responses=response.set_axis(["Lapatinib"], axis=1),
        higher_is_resistant=False,
        metric="shrinkage",
    )
    save_predictor(fit_predictor(study, "shrinkage", ["Lapatinib"]), tmp_path / "model")
    model = load_model(str(tmp_path / "model"))

    new = values.iloc[:6].set_axis([f"N{number}" for number in range(6)]) + 0.25
    new.loc["N5", "ER_PGR_avg"] = np.nan
    score_study(Study.from_frames(signatures=new), model, tmp_path / "out")
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet").set_index("sample_id")
    np.testing.assert_allclose(
        scores["base_value"] + scores["contribution_signature"], scores["prediction"], rtol=1e-6
    )
    assert (scores["modalities"] == "signature").all()
    planted = 2.0 * new["Mod7_ERBB2"] - new["ER_PGR_avg"].fillna(0.0)
    assert np.corrcoef(scores["contribution_signature"], planted)[0, 1] > 0.8
    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    named = explained[explained["feature"].eq("signature:ER_PGR_avg")]
    assert set(named["sample_id"]) == set(new.index) - {"N5"}
    assert set(named["modality"]) == {"signature"}
    assert set(named["mechanism"]) == {"hormone"}
    # A study of genes is answered by what they say of the signatures.
    genes = tumours({"ERBB2": [3.0, -1.0], "GRB7": [3.0, -1.0], "ESR1": [-1.0, 1.0]})
    manifest = score_study(Study.from_frames(expression=genes), model, tmp_path / "genes")
    assert manifest["computed_signatures"] == ["Mod7_ERBB2", "ER_PGR_avg", "Module11_Prolif_score"]
    met = pd.read_parquet(tmp_path / "genes" / "scores.parquet")
    assert met["contribution_signature"][0] > met["contribution_signature"][1]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "expression signatures" in page
