"""The completion benchmark learns from no response of a donor that is held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sidestep
from benchmarks.completion import all_responses, folds, report
from sidestep.features.study.study import Study
from sidestep.training.validation.cross_validation import Plan, split_lines
from sidestep.training.validation.panel import Panel, choose_panel

DRUG = "Lapatinib"
SAID = ["blend", "completed alone", "both"]


@pytest.fixture(scope="module")
def drawn() -> tuple[Study, Panel]:
    """Thirty simulated lines, and a panel of one drug without a sibling of a line held out."""
    study = sidestep.simulate(lines=30, genes=120, noise=0.3, seed=4)
    response = study.response("gi50")
    panel = choose_panel(study, response, drugs=[DRUG], panel="all", min_lines=10)
    sibling = panel.values.index[-1]
    panel = replace(panel, values=panel.values.drop(index=sibling))
    held_out = split_lines(study, panel.values.index, Plan())[0][1]
    donors = study.donors.copy()
    donors[sibling] = donors[held_out[0]]
    return replace(study, donors=donors), panel


@pytest.fixture(scope="module")
def study(drawn: tuple[Study, Panel]) -> Study:
    return drawn[0]


@pytest.fixture(scope="module")
def panel(drawn: tuple[Study, Panel]) -> Panel:
    return drawn[1]


@pytest.fixture(scope="module")
def held_out(study: Study, panel: Panel) -> pd.Index:
    """Lines of the donors of the first fold, in the panel or not."""
    test = split_lines(study, panel.values.index, Plan())[0][1]
    return study.samples[study.donors.isin(study.donors[test]).to_numpy()]


def first_fold(study: Study, panel: Panel, screens: pd.DataFrame) -> pd.DataFrame:
    return next(folds(study, panel, screens, 1)).set_index("line")


@pytest.mark.slow
def test_no_leak_of_responses_of_held_out_donors(study, panel, held_out) -> None:
    screens = all_responses(study)
    assert screens.loc[held_out].notna().to_numpy().any()
    assert set(held_out) > set(panel.values.index.intersection(held_out))  # the sibling, too
    found = first_fold(study, panel, screens)
    other, values = screens.copy(), panel.values.copy()
    other.loc[held_out] = 50.0 - 9.0 * other.loc[held_out]
    tested = values.index.intersection(held_out)
    values.loc[tested] = 50.0 - 9.0 * values.loc[tested]
    tampered = first_fold(study, replace(panel, values=values), other)
    assert set(found.index) <= set(held_out)
    assert (tampered["observed"] != found["observed"]).all()
    pd.testing.assert_frame_equal(tampered[SAID], found[SAID], check_exact=True)
    learned = screens.copy()
    rng = np.random.default_rng(0)
    learned.loc[screens.index.difference(held_out)] += rng.standard_normal(screens.shape[1])
    learned.iloc[:, 1:] = rng.permutation(learned.iloc[:, 1:].to_numpy())
    changed = first_fold(study, panel, learned)
    assert (changed["blend"] == found["blend"]).all()
    assert not np.allclose(changed["completed alone"], found["completed alone"])


def test_a_report_says_how_much_is_gained(capsys) -> None:
    rng = np.random.default_rng(1)
    y, noise = rng.standard_normal((2, 40))
    table = pd.DataFrame(
        {"drug": DRUG, "seed": 0, "fold": np.arange(40) % 4, "observed": y, "blend": y + noise}
    ).assign(first_seconds=1.0, second_seconds=2.0)
    report(table.assign(**{"completed alone": y, "both": y + noise / 2}))
    said = capsys.readouterr().out
    assert "completed alone    1.000" in said
    assert "over 1 drugs), 1 up" in said
    assert "gain +0." in said
