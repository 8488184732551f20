"""Intervals by group: whose errors calibrate them, and that they hold their share of each group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sidestep.models.reliability.groups import FEWEST_GROUP_LINES, calibrating_groups, large_groups
from sidestep.models.reliability.intervals import HeldOutErrors, cv_plus
from sidestep.models.reliability.predictive import FoldAnswers

FEW = FEWEST_GROUP_LINES - 1


def ways(*groups: tuple[str, str]) -> np.ndarray:
    return np.array(groups, dtype=object).reshape(-1, 2)


def test_a_group_needs_twenty_tested_lines():
    groups = ways(*[("high", "lung")] * FEW, *[("", "lung")] * 3, *[("", "")] * 90)
    everyone = np.arange(len(groups))
    kept = large_groups(groups, everyone)
    assert kept.tolist() == [["", lineage] for _, lineage in groups.tolist()]
    assert set(large_groups(groups, everyone[4:]).ravel()) == {""}
    np.testing.assert_array_equal(
        large_groups(ways(*[("high", "")] * 20), np.arange(20))[:, 0], "high"
    )


@pytest.mark.parametrize(
    ("n_high", "n_lung", "level", "expected"),
    [
        (10, 10, 0.8, ["high", "high", "lung", "", ""]),
        (9, 10, 0.8, ["", "lung", "lung", "", ""]),
        (19, 18, 0.95, ["high", "high", "", "", ""]),
        (9, 9, 0.5, [""] * 5),
        # Of 20 lines the 21st would bound 99 %.
        (20, 120, 0.99, ["", "lung", "lung", "", ""]),
    ],
)
def test_the_first_group_with_held_out_lines_enough_calibrates(n_high, n_lung, level, expected):
    lines = ways(*[("high", "")] * n_high, *[("", "lung")] * n_lung, *[("", "")] * 90)
    asked = ways(("high", "skin"), ("high", "lung"), ("", "lung"), ("", "nowhere"), ("", ""))
    assert calibrating_groups(lines, asked, level).tolist() == expected
    assert calibrating_groups(lines, asked[:0], level).tolist() == []


def simulated(seed: int, n: int, scale: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Groups of lines or samples, in turn, and errors as large as the group's."""
    rng = np.random.default_rng(seed)
    names = np.resize(np.array(list(scale), dtype=object), n)
    return names[:, None], rng.standard_normal(n) * np.array([scale[name] for name in names])


def answers(errors: np.ndarray, n_samples: int) -> FoldAnswers:
    """Of models that predict nothing: the errors are the responses."""
    n = len(errors)
    nothing = np.zeros(n)
    folds = np.arange(n) % 5
    known = HeldOutErrors(np.arange(n), folds, errors, nothing + 1, nothing, nothing, nothing)
    zeros = np.zeros((5, n_samples))
    return FoldAnswers(known, folds, zeros, zeros + 1, zeros)


@pytest.mark.parametrize("level", [0.8, 0.9])
@pytest.mark.parametrize("n_lines", [50, 300])
def test_each_group_is_covered_as_often_as_promised(level, n_lines):
    """Two groups, the errors of one three times those of the other; 200 training sets."""
    scale = {"steady": 0.5, "erratic": 1.5}
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for seed in range(200):
        of_lines, errors = simulated(seed, n_lines, scale)
        of_samples, responses = simulated(10_000 + seed, 100, scale)
        plain = answers(errors, 100)
        for grouped in found:
            groups = (of_lines, of_samples) if grouped else None
            lower, upper = replace(plain, groups=groups).interval(level)
            held = (lower <= responses) & (responses <= upper)
            found[grouped].append([held[of_samples[:, 0] == name].mean() for name in scale])
    np.testing.assert_allclose(np.mean(found[True], axis=0), level, atol=0.02)
    steady, erratic = np.mean(found[False], axis=0)
    assert steady > level + 0.05
    assert erratic < level - 0.05


def test_an_interval_is_that_of_the_lines_of_its_group_alone():
    scale = {"a": 1.0, "b": 5.0}
    of_lines, errors = simulated(3, 80, scale)
    of_samples = np.array([["b"], [""], ["a"], ["c"], ["b"]], dtype=object)
    found = replace(answers(errors, 5), groups=(of_lines, of_samples))
    lower, upper = found.interval(0.8)
    for row, group in enumerate(found.interval_groups(0.8)):
        lines = of_lines[:, 0] == group if group else np.full(80, True)
        folds, one = found.folds[lines], np.zeros((5, 1))
        expected = cv_plus(np.abs(errors[lines]), folds, one, one + 1, 0.8)
        np.testing.assert_array_equal([lower[row], upper[row]], np.ravel(expected))
    assert found.interval_groups(0.8).tolist() == ["b", "", "a", "", "b"]


def test_p_resistant_rests_on_all_lines_whatever_the_group():
    of_lines, errors = simulated(4, 60, {"a": 1.0, "b": 5.0})
    plain = answers(errors, 2)
    grouped = replace(plain, groups=(of_lines, np.array([["a"], ["b"]], dtype=object)))
    ps = [one.p_resistant(0.7, higher_is_resistant=True) for one in (plain, grouped)]
    np.testing.assert_array_equal(*ps)
