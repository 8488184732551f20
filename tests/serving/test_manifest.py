"""What the manifest says of model, study, drugs and coverage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.evidence.databases import NO_KNOWLEDGE
from sidestep.serving.job import score_study
from sidestep.serving.manifest import Tally, describe
from sidestep.serving.scoring.chunk import TABLES, ScoredChunk
from sidestep.serving.scoring.drift import drift_section
from sidestep.serving.scoring.options import ScoreOptions

MODALITIES = ["expression", "rppa", "mutation", "copy_number"]
OPTIONS = {"top_k": 20, "level": 0.8, "her2_context": False, "call_at": 0.75, "reference": ""}
OPTIONS |= {"references": {}}


@pytest.fixture(scope="module")
def folder(cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort, scored once."""
    out = tmp_path_factory.mktemp("described") / "out"
    score_study(cohort, model, out)
    return out


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def described(study: Study, model: LoadedModel, coverage: pd.DataFrame) -> dict:
    drugs = list(model.predictor.drugs.values())
    tally = Tally()
    nothing = {name: schema.empty_table() for name, schema in TABLES.items()}
    for start in range(0, len(coverage), 2):
        tally.add(ScoredChunk(coverage.iloc[start : start + 2], {}, nothing))
    return describe(study, model, drugs, OPTIONS, tally, {})


def test_it_says_with_what_it_was_made(
    folder: Path, manifest: dict, cohort: Study, model: LoadedModel, simulated: Path
) -> None:
    assert manifest["simulated"] is True
    assert manifest["model"]["simulated"] is manifest["study"]["simulated"] is True
    assert manifest["model"]["digest"] == model.digest
    assert manifest["model"]["training_study"]["id"] == "breast_sim"
    assert manifest["model"]["higher_is_resistant"] is False
    assert manifest["study"]["path"] == (simulated / "cohort_sim").resolve().as_posix()
    assert manifest["study"]["digests"] == cohort.digests
    counts = {"samples": 24, "samples_scored": 24, "samples_quarantined": 0}
    calls = pd.read_parquet(folder / "scores.parquet")["call"].value_counts().to_dict()
    assert manifest["counts"] == counts | {"drugs": 3, "rows": 72, "calls": calls}
    assert manifest["quarantined"] == {}
    assert manifest["options"] == OPTIONS | {
        "drugs": list(model.predictor.drugs),
        "knowledge": NO_KNOWLEDGE.record(model.predictor.nearest),
    }
    assert set(manifest["software"]) == {
        *("sidestep", "python", "pandas", "numpy", "pyarrow", "scikit-learn", "xgboost"),
    }


def test_coverage_counts_the_samples_that_have_a_modality(manifest: dict, cohort: Study) -> None:
    samples = {name: covered["samples"] for name, covered in manifest["coverage"].items()}
    profiled = cohort.profiled()
    assert samples == {name: len(profiled[name]) for name in MODALITIES}
    shares = [covered["mean_share_of_features"] for covered in manifest["coverage"].values()]
    assert all(0 < share <= 1 for share in shares)


def test_a_modality_of_too_few_features_is_not_covered(cohort: Study, model: LoadedModel) -> None:
    coverage = pd.DataFrame(
        {"rppa": [0.0, 0.19, 0.2, 1.0], "mutation": [0.1] * 4, "clinical": [0.0, 0.1, 0.0, 1.0]},
        index=list("ABCD"),
    )
    assert described(cohort, model, coverage)["coverage"] == {
        "rppa": {"samples": 2, "mean_share_of_features": 0.6},
        "mutation": {"samples": 0, "mean_share_of_features": None},
        # Covariates are seen by every sub-model, however few are known.
        "clinical": {"samples": 2, "mean_share_of_features": 0.55},
    }


def test_coverage_is_what_the_reasons_say(folder: Path, manifest: dict) -> None:
    reasons = pd.read_parquet(folder / "scores.parquet").groupby("sample_id")["reasons"].first()
    for modality, covered in manifest["coverage"].items():
        missing = reasons.str.contains(f"MODALITY_MISSING:{modality}").sum()
        assert covered["samples"] == manifest["counts"]["samples"] - missing


def test_the_shift_is_that_of_the_study(manifest: dict, cohort: Study, model: LoadedModel) -> None:
    assert manifest["shift"] == drift_section(cohort, model.predictor)
    assert list(manifest["shift"]) == sorted(MODALITIES)  # keys of the file are sorted


def test_each_drug_is_described(manifest: dict, model: LoadedModel) -> None:
    drugs = {drug["name"]: drug for drug in manifest["drugs"]}
    assert list(drugs) == list(model.predictor.drugs)
    trained = model.predictor.drugs["Lapatinib"]
    assert drugs["Lapatinib"] == {
        "name": "Lapatinib",
        "drug_class": "EGFR/ERBB2 inhibitor",
        "targets": ["ERBB2", "EGFR"],
        "n_lines": trained.n_lines,
        "pearson": [0.5, 0.2, 0.7],
        "best_baseline": None,  # this model was not measured beside any
        "gain": {
            "verdict": "better",
            "probability": 0.99,
            "baseline": "marker",
            "difference": 0.1,
        },
        "typical_response": pytest.approx(np.median(trained.observed)),
        "threshold": {
            "value": pytest.approx(np.median(trained.observed)),
            "kind": "median",
            "share_at_end": pytest.approx(1 / trained.n_lines),
        },
    }
    unknown = drugs["SIMNULL-1"]
    assert (unknown["drug_class"], unknown["targets"]) == (None, [])
    assert unknown["gain"]["verdict"] == "worse"


@pytest.mark.parametrize(
    ("r", "best"),
    [
        ((np.nan, 0.3, 0.4), {"name": "ERBB2 level", "pearson": 0.4}),
        ((np.nan, 0.3, -0.4), {"name": "lineage mean", "pearson": 0.3}),
        # One number for all lines tells as much as r = 0, and more than the wrong way round.
        ((np.nan, -0.1, -0.2), {"name": "drug mean", "pearson": 0.0}),
    ],
)
def test_the_best_baseline_is_named(
    cohort: Study, model: LoadedModel, r: tuple[float, ...], best: dict
) -> None:
    methods = dict(zip(("drug_mean", "lineage_mean", "marker"), r, strict=True))
    measured = {name: {"pearson": [value, np.nan, np.nan]} for name, value in methods.items()}
    measured["blend"] = {"pearson": [0.6, np.nan, np.nan]}
    drug = replace(model.predictor.drugs["Lapatinib"], metrics=measured)
    predictor = replace(model.predictor, drugs={"Lapatinib": drug})
    manifest = described(cohort, replace(model, predictor=predictor), pd.DataFrame())
    assert manifest["drugs"][0]["best_baseline"] == best
    assert manifest["drugs"][0]["pearson"] == [0.6, None, None]
    json.dumps(manifest, allow_nan=False)


@pytest.mark.slow
def test_typical_responses_are_those_of_the_context(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    options = ScoreOptions(her2_context=True)
    manifest = score_study(cohort, model, tmp_path / "out", options=options)
    for entry, drug in zip(manifest["drugs"], model.predictor.drugs.values(), strict=True):
        typical = model.predictor.typical_response(drug, her2_context=True)
        assert entry["typical_response"] == typical
