"""The nested cross-validation: what it returns, for every drug, line and method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.groups import lineage_column, lineage_labels
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.training.validation.cross_validation import (
    METHODS,
    CrossValidation,
    Plan,
    cross_validate,
    fit_features,
    split_lines,
)
from sidestep.training.validation.panel import Panel, choose_panel

PLAN = Plan(folds=3, repeats=1, trials=1, seed=2, jobs=1)
DRUGS = ["Lapatinib", "Everolimus"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("validated") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=48, genes=120, seed=1, noise=0.3))
    return read_study(folder)


@pytest.fixture(scope="module")
def panel(study: Study) -> Panel:
    return choose_panel(study, study.response("gi50"), drugs=DRUGS, panel="all", min_lines=10)


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def validated(
    study: Study, panel: Panel, steps: list[tuple[str, int, int]], few_trees: None
) -> CrossValidation:
    return cross_validate(study, panel, PLAN, lambda *step: steps.append(step))


def test_every_line_of_every_drug_is_predicted_exactly_once(validated, panel):
    for drug in DRUGS:
        rows = validated.predictions[validated.predictions["drug"] == drug]
        tested = panel.values[drug].dropna()
        assert rows["sample_id"].is_unique
        assert set(rows["sample_id"]) == set(tested.index)
        np.testing.assert_array_equal(rows["observed"], tested[rows["sample_id"]])


def test_every_method_predicts_every_line(validated):
    predicted = validated.predictions[list(METHODS)]
    assert np.isfinite(predicted.to_numpy()).all()
    means = validated.predictions.groupby(["drug", "fold"])["drug_mean"].nunique()
    assert (means == 1).all()


def test_a_line_is_held_out_in_one_fold_whatever_the_drug(validated):
    assert (validated.predictions.groupby("sample_id")["fold"].nunique() == 1).all()
    assert set(validated.predictions["fold"]) == {0, 1, 2}


def test_the_training_mean_is_that_of_the_other_folds(validated):
    for _, rows in validated.predictions.groupby("drug"):
        for fold, held_out in rows.groupby("fold"):
            expected = rows.loc[rows["fold"] != fold, "observed"].mean()
            np.testing.assert_allclose(held_out["train_mean"], expected)
            np.testing.assert_allclose(held_out["drug_mean"], expected)


def test_donor_and_lineage_are_those_of_the_study(validated, study):
    rows = validated.predictions.drop_duplicates("sample_id").set_index("sample_id")
    assert (rows["donor"] == study.donors[rows.index]).all()
    known = rows["lineage"].dropna()
    assert len(known)
    assert (known == study.clinical.loc[known.index, "SUBTYPE"]).all()


def test_the_final_models_are_fitted_on_all_lines(validated, panel, study):
    assert list(validated.blends) == DRUGS
    assert list(validated.features.index) == list(panel.values.index)
    lines = panel.values.index
    _, features = fit_features(study, lines, lines, PLAN)
    pd.testing.assert_frame_equal(validated.features, features)
    for drug, blend in validated.blends.items():
        tested = panel.values[drug].dropna()
        full = blend.blends_[blend.patterns[0]]
        assert full.mean_ == pytest.approx(tested.mean())
        assert len(full.ridge_.loo_predictions_) == len(tested)
        assert np.isfinite(blend.predict(validated.features)).all()


def test_a_folds_joiner_and_models_are_fitted_without_its_lines(validated, panel, study):
    lines = panel.values.index
    assert set(validated.fold_joiners) == {0, 1, 2}
    for fold, (train, test) in enumerate(split_lines(study, lines, PLAN)):
        joiner, features = fit_features(study, train, lines, PLAN)
        ours = validated.fold_joiners[fold].transform(study.select(lines))
        pd.testing.assert_frame_equal(ours, features)
        assert set(joiner.get_feature_names_out()) == set(ours.columns)
        for drug, blends in validated.fold_blends.items():
            assert set(blends) == {0, 1, 2}
            full = blends[fold].blends_[blends[fold].patterns[0]]
            tested = panel.values[drug].dropna()
            assert full.mean_ == pytest.approx(tested[tested.index.isin(train)].mean())
            rows = validated.predictions.query("drug == @drug and fold == @fold")
            predicted = blends[fold].predict(features.loc[rows["sample_id"]])
            np.testing.assert_array_equal(predicted, rows["blend"])
            assert set(rows["sample_id"]) <= set(test)


def test_errors_are_those_of_the_lines_held_out(validated, panel):
    lines = panel.values.index
    for drug, parts in validated.errors.items():
        rows = validated.predictions.query("drug == @drug").set_index("sample_id")
        assert len(parts) == PLAN.folds
        for fold, errors in enumerate(parts):
            assert set(errors) == set(validated.fold_blends[drug][fold].patterns)
            for held_out in errors.values():
                assert set(held_out.folds) <= {fold}
                assert (rows.loc[lines[held_out.lines], "fold"] == fold).all()
                assert np.isfinite(held_out.scores).all()
            full = errors[validated.fold_blends[drug][fold].patterns[0]]
            assert len(full.lines)
            np.testing.assert_array_equal(full.predictions, rows["blend"][lines[full.lines]])


def test_there_is_a_search_a_fold_and_one_on_all_lines(validated):
    assert list(validated.fold_searches) == [0, 1, 2]
    for search in (validated.search, *validated.fold_searches.values()):
        assert len(search.trials) == PLAN.trials
    names = ["all lines", "without fold 0", "without fold 1", "without fold 2"]
    assert list(validated.trials()["search"]) == names


def test_planted_signals_are_found(validated):
    rows = validated.predictions[validated.predictions["drug"] == "Lapatinib"]
    r = {method: np.corrcoef(rows["observed"], rows[method])[0, 1] for method in METHODS}
    assert min(r["blend"], r["ridge"], r["marker"]) > 0.6
    assert r["blend"] > r["drug_mean"] + 0.5


def test_progress_is_reported_to_the_end(validated, steps):
    for stage, total in (("features", 4), ("search", 4), ("test", 6), ("fit", 2)):
        assert [step[1:] for step in steps if step[0] == stage] == [
            (done, total) for done in range(1, total + 1)
        ]


@pytest.mark.slow
def test_a_drugs_numbers_do_not_depend_on_the_rest_of_the_panel(validated, study, panel, few_trees):
    """One trial is the default settings, and so is none: what is left is the drug itself."""
    one_drug = replace(panel, drugs=panel.drugs[:1])
    alone = cross_validate(study, one_drug, replace(PLAN, trials=0)).predictions
    together = validated.predictions[validated.predictions["drug"] == DRUGS[0]]
    pd.testing.assert_frame_equal(alone, together.reset_index(drop=True), check_exact=True)


@pytest.mark.slow
def test_a_drug_without_lines_in_a_fold_is_tested_in_the_others(study, panel, few_trees):
    plan = replace(PLAN, trials=0)
    _, held_out = split_lines(study, panel.values.index, plan)[0]
    values = panel.values[["Lapatinib"]].copy()
    values.loc[held_out] = np.nan
    kept = replace(panel, drugs=panel.drugs[:1], values=values)
    found = cross_validate(study, kept, plan).predictions
    assert set(found["fold"]) == {1, 2}
    assert set(found["sample_id"]) == set(values.dropna().index)


def test_modalities_and_clinical_covariates_are_those_of_the_plan(study, panel):
    plan = replace(PLAN, modalities=("rppa",), clinical=("SUBTYPE",))
    lines = panel.values.index
    _, features = fit_features(study, lines, lines, plan)
    assert {name.split(":")[0] for name in features.columns} == {"rppa", "clinical"}


def test_folds_hold_their_share_of_every_subtype(study, panel):
    lines = panel.values.index
    subtype = study.clinical.loc[lines, "SUBTYPE"].fillna("unknown")
    for _, test in split_lines(study, lines, PLAN):
        for name, count in subtype.value_counts().items():
            if count >= PLAN.folds * 2:
                assert abs((subtype[test] == name).sum() - count / PLAN.folds) <= 3


def test_a_lineage_may_be_held_out_whole(study):
    lines = study.samples
    plan = replace(PLAN, split="lineage", repeats=None)
    assert plan.assignments(48) == 1  # another assignment would hold out the same
    lineages, donors = lineage_labels(study), study.donors
    for train, test in split_lines(study, lines, plan):
        assert not set(lineages[train].dropna()) & set(lineages[test].dropna())
        assert not set(donors[train]) & set(donors[test])
    alike = study.clinical.assign(**{lineage_column(study): "one"})
    with pytest.raises(InputError, match="not of two known lineages"):
        split_lines(replace(study, clinical=alike), lines, plan)
