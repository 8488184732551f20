"""A model of one screen on another: ceilings, ratios and DrEval's files, on made-up answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.cross_study import cross_table, line_splits, mean_of_pairs, write_dreval
from benchmarks.several_screens import mean_gain
from sidestep.features.study.study import Study

LINES = [f"LINE{number:03d}" for number in range(400)]


@pytest.fixture(scope="module")
def made_up() -> tuple[Study, dict[str, pd.DataFrame], pd.DataFrame]:
    """Two noisy screens of one truth, and answers that are the truth: of a drug of both screens."""
    rng = np.random.default_rng(0)
    truth = pd.Series(rng.standard_normal(400), index=LINES)
    screens = {
        name: pd.DataFrame({"Lapatinib": truth + spread * rng.standard_normal(400)})
        for name, spread in (("A", 1.0), ("B", 0.5))
    }
    screens["B"].iloc[300:] = np.nan
    clinical = pd.DataFrame({"LINEAGE": "lung", "CELL_LINE_NAME": LINES}, index=LINES)
    study = Study.from_frames(
        clinical=clinical, expression=pd.DataFrame({"ERBB2": truth}), study_id="made_up"
    )
    answers = pd.DataFrame(
        {"sample_id": LINES, "fold": np.arange(400) % 5, "predicted": truth.to_numpy()}
    )
    return study, screens, answers.assign(drug="Lapatinib", trained="A")


def test_a_true_answer_passes_the_agreement_of_two_noisy_screens(made_up) -> None:
    study, screens, answers = made_up
    table = cross_table(study, screens, answers, 0).set_index("tested")
    # Reliabilities are 1/2 and 4/5: screens agree at sqrt(2/5), and the truth with A at sqrt(1/2).
    assert table["lines"].to_dict() == {"A": 400, "B": 300}
    assert table.loc["B", "shared"] == 300
    assert table["ceiling"].to_numpy() == pytest.approx(np.sqrt(0.4), abs=0.07)
    assert table["r"].to_numpy() == pytest.approx(np.sqrt([0.5, 0.8]), abs=0.06)
    assert table["ratio"].to_numpy() == pytest.approx((table["r"] / table["ceiling"]).to_numpy())
    assert ((table["lower"] < table["r"]) & (table["r"] < table["upper"])).all()
    assert mean_of_pairs(table.reset_index())["drugs"].to_list() == [1, 1]


def test_predictions_are_written_as_dreval_reads_them(made_up, tmp_path: Path) -> None:
    study, screens, answers = made_up
    written = write_dreval(tmp_path, study, screens, answers)
    assert len(written) == 10
    own = pd.read_csv(
        tmp_path / "A" / "LCO" / "Sidestep" / "predictions" / "predictions_split_0.csv"
    )
    assert list(own.columns) == [
        "cell_line_name",
        "pubchem_id",
        "tissue",
        "response",
        "predictions",
    ]
    assert set(own["pubchem_id"]) == {208908}
    other = tmp_path / "A" / "LCO" / "Sidestep" / "cross_study" / "cross_study_B_split_0.csv"
    assert len(pd.read_csv(other)) == 60


def test_the_interval_of_the_gain_is_over_drugs() -> None:
    table = pd.DataFrame({"drug": list("aabbcc"), "gain": [0.1, 0.1, 0.0, 0.0, 0.2, 0.2]})
    mean, low, high = mean_gain(table, 0)
    assert mean == pytest.approx(0.1)
    assert low == pytest.approx(0.0, abs=0.04)
    assert high == pytest.approx(0.2, abs=0.04)


def test_drevals_folds_hold_every_line_out_once() -> None:
    lines = pd.Index(LINES)
    splits = line_splits(lines, 5, 0)
    assert sorted(line for _, test in splits for line in test) == LINES
    assert all(not set(train) & set(test) and len(test) == 80 for train, test in splits)
    assert all(len(train) + len(test) == len(lines) for train, test in splits)
