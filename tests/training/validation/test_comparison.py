"""Comparing runs: known truths, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from scipy.stats import pearsonr

from sidestep.features.errors import InputError
from sidestep.training.tracking.store import Store
from sidestep.training.validation.comparison import (
    RunPredictions,
    compare,
    compare_runs,
    pair,
    read_run,
)
from tests.training.made_up_runs import predictions


def run_of(table: pd.DataFrame, label: str = "a", response: str = "sim_gi50") -> RunPredictions:
    return RunPredictions(label, label, "breast_sim", response, table)


def test_a_run_is_as_good_as_itself() -> None:
    table = predictions(0.5, 1)
    found = compare(pair(table, table))
    assert (found.difference, found.lower, found.upper, found.probability) == (0, 0, 0, 0.5)
    assert found.not_worse_by(1e-9)
    assert found.verdict == "tie"
    assert found.same_folds


def test_correlations_are_those_of_the_shared_lines() -> None:
    a, b = predictions(0.5, 1, lines=60), predictions(1.0, 2, lines=45)
    found = compare(pair(a, b))
    assert found.lines == 45
    for drug, row in found.drugs.iterrows():
        for run, table in (("a", a), ("b", b)):
            shared = table[table["drug"] == drug].iloc[:45]
            within = [
                (len(fold), pearsonr(fold["observed"], fold["blend"])[0])
                for _, fold in shared.groupby("fold")
            ]
            sizes, r = zip(*within, strict=True)
            assert row[f"pearson_{run}"] == pytest.approx(np.average(r, weights=sizes))
        assert row["lower"] < row["difference"] < row["upper"]
    assert found.difference == pytest.approx(found.drugs["difference"].mean())


def test_a_clearly_better_run_is_better_and_the_other_way_round_worse() -> None:
    good, poor = predictions(0.3, 1), predictions(3.0, 2)
    there, back = compare(pair(poor, good)), compare(pair(good, poor))
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert there.probability > 0.99
    assert back.probability < 0.01
    assert there.not_worse_by(0.0)
    assert not back.not_worse_by(0.02)
    assert there.difference == pytest.approx(-back.difference)


@pytest.mark.slow
def test_equally_good_runs_are_seldom_told_apart() -> None:
    found = [
        compare(pair(predictions(1.0, 2 * n), predictions(1.0, 2 * n + 1)), resamples=300)
        for n in range(40)
    ]
    assert sum(one.verdict != "tie" for one in found) <= 8
    assert 0.3 < np.mean([one.probability for one in found]) < 0.7


def test_scale_makes_no_difference() -> None:
    a = predictions(0.5, 1)
    shrunken = a.assign(blend=5 + 0.1 * a["blend"])
    found = compare(pair(a, shrunken))
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found.verdict == "tie"


def test_a_run_that_ranks_nobody_has_no_correlation() -> None:
    a = predictions(0.3, 1)
    mean = a.assign(blend=a["fold"].astype(float), train_mean=a["fold"].astype(float))
    found = compare(pair(a, mean))
    assert (found.drugs["pearson_b"] == 0).all()
    assert found.verdict == "worse"


def test_folds_are_the_same_whatever_their_numbers() -> None:
    a = predictions(0.5, 1)
    assert compare(pair(a, a.assign(fold=4 - a["fold"]))).same_folds
    assert not compare(pair(a, predictions(0.5, 1, folds=4))).same_folds


def test_the_order_of_rows_does_not_matter() -> None:
    a, b = predictions(0.5, 1), predictions(0.8, 2)
    found = compare(pair(a, b))
    again = compare(pair(a, b.sample(frac=1, random_state=0)))
    assert again.probability == found.probability
    pd.testing.assert_frame_equal(again.drugs, found.drugs)


def test_what_cannot_be_compared_is_refused() -> None:
    a = run_of(predictions(0.5, 1))
    with pytest.raises(InputError, match="a learned sim_gi50 and b learned sim_auc"):
        compare_runs(a, run_of(a.predictions, "b", "sim_auc"))
    other_drug = predictions(0.5, 1, drugs=("Afatinib",))
    with pytest.raises(InputError, match="share no drug with 10 lines"):
        compare_runs(a, run_of(other_drug, "b"))
    few = a.predictions[a.predictions["sample_id"].isin([f"L{n}" for n in range(9)])]
    with pytest.raises(InputError, match="share no drug with 10 lines"):
        compare_runs(a, run_of(few, "b"))
    measured_again = a.predictions.assign(observed=a.predictions["observed"] + 1)
    with pytest.raises(InputError, match="different responses of L0 to Lapatinib"):
        compare_runs(a, run_of(measured_again, "b"))


def test_a_run_is_found_by_its_identifier_and_by_what_it_led_to(
    store: Store, kept_runs: dict[str, str]
) -> None:
    for reference in (kept_runs["good"], "compared@champion", "compared/1", "models:/compared/1"):
        found = read_run(store.client, reference)
        assert (found.run_id, found.response) == (kept_runs["good"], "sim_gi50")
        assert len(found.predictions) == 180


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("0" * 32, "run 0{32} is not in the store"),
        ("compared@challenger", "model version compared@challenger is not registered"),
        ("compared/7", "model version compared/7 is not registered"),
        ("nobody@champion", "model version nobody@champion is not registered"),
        ("empty", "keeps no readable out_of_fold.parquet"),
    ],
)
def test_what_is_no_run_is_refused(
    store: Store, kept_runs: dict[str, str], reference: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_run(store.client, kept_runs.get(reference, reference))


def test_a_damaged_artefact_is_refused(store: Store, tmp_path: Path) -> None:
    client: MlflowClient = store.client
    run_id = client.create_run(store.experiment_id).info.run_id
    (tmp_path / "out_of_fold.parquet").write_bytes(b"PAR1 and no more")
    client.log_artifact(run_id, str(tmp_path / "out_of_fold.parquet"))
    with pytest.raises(InputError, match=r"keeps no readable out_of_fold.parquet"):
        read_run(client, run_id)
