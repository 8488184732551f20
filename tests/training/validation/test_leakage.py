"""What a test line must not reach. Every test is named after the leak it prevents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.baselines import GroupMean, SingleMarker
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.training.validation.cross_validation import (
    METHODS,
    CrossValidation,
    Plan,
    cross_validate,
    fit_features,
    lines_of_drug,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines, FoldLines
from sidestep.training.validation.panel import Panel, PanelDrug, choose_panel
from sidestep.training.validation.search import search_settings

pytestmark = pytest.mark.slow

PLAN = Plan(folds=3, repeats=1, trials=0, seed=1, jobs=1)
MOLECULAR = ("expression", "rppa", "mutation", "copy_number")


@dataclass(frozen=True)
class Retrain:
    """A study and a panel, and the training and test lines of its first outer fold."""

    study: Study
    panel: Panel
    train: pd.Index
    test: pd.Index

    def features(self, plan: Plan = PLAN) -> pd.DataFrame:
        return fit_features(self.study, self.train, self.panel.values.index, plan)[1]

    def training_lines(self, drug: int = 0) -> DrugLines:
        lines = lines_of_drug(self.study, self.panel, self.panel.drugs[drug], self.features())
        return lines.among(self.train)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Retrain:
    folder = tmp_path_factory.mktemp("leakage") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=42, genes=120, seed=1, noise=0.3))
    study = read_study(folder)
    response = study.response("gi50")
    panel = choose_panel(
        study, response, drugs=["Lapatinib", "Everolimus"], panel="all", min_lines=10
    )
    train, test = split_lines(study, panel.values.index, PLAN)[0]
    return Retrain(study, panel, train, test)


def with_other_data(study: Study, lines: pd.Index) -> Study:
    """The study with every modality of some lines changed beyond recognition."""
    expression, rppa, copy_number = (
        table.copy() for table in (study.expression, study.rppa, study.copy_number)
    )
    rng = np.random.default_rng(0)
    for table in (expression, rppa, copy_number):
        changed = table.index.intersection(lines)
        shuffled = rng.permutation(table.shape[1])
        table.loc[changed] = 3.0 * table.loc[changed].to_numpy()[:, shuffled] + 1.5
        table["DECOY"] = 0.0  # varies in the changed lines alone
        table.loc[changed, "DECOY"] = rng.standard_normal(len(changed))
    planted = pd.DataFrame(
        {
            "sample_id": study.sequenced.intersection(lines),
            "gene": "DECOY",
            "classification": "Nonsense_Mutation",
            "protein_change": "p.K7*",
        }
    )
    return replace(
        study,
        expression=expression,
        rppa=rppa,
        copy_number=copy_number,
        mutations=pd.concat([study.mutations, planted], ignore_index=True),
    )


@pytest.fixture(scope="module")
def tampered(original: Retrain) -> Retrain:
    """Return the same with the data and the responses of all test lines changed."""
    values = original.panel.values.copy()
    values.loc[original.test] = 9.0 - 2.0 * values.loc[original.test]
    return replace(
        original,
        study=with_other_data(original.study, original.test),
        panel=replace(original.panel, values=values),
    )


def assert_same(one: object, other: object) -> None:
    """Equal to the last bit, whatever is inside what."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        # Only the verdict: where CI is set, pytest would spell out all of the differing bytes.
        same = one.tobytes() == other.tobytes()
        assert same
    else:
        assert one == other


# --- Statistics of the features ---------------------------------------------------------------


@pytest.mark.parametrize("modality", MOLECULAR)
def test_no_leak_into_reference_scaling_or_choice_of_features(original, tampered, modality):
    """Quantile reference, means, deviations, genes, antibodies, hotspots: training lines alone."""
    every_line = original.panel.values.index
    state, same, leaky = (
        fit_features(retrain.study, train, every_line, PLAN)[0].get_state()[modality]
        for retrain, train in (
            (original, original.train),
            (tampered, original.train),
            (tampered, every_line),
        )
    )
    assert_same(same, state)
    with pytest.raises(AssertionError):
        assert_same(leaky, state)  # fitted on all lines, the change would show


def test_no_leak_between_the_lines_that_are_tested(original):
    """A line's features are the same alone, whoever else is tested and in whatever order."""
    joiner, features = fit_features(original.study, original.train, original.test, PLAN)
    turned = joiner.transform(original.study.select(list(original.test[::-1])))
    pd.testing.assert_frame_equal(turned[::-1], features, check_exact=True)
    for line in original.test[:5]:
        alone = joiner.transform(original.study.select([line]))
        pd.testing.assert_frame_equal(alone, features.loc[[line]], check_exact=True)


def test_no_leak_into_the_matrix_that_drugs_share(original, tampered):
    """Standard deviations and kernels are those of the training lines alone."""
    every_line = original.panel.values.index
    states = []
    for retrain, train in (
        (original, original.train),
        (tampered, original.train),
        (tampered, every_line),
    ):
        features = fit_features(retrain.study, original.train, every_line, PLAN)[1]
        fold = FoldLines.of(features, train, original.test)
        rows = fold.names.get_indexer(original.train)
        kernels = {name: kernel[np.ix_(rows, rows)] for name, kernel in fold.matrix.kernels.items()}
        states.append({"standard": fold.matrix.standard[rows], **kernels})
    state, same, leaky = states
    assert_same(same, state)
    for name in state:
        with pytest.raises(AssertionError):
            assert_same({name: leaky[name]}, {name: state[name]})  # of all lines, it would show


# --- Screen, search, weights and fit ----------------------------------------------------------


def test_no_leak_into_the_screen(original):
    """A decoy is the response in test lines and noise in training lines."""
    features = original.features()
    drug = original.panel.drugs[0]
    y = original.panel.values[drug.name]
    noise = np.random.default_rng(0).standard_normal(len(original.train))
    slope, level = np.polyfit(y[original.train].fillna(y.mean()), noise, 1)
    decoy = 20 * (y - y.mean())
    decoy[original.train] = noise - slope * y[original.train] - level
    decoyed = features.assign(**{"expression:DECOY": decoy})
    lines = lines_of_drug(original.study, original.panel, drug, decoyed)
    place = decoyed.columns.get_loc("expression:DECOY")
    few = {"n_features": 40, "n_trees": 10}
    seen, unseen = (
        Blend(tree_settings=few).fit(chosen.X, chosen.y, chosen.donors).trees_.columns_
        for chosen in (lines, lines.among(original.train))
    )
    assert place in seen
    assert place not in unseen


def test_no_leak_into_the_search(original, tampered, few_trees):
    one, other = (
        search_settings([retrain.training_lines(drug) for drug in (0, 1)], 3, seed=0)
        for retrain in (original, tampered)
    )
    assert one.settings == other.settings
    pd.testing.assert_frame_equal(one.trials, other.trials, check_exact=True)


def test_no_leak_into_blend_weights_or_fit(original, tampered):
    """Means, coefficients, view weights, screened columns, trees and blend weights."""
    states = []
    for retrain in (original, tampered):
        known = retrain.training_lines()
        blend = Blend(known.target_features, tree_settings={"n_trees": 40})
        states.append(blend.fit(known.X, known.y, known.donors).get_state())
    assert_same(*states)


# --- From end to end --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validated(original: Retrain, few_trees: None) -> CrossValidation:
    panel = replace(original.panel, drugs=original.panel.drugs[:1])
    return cross_validate(original.study, panel, replace(PLAN, trials=1))


@pytest.fixture(scope="module")
def untouched(original: Retrain) -> pd.Index:
    """Return the half of the test lines whose data stay; their responses do not."""
    return original.test[::2]


@pytest.fixture(scope="module")
def validated_anew(
    original: Retrain, tampered: Retrain, untouched: pd.Index, few_trees: None
) -> CrossValidation:
    """Return the same with all test responses and half of the test lines' data changed."""
    study = with_other_data(original.study, original.test.difference(untouched))
    panel = replace(tampered.panel, drugs=tampered.panel.drugs[:1])
    return cross_validate(study, panel, replace(PLAN, trials=1))


@pytest.mark.parametrize("method", METHODS)
def test_no_leak_of_held_out_responses_or_of_other_test_lines(
    validated, validated_anew, untouched, original, method
):
    """Neither the response of a test line nor anything of another one moves its prediction."""
    before, after = (
        found.predictions.set_index("sample_id") for found in (validated, validated_anew)
    )
    lines = before.index.intersection(untouched)
    assert len(lines) > 3
    assert (before.loc[lines, "fold"] == 0).all()
    assert (before.loc[lines, "observed"] != after.loc[lines, "observed"]).all()
    np.testing.assert_array_equal(before.loc[lines, method], after.loc[lines, method])
    trained_on_them = before.index.difference(original.test)
    assert (before.loc[trained_on_them, method] != after.loc[trained_on_them, method]).any()


def test_no_leak_of_held_out_lines_into_the_search_of_their_fold(validated, validated_anew):
    """The search of a fold measures its trials on training lines; the other folds' know these."""
    before, after = validated, validated_anew
    pd.testing.assert_frame_equal(before.fold_searches[0].trials, after.fold_searches[0].trials)
    assert before.fold_searches[1].trials["value"][0] != after.fold_searches[1].trials["value"][0]


@pytest.mark.slow
def test_no_leak_lifts_permuted_responses_above_chance(original, few_trees):
    """Six permutations of the response among lines: nothing is left to be found.

    r is taken about the mean of each fold, since the training mean runs against the test lines.
    With 40 lines, r of a useless prediction has a standard deviation of about 0.16, or 0.2 with
    what folds add; its mean over six, 0.08. The bound is three of those. A screen that sees the
    test lines too gives r = 0.5 here.
    """
    rng = np.random.default_rng(0)
    y = original.panel.values["Lapatinib"].dropna()
    drawn = {f"Null{n}": rng.permutation(y.to_numpy()) for n in range(6)}
    lapatinib = original.panel.drugs[0]
    drugs = tuple(PanelDrug(name, lapatinib.genes, lapatinib.marker) for name in drawn)
    panel = Panel(drugs, original.panel.response, pd.DataFrame(drawn, index=y.index), {})
    table = cross_validate(original.study, panel, PLAN).predictions
    within = table.groupby(["drug", "fold"])[["observed", *METHODS]].transform(
        lambda v: v - v.mean()
    )
    for method in set(METHODS) - {"drug_mean"}:
        r = [
            np.corrcoef(rows["observed"], rows[method])[0, 1]
            for _, rows in within.groupby(table["drug"])
        ]
        assert abs(np.nanmean(r)) < 0.24, method


# --- Donors -----------------------------------------------------------------------------------


def assert_no_donor_on_both_sides(study: Study, lines: pd.Index, plan: Plan) -> None:
    folds = split_lines(study, lines, plan)
    assert sorted(line for _, test in folds for line in test) == sorted(lines)
    for train, test in folds:
        assert not set(study.donors[train]) & set(study.donors[test])
        donors = study.donors[train].to_numpy(dtype=object)
        for n_folds in (3, 4):  # those of the search and of the blend
            for known, held_out in donor_folds(donors, n_folds, plan.seed):
                assert not set(donors[known]) & set(donors[held_out])


@pytest.mark.parametrize("seed", range(5))
def test_no_leak_through_a_shared_donor_in_simulated_studies(original, seed):
    study = original.study
    assert study.donors.duplicated().any()
    assert_no_donor_on_both_sides(study, original.panel.values.index, replace(PLAN, seed=seed))


@pytest.mark.parametrize(
    ("name", "one_donor"),
    [("breast_cell_lines", ["AU565", "SKBR3"]), ("pancan_cell_lines", ["AU565", "SKBR3"])],
)
def test_no_leak_through_a_shared_donor_in_real_studies(shared: Path, original, name, one_donor):
    path = shared / "studies" / name / "data_clinical_sample.txt"
    clinical = pd.read_csv(path, sep="\t", comment="#", dtype="str", index_col="SAMPLE_ID")
    samples = clinical.index
    donors = clinical["PATIENT_ID"].fillna(pd.Series(samples, index=samples))
    study = replace(original.study, samples=samples, donors=donors, clinical=clinical)
    assert donors[one_donor].nunique() == 1
    assert_no_donor_on_both_sides(study, samples, Plan(folds=5, seed=0))


# --- Order of the lines -----------------------------------------------------------------------


def test_no_leak_through_the_order_of_the_training_lines(original):
    """Features, ridge and baselines do not know in which order the training lines came."""
    order = np.random.default_rng(0).permutation(len(original.train))
    features = original.features()
    permuted = replace(original, train=original.train[order]).features()
    pd.testing.assert_frame_equal(permuted, features, check_exact=False, rtol=1e-9, atol=1e-9)
    known = original.training_lines()
    rows = np.random.default_rng(1).permutation(len(known.y))
    marker = (f"expression:{known.drug.marker}",)
    for estimator in (
        MultiViewRidge(known.target_features),
        GroupMean(pd.Series(known.lineage, index=known.X.index)),
        SingleMarker(marker),
    ):
        one = estimator.fit(known.X, known.y, known.donors).predict(features)
        other = estimator.fit(known.X.iloc[rows], known.y[rows], known.donors[rows]).predict(
            features
        )
        np.testing.assert_allclose(other, one, rtol=1e-6)
