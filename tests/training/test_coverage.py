"""Coverage of held-out lines, with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from models.intervals import HeldOutErrors
from models.patterns import Pattern
from training.coverage import coverage_metrics, held_out_coverage


@dataclass(frozen=True)
class Drug:
    """The one thing of a drug's model that coverage looks at."""

    errors: dict[Pattern, HeldOutErrors]


def errors_of(scores: np.ndarray, n_folds: int = 5) -> HeldOutErrors:
    lines = np.arange(len(scores))
    nothing = np.zeros(len(scores))
    return HeldOutErrors(
        lines, lines % n_folds, scores, difficulty=nothing + 1, predictions=nothing, distances=nothing
    )


def measured(scores: np.ndarray, lineage: np.ndarray | None = None) -> dict[str, float]:
    lineage = np.full(len(scores), "lung", dtype=object) if lineage is None else lineage
    drug = Drug({("expression",): errors_of(scores)})
    return coverage_metrics(held_out_coverage({"Lapatinib": drug}, lineage))


def test_exchangeable_errors_are_covered_as_often_as_promised() -> None:
    scores = np.abs(np.random.default_rng(0).standard_normal(4000))
    found = measured(scores)
    # Three binomial standard errors of 4,000 lines.
    assert found["within_interval_80"] == pytest.approx(0.8, abs=0.02)
    assert found["within_interval_90"] == pytest.approx(0.9, abs=0.015)


def test_a_lineage_with_larger_errors_is_the_worst() -> None:
    rng = np.random.default_rng(1)
    scores = np.abs(rng.standard_normal(1000))
    scores[:200] *= 4
    lineage = np.where(np.arange(1000) < 200, "blood", "lung").astype(object)
    found = measured(scores, lineage)
    assert found["within_interval_80_worst_lineage"] < 0.5
    assert found["within_interval_80"] == pytest.approx(0.8, abs=0.04)


def test_too_few_lines_for_a_level_are_left_out() -> None:
    counts = held_out_coverage(
        {"Lapatinib": Drug({("rppa",): errors_of(np.arange(5.0))})},
        np.full(5, "lung", dtype=object),
    )
    assert counts["n"].sum() == 0
    assert coverage_metrics(counts) == {}


def test_each_pattern_and_lineage_is_counted() -> None:
    scores = np.abs(np.random.default_rng(2).standard_normal(60))
    drug = Drug({("expression", "rppa"): errors_of(scores), ("rppa",): errors_of(scores[:40])})
    lineage = np.where(np.arange(60) % 2 == 0, "lung", "skin").astype(object)
    counts = held_out_coverage({"Lapatinib": drug}, lineage)
    by_pattern = counts.groupby("pattern")["n"].sum()
    assert by_pattern.to_dict() == {"expression;rppa": 60, "rppa": 40}
    assert set(counts["lineage"]) == {"lung", "skin"}
    assert (counts["covered_80"] <= counts["covered_90"]).all()
