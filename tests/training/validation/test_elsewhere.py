"""Other screens help to learn: on the own screen's scale, and never of a line held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.training.validation.cross_validation import FoldLines, responses_to
from sidestep.training.validation.elsewhere import on_own_scale
from sidestep.training.validation.panel import choose_panel, find_others

LINES = [f"LINE{number:03d}" for number in range(120)]


@pytest.fixture(scope="module")
def study() -> Study:
    """Lines 0 to 79 in the own screen (IC50), 40 to 119 in another (activity, the other way)."""
    rng = np.random.default_rng(0)
    truth = pd.Series(rng.standard_normal(120), index=LINES)
    own = pd.DataFrame({"Lapatinib": 3 + 2 * truth[:80], "Gefitinib": rng.standard_normal(80)})
    activity = -0.5 * truth[40:] + 0.2 * rng.standard_normal(80)
    levels = pd.DataFrame(rng.standard_normal((120, 12)), index=LINES, columns=list("ABCDEFGHIJKL"))
    one = Study.from_frames(
        expression=levels, responses=own, metric="ic50", unit="ln", higher_is_resistant=True
    )
    other = Study.from_frames(
        expression=levels,
        responses=pd.DataFrame({"lapatinib": activity, "Nilotinib": 1.0 * activity}),
        metric="actarea",
        unit="area",
        higher_is_resistant=False,
    )
    return replace(one, response_files=dict(one.response_files) | dict(other.response_files))


def test_a_line_measured_elsewhere_has_the_value_that_the_shared_lines_predict() -> None:
    rng = np.random.default_rng(1)
    x = pd.Series(rng.standard_normal(400), index=[f"L{number}" for number in range(400)])
    own = 5 + 3 * x[:200] + rng.standard_normal(200)
    elsewhere = pd.DataFrame({"good": x, "unrelated": rng.standard_normal(400)})
    found = on_own_scale(own, elsewhere[["good"]])
    assert list(found.index) == list(x.index[200:])
    # The regression's slope is 3, and its scatter is left out.
    assert np.polyfit(x[200:], found, 1) == pytest.approx([3, 5], abs=0.25)
    assert len(on_own_scale(own, -elsewhere[["good"]])) == 0
    assert len(on_own_scale(own[:19], elsewhere[["good"]])) == 0
    noise = on_own_scale(own, elsewhere[["unrelated"]])
    assert not len(noise) or noise.std() < 0.5


def test_lines_of_other_screens_join_the_panel_and_its_folds(study: Study) -> None:
    own = study.response("ic50")
    others = find_others(study, own, ["actarea"])
    panel = choose_panel(study, own, drugs=["Lapatinib"], panel="all", min_lines=20, also=others)
    assert list(panel.values.index) == LINES
    assert panel.values["Lapatinib"].count() == 80
    alone = choose_panel(study, own, drugs=["Lapatinib"], panel="all", min_lines=20)
    assert len(alone.values) == 80
    every = [other.stable_id for other in find_others(study, own, ["all"])]
    assert every == ["actarea"]
    with pytest.raises(InputError, match="actarea, which have none of the drugs Gefitinib"):
        choose_panel(study, own, drugs=["Gefitinib"], panel="all", min_lines=20, also=others)
    with pytest.raises(InputError, match="the response to learn or is named twice"):
        find_others(study, own, ["actarea", "actarea"])


def test_nothing_of_a_held_out_line_enters_training(study: Study) -> None:
    own = study.response("ic50")
    others = find_others(study, own, ["actarea"])
    panel = choose_panel(study, own, drugs=["Lapatinib"], panel="all", min_lines=20, also=others)
    responses = responses_to(study, panel, panel.drugs[0])
    assert study.expression is not None
    train, test = pd.Index(LINES[::2]), pd.Index(LINES[1::2])
    fold = FoldLines.of(study.expression, train, test)

    def learned(values: pd.DataFrame) -> dict[str, float]:
        assert responses.elsewhere is not None
        told = replace(responses, elsewhere=replace(responses.elsewhere, values=values))
        lines = fold.training_lines(told)
        return dict(zip(lines.X.index, lines.y, strict=True))

    values = responses.elsewhere.values  # type: ignore[union-attr]
    first = learned(values)
    assert set(first) == set(train)
    # A line of the own screen has its own value, and those of the other one follow the truth.
    assert first["LINE050"] == own.values.loc["LINE050", "Lapatinib"]
    held = values.index.isin(test)
    poisoned, doubled = values.copy(), values.copy()
    poisoned.loc[held] = 99.0
    doubled.loc["LINE100"] *= 2
    assert learned(poisoned) == first
    assert learned(doubled) != first
    # What is tested is the own screen's alone.
    assert set(fold.test_lines(responses).X.index) == set(LINES[1:80:2])
