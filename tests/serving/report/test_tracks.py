"""Annotation tracks: which attributes are chosen, and in which values they are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.cohorts import Known
from sidestep.features.errors import InputError
from sidestep.serving.report.tracks import MOST_TRACKS, MOST_VALUES, chosen, tracks_of

N = 40
SAMPLES = pd.Index([f"S{n:02d}" for n in range(N)], dtype="str")


def known(lineage: str | None = None, **columns: list[object]) -> Known:
    clinical = pd.DataFrame(columns, index=SAMPLES).astype("str")
    clinical = clinical.where(pd.DataFrame(columns, index=SAMPLES).notna())
    high = pd.Series([n % 4 == 0 for n in range(N)], SAMPLES)
    assay = pd.Series(["ERBB2 RNA" if n % 5 else "" for n in range(N)], SAMPLES, dtype="str")
    return Known(clinical, pd.DataFrame({"high": high, "assay": assay}), lineage, "study demo")


def of(*values: str) -> list[object]:
    return [values[n % len(values)] for n in range(N)]


MANY = known(
    "PAM50",
    PATIENT_ID=of("a", "b"),
    OS_STATUS=of("0:LIVING", "1:DECEASED"),
    HER2_STATUS=of("Positive", "Negative"),
    GRADE=of("2", "10", "1"),
    PAM50=of("LumA", "LumB", "Basal"),
    ONE=of("always"),
    RARE=[*of("x", "y")[:4], *[np.nan] * (N - 4)],
    AGE=[str(30 + n) for n in range(N)],
    LONG=[f"{n} {'word ' * 60}" for n in range(N)],
    ER_STATUS=of("Positive", "Negative"),
    SIDE=of("left", "right"),
    ARM=of("a", "b"),
)


def test_what_tells_most_is_chosen() -> None:
    assert chosen(MANY) == ["her2", "lineage", "ER_STATUS", "GRADE", "SIDE"]
    assert len(chosen(MANY)) == MOST_TRACKS
    assert chosen(known()) == ["her2"]


def test_her2_says_what_decided_and_what_nothing_decided() -> None:
    (track,) = tracks_of(known())
    assert (track.label, track.values) == ("HER2", ["high", "not high"])
    assert track.places["S04"] == 0
    assert track.places["S01"] == 1
    assert pd.isna(track.places["S00"])
    assert track.details is not None
    assert track.details["S04"] == "ERBB2 RNA"


def test_values_stand_in_natural_order() -> None:
    (track,) = tracks_of(MANY, ["grade"])
    assert track.values == ["1", "2", "10"]
    assert list(track.places[:3]) == [1, 2, 0]
    (lineage,) = tracks_of(MANY, ["lineage"])
    assert lineage.label == "PAM50"


def test_numbers_are_ranges_of_as_many_samples() -> None:
    (track,) = tracks_of(MANY, ["AGE"])
    assert track.ordered
    assert list(track.places.value_counts()) == [10, 10, 10, 10]
    assert track.places.is_monotonic_increasing
    assert track.details is not None
    assert track.details["S07"] == "37"


def test_many_values_are_the_commonest_and_the_rest() -> None:
    (track,) = tracks_of(MANY, ["LONG"])
    assert len(track.values) == MOST_VALUES
    assert track.values[-1] == f"other: {N - MOST_VALUES + 1} values"
    assert (track.places == MOST_VALUES - 1).sum() == N - MOST_VALUES + 1
    assert track.details is not None
    assert track.details["S39"].startswith("39 word")


def test_an_attribute_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean GRADE"):
        tracks_of(MANY, ["GRAD"])
    empty = known(EMPTY=[np.nan] * N)
    (track,) = tracks_of(empty, ["EMPTY"])
    assert track.values == []
    assert track.places.isna().all()
