"""A model against responses of other lines, where the truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sidestep
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.main import main
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import LoadedModel, load_model
from sidestep.training.external.ablation import permuted
from sidestep.training.external.evaluation import EvaluationOptions, evaluate_model

DRUGS = ("Lapatinib", "Trametinib")
FEW = EvaluationOptions(bootstrap=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty simulated lines; noise is 0.3 of the signal, so that r can be 0.96 at most."""
    path = tmp_path_factory.mktemp("evaluated") / "breast_sim"
    sidestep.simulate(path, lines=80, genes=150, noise=0.3, missing=0.1, seed=4)
    return path


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return sidestep.read_study(folder)


@pytest.fixture(scope="module")
def learned(study: Study) -> Study:
    """The lines of the donors of the first half."""
    donors = set(study.donors.iloc[:44])
    return study.select([s for s in study.samples if study.donors[s] in donors])


@pytest.fixture(scope="module")
def others(study: Study, learned: Study) -> Study:
    return study.select([s for s in study.samples if s not in learned.samples])


@pytest.fixture(scope="module")
def model_folder(
    learned: Study,
    fit_predictor: Callable[..., PanelPredictor],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("models") / "half"
    save_predictor(fit_predictor(learned, "gi50", DRUGS), path)
    return path


@pytest.fixture(scope="module")
def model(model_folder: Path) -> LoadedModel:
    return load_model(model_folder)


def with_response(study: Study, change: Callable[[pd.DataFrame], pd.DataFrame], **fields) -> Study:
    """The study with its response changed."""
    ((name, file),) = study.response_files.items()
    values = study.response(name).values
    fields = {"stable_id": name, **fields}
    changed = replace(file, held=change(values), **fields)
    return replace(study, response_files={changed.stable_id: changed})


def test_r_error_coverage_and_probabilities_on_lines_held_out(model, others):
    found = evaluate_model(others, model, "gi50", options=FEW)
    values, features = others.response("gi50").values, model.predictor.features(others)
    for drug in DRUGS:
        predicted = pd.Series(
            model.predictor.predict(features, model.predictor.drugs[drug]), features.index
        )
        observed = values[drug].dropna()
        row = found.table().loc[drug]
        r = np.corrcoef(observed, predicted[observed.index])[0, 1]
        assert row["pearson"] == pytest.approx(r)
        error = observed - predicted[observed.index]
        assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
        assert row["known"] == 0
    total = found.table("all").loc["all"]
    assert 0.4 < total["pearson"] < 0.96
    assert total["pearson_lower"] < total["pearson"] < total["pearson_upper"]
    assert total["rmse_relative"] < 1.0
    assert 0.6 < total["covered"] <= 1.0
    assert total["brier"] < total["brier_base"]
    assert total["called_right"] > 0.7
    assert found.calibration["pairs"].sum() == total["pairs"]
    assert set(found.groups["group"]) >= {"all", "drug", "pattern", "lineage", "her2"}
    assert str(found).startswith("Simulated data: no sample is real.")


def test_a_shuffled_response_is_predicted_by_nothing(model, others):
    def shuffle(values: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(1)
        return values.apply(lambda column: pd.Series(rng.permutation(column), column.index))

    total = evaluate_model(with_response(others, shuffle), model, None, options=FEW).table("all")
    row = total.loc["all"]
    assert abs(row["pearson"]) < 0.3
    assert row["pearson_lower"] < 0 < row["pearson_upper"]
    assert row["rmse_relative"] > 1.0


@pytest.mark.slow
def test_training_lines_are_answered_by_the_fold_that_has_not_seen_them(model, learned, study):
    found = evaluate_model(learned, model, "gi50", options=FEW)
    assert found.pairs["known"].all()
    features = model.predictor.features(learned)
    drug = model.predictor.drugs["Lapatinib"]
    fitted = pd.Series(model.predictor.predict(features, drug), features.index)
    rows = found.pairs[found.pairs["drug"] == "Lapatinib"].set_index("sample_id")
    learned_by_heart = np.corrcoef(rows["observed"], fitted[rows.index])[0, 1]
    assert found.table().loc["Lapatinib", "pearson"] < learned_by_heart
    for fold, part in rows.groupby("fold"):
        unseen = model.predictor.unseen(fold)
        features = unseen.features(learned.select(list(part.index)))
        again = unseen.predict(features, unseen.drugs["Lapatinib"])
        np.testing.assert_allclose(part["prediction"], again)
    both = evaluate_model(study, model, "gi50", options=FEW)
    assert set(both.table("line").index) == {"fold model", "new"}
    new = evaluate_model(study, model, "gi50", options=replace(FEW, new_only=True))
    assert not new.pairs["known"].any()
    with pytest.raises(InputError, match="is new to it; leave out --new-only"):
        evaluate_model(learned, model, "gi50", options=replace(FEW, new_only=True))


@pytest.mark.slow
def test_another_scale_has_a_correlation_and_nothing_else(model, others):
    turned = with_response(
        others, lambda v: -2 * v + 1, unit="area", stable_id="x_auc", metric="auc",
        higher_is_resistant=not others.response("gi50").higher_is_resistant,
    )  # fmt: skip
    found = evaluate_model(turned, model, "auc", options=FEW)
    same = evaluate_model(others, model, "gi50", options=FEW)
    assert not found.record["same_scale"]
    np.testing.assert_allclose(found.table()["pearson"], same.table()["pearson"])
    assert found.table()[["rmse", "covered", "brier"]].isna().all(axis=None)
    assert found.calibration.empty
    assert any("correlations only" in note for note in found.record["notes"])


def test_another_screen_of_the_same_drugs_is_the_ceiling(model, others):
    ((name, file),) = others.response_files.items()
    values = others.response(name).values
    rng = np.random.default_rng(0)
    noisy = values + rng.normal(0, values.std(), values.shape)  # r is 0.71 on average
    more = {
        "other_gi50": replace(file, stable_id="other_gi50", metric="other", held=noisy),
        "sim_auc": replace(file, stable_id="sim_auc", metric="auc", held=values),
    }
    assert name.startswith("sim_")
    several = replace(others, response_files={name: file, **more})
    found = evaluate_model(several, model, name, options=FEW).screens
    assert list(found["screen"]) == [f"other_gi50, {drug}" for drug in DRUGS]
    for row in found.itertuples():
        both = values[row.drug].notna()
        r = np.corrcoef(values.loc[both, row.drug], noisy.loc[both, row.drug])[0, 1]
        assert row.pearson == pytest.approx(r)
        assert row.lines == both.sum()


@pytest.mark.slow
def test_what_a_permuted_modality_is_worth(model, others):
    options = replace(FEW, ablate=("expression", "mutation"))
    found = evaluate_model(others, model, "gi50", options=options).ablation.set_index("modality")
    expression = found.loc["expression"]
    assert expression["loss"] == pytest.approx(expression["pearson"] - expression["without"])
    assert expression["loss"] > 0.05
    assert expression["lower"] < expression["loss"] < expression["upper"]
    rng = np.random.default_rng(0)
    shuffled = permuted(others, "expression", rng)
    assert sorted(shuffled.expression.iloc[:, 0]) == sorted(others.expression.iloc[:, 0])
    assert not shuffled.expression.equals(others.expression)
    calls = permuted(others, "mutation", rng).mutations
    counts = others.mutations["sample_id"].astype(str).value_counts()
    assert sorted(calls["sample_id"].value_counts()) == sorted(counts)
    assert set(calls["sample_id"]) <= set(others.sequenced)


@pytest.mark.slow
def test_the_command_prints_and_writes_and_refuses(folder, model_folder, tmp_path, capsys):
    def run(*more: str) -> tuple[int, str, str]:
        given = ["evaluate", str(folder), "--model", str(model_folder), "--bootstrap", "100"]
        code = main([*given, *more])
        return code, *capsys.readouterr()

    out = tmp_path / "out"
    chosen = ("--drugs", "lapatinib", "--where", "lineage!=NA", "--group", "her2")
    code, printed, _ = run("--out", str(out), *chosen)
    assert code == 0
    assert "By lineage:" in printed
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.csv", "evaluation.json"]
    record = json.loads((out / "evaluation.json").read_text())
    table = pd.read_csv(out / "evaluation.csv")
    assert len(record["groups"]) == len(table)
    assert record["drugs"] == {"Lapatinib": "Lapatinib"}
    assert run("--out", str(out))[0] == 0  # an earlier one is replaced
    assert len(pd.read_csv(out / "evaluation.csv")) > len(table)
    (out / "notes.txt").write_text("mine")
    bad = {
        ("--out", str(out)): "holds notes.txt, which sidestep evaluate did not write",
        ("--response", "auc"): "response 'auc' is not in the study",
        ("--drugs", "aspirin"): "drug aspirin is not in the model",
        ("--ablate", "proteome"): "'proteome' is no modality to ablate; give one of expression",
        ("--where", "AGES=1"): "no clinical attribute 'AGES'",
        ("--model", "models:/x"): "names no version; write models:/x@champion",
    }
    for words, sentence in bad.items():
        code, _, error = run(*words)
        assert (code, error.count("\n")) == (2, 1)
        assert sentence in error
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.slow
def test_python_gives_the_same(study, model, model_folder):
    found = sidestep.evaluate(study, model_folder, drugs=["Lapatinib"], bootstrap=100)
    again = evaluate_model(study, model, None, ["Lapatinib"], FEW)
    pd.testing.assert_frame_equal(found.table(), again.table())
    assert list(found.table().index) == ["Lapatinib"]
    with pytest.raises(InputError, match="there is no group 'age'"):
        found.table("age")
    with pytest.raises(InputError, match=r"call_at is 0\.2"):
        sidestep.evaluate(study, model_folder, call_at=0.2)
