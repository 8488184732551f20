"""The search for settings: seeded, shared by the panel, and pruned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.blend import Blend
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.panel import PanelDrug
from sidestep.training.validation.search import Settings, drawn_drugs, search_settings


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
def test_pruned_trials_are_recorded_and_the_best_complete_one_wins():
    trials = 14
    drugs = [drug_lines(f"Drug{n}", seed=n, signal=n / 2) for n in range(3)]
    found = search_settings(drugs, trials, seed=1)
    table = found.trials
    assert table["number"].tolist() == list(range(trials))
    assert set(table["state"]) == {"complete", "pruned"}
    assert table.notna().all(axis=None)  # every trial has its value and parameters
    complete = table[table["state"] == "complete"]
    best = complete.loc[complete["value"].idxmin()]
    assert found.settings.shrinkage == best["shrinkage"]
    for name, value in found.settings.trees.items():
        assert best[name] == value
    assert best["value"] <= table["value"][0]  # no worse than the defaults


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
