"""Effects are called, and their absence; noise is neither; false calls stay within the limit."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.assays.curves import Curves, fit_curves
from sidestep.features.assays.readings import Readings, frame_of
from sidestep.features.assays.significance import classified
from tests.features.assays.plates import DOSES


def curves_of(values: np.ndarray) -> Curves:
    """Curves of relative viability, a row of values each."""
    runs = len(values)
    columns = {
        "sample": np.repeat([f"S{n:03}" for n in range(runs)], len(DOSES)), "drug": "D",
        "unit": "uM", "role": "treated", "file": "f", "dose": np.tile(DOSES, runs),
        "value": values.ravel(), "line": np.arange(values.size),
    }  # fmt: skip
    return fit_curves(Readings(frame_of(columns, values.size), "viability"))


def falling(ic50: float, bottom: float) -> np.ndarray:
    return bottom + (1 - bottom) / (1 + (DOSES / ic50) ** 1.5)


@pytest.mark.slow
def test_four_verdicts_with_reasons() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.03, (4, len(DOSES)))
    shapes = [falling(0.3, 0.1), 2 - falling(0.3, 0.2), np.ones(9), np.ones(9)]
    values = np.array(shapes) + noise
    values[3] += rng.normal(0, 0.4, 9)
    table = classified(curves_of(values)).table
    assert table["verdict"].tolist() == ["down", "up", "not", "unclassified"]
    assert table["effect"].iloc[0] < -2
    assert table["effect"].iloc[1] > 0.5
    assert (table["verdict_reason"] != "").all()
    assert "too wide" in table["verdict_reason"].iloc[3]


@pytest.mark.slow
def test_p_of_flat_series_is_calibrated_and_q_holds_its_promise() -> None:
    rng = np.random.default_rng(1)
    flat = 1 + rng.normal(0, 0.08, (700, 9))
    real = np.array([falling(ic50, 0.3) for ic50 in np.geomspace(0.03, 3, 150)])
    values = np.vstack([flat, real + rng.normal(0, 0.08, real.shape)])
    table = classified(curves_of(values)).table
    p = table["p"].iloc[:700]
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.08)
    called = table["q"] < 0.05
    assert called.iloc[700:].mean() > 0.9
    assert called.iloc[:700].sum() <= 0.1 * called.sum()
    assert (table["verdict"].iloc[:700] == "down").mean() < 0.02


@pytest.mark.slow
def test_a_tiny_effect_is_not_called_however_sure() -> None:
    values = 1 - 0.12 * (1 - falling(0.3, 0.0))[None, :] + np.zeros((2, 9))
    values += np.random.default_rng(2).normal(0, 0.004, values.shape)
    table = classified(curves_of(values)).table
    assert (table["p"] < 1e-4).all()
    assert not table["verdict"].isin(["down", "up"]).any()


def test_few_points_are_unclassified() -> None:
    values = np.tile(np.r_[1.0, 0.5, np.full(7, np.nan)], (2, 1))
    table = classified(curves_of(values)).table
    assert set(table["verdict"]) == {"unclassified"}
    assert "3 points with the control" in table["verdict_reason"].iloc[0]
