"""The MLflow pyfunc: measurements in, one row a sample and drug out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.measurements import measurements_of
from sidestep.models.predictor.known_lines import rows_by_fold
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.pyfunc import MeasurementModel, _load_pyfunc


def test_measurements_score_as_the_study_does(predictor, study):
    scored = MeasurementModel(predictor).predict(measurements_of(study))
    features = predictor.features(study)
    assert len(scored) == len(study.samples) * len(predictor.drugs)
    for name in predictor.drugs:
        rows = scored[scored["drug"] == name].set_index("sample_id").loc[list(study.samples)]
        for fold, lines in rows_by_fold(predictor.known.find(study, features)).items():
            unseen = predictor.unseen(fold)
            held_out = unseen.features(study).iloc[lines]
            expected = unseen.predict(held_out, unseen.drugs[name])
            np.testing.assert_array_equal(rows["prediction"].iloc[lines], expected)
            np.testing.assert_array_equal(
                rows["resistance_percentile"].iloc[lines],
                unseen.percentile(held_out, expected, unseen.drugs[name]),
            )
        assert set(rows["unit"]) == {predictor.scale.unit}


def test_rows_in_any_order_and_one_sample_at_a_time(predictor, study):
    model = MeasurementModel(predictor)
    table = measurements_of(study)
    whole = model.predict(table).set_index(["sample_id", "drug"]).sort_index()
    shuffled = model.predict(table.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(shuffled.set_index(["sample_id", "drug"]).sort_index(), whole)
    sample = study.samples[3]
    alone = model.predict(table[table["sample_id"] == sample]).set_index(["sample_id", "drug"])
    pd.testing.assert_frame_equal(alone.sort_index(), whole.loc[[sample]], check_exact=True)


def test_what_cannot_be_predicted_from_gets_no_number(predictor, study, monkeypatch):
    """As when a study is scored: no mean of the training lines passes for a prediction."""
    features = predictor.features(study)
    bare, infinite = features.index[:2]
    features.loc[bare] = np.nan
    features.loc[infinite, features.columns[0]] = -np.inf
    build = PanelPredictor.features
    monkeypatch.setattr(
        PanelPredictor,
        "features",
        lambda self, study: features if self.fold is None else build(self, study),
    )
    scored = MeasurementModel(predictor).predict(measurements_of(study)).set_index("sample_id")
    numbers = scored[["prediction", "resistance_percentile"]]
    for sample in (bare, infinite):
        assert len(numbers.loc[sample]) == len(predictor.drugs)
        assert numbers.loc[sample].isna().all(axis=None)
    assert numbers["prediction"].drop([bare, infinite]).notna().all()


def test_the_entry_point_loads_a_saved_predictor(predictor, study, tmp_path):
    save_predictor(predictor, tmp_path / "model")
    table = measurements_of(study)
    pd.testing.assert_frame_equal(
        _load_pyfunc(str(tmp_path / "model")).predict(table),
        MeasurementModel(predictor).predict(table),
        check_exact=True,
    )


def test_a_table_that_is_no_measurements_is_refused(predictor):
    with pytest.raises(InputError, match="measurements lack column modality"):
        MeasurementModel(predictor).predict(pd.DataFrame({"sample_id": ["A"], "feature": ["x"]}))
