"""Where samples stand among the training lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.models.predictor.references import TOP_DECILE, MechanismReference
from sidestep.models.predictor.storage import load_predictor, save_predictor


@pytest.fixture(scope="module")
def reference(known_predictor) -> MechanismReference:
    return known_predictor.mechanisms


def test_a_tenth_of_the_lines_is_in_the_top_decile(reference, known_lines):
    scores, levels = reference.stand(known_lines)
    for standing, column in ((scores, "expression:signature_emt"), (levels, "IGF1R")):
        assert np.mean(standing.high(column)) == pytest.approx(1 - TOP_DECILE)


def test_a_line_stands_where_its_rank_says(reference, known_lines):
    scores, _ = reference.stand(known_lines)
    values = scores.values["expression:rtk_bypass_mean"]
    expected = (values.rank() - 1) / len(values)
    np.testing.assert_allclose(scores.below["expression:rtk_bypass_mean"], expected)


def test_what_many_lines_share_is_not_high(reference, known_lines):
    tied = replace(reference, levels=np.full_like(reference.levels, 1.0))
    standing = tied.stand(known_lines)[1]
    values, high = standing.values["IGF1R"], standing.high("IGF1R")
    np.testing.assert_array_equal(high, (values.astype(np.float32) > 1).astype(float))


def test_what_was_not_measured_is_not_known(reference, known_lines):
    bare = replace(known_lines, expression=None)
    scores, levels = reference.stand(bare)
    assert np.isnan(scores.high("expression:signature_emt")).all()
    assert np.isnan(levels.high("IGF1R")).all()
    assert np.isnan(levels.high("NO_SUCH_GENE")).all()


def test_few_training_lines_say_nothing_of_high(known_lines):
    few = MechanismReference.fit(known_lines.select(list(known_lines.samples[:8])))
    assert np.isnan(few.stand(known_lines)[1].high("IGF1R")).all()


def test_it_survives_being_saved(known_predictor, known_lines, tmp_path):
    save_predictor(known_predictor, tmp_path / "model")
    loaded = load_predictor(tmp_path / "model").mechanisms
    assert loaded.lines.dtype == loaded.levels.dtype == np.float32
    for one, other in zip(
        loaded.stand(known_lines), known_predictor.mechanisms.stand(known_lines), strict=True
    ):
        pd.testing.assert_frame_equal(one.values, other.values, check_exact=True)
        pd.testing.assert_frame_equal(one.below, other.below, check_exact=True)
