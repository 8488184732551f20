"""The search for settings: seeded, shared by the panel, and pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest

from sidestep.models.estimators.blend import Blend
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.panel import PanelDrug
from sidestep.training.validation.search import (
    SearchPruner,
    Settings,
    chosen_trial,
    drawn_drugs,
    search_settings,
)


def drug_lines(
    name: str, seed: int, n: int = 30, signal: float = 1.0, genes: int = 30
) -> DrugLines:
    """Draw lines of a drug that answers to one of some genes."""
    rng = np.random.default_rng(seed)
    columns = ["expression:ERBB2", *(f"expression:G{g}" for g in range(genes - 1))]
    index = pd.Index([f"L{line:02d}" for line in range(n)], dtype="str")
    X = pd.DataFrame(rng.standard_normal((n, genes)), index=index, columns=columns)
    y = 5 + signal * X["expression:ERBB2"] + 0.5 * rng.standard_normal(n)
    donors = np.array(
        [f"D{line // 2}" if line < 8 else f"D{line}" for line in range(n)], dtype=object
    )
    lineage = np.where(np.arange(n) % 2, "breast", "lung").astype(object)
    drug = PanelDrug(name, ("ERBB2",), "ERBB2")
    return DrugLines(drug, X, y.to_numpy(), np.arange(n), donors, lineage)


@pytest.fixture(scope="module")
def three() -> list[DrugLines]:
    return [drug_lines(f"Drug{n}", seed=n) for n in range(3)]


def test_no_trials_are_the_defaults(three):
    found = search_settings(three, 0, seed=0)
    assert found.settings == Settings()
    assert found.trials.empty
    assert Blend(**found.settings.blend_parameters()).get_params()["shrinkage"] == 100.0


def test_one_trial_is_the_defaults_measured(three):
    found = search_settings(three, 1, seed=0)
    assert found.trials["state"].tolist() == ["complete"]
    assert 0 < found.trials["value"][0] < 1  # better than the mean
    trees, default = (
        Blend(**s.blend_parameters()).members()[1].get_params()
        for s in (found.settings, Settings())
    )
    assert trees == default
    assert found.settings.shrinkage == Settings().shrinkage


@pytest.mark.slow
def test_a_seed_fixes_the_search(three):
    one, same = (search_settings(three[:1], 4, seed=5) for _ in range(2))
    other = search_settings(three[:1], 4, seed=6)
    assert one.settings == same.settings
    pd.testing.assert_frame_equal(one.trials, same.trials)
    assert not one.trials.equals(other.trials)


@pytest.mark.slow
def test_pruned_trials_are_recorded_and_a_complete_one_wins():
    trials = 14
    drugs = [drug_lines(f"Drug{n}", seed=n, signal=n / 2) for n in range(3)]
    found = search_settings(drugs, trials, seed=1)
    table = found.trials
    assert table["number"].tolist() == list(range(trials))
    assert set(table["state"]) == {"complete", "pruned"}
    assert table.notna().all(axis=None)  # every trial has its value and parameters
    settings = {**found.settings.trees, "shrinkage": found.settings.shrinkage}
    chosen = table[(table[list(settings)] == pd.Series(settings)).all(axis=1)]
    assert chosen["state"].tolist() == ["complete"]
    assert chosen.equals(table[table["chosen"]])
    assert chosen["value"].iloc[0] < table.loc[table["state"] == "complete", "value"].max()


def finished(
    number: int, errors: Sequence[float], n_trees: int = 100, **other: float
) -> optuna.trial.FrozenTrial:
    """Draw a trial of known errors in the folds, whose value is their mean."""
    params = {"n_features": 100, "n_trees": n_trees, "max_depth": 3, "colsample": 0.2} | other
    state = optuna.trial.TrialState.COMPLETE
    trial = optuna.trial.create_trial(
        state=state,
        value=float(np.mean(errors)),
        params=params,
        distributions={name: optuna.distributions.FloatDistribution(0, 1000) for name in params},
        intermediate_values=dict(enumerate(errors)),
    )
    trial.number = number
    return trial


def test_of_settings_that_folds_cannot_tell_apart_those_of_the_least_work_are_chosen():
    rng = np.random.default_rng(0)
    hard = rng.normal(1, 0.2, 18)  # what all trials share does not count
    best = finished(0, hard, n_trees=300)
    as_good = finished(1, hard + rng.permutation(np.tile([-0.05, 0.052], 9)), n_trees=60)
    worse = finished(2, hard + rng.normal(0.02, 0.005, 18), n_trees=30)
    assert chosen_trial([best, as_good, worse]) is as_good
    assert chosen_trial([best, worse]) is best
    # What is as good, but more work, is not chosen.
    assert (
        chosen_trial([as_good, finished(3, list(as_good.intermediate_values.values()), 200)])
        is as_good
    )


@pytest.mark.parametrize(
    "more", [{"n_trees": 200}, {"n_features": 200}, {"max_depth": 4}, {"colsample": 0.4}]
)
def test_more_of_anything_is_more_work(more):
    more_work, less_work = finished(0, [1.0, 1.1], **more), finished(1, [1.0, 1.1])
    assert chosen_trial([more_work, less_work]) is less_work


def test_the_first_of_equal_trials_is_chosen_and_none_of_none():
    one, same = finished(0, [1.0, 1.1]), finished(1, [1.0, 1.1])
    assert chosen_trial([one, same]) is one
    assert chosen_trial([]) is None


def test_the_folds_tell_the_truth_of_a_known_difference():
    """Of trials that are truly as good, the cheaper one wins mostly; of worse ones, hardly ever."""
    rng = np.random.default_rng(1)
    won = {0.0: 0, 0.05: 0}
    for truly_behind in won:
        for _ in range(200):
            best = finished(0, rng.normal(1, 0.05, 18), n_trees=300)
            cheaper = finished(1, rng.normal(1 + truly_behind, 0.05, 18))
            won[truly_behind] += chosen_trial([best, cheaper]) is cheaper
    assert won[0.0] / 200 == pytest.approx(0.84, abs=0.08)  # P(Z < 1)
    assert won[0.05] / 200 < 0.1  # three standard errors: P(Z < -2) is 0.02


HARD = np.array([1.0, 0.8, 1.3])  # what both trials share does not count


@pytest.mark.parametrize(
    ("behind", "n_trees", "goes_on"),
    [
        ([0.01, 0.02, 0.01], 100, False),
        ([0.01, 0.02, 0.01], 20, False),
        ([-0.01, 0.001, 0.001], 100, True),  # who knows?
        ([-0.01, 0.001, 0.001], 150, True),
        ([-0.01, 0.001, 0.001], 300, False),  # not for three times the work
        ([-0.01, -0.02, -0.01], 300, True),
    ],
)
def test_a_trial_stops_that_is_behind_or_not_ahead_for_much_work(
    behind: list[float], n_trees: int, goes_on: bool
) -> None:
    study = optuna.create_study(pruner=SearchPruner())
    study.add_trial(finished(0, [*HARD, 1.0, 1.1, 0.9]))
    later = finished(1, [1.0], n_trees)
    study.enqueue_trial(later.params)
    trial = study.ask(later.distributions)
    for step, error in enumerate(HARD + behind):
        trial.report(error, step)
    assert trial.should_prune() != goes_on


def test_the_first_trial_has_nothing_to_be_behind() -> None:
    study = optuna.create_study(pruner=SearchPruner())
    trial = study.ask()
    trial.report(1.0, 0)
    assert not trial.should_prune()


@pytest.mark.parametrize("n", [1, 6, 8, 40])
def test_at_most_six_drugs_are_drawn_in_their_order(n):
    panel = [PanelDrug(f"Drug{number}", (), "") for number in range(n)]
    drawn = drawn_drugs(panel, seed=0)
    assert len(drawn) == min(n, 6)
    assert drawn == [drug for drug in panel if drug in drawn]
    assert drawn == drawn_drugs(panel, seed=0)


def test_the_seed_draws_the_drugs():
    panel = [PanelDrug(f"Drug{number}", (), "") for number in range(40)]
    draws = {drug.name for seed in range(60) for drug in drawn_drugs(panel, seed)}
    assert len(draws) == 40  # each has its turn


@pytest.mark.slow
def test_the_value_is_the_mean_over_the_drugs(three):
    alone = [search_settings([drug], 1, seed=0).trials["value"][0] for drug in three]
    together = search_settings(three, 1, seed=0).trials["value"][0]
    assert together == pytest.approx(np.mean(alone))


@pytest.mark.slow
def test_lines_of_one_donor_do_not_vouch_for_each_other():
    """Each line twice, and a response of noise: inner folds must not part the twins."""
    lines = drug_lines("Noise", seed=3, n=24, signal=0.0, genes=300)
    twice = DrugLines(
        lines.drug,
        pd.concat([lines.X, lines.X.set_axis(lines.X.index + "b")]),
        np.tile(lines.y, 2),
        np.arange(48),
        np.tile(np.arange(24).astype(str).astype(object), 2),
        np.tile(lines.lineage, 2),
    )
    apart = replace(twice, donors=np.arange(48).astype(object))
    grouped_error = search_settings([twice], 1, seed=0).trials["value"][0]
    apart_error = search_settings([apart], 1, seed=0).trials["value"][0]
    assert grouped_error > 0.85
    assert apart_error < 0.6


def test_the_screen_sees_the_training_part_of_inner_folds_only():
    """Of 8000 genes of noise, a screen on all lines finds some that suit the lines held out."""
    lines = drug_lines("Noise", seed=3, n=24, signal=0.0, genes=8000)
    assert search_settings([lines], 1, seed=0).trials["value"][0] > 0.9


def test_a_constant_response_is_survived():
    lines = drug_lines("Flat", seed=0)
    flat = replace(lines, y=np.full(30, 4.0))
    assert search_settings([flat], 2, seed=0).trials["value"].notna().all()
