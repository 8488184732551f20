"""How stable explanations are over folds: against a plain count, and with known truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import features_of_genes
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import best_pattern, pattern_columns, row_patterns
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.scoring.contributions import largest_measured
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.samples import NamedFeatures, Samples, samples_of
from sidestep.serving.scoring.stability import Stability, stabilities_of

TOP_K = 10
DRIVER = 0
DRUGS = ("Lapatinib", "Trametinib", "SIMNULL-1")


def named_and_stable(
    drug: DrugModel, samples: Samples, top_k: int = TOP_K
) -> tuple[np.ndarray, np.ndarray, Stability]:
    """Contributions, the features named, and how stable they are."""
    _, contributions = drug.blend.explain_rows(samples.rows)
    values = contributions.values
    every = np.full(values.shape, True)
    chosen = largest_measured(values, every, samples.named.order, top_k)
    explained = replace(
        Explained.told(drug.blend.said(samples.rows), samples, top_k),
        columns=chosen,
        values=np.take_along_axis(values, chosen, axis=1),
    )
    (found,) = stabilities_of([(drug, explained)], samples)
    return values, chosen, found


@pytest.fixture(scope="module")
def samples(model: LoadedModel, cohort: Study) -> Samples:
    """The cohort; some samples lack a modality, and the folds have columns of their own."""
    return samples_of(model.predictor, cohort, model.predictor.features(cohort))


def seen_by_folds(features: pd.DataFrame, fold_features: pd.DataFrame) -> Samples:
    """Samples that each of five folds builds in the same way."""
    folds = dict.fromkeys(range(5), fold_features)
    named = NamedFeatures.of(features.columns, {n: part.columns for n, part in folds.items()})
    patterns = row_patterns(features)
    return Samples(features, folds, named, patterns, [";".join(has) for has in patterns])


def learned(
    X: pd.DataFrame, y: np.ndarray, donors: np.ndarray, target_features: list[str]
) -> DrugModel:
    """A drug's model of all lines, and those of five folds, on the same columns."""

    def fitted(rows: np.ndarray) -> PatternBlend:
        settings = {"n_trees": 25, "n_features": 60}
        blend = PatternBlend(target_features, inner_folds=0, tree_settings=settings)
        return blend.fit(X.iloc[rows], y[rows], donors[rows])

    every = np.arange(len(y))
    folds = {fold: fitted(train) for fold, (train, _) in enumerate(donor_folds(donors, 5, 0))}
    return DrugModel("SIM", fitted(every), folds, {}, every, y, {}, True)


def driven(n_lines: int, effect: float, seed: int) -> tuple[DrugModel, Samples]:
    """A drug whose response is `effect` times the first of 300 features, and noise."""
    draw = np.random.default_rng(seed)
    names = [f"expression:G{number:03d}" for number in range(300)]
    table = pd.DataFrame(draw.normal(size=(n_lines + 20, 300)), columns=names)
    y = effect * table[names[DRIVER]].to_numpy() + draw.normal(size=len(table))
    lines, new = table.iloc[:n_lines], table.iloc[n_lines:]
    return learned(lines, y[:n_lines], np.arange(n_lines), []), seen_by_folds(new, new)


@pytest.mark.parametrize(("name", "top_k"), [*((name, TOP_K) for name in DRUGS), (DRUGS[0], 40)])
def test_as_a_plain_count_of_the_folds_says(
    model: LoadedModel, samples: Samples, name: str, top_k: int
) -> None:
    drug = model.predictor.drugs[name]
    values, chosen, found = named_and_stable(drug, samples, top_k)
    final = pd.DataFrame(values, samples.features.index, samples.features.columns)
    for row, has in enumerate(samples.patterns):
        ours = final.iloc[row]
        pattern = best_pattern(has, drug.blend.patterns)
        assert pattern is not None
        tops, agreements = [], []
        for fold, blend in drug.fold_blends.items():
            features = samples.fold_features[fold].iloc[[row]]
            columns = pattern_columns(list(features.columns), pattern)
            values_of_fold = blend.blends_[pattern].contributions(features.iloc[:, columns]).values
            theirs = pd.Series(values_of_fold[0], features.columns[columns])
            tops.append(top_of(theirs, top_k))
            union = sorted(top_of(ours, top_k) | tops[-1])
            pair = [part.reindex(union, fill_value=0.0) for part in (ours, theirs)]
            agreements.append(spearmanr(*pair).statistic)
        named = samples.features.columns[chosen[row]]
        shares = [np.mean([feature in top for top in tops]) for feature in named]
        np.testing.assert_array_equal(found.top_k_share[row], shares)
        assert found.agreement[row] == pytest.approx(np.mean(agreements))


def top_of(contributions: pd.Series, top_k: int) -> set[str]:
    """The largest that are not zero; equal ones by name."""
    moved = contributions[contributions != 0].sort_index()
    return set(moved.abs().sort_values(ascending=False, kind="stable").index[:top_k])


def test_what_the_folds_predict_comes_along(model: LoadedModel, samples: Samples) -> None:
    drug = model.predictor.drugs["Lapatinib"]
    _, _, found = named_and_stable(drug, samples)
    rows_of = samples.rows.by_pattern(drug.blend.blends_)
    assert {fold for fold, _ in found.members} == set(drug.fold_blends)
    for (fold, pattern), members in found.members.items():
        of_fold = samples.fold_features[fold].iloc[rows_of[pattern]]
        expected = drug.fold_blends[fold].members_as(pattern, of_fold)
        np.testing.assert_array_equal(members.predictions, expected)


@pytest.mark.parametrize("name", DRUGS)
def test_folds_that_say_the_same_agree_wholly(
    model: LoadedModel, samples: Samples, name: str
) -> None:
    drug = model.predictor.drugs[name]
    same = replace(drug, fold_blends=dict.fromkeys(range(5), drug.blend))
    again = seen_by_folds(samples.features, samples.features)
    values, chosen, found = named_and_stable(same, again)
    assert (found.agreement == 1.0).all()
    moved = np.take_along_axis(values, chosen, axis=1) != 0
    assert (found.top_k_share == moved).all()
    assert (found.stable == moved).all()


@pytest.mark.slow
def test_a_planted_driver_is_stable_and_noise_is_not() -> None:
    # Twenty samples of one draw are too few for such bounds: together there are 160.
    draws = [named_and_stable(*driven(60, 2.0, seed)) for seed in range(8)]
    is_driver = [chosen == DRIVER for _, chosen, _ in draws]
    assert np.mean([named.any(axis=1) for named in is_driver]) > 0.8
    for measure in ("top_k_share", "stable"):
        of_driver = [
            getattr(found, measure)[named].astype(float)
            for named, (*_, found) in zip(is_driver, draws, strict=True)
        ]
        assert np.concatenate(of_driver).mean() > 0.9
    agreement = np.mean([found.agreement for *_, found in draws])
    for seed in range(3):
        _, _, noise = named_and_stable(*driven(12, 0.0, seed))
        assert noise.stable.mean() < 1 / 3
        assert noise.agreement.mean() < agreement
        within_bounds(noise)
    for *_, found in draws:
        within_bounds(found)


def within_bounds(found: Stability) -> None:
    assert ((found.top_k_share >= 0) & (found.top_k_share <= 1)).all()
    assert (np.abs(found.agreement) <= 1).all()


@pytest.mark.slow
def test_what_was_planted_in_a_simulated_study_is_stable(tmp_path: Path) -> None:
    truth = simulate_study(tmp_path, SimulationPlan(kind="breast", lines=80, genes=200, seed=1))
    study = read_study(tmp_path)
    y = study.response("gi50").values["Lapatinib"].dropna()
    X = FeatureJoiner(["expression", "rppa"]).fit(study).transform(study).loc[y.index]
    known = find_drug("Lapatinib")
    assert known is not None
    targets = features_of_genes(X.columns, (*known.targets, *known.partners))
    drug = learned(X, y.to_numpy(), study.donors.loc[y.index].to_numpy(object), targets)
    _, chosen, found = named_and_stable(drug, seen_by_folds(X, X))

    drivers = truth.drivers[truth.drivers["drug"] == "Lapatinib"].set_index("mechanism")
    planted = X.columns.isin(drivers.at["erbb2_drive", "features"].split(";"))[chosen]
    latent = truth.mechanisms["erbb2_drive"].loc[y.index]
    affected = (latent - latent.mean()).abs().to_numpy() > latent.std()
    stable = found.stable.astype(bool)
    assert (planted & stable)[affected].any(axis=1).mean() > 0.9
    assert stable[planted].mean() > stable[~planted].mean() + 0.2


def test_a_fold_without_the_sub_model_does_not_count(model: LoadedModel, samples: Samples) -> None:
    drug = model.predictor.drugs["Lapatinib"]
    whole = drug.blend.patterns[0]
    rows = np.array([has == whole for has in samples.patterns])
    assert 0 < rows.sum() < len(rows)
    ones = {fold: blend for fold, blend in drug.fold_blends.items() if fold == 1}
    _, _, alone = named_and_stable(replace(drug, fold_blends=ones), samples)
    _, _, found = named_and_stable(replace(drug, fold_blends=ones | {0: without(drug, 0)}), samples)
    np.testing.assert_array_equal(found.top_k_share[rows], alone.top_k_share[rows])
    np.testing.assert_array_equal(found.agreement[rows], alone.agreement[rows])
    assert (found.agreement[~rows] != alone.agreement[~rows]).any()


def without(drug: DrugModel, fold: int) -> PatternBlend:
    """A fold's model that has no sub-model of all modalities."""
    described = drug.fold_blends[fold].get_state()
    described["patterns"] = described["patterns"][1:]
    return PatternBlend.from_state(described, drug.fold_blends[fold].feature_names_in_)


def test_without_any_fold_nothing_is_known(model: LoadedModel, samples: Samples) -> None:
    drug = replace(model.predictor.drugs["Lapatinib"], fold_blends={})
    _, _, found = named_and_stable(drug, samples)
    assert np.isnan(found.top_k_share).all()
    assert np.isnan(found.agreement).all()
    assert (found.stable == None).all()  # noqa: E711


def test_a_feature_that_folds_lack_is_in_none_of_their_tops() -> None:
    drug, samples = driven(60, 2.0, seed=0)
    renamed = samples.features.rename(columns={"expression:G000": "expression:OTHER"})
    blends = {
        fold: PatternBlend.from_state(blend.get_state(), renamed.columns.to_numpy(object))
        for fold, blend in drug.fold_blends.items()
    }
    elsewhere = seen_by_folds(samples.features, renamed)
    _, chosen, found = named_and_stable(replace(drug, fold_blends=blends), elsewhere)
    assert (found.top_k_share[chosen == DRIVER] == 0).all()
    _, _, before = named_and_stable(drug, samples)
    np.testing.assert_array_equal(
        found.top_k_share[chosen != DRIVER], before.top_k_share[chosen != DRIVER]
    )
    assert found.agreement.mean() < before.agreement.mean()


def test_what_nothing_moves_cannot_be_ranked() -> None:
    drug, samples = driven(12, 0.0, seed=0)
    none = replace(drug, blend=constant(drug), fold_blends={0: constant(drug)})
    values, _, found = named_and_stable(none, samples)
    assert (values == 0).all()
    assert (found.top_k_share == 0).all()
    assert np.isnan(found.agreement).all()


def constant(drug: DrugModel) -> PatternBlend:
    """A model that says the same of every sample."""
    names = drug.blend.feature_names_in_
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(12, len(names))), columns=names)
    return PatternBlend(inner_folds=0).fit(table, np.full(12, 5.0))
