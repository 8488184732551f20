"""Which column does the name of a drug mean?"""

from __future__ import annotations

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.responses import find_column

COLUMNS = ["Lapatinib", "BIBW2992", "Selumetinib-1736", "Selumetinib-1062", "BI-2536", "Novel X"]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Lapatinib", "Lapatinib"),
        ("lapatinib", "Lapatinib"),
        ("LAPA-TINIB", "Lapatinib"),
        ("Afatinib", "BIBW2992"),
        ("bibw 2992", "BIBW2992"),
        ("bi2536", "BI-2536"),
        ("Selumetinib-1062", "Selumetinib-1062"),
        ("novel-x", "Novel X"),
    ],
)
def test_case_punctuation_and_synonyms_do_not_matter(name, column):
    assert find_column(name, COLUMNS, "here") == column


def test_a_drug_with_two_columns_must_be_named_in_full():
    with pytest.raises(InputError, match="more than once; ask for one of Selumetinib-1736, Sel"):
        find_column("selumetinib", COLUMNS, "here")


def test_columns_that_differ_in_punctuation_only_are_not_guessed_between():
    columns = ["Drug-A", "Drug A", "B"]
    assert find_column("Drug A", columns, "here") == "Drug A"
    with pytest.raises(InputError, match="more than once; ask for one of Drug-A, Drug A"):
        find_column("druga", columns, "here")


@pytest.mark.parametrize(
    ("name", "hint"), [("Lapatinb", "did you mean Lapatinib"), ("Zzz", "it has Lapatinib")]
)
def test_an_unknown_drug_is_refused_with_a_hint(name, hint):
    with pytest.raises(InputError, match=f"drug {name} is not in response gi50; {hint}"):
        find_column(name, COLUMNS, "response gi50")
