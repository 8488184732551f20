"""The predictor in memory: features, drugs, predictions, percentiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import InputError


def test_a_sample_scores_the_same_alone_and_in_a_batch(predictor, study):
    features = predictor.features(study)
    for model in predictor.choose(None):
        batch = predictor.predict(features, model)
        parts = predictor.explain(features, model)
        for row, sample in enumerate(study.samples[:6]):
            alone = predictor.features(study.select([sample]))
            assert predictor.predict(alone, model)[0] == batch[row]
            explained = predictor.explain(alone, model)
            assert explained.base_value == parts.base_value
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


def test_a_percentile_ranks_among_the_held_out_predictions(predictor):
    model = predictor.drugs["Lapatinib"]
    ranked = model.held_out_predictions
    predictions = np.array([ranked[0] - 1, ranked[-1] + 1, ranked[3], np.median(ranked)])
    n = len(ranked)
    expected = np.array([0, 100, 100 * 3.5 / n, 50])
    resistant_high = model.resistance_percentile(predictions, higher_is_resistant=True)
    np.testing.assert_allclose(resistant_high, expected)
    np.testing.assert_allclose(predictor.percentile(predictions, model), 100 - expected)


def test_equal_predictions_count_half(predictor):
    model = replace(
        predictor.drugs["Lapatinib"], held_out_predictions=np.array([1.0, 2.0, 2.0, 2.0, 5.0])
    )
    percentile = model.resistance_percentile(np.array([2.0]), higher_is_resistant=True)
    np.testing.assert_allclose(percentile, 50)
