"""Words for a HER2 status: what each decides, and that an unknown one decides nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.knowledge.statuses import POSITIVE, UNDECIDED, grade_meaning, read_status

DECIDING = ("positive", "negative")


def status_of(*words: str | None, name: str = "HER2_STATUS") -> list[str]:
    return list(read_status(pd.Series(words, dtype="str"), name).status)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Positive", "positive"),
        ("HER2-positive", "positive"),
        ("her2/neu pos", "positive"),
        ("HER2+", "positive"),
        ("IHC 3+", "positive"),
        ("IHC3+", "positive"),
        ("Positive (3+)", "positive"),
        ("FISH amplified", "positive"),
        ("Positve", "positive"),
        ("HER2-", "negative"),
        ("HER2 Neg", "negative"),
        ("IHC 1", "negative"),
        ("HER2-low", "negative"),
        ("non-amplified", "negative"),
        ("Loss", "negative"),
        ("2+", "undecided"),
        ("Equivocal", "undecided"),
        ("GAIN", "undecided"),
        ("[Not Available]", "undecided"),
        ("Negative (3+)", "undecided"),
        ("anything else", "undecided"),
        (None, "undecided"),
    ],
)
def test_what_a_word_decides(word, status):
    assert status_of(word) == [status]


def test_words_that_are_not_known_are_named_with_their_counts():
    words = pd.Series(["weird", "weird", "Positive", "NA", None, "Gain"], dtype="str")
    reading = read_status(words, "HER2_STATUS")
    assert dict(reading.unread) == {"weird": 2}
    assert list(reading.status) == [UNDECIDED, UNDECIDED, POSITIVE, *[UNDECIDED] * 3]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        (("0", "1", "2", "3"), "HER2_STATUS", ["negative", "negative", "undecided", "positive"]),
        (("0", "1"), "HER2_IHC_SCORE", ["negative", "negative"]),
        (("0", "1"), "HER2_AMPLIFIED", ["negative", "positive"]),
        (("0", "1", "Yes"), "HER2_STATUS", ["negative", "positive", "positive"]),
        (("0", "1", "2+"), "HER2_STATUS", ["negative", "negative", "undecided"]),
        (("1.0", "3.0"), "HER2_STATUS", ["negative", "positive"]),
        (("0", "1"), "HER2_STATUS", ["undecided", "undecided"]),
    ],
)
def test_bare_grades_are_scores_or_yes_and_no_or_undecided(words, name, expected):
    assert status_of(*words, name=name) == expected


def test_a_column_that_may_be_either_says_so():
    both = read_status(pd.Series(["0", "1"], dtype="str"), "HER2_STATUS")
    assert both.ambiguous
    assert not read_status(pd.Series(["0", "1", "3"], dtype="str"), "HER2_STATUS").ambiguous


def test_one_sample_reads_as_it_does_among_all():
    column = pd.Series(["0", "1", "3"], dtype="str")
    grades = grade_meaning(column, "HER2_STATUS")
    alone = [read_status(column[[at]], "HER2_STATUS", grades).status[at] for at in column.index]
    assert alone == list(read_status(column, "HER2_STATUS").status)


def test_every_row_of_the_cases(shared: Path) -> None:
    with (shared / "cases" / "her2_words.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 20
    expected = [row["status"] if row["status"] in DECIDING else UNDECIDED for row in rows]
    reading = read_status(pd.Series([row["word"] or None for row in rows], dtype="str"), "HER2")
    assert list(reading.status) == expected
    assert not reading.unread
    assert not reading.ambiguous
