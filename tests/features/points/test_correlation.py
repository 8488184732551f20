"""K, g, windows and the envelope test against spatstat's numbers and closed-form truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.points.correlation import ISOTROPIC, TRANSLATION, correlate
from sidestep.features.points.envelopes import envelope_test
from sidestep.features.points.windows import Window

SHORT = {TRANSLATION: "trans", ISOTROPIC: "iso"}


#: Pairs exactly as far apart as a distance fall to either side of it, by rounding.
TOLERANCE = {TRANSLATION: 2e-3, ISOTROPIC: 2e-3}
Pattern = Callable[[str], tuple[np.ndarray, Window, float]]


@pytest.fixture(scope="module")
def patterns(shared: Path) -> Path:
    folder = shared / "assays" / "point_patterns"
    if not folder.is_dir():
        pytest.skip(f"no point patterns at {folder}")
    return folder


@pytest.fixture(scope="module")
def pattern(patterns: Path) -> Pattern:
    """Points, window and spatstat's bandwidth (a standard deviation) of a pattern."""
    summary = pd.read_csv(patterns / "summary.csv", index_col="pattern")

    def read(name: str) -> tuple[np.ndarray, Window, float]:
        told = summary.loc[name]
        points = pd.read_csv(patterns / f"{name}.csv")[["x", "y"]].to_numpy(float)
        ends = [float(told[end]) for end in ("xmin", "xmax", "ymin", "ymax")]
        return points, Window.rectangle(*ends), float(told["pcf_bw"])

    return read


@pytest.mark.parametrize(
    "name", ["redwood", "cells", "japanesepines", "bramblecanes", "longleaf", "redwoodfull"]
)
def test_k_and_g_are_spatstats(patterns: Path, pattern: Pattern, name: str) -> None:
    points, window, bandwidth = pattern(name)
    told = pd.read_csv(patterns / f"{name}_reference_K_pcf.csv")
    r = told["r"].to_numpy()
    found = correlate(points, window, r, bandwidth=bandwidth * np.sqrt(5))
    for correction, short in SHORT.items():
        # At the last distance spatstat leaves pairs out that are exactly as far apart.
        k = told[f"K_{short}"].to_numpy()
        np.testing.assert_allclose(found.k[correction][:-1], k[:-1], TOLERANCE[correction])
        g = told[f"pcf_{short}"].to_numpy()
        # Nearer than the kernel is wide both divide next to nothing by next to nothing.
        known = (r > found.bandwidth) & (g > 0.01)
        np.testing.assert_allclose(found.g[correction][known], g[known], rtol=0.01)
    # spatstat's bandwidth is Stoyan's rule.
    assert found.bandwidth == pytest.approx(correlate(points, window, r).bandwidth, rel=1e-6)


def test_cross_k_is_spatstats(patterns: Path) -> None:
    told = pd.read_csv(patterns / "amacrine_Kcross_on_off.csv")
    table = pd.read_csv(patterns / "amacrine_bivariate.csv")
    on, off = (table.loc[table["type"] == t, ["x", "y"]].to_numpy(float) for t in ("on", "off"))
    window = Window.rectangle(0, 1060 / 662, 0, 1)  # spatstat.data's
    found = correlate(on, window, told["r"].to_numpy(), others=off)
    for correction, short in SHORT.items():
        np.testing.assert_allclose(found.k[correction], told[short], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("redwood", "clustered"), ("cells", "regular"), ("japanesepines", "random")],
)
def test_the_envelope_tells_the_textbook_patterns(
    pattern: Pattern, name: str, verdict: str
) -> None:
    points, window, _ = pattern(name)
    found = envelope_test([(points, window)], np.linspace(0, 0.25, 65), simulations=99)
    assert found.verdict == verdict
    assert (found.p <= 0.05) == (verdict != "random")


def test_the_envelope_test_errs_as_often_as_it_says() -> None:
    window = Window.rectangle(0, 1, 0, 1)
    rng = np.random.default_rng(0)
    r = np.linspace(0, 0.2, 21)
    p = [
        envelope_test([(window.draw(20, rng), window)], r, simulations=19, alpha=0.1, seed=s).p
        for s in range(100)
    ]
    assert 3 <= np.count_nonzero(np.array(p) <= 0.1) <= 18  # binomial, 99 %
    with pytest.raises(InputError, match="5 simulations cannot tell"):
        envelope_test([(window.draw(20, rng), window)], r, simulations=5)


def test_a_polygon_is_weighed_as_the_rectangle_it_is() -> None:
    points = np.random.default_rng(1).random((60, 2))
    box = Window.rectangle(0, 1, 0, 1)
    same = Window.polygon([(0, 0), (0, 1), (0.4, 1), (1, 1), (1, 0)])  # clockwise
    assert not same.is_rectangle
    assert same.area == box.area == 1
    first, second = correlate(points, box), correlate(points, same)
    for correction in SHORT:
        np.testing.assert_allclose(second.k[correction], first.k[correction], rtol=1e-6)


def test_weights_of_an_l_shaped_window_are_those_of_its_geometry() -> None:
    window = Window.polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
    assert window.area == pytest.approx(3)
    assert window.holds(np.array([(0.5, 1.5), (1.5, 1.5), (1.5, 0.5), (2, 0.5)])).tolist() == [
        True, False, True, True,
    ]  # fmt: skip
    moved = np.array([(0.5, 0.0), (0.5, 0.5), (0.0, 0.0)])
    np.testing.assert_allclose(window.translation_weights(moved), [3 / 2.0, 3 / 1.25, 1], rtol=1e-3)
    # Around the inner corner a quarter of each circle is outside; in the middle of a side a half.
    centres = np.array([(1.0, 1.0), (0.0, 1.0), (0.5, 0.5), (0.0, 0.0)])
    weights = window.isotropic_weights(centres, np.array([0.5, 0.5, 0.4, 0.3]))
    np.testing.assert_allclose(weights, [4 / 3, 2, 1, 4], rtol=1e-9)
    # Thrown at random, labels fill it evenly.
    thrown = window.draw(2000, np.random.default_rng(0))
    assert window.holds(thrown).all()
    assert np.mean(thrown[:, 0] < 1) == pytest.approx(2 / 3, abs=0.05)


def test_a_random_pattern_has_as_many_pairs_as_by_chance() -> None:
    window = Window.polygon([(0, 0), (3, 0), (4, 2), (2, 1.2), (0, 3)])
    rng = np.random.default_rng(0)
    r = np.linspace(0, 0.6, 13)
    found = [correlate(window.draw(100, rng), window, r) for _ in range(60)]
    for correction in SHORT:
        k = np.mean([f.k[correction] for f in found], axis=0)
        np.testing.assert_allclose(k[4:], np.pi * r[4:] ** 2, rtol=0.03)
        g = np.mean([f.g[correction] for f in found], axis=0)
        np.testing.assert_allclose(g[4:], 1, atol=0.06)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([(0, 0), (1, 1)], "at least three"),
        ([(0, 0), (1, 1), (2, 2)], "lie on a line"),
        ([(0, 0), (1, 1), (1, 0), (0, 1.5)], "cross each other"),
    ],
)
def test_what_is_no_window_is_refused(corners: list[tuple[float, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Window.polygon(corners)
