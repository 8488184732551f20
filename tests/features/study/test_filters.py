"""Samples chosen by what is known of them, and what is said of a filter that cannot be met."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.filters import Attributes, choose, parse_filters
from sidestep.features.study.study import Study

LONG = "word " * 60
KNOWN = Attributes(
    pd.DataFrame(
        {
            "HER2_STATUS": ["Positive", "Negative", "Equivocal", np.nan, " positive "],
            "AGE": ["39", "50.0", "71", "[unclear]", np.nan],
            "HISTOLOGY": ["Ductal, NST", "Lobular", "Ductal, NST", "Mixed", LONG],
            "Case": ["a", "b", "c", "d", "e"],
            "EMPTY": [np.nan] * 5,
            "CODE": ["x NA", "NA", "y", "y", "y"],
        },
        index=[f"S{n}" for n in range(5)],
    ),
    "study demo",
)


def chosen(*written: str) -> str:
    return "".join(name[1] for name in choose(KNOWN, parse_filters(written)).samples)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("HER2_STATUS=Positive", "04"),
        ("her2_status = POSITIVE", "04"),
        ("HER2_STATUS=Positive,Equivocal", "024"),
        # Who has no value is neither Positive nor not Positive.
        ("HER2_STATUS!=Positive", "12"),
        ("HER2_STATUS=NA", "3"),
        ("HER2_STATUS!=NA", "0124"),
        ("HER2_STATUS=Negative,NA", "13"),
        ("HER2_STATUS!=Positive,NA", "12"),
        ("CODE=NA", "1"),
        ("AGE<50", "0"),
        ("AGE<=50", "01"),
        ("AGE>50", "2"),
        ("AGE>=5e1", "12"),
        ("AGE=50", "1"),
        ("AGE=[unclear]", "3"),
        ("HISTOLOGY=Ductal, NST", "02"),
        ('HISTOLOGY="Ductal, NST", Mixed', "023"),
        (f"HISTOLOGY={LONG}", "4"),
        ("Case=A", "0"),
    ],
)
def test_samples_are_chosen(written: str, expected: str) -> None:
    assert chosen(written) == expected


def test_all_filters_must_hold() -> None:
    assert chosen("HER2_STATUS=Positive,Negative", "AGE>39") == "1"
    assert chosen() == "01234"


def test_they_are_spelled_as_in_the_table_and_what_is_left_out_is_told() -> None:
    found = choose(KNOWN, parse_filters(["her2_status=POSITIVE", 'histology="ductal, nst"']))
    assert [str(one) for one in found.filters] == [
        "HER2_STATUS=Positive", 'HISTOLOGY="Ductal, NST"',
    ]  # fmt: skip
    assert found.notes == (
        "1 of 5 samples have no HER2_STATUS that says whether HER2_STATUS=Positive holds, and are "
        "left out",
    )
    again = choose(KNOWN, parse_filters(map(str, found.filters)))
    assert again.samples.equals(found.samples)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("Positive", "the filter 'Positive' cannot be read; write ATTRIBUTE=VALUE"),
        ("=Positive", "cannot be read"),
        ("AGE<", "cannot be read"),
        ("", "cannot be read"),
        ("HER2=Positive", "has no clinical attribute 'HER2'; did you mean HER2_STATUS?"),
        ("zzz=1", "it has HER2_STATUS, AGE, HISTOLOGY"),
        ("HER2_STATUS=Positve", "did you mean Positive? HER2_STATUS reads Positive (2)"),
        ("HER2_STATUS!=Positve", "did you mean Positive?"),
        ("HER2_STATUS<3", "has no numbers to compare with <: it reads"),
        ("AGE<young", "compares with 'young', which is no number"),
        ("AGE<nan", "no number"),
        ("EMPTY=x", "EMPTY reads NA throughout"),
        ("AGE>100", "no sample of study demo meets AGE>100"),
    ],
)
def test_a_filter_that_cannot_be_met_says_why(written: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        chosen(written)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 600


def test_filters_that_exclude_each_other_are_counted() -> None:
    with pytest.raises(InputError, match="HER2_STATUS=Positive 2, AGE>50 1"):
        chosen("HER2_STATUS=Positive", "AGE>50")


def test_a_long_or_manifold_attribute_is_told_in_short() -> None:
    many = Attributes(pd.DataFrame({"ID": [f"{n} {LONG}" for n in range(1000)]}), "study many")
    with pytest.raises(InputError) as refused:
        choose(many, parse_filters(f"ID={LONG}"))
    assert "and 992 more" in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_no_attribute_at_all() -> None:
    nothing = Attributes(pd.DataFrame(index=["A"]), "study bare")
    with pytest.raises(InputError, match="no clinical attribute 'X'; it has none at all"):
        choose(nothing, parse_filters("X=1"))


def test_a_study_gives_a_part_of_itself() -> None:
    frame = pd.DataFrame({"ERBB2": [9.0, 4.0, 5.0]}, index=["A", "B", "C"])
    clinical = pd.DataFrame({"SUBTYPE": ["HER2", "Luminal", "HER2"]}, index=["A", "B", "C"])
    study = Study.from_frames(expression=frame, clinical=clinical)
    part = study.where("SUBTYPE=HER2")
    assert list(part.samples) == ["A", "C"]
    assert list(part.expression.index) == ["A", "C"]
