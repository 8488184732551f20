"""Whether single samples are on the scale of the training lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.models.reliability.sample_scale import SUMMARIES, TrainingScales, summaries

GENES = [f"G{n}" for n in range(400)]


def _frame(values: np.ndarray, start: str) -> pd.DataFrame:
    return pd.DataFrame(values, [f"{start}{n}" for n in range(len(values))], GENES)


def _study(**tables: pd.DataFrame) -> Study:
    (one, *_) = tables.values()
    return replace(
        Study.from_frames(clinical=pd.DataFrame({"AGE": "50"}, index=one.index)), **tables
    )


@pytest.fixture(scope="module")
def draw():
    """Draw levels of some samples: of expression, RPPA and copy number."""

    def draw(n: int, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        typical = np.random.default_rng(9).normal(5, 3, 400)
        return {
            "expression": np.clip(typical + rng.normal(0, 1, (n, 400)), 0, None),
            "rppa": rng.normal(0, 1, (n, 400)),
            "copy_number": rng.normal(0, 0.4, (n, 400)),
        }

    return draw


@pytest.fixture(scope="module")
def scales(draw) -> TrainingScales:
    return TrainingScales.of(_study(**{k: _frame(v, "L") for k, v in draw(30, 0).items()}))


def test_summaries_are_what_they_are_called():
    values = np.array([[0.0] * 10 + [1.0] * 5 + [-2.5] * 4 + [7.5], [np.nan] * 20])
    found = dict(zip(SUMMARIES, summaries(values)[0], strict=True))
    assert found == {
        "low": -2.5, "middle": 0.0, "high": 1.0, "width": 3.5,
        "negative": 0.2, "zeros": 0.5, "alike": 0.5, "whole": 0.25,
    }  # fmt: skip
    assert np.isnan(summaries(values)[1]).all()


def test_samples_like_the_lines_are_on_their_scale(scales, draw):
    sample = _study(**{k: _frame(v, "S") for k, v in draw(200, 1).items()})
    assert not any(scales.doubts(sample).values())
    assert scales.trusted(sample) is sample


WRONG = {
    "copies read as log2 ratios": ("copy_number", lambda v: 2 ** (v + 1), "middle"),
    "ratios read as log2 ratios": ("copy_number", lambda v: 2**v, "middle"),
    "expression read as copy number": ("copy_number", lambda v: 6 + 9 * v, "middle"),
    "calls read as log2 ratios": ("copy_number", lambda v: np.sign(v) * 2, "middle"),
    "raw protein intensities": ("rppa", lambda v: v + 11, "middle"),
    "linear protein levels": ("rppa", lambda v: 2.0 ** (v + 4), "middle"),
    "a failed library": ("expression", lambda v: np.where(v > 9.5, 1.0, 0.0), "zeros"),
    "counts of a few reads": ("expression", lambda v: np.round(v / 6), "one and the same"),
    "centred expression": ("expression", lambda v: (v - v.mean()) / v.std(), "about 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_sample_of_another_scale_is_told_alone(scales, draw, name):
    modality, spoil, word = WRONG[name]
    values = draw(3, 2)
    values[modality][1] = spoil(values[modality][1])
    study = _study(**{k: _frame(v, "S") for k, v in values.items()})
    (sample,) = scales.doubts(study)[modality]
    assert sample == "S1"
    assert word in scales.doubts(study)[modality]["S1"]
    alone = study.select(["S1"])
    alone = replace(alone, **{modality: getattr(study, modality).loc[["S1"]]})
    assert scales.doubts(alone)[modality] == scales.doubts(study)[modality]
    trusted = scales.trusted(study)
    assert list(getattr(trusted, modality).index) == ["S0", "S2"]
    assert all(len(getattr(trusted, other)) == 3 for other in values if other != modality)


def test_other_kinds_of_levels_are_not_compared(scales, draw):
    values = draw(2, 3)
    study = _study(copy_number=_frame(np.sign(values["copy_number"]), "S"))
    assert scales.doubts(replace(study, copy_number_kind="discrete")) == {}


def test_few_lines_say_nothing(draw):
    few = TrainingScales.of(_study(**{k: _frame(v, "L") for k, v in draw(4, 0).items()}))
    far = _study(copy_number=_frame(draw(1, 1)["copy_number"] + 50, "S"))
    assert not any(few.doubts(far).values())


def test_scales_survive_being_saved(scales, draw):
    loaded = TrainingScales.from_state(scales.get_state())
    far = _study(copy_number=_frame(draw(1, 1)["copy_number"] + 50, "S"))
    assert loaded.doubts(far) == scales.doubts(far) != {}
