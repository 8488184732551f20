"""The gate against known truths: who is better, as good and worse than the best baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.training.validation.evaluation import evaluate
from sidestep.training.validation.gate import Verdict, judge
from sidestep.training.validation.metrics import correlation, donor_weights, within_folds

NOISE = {"good": 0.6, "fair": 1.0, "poor": 2.5}


def table(drug: str, blend: float, marker: float, *, seed: int, lines: int = 120) -> pd.DataFrame:
    """Held-out lines of a drug: both methods predict what is observed, shrunken, plus noise."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(lines)

    def predicted(noise: float) -> np.ndarray:
        # What a fitted line on such a predictor would say: as much as it is to be believed.
        return (y + noise * rng.standard_normal(lines)) / (1 + noise**2)

    names = [f"L{number}" for number in range(lines)]
    return pd.DataFrame(
        {
            "drug": drug,
            "sample_id": names,
            "donor": names,
            "repeat": 0,
            "fold": np.arange(lines) % 5,
            "observed": y,
            "train_mean": 0.0,
            "blend": predicted(blend),
            "ridge": 0.0,
            "trees": 0.0,
            "drug_mean": 0.0,
            "lineage_mean": 0.0,
            "marker": predicted(marker),
        }
    )


def verdict(*tables: pd.DataFrame) -> Verdict:
    repeated = pd.concat(tables, ignore_index=True)
    nobody = pd.Series(False, index=repeated["sample_id"].unique())
    return judge(evaluate(repeated, nobody, seed=0, n_bootstrap=10))


def test_what_is_truly_better_as_good_or_worse_is_told_so() -> None:
    found = verdict(
        table("Better", NOISE["good"], NOISE["poor"], seed=1),
        table("Alike", NOISE["fair"], NOISE["fair"], seed=2),
        table("Worse", NOISE["poor"], NOISE["good"], seed=3),
    )
    assert {drug: gain.verdict for drug, gain in found.gains.items()} == {
        "Better": "better",
        "Alike": "as good",
        "Worse": "worse",
    }
    assert all(gain.baseline == "marker" for gain in found.gains.values())
    assert found.gains["Better"].probability > 0.95
    assert found.gains["Worse"].probability < 0.05
    assert found.gains["Better"].difference > 0.2
    assert found.drugs("worse") == ["Worse"]
    assert "drugs: 1 better, 1 as good, 1 worse" in found.reason


@pytest.mark.slow
def test_a_panel_passes_unless_it_is_shown_to_be_worse() -> None:
    better = verdict(*(table(f"D{n}", NOISE["good"], NOISE["poor"], seed=n) for n in range(3)))
    assert better.passes
    assert " is better than the best baseline, marker, at " in better.reason
    alike = verdict(*(table(f"D{n}", NOISE["fair"], NOISE["fair"], seed=n) for n in (5, 6, 7)))
    assert alike.passes
    assert " is as good as the best baseline" in alike.reason
    worse = verdict(*(table(f"D{n}", NOISE["poor"], NOISE["good"], seed=n) for n in range(3)))
    assert not worse.passes


def test_what_errs_no_less_than_the_mean_is_worse_however_it_ranks() -> None:
    lines = table("Loud", NOISE["good"], NOISE["poor"], seed=1)
    found = verdict(lines.assign(blend=4.0 * lines["blend"]))
    assert found.gains["Loud"].probability > 0.95
    assert found.gains["Loud"].verdict == "worse"
    assert not found.passes


def test_the_probability_is_that_of_a_bootstrap_of_its_own() -> None:
    """The draws that the metrics share with the gate are 2,000 of donors, by the plan's seed."""
    lines = table("D", NOISE["fair"], NOISE["fair"], seed=9, lines=40)
    lines["donor"] = [f"P{number // 2}" for number in range(40)]
    gain = verdict(lines).gains["D"]
    weights = donor_weights(lines["donor"].to_numpy(dtype=str), 2000, 0)
    observed, folds = lines["observed"].to_numpy(), lines["fold"].to_numpy()
    blend, marker = (
        within_folds(correlation, observed, lines[name].to_numpy(), folds, weights)
        for name in ("blend", "marker")
    )
    assert gain.difference == pytest.approx(blend[0] - marker[0])
    assert gain.probability == pytest.approx(np.mean(blend[1:] > marker[1:]))


@pytest.mark.slow
@pytest.mark.parametrize(("blend", "most"), [("fair", 5), ("poor", 0)])
def test_equal_and_worse_models_are_seldom_called_better(blend: str, most: int) -> None:
    """Of 30 draws; 5 % of equal ones are expected, and more than 5 of 30 once in 300 times."""
    called = [
        verdict(table("D", NOISE[blend], NOISE["fair"], seed=seed, lines=60)).gains["D"].verdict
        for seed in range(30)
    ]
    assert called.count("better") <= most
    if blend == "poor":
        assert called.count("worse") >= 20
