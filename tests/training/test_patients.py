"""A trial with known truth, from its folder to scored patients: found, calibrated, and no leak."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from sidestep.features.errors import InputError
from sidestep.features.simulation.trial import simulate_trial
from sidestep.features.study.study import read_study
from sidestep.models.predictor.storage import load_predictor, save_predictor
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.cohorts import make_cohort
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.explain.answer import answer
from sidestep.serving.explain.text import as_text
from sidestep.serving.job import score_study
from sidestep.serving.source import Source
from sidestep.training.external.evaluation import evaluate_model
from sidestep.training.reports.model_card import model_card
from sidestep.training.reports.tables import text_table
from sidestep.training.retrain import Request, read_panel, retrain, settled_plan
from sidestep.training.validation.cross_validation import Plan, cross_validate
from sidestep.training.validation.panel import choose_panel

PLAN = Plan(trials=0, folds=3, repeats=1, jobs=1)


def asked(study, **changed):
    return Request(
        study, "PCR", plan=PLAN, **{"responders": ("pCR",), "regimen": "ARM_CODE"} | changed
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trial")


@pytest.fixture(scope="module")
def study(folder):
    simulate_trial(folder / "old", 300, seed=0)
    return read_study(folder / "old")


@pytest.fixture(scope="module")
def trained(study, few_trees):
    return retrain(asked(study))


@pytest.fixture(scope="module")
def scored(trained, folder):
    """Other patients of the same trial without outcomes, scored into a folder; with the truth."""
    truth = simulate_trial(folder / "new", 100, seed=7, labels="none")
    save_predictor(trained.predictor, folder / "model")
    model = LoadedModel(load_predictor(folder / "model"), "trial", "1", "0" * 64, {})
    score_study(read_study(folder / "new"), model, folder / "scores")
    return pd.read_parquet(folder / "scores" / "scores.parquet"), truth


@pytest.mark.slow
def test_planted_interactions_are_found_in_patients_that_the_model_never_saw(scored):
    scores, truth = scored
    wide = scores.pivot(index="sample_id", columns="regimen", values="prediction")
    found = [
        np.corrcoef(wide[arm], truth.log_odds.loc[wide.index, arm])[0, 1]
        for arm in truth.log_odds.columns
    ]
    assert min(found) > 0.55
    assert np.mean(found) > 0.65
    gain = (wide["N"] - wide["Ctr"]).to_numpy()
    planted = (truth.log_odds["N"] - truth.log_odds["Ctr"]).loc[wide.index]
    assert np.corrcoef(gain, planted)[0, 1] > 0.6


@pytest.mark.slow
def test_probabilities_are_right_on_average_where_they_are_low_and_where_they_are_high(scored):
    scores, truth = scored
    expected = expit(truth.log_odds.stack().loc[pd.MultiIndex.from_frame(
        scores[["sample_id", "regimen"]])].to_numpy())  # fmt: skip
    probability = scores["probability"].to_numpy()
    assert abs(probability.mean() - expected.mean()) < 0.05
    thirds = np.argsort(np.argsort(probability)) * 3 // len(probability)
    for third in range(3):
        assert abs(probability[thirds == third].mean() - expected[thirds == third].mean()) < 0.1


@pytest.mark.slow
def test_a_score_has_a_row_a_regimen_whose_contributions_add_up(scored):
    scores, _ = scored
    assert scores.groupby("sample_id")["regimen"].nunique().eq(3).all()
    assert scores.groupby("sample_id")["regimen_given"].sum().eq(1).all()
    parts = scores.filter(like="contribution_").fillna(0.0).sum(axis=1)
    np.testing.assert_allclose(scores["base_value"] + parts, scores["prediction"], atol=1e-5)
    assert scores["probability"].between(0, 1).all()
    assert (scores["probability_lower"] <= scores["probability"] + 1e-9).all()
    np.testing.assert_allclose(scores["p_resistant"], 1 - scores["probability"])
    own = scores[scores["regimen_given"].astype(bool)]
    np.testing.assert_allclose(own["regimen_difference"], 0.0)
    assert scores["unit"].unique().tolist() == ["log-odds of pCR"]


@pytest.mark.slow
def test_a_report_tells_regimens_apart_and_cites_what_is_known_of_their_drugs(scored, folder):
    read = read_score_folder(folder / "scores")
    assert [drug["name"] for drug in read.manifest["drugs"]] == [
        "PCR under Ctr", "PCR under MK2206", "PCR under N"
    ]  # fmt: skip
    one = read.one_sample(read.samples[0])
    assert [score.drug for score in one.drugs] == [d["name"] for d in read.manifest["drugs"]]
    assert all(score.features for score in one.drugs)
    assert "no estimate of what" in read.manifest["drugs"][0]["caveat"]
    evidence = pd.read_parquet(folder / "scores" / "evidence.parquet")
    assert evidence.loc[evidence["regimen"] == "N", "statement"].str.contains("Neratinib").any()
    assert (folder / "scores" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_report_and_explanations_speak_of_patients(scored, folder):
    page = (folder / "scores" / "report.html").read_text()
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\blines?\b|Pearson|Cell lines", text)
    assert "AUC (interval)" in text
    assert "learned from, and were not validated on another" in text
    reasons = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])["reasons"]
    assert reasons
    assert not any(re.search(r"\blines?\b", meaning) for _, meaning, _ in reasons)


@pytest.mark.slow
def test_an_explanation_is_asked_for_as_its_row_is_called(trained, folder, scored):
    model = LoadedModel(trained.predictor, "trial", "1", "0" * 64, {})
    source = Source(read_study(folder / "new"), model, 0.8, her2_context=False, call_at=0.75)
    asked_for = {"top_k": 5, "level": 0.8, "her2_context": False}
    by_row = answer(source, "SIMT-0001-01", "PCR under mk2206", (), **asked_for)
    by_option = answer(source, "SIMT-0001-01", "PCR", (), regimen="MK2206", **asked_for)
    assert by_row.as_json() == by_option.as_json()
    told = " ".join(" ".join(as_text(by_row)).split())
    assert not re.search(r"\blines?\b", told)


@pytest.mark.slow
def test_what_is_for_models_of_lines_is_refused(trained, study):
    model = LoadedModel(trained.predictor, "trial", "1", "0" * 64, {})
    with pytest.raises(InputError, match="predicts an outcome of patients \\(pCR\\)"):
        evaluate_model(study, model, None)
    with pytest.raises(InputError, match="it needs no reference"):
        make_cohort(model, study, "clinic")


def test_too_few_patients_are_told_as_such(study):
    few = study.select(list(study.samples[:12]))
    with pytest.raises(InputError, match="PCR has 12 samples, fewer than 20"):
        read_panel(asked(few))


def test_outcomes_of_0_and_1_that_name_no_drug_are_learned_whole(study):
    words = study.response("PCR", ("pCR",))
    numbers = replace(words, stable_id="outcome", grouping="")
    panel = choose_panel(study, numbers, drugs=None, panel="kinase", min_lines=20)
    assert list(panel.values.columns) == ["PCR"]


@pytest.mark.slow
def test_files_do_not_depend_on_how_many_patients_are_scored_at_a_time(trained, folder, scored):
    model = LoadedModel(load_predictor(folder / "model"), "trial", "1", "0" * 64, {})
    score_study(read_study(folder / "new"), model, folder / "in_chunks", chunk=7)
    whole, parts = (
        {file.name: file.read_bytes() for file in (folder / name).iterdir()}
        for name in ("scores", "in_chunks")
    )
    assert [name for name in whole if whole[name] != parts[name]] == []
    evidence = pd.read_parquet(folder / "scores" / "evidence.parquet")["sample_id"]
    assert (evidence != evidence.shift()).sum() == evidence.nunique() > 1


@pytest.mark.slow
def test_an_unseen_regimen_is_told_and_answered_by_what_all_share(trained, folder):
    few = read_study(folder / "new").select([f"SIMT-{n:04d}-01" for n in range(1, 5)])
    few = replace(few, clinical=few.clinical.assign(ARM_CODE=["Pembro", "Ctr", None, "n"]))
    model = LoadedModel(trained.predictor, "trial", "1", "0" * 64, {})
    score_study(few, model, folder / "few")
    scores = pd.read_parquet(folder / "few" / "scores.parquet")
    unseen = scores[scores["regimen"] == "Pembro"]
    assert unseen["sample_id"].tolist() == ["SIMT-0001-01"]
    assert unseen["reasons"].str.contains("REGIMEN_UNSEEN").all()
    assert scores.loc[scores["sample_id"] == "SIMT-0003-01", "regimen_given"].isna().all()
    own = scores[scores["regimen_given"].fillna(value=False).astype(bool)]
    assert own["regimen"].tolist() == ["Pembro", "Ctr", "N"]
    assert "PCR under Pembro" in [
        d["name"] for d in read_score_folder(folder / "few").manifest["drugs"]
    ]


@pytest.mark.slow
def test_a_model_of_patients_has_its_own_baselines_and_says_how_words_were_grouped(trained):
    methods = set(trained.metrics["method"])
    assert {"blend", "calibrated", "rate", "regimen_rate", "receptors", "luminal"} <= methods
    assert trained.verdict.passes
    assert "PCR" in text_table(trained)
    card = model_card(trained)
    assert "pCR" in card
    assert "AUC" in card


@pytest.mark.slow
def test_permuted_outcomes_are_not_predicted(folder, few_trees):
    simulate_trial(folder / "permuted", 240, seed=3, labels="permuted")
    request = asked(read_study(folder / "permuted"))
    study, panel = read_panel(request)
    found = cross_validate(study, panel, settled_plan(request, study, panel)).predictions
    above = np.sign(
        found.loc[found["observed"] == 1, "blend"].to_numpy()[:, None]
        - found.loc[found["observed"] == 0, "blend"].to_numpy()
    )
    assert abs(above.mean() / 2) < 0.1


@pytest.mark.slow
def test_nothing_of_a_held_out_patient_reaches_features_rates_or_calibration(study, trained):
    """Other outcomes, regimens and levels of one fold's patients change no model without them."""
    held_out = trained.validation.predictions.query("fold == 0")["sample_id"].tolist()
    others = [name for name in study.samples if name not in held_out]
    clinical = study.clinical.copy()
    clinical.loc[held_out, "PCR"] = clinical.loc[held_out, "PCR"].map({"pCR": "RD", "RD": "pCR"})
    clinical.loc[held_out, "ARM_CODE"] = "N"
    signatures = study.signatures.copy()
    signatures.loc[signatures.index.isin(held_out)] += 5.0
    tampered = replace(study, clinical=clinical, signatures=signatures)
    joiner = trained.predictor.fold_joiners[0]
    request = asked(tampered)
    _, panel = read_panel(request)
    from sidestep.training.validation.cross_validation import fit_features

    again, _ = fit_features(
        tampered, pd.Index(others), panel.values.index, settled_plan(request, tampered, panel)
    )
    for modality, state in joiner.get_state().items():
        other = again.get_state()[modality]
        assert str(state) == str(other)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"regimen": "PCR"}, "PCR is what is to be learned"),
        ({"regimen": "COHORT"}, "--regimen COHORT is no clinical attribute of study trial_sim"),
        ({"responders": ()}, "say which of its words mean response with --responder"),
        ({"responders": ("CR",)}, "CR is no word of the attribute PCR"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_fix(study, changed, message):
    with pytest.raises(InputError, match=message):
        read_panel(asked(study, **changed))
