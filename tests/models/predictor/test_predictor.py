"""The predictor in memory: features, drugs, predictions and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.models.estimators.patterns import pattern_columns
from sidestep.models.reliability.intervals import HeldOutErrors


@pytest.mark.slow
def test_a_sample_scores_the_same_alone_and_in_a_batch(predictor, study):
    features = predictor.features(study)
    for model in predictor.choose(None):
        batch = predictor.predict(features, model)
        parts = predictor.explain(features, model)
        for row, sample in enumerate(study.samples[:6]):
            alone = predictor.features(study.select([sample]))
            assert predictor.predict(alone, model)[0] == batch[row]
            explained = predictor.explain(alone, model)
            assert explained.base_value[0] == parts.base_value[row]
            np.testing.assert_array_equal(explained.values[0], parts.values[row])


def test_the_order_of_samples_does_not_matter(predictor, study):
    turned = study.select(list(study.samples[::-1]))
    model = predictor.drugs["Lapatinib"]
    np.testing.assert_array_equal(
        predictor.predict(predictor.features(turned), model)[::-1],
        predictor.predict(predictor.features(study), model),
    )


def test_drugs_are_chosen_by_any_of_their_names(predictor):
    assert [model.name for model in predictor.choose(None)] == [
        "Lapatinib",
        "Everolimus",
        "BI-2536",
    ]
    assert [model.name for model in predictor.choose(["bi2536", "RAD001"])] == [
        "BI-2536",
        "Everolimus",
    ]
    with pytest.raises(InputError, match="drug Gefitinib is not in the model"):
        predictor.choose(["Gefitinib"])


@pytest.fixture
def features(predictor, study) -> pd.DataFrame:
    return predictor.features(study)


@pytest.fixture
def complete(predictor, features) -> pd.DataFrame:
    """Four samples that the model of all modalities predicts."""
    model = predictor.drugs["Lapatinib"]
    full = model.blend.patterns[0]
    rows = [row for row, has in enumerate(model.blend.chosen(features)) if has == full]
    return features.iloc[rows[:4]]


def ranks(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four predictions, and their percentiles among `ordered` where high is resistant."""
    asked = np.array([ordered[0] - 1, ordered[-1] + 1, ordered[3], np.median(ordered)])
    return asked, np.array([0, 100, 100 * 3.5 / len(ordered), 50])


def test_a_percentile_ranks_among_the_held_out_predictions(predictor, complete):
    model = predictor.drugs["Lapatinib"]
    held_out = np.sort(model.errors[model.blend.patterns[0]].predictions)
    asked, expected = ranks(held_out)
    for high, percentile in ((True, expected), (False, 100 - expected)):
        scaled = replace(predictor, scale=replace(predictor.scale, higher_is_resistant=high))
        np.testing.assert_allclose(scaled.percentile(complete, asked, model), percentile)


def test_in_the_her2_context_only_her2_high_lines_are_compared_with(predictor, complete):
    model = predictor.drugs["Lapatinib"]
    errors = model.errors[model.blend.patterns[0]]
    high = np.zeros(len(predictor.her2_high), dtype=bool)
    high[errors.lines[::2]] = True
    marked = replace(predictor, her2=replace(predictor.her2, high=high))
    asked, expected = ranks(np.sort(errors.predictions[::2]))
    found = marked.percentile(complete, asked, model, her2_context=True)
    np.testing.assert_allclose(found, 100 - expected)
    everywhere = marked.percentile(complete, asked, model)
    np.testing.assert_array_equal(everywhere, predictor.percentile(complete, asked, model))
    assert (everywhere != found).any()
    none = replace(predictor, her2=replace(predictor.her2, high=np.zeros_like(high)))
    assert np.isnan(none.percentile(complete, asked, model, her2_context=True)).all()


def test_equal_predictions_count_half():
    errors = HeldOutErrors(
        lines=np.arange(5),
        folds=np.zeros(5, int),
        errors=np.ones(5),
        difficulty=np.ones(5),
        predictions=np.array([1.0, 2.0, 2.0, 2.0, 5.0]),
        marker_errors=np.ones(5),
        distances=np.ones(5),
    )
    everywhere = np.full(5, True)
    np.testing.assert_allclose(errors.percentile(np.array([2.0]), everywhere), 50)
    without_last = np.arange(5) < 4
    np.testing.assert_allclose(errors.percentile(np.array([2.0]), without_last), 62.5)


def test_a_percentile_refers_to_the_sub_model_that_predicts(predictor, complete):
    model = predictor.drugs["Lapatinib"]
    only = masked(complete, "expression")
    asked = np.median(model.errors[("expression",)].predictions) + np.arange(4) / 10
    expected = model.errors[("expression",)].percentile(asked, predictor.her2_high | True)
    np.testing.assert_array_equal(predictor.percentile(only, asked, model), 100 - expected)


def test_the_typical_response_is_the_median_of_the_lines_tested(predictor, study):
    y = study.response("gi50").values["Lapatinib"].dropna()
    model = predictor.drugs["Lapatinib"]
    assert predictor.typical_response(model) == pytest.approx(y.median())


def test_the_typical_response_in_the_her2_context_is_that_of_her2_high_lines(predictor):
    known = {"lines": np.array([4, 9, 20]), "observed": np.array([1.0, 2.0, 7.0])}
    model = replace(predictor.drugs["Lapatinib"], **known)
    high = np.zeros(32, dtype=bool)
    high[[0, 1, 9, 20]] = True
    marked = replace(predictor, her2=replace(predictor.her2, high=high))
    assert marked.typical_response(model, her2_context=True) == 4.5
    assert marked.typical_response(model) == 2.0
    none = replace(predictor, her2=replace(predictor.her2, high=~high & high))
    assert np.isnan(none.typical_response(model, her2_context=True))


def masked(features: pd.DataFrame, *kept: str) -> pd.DataFrame:
    """Features with every modality but `kept` missing."""
    lost = [name for name in features.columns if modality_of(name) not in kept]
    changed = features.copy()
    changed[lost] = np.nan
    return changed


def ways(table: pd.DataFrame) -> pd.DataFrame:
    """Four samples: all modalities, expression alone, RPPA and mutations, and nothing."""
    parts = [
        table.iloc[[0]],
        masked(table.iloc[[1]], "expression"),
        masked(table.iloc[[2]], "rppa", "mutation"),
        masked(table.iloc[[3]]),
    ]
    return pd.concat(parts)


def test_an_interval_does_not_depend_on_the_samples_beside_it(predictor, study, complete):
    """Each of four samples has another combination of modalities."""
    tables = predictor.fold_features(study.select(list(complete.index)))
    asked, folds = ways(complete), {fold: ways(table) for fold, table in tables.items()}
    model = predictor.drugs["Lapatinib"]
    assert len(set(model.blend.chosen(asked))) == 4
    lower, upper = predictor.interval(asked, folds, model, 0.8)
    assert np.isnan([lower[3], upper[3]]).all()
    assert (lower[:3] < upper[:3]).all()
    for row in range(4):
        alone = predictor.interval(
            asked.iloc[[row]],
            {fold: table.iloc[[row]] for fold, table in folds.items()},
            model,
            0.8,
        )
        np.testing.assert_array_equal(np.ravel(alone), [lower[row], upper[row]])


def test_a_higher_level_gives_a_wider_interval(predictor, study, features):
    model, folds = predictor.drugs["Lapatinib"], predictor.fold_features(study)
    ends = {level: predictor.interval(features, folds, model, level) for level in (0.5, 0.8)}
    known = np.isfinite(ends[0.8][0])
    assert known.sum() > 10
    assert (ends[0.5][0][known] >= ends[0.8][0][known]).all()
    assert (ends[0.5][1][known] <= ends[0.8][1][known]).all()
    assert (np.subtract(*ends[0.5])[known] != np.subtract(*ends[0.8])[known]).any()


def test_a_level_that_the_lines_cannot_support_gives_no_interval(predictor, study, features):
    model = predictor.drugs["Lapatinib"]
    ends = predictor.interval(features, predictor.fold_features(study), model, 0.999)
    assert np.isnan(ends).all()


@pytest.mark.slow
def test_coverage_counts_what_the_sub_model_rests_on(predictor, complete):
    model = predictor.drugs["Lapatinib"]
    full = complete.fillna(0.0)
    np.testing.assert_allclose(predictor.coverage(full, model), 1)
    np.testing.assert_allclose(predictor.coverage(masked(full, "rppa", "clinical"), model), 1)
    np.testing.assert_array_equal(predictor.coverage(masked(full), model), 0)
    weights = model.blend.blends_[("expression",)].feature_weights(
        predictor.nearest.sd_[pattern_columns(list(full.columns), ("expression",))]
    )
    only = masked(full, "expression", "clinical")
    columns = pattern_columns(list(full.columns), ("expression",))
    heaviest = columns[weights.argmax()]
    only.iloc[:, heaviest] = np.nan
    found = predictor.coverage(only, model)
    np.testing.assert_allclose(found, 1 - weights.max() / weights.sum())
    assert (found < 0.99).all()
