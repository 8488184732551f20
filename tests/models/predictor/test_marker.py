"""Where a sample stands by a drug's marker alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.marker import MarkerStanding, marker_standing
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.reliability.applicability import NearestLines


@pytest.fixture(scope="module")
def features(predictor, study) -> pd.DataFrame:
    return predictor.features(study)


def stand(predictor: PanelPredictor, drug: str, features: pd.DataFrame) -> MarkerStanding:
    model = predictor.choose([drug])[0]
    return marker_standing(model.blend, FeatureRows(features), predictor.nearest, model.lines)


def test_the_value_is_the_rna_or_else_the_protein(predictor, features):
    found = stand(predictor, "Lapatinib", features)
    assert found.gene == "ERBB2"
    chosen = predictor.choose(["Lapatinib"])[0].blend.chosen(features)
    reads_protein = np.array(["rppa" in pattern for pattern in chosen])
    assert reads_protein.sum() > 5
    rna, protein = features["expression:ERBB2"], features["rppa:ERBB2"].where(reads_protein)
    np.testing.assert_array_equal(found.value, rna.fillna(protein).to_numpy())
    without = stand(predictor, "Lapatinib", features.assign(**{"expression:ERBB2": np.nan}))
    np.testing.assert_array_equal(without.value, protein.to_numpy())


def test_the_percentile_is_the_rank_among_the_drugs_lines(predictor, features):
    model = predictor.choose(["Lapatinib"])[0]
    found = stand(predictor, "Lapatinib", features.iloc[model.lines])
    rna = features["expression:ERBB2"].iloc[model.lines]
    has = rna.notna().to_numpy()
    expected = 100 * (rna.rank() - 0.5) / rna.count()
    np.testing.assert_allclose(found.percentile[has], expected[has])


def test_its_prediction_is_the_straight_line_of_the_drugs_lines(predictor, features):
    model = predictor.choose(["Lapatinib"])[0]
    found = stand(predictor, "Lapatinib", features)
    rna = features["expression:ERBB2"]
    protein = features["rppa:ERBB2"]
    marker = rna.fillna(protein)
    tested = marker.iloc[model.lines].to_numpy()
    known = np.isfinite(tested)
    full = np.array(
        [pattern == model.blend.patterns[0] for pattern in model.blend.chosen(features)]
    )
    slope, intercept = np.polyfit(tested[known], model.observed[known], 1)
    np.testing.assert_allclose(found.prediction[full], (intercept + slope * marker)[full])


def test_of_what_was_not_measured_nothing_is_said(predictor, features):
    nothing = features.assign(**{"expression:ERBB2": np.nan, "rppa:ERBB2": np.nan})
    found = stand(predictor, "Lapatinib", nothing)
    assert found.gene == "ERBB2"
    assert np.isnan([found.value, found.percentile, found.prediction]).all()


def test_without_a_marker_nothing_is_said(lines):
    blend = PatternBlend(inner_folds=0, tree_settings={"n_trees": 5}).fit(lines.X, lines.y)
    nearest = NearestLines().fit(lines.X, lines.donors)
    found = marker_standing(blend, FeatureRows(lines.X), nearest, np.arange(len(lines.y)))
    assert found.gene is None
    assert np.isnan([found.value, found.percentile, found.prediction]).all()


def test_a_sample_stands_the_same_alone(predictor, features):
    every, alone = (stand(predictor, "Lapatinib", part) for part in (features, features.iloc[[4]]))
    for name in ("value", "percentile", "prediction"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(every, name)[4])
