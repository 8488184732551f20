"""Scores of a simulated cohort: what is in the files, and that batches leave no trace."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study
from sidestep.serving.scoring.options import ScoreOptions

MODALITIES = ["expression", "rppa", "mutation", "copy_number", "signature", "clinical"]
CONTRIBUTIONS = [f"contribution_{name}" for name in MODALITIES]
COLUMNS = [
    *("sample_id", "drug", "drug_name", "response", "unit", "prediction", "lower", "upper"),
    *("level", "interval_group", "regimen", "regimen_given"),
    *("probability", "probability_lower", "probability_upper", "regimen_versus"),
    *("regimen_difference", "regimen_difference_lower", "regimen_difference_upper"),
    *("resistance_percentile", "p_resistant", "threshold"),
    *("reference", "call"),
    *("reasons", "modalities", "applicability"),
    *("unmeasured", "unmeasured_share", "observed"),
    *("marker", "marker_value", "marker_percentile", "marker_prediction", "marker_p_resistant"),
    "base_value",
    *CONTRIBUTIONS,
    *("model_name", "model_version", "explanation_agreement"),
    *("evidence_of_gain", "gain_probability", "her2", "her2_assay"),
]
TEXT = {"sample_id", "drug", "drug_name", "response", "unit", "call", "reasons", "modalities"}
TEXT |= {
    "interval_group",
    "regimen",
    "regimen_given",  # which has no value here
    "regimen_versus",
    "reference",
    "marker",
    "model_name",
    "model_version",
    "evidence_of_gain",
    "her2",
    "her2_assay",
}
TABLES = ["scores.parquet", "explanations.parquet", "mechanisms.parquet"]
OTHERS = {
    "explanations": "sample_id drug regimen rank feature modality mechanism value contribution "
    "top_k_share stable".split(),
    "mechanisms": "sample_id drug regimen mechanism contribution".split(),
    "reference": "drug reference modalities quantile predicted observed".split(),
}
KEY = ["sample_id", "drug"]


@pytest.fixture(scope="module")
def folder(cohort: Study, model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort, scored once."""
    out = tmp_path_factory.mktemp("scored") / "out"
    score_study(cohort, model, out)
    return out


@pytest.fixture(scope="module")
def scores(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "scores.parquet")


def test_columns_and_types_are_those_of_the_design(folder: Path) -> None:
    schema = pq.read_schema(folder / "scores.parquet")
    assert schema.names == COLUMNS
    types = {name: str(schema.field(name).type) for name in COLUMNS}
    expected = {name: "string" if name in TEXT else "double" for name in COLUMNS}
    assert types == expected | {"unmeasured": "int32", "regimen_given": "bool"}
    schemas = {name: pq.read_schema(folder / f"{name}.parquet") for name in OTHERS}
    assert {name: schema.names for name, schema in schemas.items()} == OTHERS
    assert str(schemas["explanations"].field("top_k_share").type) == "double"
    assert str(schemas["explanations"].field("stable").type) == "bool"
    assert str(schemas["reference"].field("quantile").type) == "int32"


def test_samples_stand_in_study_order_and_drugs_in_model_order(
    scores: pd.DataFrame, cohort: Study, model: LoadedModel
) -> None:
    expected = [(sample, drug) for sample in cohort.samples for drug in model.predictor.drugs]
    assert list(scores[KEY].itertuples(index=False, name=None)) == expected


def test_every_column_is_filled_where_there_is_something_to_say(scores: pd.DataFrame) -> None:
    bounds = ["lower", "upper"]
    # No sample of the cohort is a training line.
    assert scores["observed"].isna().all()
    marker = [name for name in scores if name.startswith("marker")]
    # Nor is any group of the few training lines large enough.
    assert scores["interval_group"].isna().all()
    unfilled = ["contribution_signature", "contribution_clinical", "observed", "interval_group"]
    of_patients = [name for name in scores if name.startswith(("regimen", "probability"))]
    assert scores[of_patients].isna().all(axis=None)
    filled = scores.drop(columns=[*unfilled, *bounds, *marker, *of_patients])
    assert filled.notna().all(axis=None)
    # The noise has no marker; a sample may lack the others'.
    assert (scores["marker"].isna() == (scores["drug"] == "SIMNULL-1")).all()
    known = scores[marker[1:]].notna()
    assert (known.all(axis=1) == known.any(axis=1)).all()
    assert known.all(axis=1).sum() > len(scores) / 3
    without = scores[bounds].isna().any(axis=1)
    assert scores.loc[without, "reasons"].str.contains("NO_INTERVAL").all()
    assert not scores.loc[~without, "reasons"].str.contains("NO_INTERVAL").any()
    assert (scores.loc[~without, "lower"] <= scores.loc[~without, "upper"]).all()
    assert set(scores["level"]) == {0.8}
    assert scores["applicability"].between(0, 1).all()
    assert scores["explanation_agreement"].between(-1, 1).all()


def test_scores_are_the_models_own(scores: pd.DataFrame, cohort: Study, model: LoadedModel) -> None:
    features = model.predictor.features(cohort)
    for name, drug in model.predictor.drugs.items():
        own = scores[scores["drug"] == name]
        predicted = model.predictor.predict(features, drug)
        np.testing.assert_array_equal(own["prediction"], predicted)
        percentile = model.predictor.percentile(features, predicted, drug)
        np.testing.assert_array_equal(own["resistance_percentile"], percentile)
    assert scores["resistance_percentile"].between(0, 100).all()
    assert set(scores["response"]) == {"sim_gi50"}
    assert set(scores["unit"]) == {"-log10 of GI50 in molar"}
    assert set(scores["model_name"]) == {"small_panel"}


def test_csv_holds_the_same_to_the_last_digit(folder: Path, scores: pd.DataFrame) -> None:
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == COLUMNS
    assert len(lines) == len(scores)
    for row, line in zip(scores.itertuples(index=False), lines, strict=True):
        for name, value, cell in zip(COLUMNS, row, line, strict=True):
            if pd.isna(value):
                assert cell == ""
            elif name in TEXT:
                # "-log10 of ..." would be a formula to a spreadsheet.
                assert cell == (f"'{value}" if name == "unit" else value)
            else:
                assert float(cell) == value
                assert name != "unmeasured" or cell.isdigit()


def test_a_lacking_modality_is_a_reason(scores: pd.DataFrame, cohort: Study) -> None:
    had = cohort.profiled()
    lacks = {
        sample: [name for name in MODALITIES[:4] if sample not in had[name]]
        for sample in cohort.samples
    }
    assert {name for missing in lacks.values() for name in missing} == set(MODALITIES[1:4])
    for row in scores.itertuples():
        missing = [f"MODALITY_MISSING:{name}" for name in lacks[row.sample_id]]
        codes = row.reasons.split(";")
        assert [code for code in codes if code.startswith("MODALITY_MISSING")] == missing
        assert ("DRUG_WORSE_THAN_BASELINE" in codes) == (row.drug == "SIMNULL-1")
        present = [name for name in MODALITIES[:4] if name not in lacks[row.sample_id]]
        assert row.modalities == ";".join(present)


def test_a_modality_that_the_model_does_not_use_has_no_contribution(
    scores: pd.DataFrame, cohort: Study, rppa_model: LoadedModel, tmp_path: Path
) -> None:
    assert scores["contribution_clinical"].isna().all()
    score_study(cohort, rppa_model, tmp_path / "out")
    only = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert only["contribution_rppa"].notna().all()
    assert only[[c for c in CONTRIBUTIONS if c != "contribution_rppa"]].isna().all(axis=None)
    assert set(only["modalities"]) == {"rppa"}
    assert set(only["model_version"]) == {"7"}


@pytest.mark.slow
def test_clinical_covariates_count_as_a_modality(
    simulated: Path, cohort: Study, fit_predictor, tmp_path: Path
) -> None:
    breast = read_study(simulated / "breast_sim")
    predictor = fit_predictor(breast, "gi50", ["Lapatinib"], ["rppa"], ["SUBTYPE"])
    score_study(cohort, LoadedModel(predictor, "clinical", "", ""), tmp_path / "out")
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet").set_index("sample_id")
    assert scores["contribution_clinical"].abs().max() > 0
    assert set(scores["modalities"]) <= {"rppa", "rppa;clinical"}
    known = cohort.clinical.loc[scores.index, "SUBTYPE"].notna()
    assert set(scores.loc[known, "modalities"]) == {"rppa;clinical"}


@pytest.mark.slow
def test_a_sample_without_any_modality_of_the_model_is_quarantined(
    cohort: Study, rppa_model: LoadedModel, tmp_path: Path
) -> None:
    without = [s for s in cohort.samples if s not in cohort.profiled()["rppa"]]
    others = [s for s in cohort.samples if s not in without][:4]
    cohort = cohort.select([s for s in cohort.samples if s in {*without, *others}])
    manifest = score_study(cohort, rppa_model, tmp_path / "out", chunk=1)
    reason = "no modality of the model was measured (at least 20% of its features, of "
    reason += "signatures one)"
    assert manifest["quarantined"] == dict.fromkeys(without, reason)
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert set(scores["sample_id"]) == set(others)
    calls = scores["call"].value_counts().to_dict()
    assert manifest["counts"] == {
        "samples": len(without) + 4,
        "samples_scored": 4,
        "samples_quarantined": len(without),
        "drugs": 1,
        "rows": 4,
        "calls": calls,
    }


def test_a_study_without_any_modality_of_the_model_is_refused_and_leaves_nothing(
    cohort: Study, rppa_model: LoadedModel, tmp_path: Path
) -> None:
    without = [s for s in cohort.samples if s not in cohort.profiled()["rppa"]]
    with pytest.raises(InputError, match=r"no sample of study cohort_sim .* \(rppa\)"):
        score_study(cohort.select(without), rppa_model, tmp_path / "deep" / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_samples_is_refused(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no sample of study cohort_sim"):
        score_study(cohort.select([]), model, tmp_path / "out")


def test_the_reference_holds_the_modalities_that_scored_samples_have(
    folder: Path, scores: pd.DataFrame
) -> None:
    reference = pd.read_parquet(folder / "reference.parquet")
    of_scores = scores[["drug", "modalities"]].drop_duplicates()
    of_reference = reference[["drug", "modalities"]].drop_duplicates()
    assert set(of_scores.itertuples(index=False)) == set(of_reference.itertuples(index=False))
    assert reference["predicted"].notna().any()
    assert reference["observed"].notna().all()


@pytest.mark.slow
def test_a_sample_scores_the_same_alone_in_a_batch_and_in_any_order(
    folder: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    shuffled = list(cohort.samples)
    random.Random(0).shuffle(shuffled)
    had = cohort.profiled()
    of_pattern = {tuple(s in had[name] for name in MODALITIES[:4]): s for s in shuffled}
    assert len(of_pattern) > 3
    batches = [shuffled, *([sample] for sample in of_pattern.values())]
    for name in TABLES:
        whole = pd.read_parquet(folder / name)
        for number, batch in enumerate(batches):
            out = tmp_path / str(number)
            if not out.exists():
                score_study(cohort.select(batch), model, out)
            alone = pd.read_parquet(out / name)
            place = whole["sample_id"].map({sample: at for at, sample in enumerate(batch)})
            expected = whole.loc[place.dropna().sort_values(kind="stable").index]
            pd.testing.assert_frame_equal(
                alone, expected.reset_index(drop=True), check_exact=True, check_dtype=False
            )


@pytest.mark.slow
@pytest.mark.parametrize(("chunk", "samples"), [(1, 4), (4, 4), (7, 24)])
def test_chunks_leave_no_trace(
    folder: Path, cohort: Study, model: LoadedModel, tmp_path: Path, chunk: int, samples: int
) -> None:
    part = cohort.select(list(cohort.samples[:samples]))
    if samples < len(cohort.samples):
        folder = tmp_path / "at once"
        score_study(part, model, folder)
    done: list[int] = []
    score_study(part, model, tmp_path / "out", chunk=chunk, progress=done.append)
    assert done == [*range(chunk, samples, chunk), samples]
    for file in folder.iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_drugs_are_found_by_any_spelling_and_scored_once(
    scores: pd.DataFrame, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    names = ["trametinib", "Tykerb", "LAPATINIB"]
    manifest = score_study(
        cohort, model, tmp_path / "out", drugs=names, options=ScoreOptions(top_k=3)
    )
    assert manifest["options"]["drugs"] == ["Lapatinib", "Trametinib"]
    assert manifest["options"]["top_k"] == 3
    some = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    expected = scores[scores["drug"] != "SIMNULL-1"].reset_index(drop=True)
    # How far explanations agree is asked of the features that they name, here three.
    same = [name for name in COLUMNS if name != "explanation_agreement"]
    pd.testing.assert_frame_equal(some[same], expected[same], check_exact=True)
    explained = pd.read_parquet(tmp_path / "out" / "explanations.parquet")
    assert len(explained) == 24 * 2 * 4


def test_an_unknown_drug_is_refused_with_the_nearest(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="Lapatinob is not in the model; did you mean Lapatinib"):
        score_study(cohort, model, tmp_path / "out", drugs=["Lapatinob"])
    assert list(tmp_path.iterdir()) == []
