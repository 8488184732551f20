"""A sample made different is predicted as a sample that is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.explain.settings import read_changes
from sidestep.serving.explain.what_if import changed_sample, shifted_samples
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.samples import Samples, samples_of


@pytest.fixture(scope="module")
def breast(simulated: Path) -> Study:
    return read_study(simulated / "breast_sim")


@pytest.fixture(scope="module")
def complete(model: LoadedModel, breast: Study) -> list[str]:
    """Lines that have every modality."""
    drug = model.predictor.drugs["Lapatinib"]
    chosen = drug.blend.chosen(model.predictor.features(breast))
    return [
        str(line)
        for line, pattern in zip(breast.samples, chosen, strict=True)
        if pattern == drug.blend.patterns[0]
    ]


def alone(model: LoadedModel, study: Study, sample: str) -> Samples:
    part = study.select([sample])
    return samples_of(model.predictor, part, model.predictor.features(part))


def changed(model: LoadedModel, samples: Samples, settings: Sequence[str]) -> Samples:
    changes = read_changes(settings, samples.features, model.predictor.nearest)
    return changed_sample(model.predictor, samples, changes)


def outlook_for(model: LoadedModel, samples: Samples, drug: str = "Lapatinib") -> Outlook:
    chosen = model.predictor.drugs[drug]
    return outlook_of(model.predictor, chosen, samples, level=0.8, her2_context=False)


def numbers(outlook: Outlook) -> np.ndarray:
    parts = (
        outlook.prediction,
        outlook.lower,
        outlook.upper,
        outlook.percentile,
        outlook.applicability,
    )
    return np.array([part[0] for part in parts])


@pytest.mark.parametrize("settings", [[], ["ERBB2=+0sd"], ["AKT1=-0sd", "expression:EGFR=+0sd"]])
def test_nothing_changed_is_the_same_to_the_last_bit(
    model: LoadedModel, breast: Study, complete: list[str], settings: list[str]
) -> None:
    samples = alone(model, breast, complete[0])
    same = changed(model, samples, settings)
    before, after = outlook_for(model, samples), outlook_for(model, same)
    np.testing.assert_array_equal(numbers(before), numbers(after))
    drug = model.predictor.drugs["Lapatinib"]
    told = [model.predictor.explain(one.rows, drug).values for one in (samples, same)]
    np.testing.assert_array_equal(*told)
    for fold, table in samples.fold_features.items():
        np.testing.assert_array_equal(table.to_numpy(), same.fold_features[fold].to_numpy())


@pytest.mark.slow
def test_a_planted_driver_moves_the_prediction_its_own_way(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    # ERBB2 drive was planted to make sensitive, and high GI50 (-log10 molar) is sensitive.
    for sample in complete[:5]:
        samples = alone(model, breast, sample)
        down, same, up = (
            outlook_for(model, changed(model, samples, [f"ERBB2={sd}sd"])).prediction[0]
            for sd in ("-2", "+0", "+2")
        )
        assert down < same < up


def test_contributions_still_add_up(model: LoadedModel, breast: Study, complete: list[str]) -> None:
    samples = changed(model, alone(model, breast, complete[0]), ["ERBB2=+2sd", "mutation:PIK3CA=1"])
    for drug in model.predictor.drugs:
        outlook = outlook_for(model, samples, drug)
        told = model.predictor.explain(samples.rows, model.predictor.drugs[drug])
        total = told.base_value + told.values.sum(axis=1)
        assert total == pytest.approx(outlook.prediction, abs=1e-4)


def test_it_is_what_a_study_with_that_copy_number_is_told(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    sample, nearest = complete[1], model.predictor.nearest
    sd = float(nearest.sd_[nearest.features_.index("copy_number:ERBB2")])
    assert breast.copy_number is not None
    table = breast.copy_number.copy()
    table.loc[sample, "ERBB2"] -= 0.5 * sd
    edited = alone(model, replace(breast, copy_number=table), sample)
    what_if = changed(model, alone(model, breast, sample), ["copy_number:ERBB2=-0.5sd"])
    np.testing.assert_array_equal(
        numbers(outlook_for(model, edited)), numbers(outlook_for(model, what_if))
    )


def test_ratios_follow_the_levels_as_in_a_study_with_those_levels(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    sample, nearest = complete[1], model.predictor.nearest
    (builder,) = [part for part in model.predictor.joiner.builders_ if part.modality == "rppa"]
    unit = dict(zip(builder.get_feature_names_out(), builder.sd_, strict=True))
    sd = dict(zip(nearest.features_, nearest.sd_, strict=True))
    assert breast.rppa is not None
    table = breast.rppa.copy()
    table.loc[sample, "ERBB2"] += sd["rppa:ERBB2"] * unit["rppa:ERBB2"]
    table.loc[sample, "AKT1_pS473"] -= 0.5 * sd["rppa:AKT1_pS473"] * unit["rppa:AKT1_pS473"]
    edited = alone(model, replace(breast, rppa=table), sample)
    plain = alone(model, breast, sample)
    what_if = changed(model, plain, ["rppa:ERBB2=+1sd", "rppa:AKT1_pS473=-0.5sd"])
    pd.testing.assert_frame_equal(edited.features, what_if.features, rtol=0, atol=1e-9)
    moved = (plain.features != what_if.features) & plain.features.notna()
    assert {"rppa:ERBB2_pY1248/ERBB2", "rppa:AKT1_pS473/AKT1"} <= {*moved.columns[moved.iloc[0]]}
    # A fold's standard deviations differ a little from the model's, in which the change is given.
    assert numbers(outlook_for(model, edited))[1:3] == pytest.approx(
        numbers(outlook_for(model, what_if))[1:3], abs=0.05
    )


def test_a_ratio_that_is_named_changes_alone(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    plain = alone(model, breast, complete[0])
    what_if = changed(model, plain, ["rppa:ERBB2_pY1248/ERBB2=+1sd"])
    moved = (plain.features != what_if.features) & plain.features.notna()
    assert list(moved.columns[moved.iloc[0]]) == ["rppa:ERBB2_pY1248/ERBB2"]


def test_the_folds_change_as_the_model_does(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    plain = alone(model, breast, complete[0])
    what_if = changed(model, plain, ["expression:ERBB2=-1.5sd", "mutation:PIK3CA=1"])
    nearest = model.predictor.nearest
    sd = nearest.sd_[nearest.features_.index("expression:ERBB2")]
    for fold, table in what_if.fold_features.items():
        before = plain.fold_features[fold]
        change = table["expression:ERBB2"].iloc[0] - before["expression:ERBB2"].iloc[0]
        assert change == pytest.approx(-1.5 * sd)
        assert table["mutation:PIK3CA"].iloc[0] == 1.0


@pytest.mark.parametrize("feature", ["expression:ERBB2", "rppa:ERBB2", "copy_number:ERBB2"])
def test_levels_end_where_the_builders_cut_them(
    model: LoadedModel, breast: Study, complete: list[str], feature: str
) -> None:
    """A study that is as extreme as can be gives the same feature."""
    sample = complete[0]
    tables = {"rppa": breast.rppa, "copy_number": breast.copy_number}
    name, gene = feature.split(":")
    if name == "expression":
        assert breast.expression is not None
        extreme = replace(breast, expression_kind="z-score", expression=breast.expression + 1e6)
    else:
        table = tables[name]
        assert table is not None
        extreme = replace(breast, **{name: table.assign(**{gene: 1e6})})
    there = alone(model, extreme, sample).features[feature].iloc[0]
    what_if = changed(model, alone(model, breast, sample), [f"{feature}=+1000sd"])
    assert what_if.features[feature].iloc[0] == there


@pytest.mark.parametrize("settings", [["-9sd"], ["-5sd", "-5sd"]])
def test_a_mutation_burden_ends_at_none(
    model: LoadedModel, breast: Study, complete: list[str], settings: list[str]
) -> None:
    plain = alone(model, breast, complete[0])
    assert plain.features["mutation:burden"].iloc[0] > 0
    what_if = changed(model, plain, [f"mutation:burden={setting}" for setting in settings])
    for table in (what_if.features, *what_if.fold_features.values()):
        assert table["mutation:burden"].iloc[0] == 0


def test_variants_are_told_the_same_together_and_alone(
    model: LoadedModel, breast: Study, complete: list[str]
) -> None:
    plain = alone(model, breast, complete[0])
    levels = ["expression:ERBB2", "rppa:ERBB2", "copy_number:ERBB2"]
    shifts = np.array([[0.0, 0.0, 0.0], [1.0, -0.5, 0.25], [-2.0, 1.0, 0.5]])
    together = outlook_for(model, shifted_samples(model.predictor, plain, levels, shifts))
    for row, shift in enumerate(shifts):
        one = outlook_for(model, shifted_samples(model.predictor, plain, levels, shift[None]))
        assert one.prediction[0] == together.prediction[row]
        assert one.lower[0] == together.lower[row]
        assert one.applicability[0] == together.applicability[row]
        assert one.call[0] == together.call[row]
