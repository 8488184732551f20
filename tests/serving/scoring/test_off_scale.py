"""Samples whose numbers are on another scale: no call, no fact, and a word that says so."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.serving.disk.coded import plain
from sidestep.serving.scoring.chunk import score_chunk
from sidestep.serving.scoring.drift import drift_section, shift_lines
from sidestep.serving.scoring.options import DEFAULT_OPTIONS

CODE = "OFF_SCALE:copy_number"


@pytest.fixture(scope="module")
def few(cohort: Study) -> Study:
    """Three samples, of which the copy number of the second is log2 copies of another platform."""
    names = list(cohort.copy_number.index[:3])
    part = cohort.select(names)
    table = part.copy_number.copy()
    table.loc[names[1]] += 6.0
    table.loc[names, "ERBB2"] = 8.0
    return replace(part, copy_number=table)


def _rows(model, study: Study, table: str) -> pd.DataFrame:
    drugs = list(model.predictor.drugs.values())
    return plain(score_chunk(model, drugs, study, DEFAULT_OPTIONS).rows[table]).to_pandas()


@pytest.mark.slow
def test_no_fact_is_drawn_from_copy_number_of_another_scale(model, few):
    facts = _rows(model, few, "evidence")
    shown = facts["fact"].str.contains(r"amplified \(log2", regex=True)
    assert set(facts.loc[shown, "sample_id"]) == {few.samples[0], few.samples[2]}
    alone = few.select([few.samples[1]])
    pd.testing.assert_frame_equal(
        _rows(model, alone, "evidence"),
        facts[facts["sample_id"] == few.samples[1]].reset_index(drop=True),
    )


def test_its_row_says_so_and_makes_no_call(model, few):
    scores = _rows(model, few, "scores")
    off = scores["sample_id"] == few.samples[1]
    assert scores.loc[off, "reasons"].str.split(";").map(lambda codes: CODE in codes).all()
    assert (scores.loc[off, "call"] == "abstain").all()
    assert not scores.loc[~off, "reasons"].str.contains("OFF_SCALE").any()
    alone = _rows(model, few.select([few.samples[1]]), "scores")
    pd.testing.assert_frame_equal(alone, scores[off].reset_index(drop=True))


def test_a_few_samples_of_another_scale_are_a_strong_shift(model, few):
    one = few.select([few.samples[1]])
    found = drift_section(one, model.predictor)["copy_number"]
    assert (found["verdict"], found["off_scale"]) == ("strong", 1)
    assert found["off_scale_example"].startswith(f"{few.samples[1]}: middle ")
    assert any("Off the training lines' scale" in line for line in _told(one, model))
    both = drift_section(few, model.predictor)["copy_number"]
    assert (both["verdict"], both["off_scale"]) == ("too few samples", 1)
    fine = few.select([few.samples[0]])
    assert drift_section(fine, model.predictor)["copy_number"]["off_scale"] == 0
    assert not any("Off the" in line for line in _told(fine, model))


def _told(study: Study, model) -> list[str]:
    return shift_lines(drift_section(study, model.predictor))
