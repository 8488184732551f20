"""Coverage and width of intervals on held-out lines, with known truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from mlflow.utils.validation import _validate_metric_name

from sidestep.models.estimators.patterns import Pattern
from sidestep.models.reliability.intervals import HeldOutErrors
from sidestep.training.validation.coverage import (
    coverage_metrics,
    coverage_sentence,
    held_out_coverage,
)


@dataclass(frozen=True)
class Blend:
    """Its sub-models."""

    patterns: list[Pattern]


@dataclass(frozen=True)
class Drug:
    """What of a drug's model coverage looks at."""

    errors: dict[Pattern, HeldOutErrors]
    observed: np.ndarray
    lines: np.ndarray
    blend: Blend


def errors_of(scores: np.ndarray, difficulty: float = 1.0, n_folds: int = 5) -> HeldOutErrors:
    lines = np.arange(len(scores))
    nothing = np.zeros(len(scores))
    return HeldOutErrors(
        lines=lines,
        folds=lines % n_folds,
        errors=scores,
        difficulty=nothing + difficulty,
        predictions=nothing,
        marker_errors=nothing,
        distances=nothing,
    )


def drug_of(errors: dict[Pattern, HeldOutErrors], response_sd: float = 1.0) -> Drug:
    observed = response_sd * np.array([-1.0, 1.0])
    lines = np.unique(np.array([one for known in errors.values() for one in known.lines], int))
    return Drug(errors, observed, lines, Blend([*errors, ("never", "held out")]))


def covered(
    drugs: Mapping[str, Drug],
    lineage: np.ndarray,
    patterns: list[Pattern] | None = None,
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """Coverage of lines that have all modalities, unless they are given others."""
    everything = ("expression", "rppa", "copy_number")
    groups = np.full((len(lineage), 1), "", dtype=object) if groups is None else groups
    return held_out_coverage(drugs, lineage, patterns or [everything] * len(lineage), groups)


def measured(scores: np.ndarray, lineage: np.ndarray | None = None) -> dict[str, float]:
    lineage = np.full(len(scores), "lung", dtype=object) if lineage is None else lineage
    drug = drug_of({("expression",): errors_of(scores)})
    return coverage_metrics(covered({"Lapatinib": drug}, lineage))


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
    few = drug_of({("rppa",): errors_of(np.arange(5.0))})
    counts = covered({"Lapatinib": few}, np.full(5, "lung", dtype=object))
    assert counts["n"].sum() == 0
    assert coverage_metrics(counts) == {}


def test_each_pattern_and_lineage_is_counted() -> None:
    scores = np.abs(np.random.default_rng(2).standard_normal(60))
    drug = drug_of({("expression", "rppa"): errors_of(scores), ("rppa",): errors_of(scores[:40])})
    lineage = np.where(np.arange(60) % 2 == 0, "lung", "skin").astype(object)
    counts = covered({"Lapatinib": drug}, lineage)
    by_pattern = counts.groupby("pattern")["n"].sum()
    assert by_pattern.to_dict() == {"expression;rppa": 60, "rppa": 40}
    assert set(counts["lineage"]) == {"lung", "skin"}
    assert (counts["covered_80"] <= counts["covered_90"]).all()


def test_the_width_is_that_of_an_interval_of_normal_errors() -> None:
    scores = np.abs(np.random.default_rng(3).standard_normal(4000))
    found = measured(scores)
    for level, quantile in ((80, 1.2816), (90, 1.6449)):
        assert found[f"width_interval_{level}"] == pytest.approx(2 * quantile, rel=0.05)


def test_a_width_grows_with_difficulty_and_counts_in_spreads_of_the_response() -> None:
    scores = np.abs(np.random.default_rng(4).standard_normal(400))
    lineage = np.full(400, "lung", dtype=object)
    drugs = {
        "easy": drug_of({("rppa",): errors_of(scores, difficulty=0.5)}, response_sd=1.0),
        "hard": drug_of({("rppa",): errors_of(scores, difficulty=3.0)}, response_sd=2.0),
    }
    table = covered(drugs, lineage)
    easy, hard = (coverage_metrics(table[table["drug"] == name]) for name in drugs)
    assert hard["width_interval_80"] == pytest.approx(6 * easy["width_interval_80"])
    assert hard["width_interval_80_sd"] == pytest.approx(hard["width_interval_80"] / 2)
    both = coverage_metrics(table)
    for name in ("width_interval_80", "width_interval_80_sd"):
        assert both[name] == pytest.approx((easy[name] + hard[name]) / 2)


def test_every_lineage_and_pattern_with_enough_pairs_is_a_metric() -> None:
    rng = np.random.default_rng(5)
    scores = np.abs(rng.standard_normal(1000))
    lineage = np.where(np.arange(1000) < 300, "blood", "lung").astype(object)
    lineage[-19:] = "rare"
    lineage[-25:-19] = np.nan
    scores[lineage == "blood"] *= 2
    whole, part = errors_of(scores), errors_of(scores[:100], difficulty=4.0)
    drug = drug_of({("expression", "copy_number"): whole, ("rppa",): part})
    table = covered({"Lapatinib": drug}, lineage)
    found = coverage_metrics(table)
    lineages = {name.rpartition(".")[2] for name in found if ".lineage." in name}
    patterns = {name.rpartition(".")[2] for name in found if ".pattern." in name}
    assert lineages == {"blood", "lung"}
    assert patterns == {"expression-copy_number", "rppa"}
    blood = table[(table["lineage"] == "blood") & (table["pattern"] != "rppa")]
    share = blood["covered_80"].sum() / blood["n"].sum()
    assert found["within_interval_80.lineage.blood"] == pytest.approx(share)
    assert found["within_interval_80_worst_lineage"] == pytest.approx(share)
    wider = found["width_interval_90_sd.pattern.rppa"]
    assert wider > 3 * found["width_interval_90_sd.pattern.expression-copy_number"]


def test_lineages_of_any_name_are_metrics_that_mlflow_takes() -> None:
    names = [
        "Bile Duct/Liver",
        "Bile Duct|Liver",
        "../etc",
        "<b>",
        "Høyre",
        "lung",
        "Lung",
        "x" * 400,
    ]
    scores = np.abs(np.random.default_rng(6).standard_normal(40 * len(names)))
    found = measured(scores, np.repeat(np.array(names, dtype=object), 40))
    keys = [name for name in found if name.startswith("within_interval_80.lineage.")]
    assert len({key.casefold() for key in keys}) == len(names)
    assert "within_interval_80.lineage.Høyre" in keys
    for key in found:
        _validate_metric_name(key)


def test_a_line_is_judged_by_the_sub_model_that_predicts_it() -> None:
    """Lines without RPPA count, by their own sub-model; those with it count once."""
    few, many = np.linspace(0.5, 1, 20), np.linspace(0.5, 1, 60)
    many[20::5] = 100.0  # a fold that misses, of the lines without RPPA
    drug = drug_of({("expression", "rppa"): errors_of(few), ("expression",): errors_of(many)})
    has: list[Pattern] = [("expression", "rppa")] * 20 + [("expression",)] * 40
    table = covered({"Lapatinib": drug}, np.full(60, "lung", dtype=object), has)
    judged = table[table["own"]].set_index("pattern")["n"]
    assert judged.to_dict() == {"expression;rppa": 20, "expression": 40}
    assert "of 60 held-out line-drug pairs" in coverage_sentence(table)
    own = table[table["own"]]
    share = own["covered_80"].sum() / 60
    assert coverage_metrics(table)["within_interval_80"] == pytest.approx(share)
    as_if = coverage_metrics(table)["within_interval_80.pattern.expression"]
    assert as_if == pytest.approx(table[table["pattern"] == "expression"]["covered_80"].sum() / 60)


def test_lines_whose_sub_model_has_too_few_errors_have_no_interval_to_judge() -> None:
    """As when a sample like them is scored: no smaller sub-model takes its place."""
    drug = drug_of(
        {("expression", "rppa"): errors_of(np.ones(6)), ("rppa",): errors_of(np.ones(30))}
    )
    has: list[Pattern] = [("expression", "rppa")] * 6 + [("rppa",)] * 24
    table = covered({"Lapatinib": drug}, np.full(30, "lung", dtype=object), has)
    assert table.loc[table["own"], "pattern"].tolist() == ["rppa"]
    assert "of 24 held-out line-drug pairs" in coverage_sentence(table)


def test_without_any_held_out_error_there_is_nothing_to_judge() -> None:
    whole = covered(
        {"Lapatinib": drug_of({("rppa",): errors_of(np.ones(30))})}, np.full(30, "lung")
    )
    nothing = covered({"Lapatinib": drug_of({})}, np.full(30, "lung"))
    assert len(nothing) == 0
    assert list(nothing.columns) == list(whole.columns)
    assert coverage_metrics(nothing) == {}
    assert coverage_sentence(nothing) == "Too few lines for intervals."


def test_lines_are_judged_by_the_errors_of_their_own_group() -> None:
    """Errors of skin lines are three times as large, and each lineage is covered alike."""
    rng = np.random.default_rng(2)
    lineage = np.array(["lung", "skin"] * 1000, dtype=object)
    scores = np.abs(rng.standard_normal(2000)) * np.where(lineage == "skin", 3.0, 1.0)
    drugs = {"Lapatinib": drug_of({("expression",): errors_of(scores)})}
    apart = coverage_metrics(covered(drugs, lineage, groups=lineage[:, None]))
    together = coverage_metrics(covered(drugs, lineage))
    for name in ("lung", "skin"):
        metric = f"within_interval_80.lineage.{name}"
        assert apart[metric] == pytest.approx(0.8, abs=0.03)
        assert abs(together[metric] - 0.8) > 0.08
