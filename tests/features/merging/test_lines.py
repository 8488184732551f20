"""Which samples of several studies are one: found under other names, never guessed."""

from __future__ import annotations

import pandas as pd

from sidestep.features.merging.lines import join_donors, match_samples
from sidestep.features.study.study import Study


def study(study_id: str, *samples: str, **attributes: list[str | None]) -> Study:
    """A study of these samples with a gene of no interest."""
    clinical = pd.DataFrame({"SAMPLE_ID": samples, **attributes})
    levels = pd.DataFrame({"ERBB2": range(len(samples))}, index=samples, dtype=float)
    return Study.from_frames(expression=levels, clinical=clinical, study_id=study_id)


def test_a_line_is_found_under_any_of_its_names() -> None:
    first = study("one", "SK-BR-3", "BT474", "ZR751", "697")
    other = study(
        "two", "SKBR3_BREAST", "bt-474", "ACH-000097", "697",
        CELL_LINE_NAME=[None, None, "ZR-75-1", None],
    )  # fmt: skip
    found = match_samples([first, other])
    assert found.samples == ("SK-BR-3", "BT474", "ZR751", "697")
    assert found.names[1] == {
        "SKBR3_BREAST": "SK-BR-3", "bt-474": "BT474", "ACH-000097": "ZR751", "697": "697",
    }  # fmt: skip
    assert found.ways[1] == {
        "SKBR3_BREAST": "CCLE's name",
        "bt-474": "name, but for case and punctuation",
        "ACH-000097": "CELL_LINE_NAME",
        "697": "name",
    }
    assert (found.joined(0), found.joined(1), found.doubts) == (0, 4, ())


def test_two_lines_of_one_name_are_named_and_stay_apart() -> None:
    found = match_samples([study("one", "TT"), study("two", "TT_OESOPHAGUS", "TT_THYROID")])
    assert found.samples == ("TT", "TT_OESOPHAGUS", "TT_THYROID")
    assert found.doubts == ("TT_OESOPHAGUS and TT_THYROID of two could both be TT",)
    back = match_samples([study("two", "TT_OESOPHAGUS", "TT_THYROID"), study("one", "TT")])
    assert back.samples == ("TT_OESOPHAGUS", "TT_THYROID", "TT")
    assert back.doubts == ("TT of one could be TT_OESOPHAGUS or TT_THYROID",)


def test_the_surer_name_goes_first() -> None:
    found = match_samples([study("one", "TT_THYROID"), study("two", "TT", "TT_THYROID")])
    assert found.names[1] == {"TT": "TT", "TT_THYROID": "TT_THYROID"}


def test_numbers_of_databases_are_names_in_them_alone() -> None:
    first = study("one", "A1", COSMIC_ID=["905946"])
    found = match_samples(
        [first, study("two", "905946"), study("three", "B", COSMIC_ID=["905946"])]
    )
    assert found.names[1:] == ({"905946": "905946"}, {"B": "A1"})
    assert found.ways[2] == {"B": "COSMIC_ID"}


def test_a_name_that_two_lines_share_means_neither() -> None:
    first = study("one", "X1", "X2", CELL_LINE_NAME=["HCC", "HCC"])
    found = match_samples([first, study("two", "hcc")])
    assert found.samples == ("X1", "X2", "hcc")
    assert found.doubts == ("hcc of two could be X1 or X2",)


def test_a_number_decides_what_a_name_leaves_open() -> None:
    first = study("one", "TT_LUNG", "TT_SKIN", COSMIC_ID=["1", "2"])
    found = match_samples([first, study("two", "TT", COSMIC_ID=["2"])])
    assert found.names[1] == {"TT": "TT_SKIN"}
    assert found.doubts == ()


def test_donors_of_any_study_keep_their_samples_together() -> None:
    first = study("one", "SKBR3", "BT474", PATIENT_ID=["P7", "BT474"])
    other = study("two", "AU565", "SKBR3", "MCF7", PATIENT_ID=["SKBR3_DONOR", "SKBR3_DONOR", "p-7"])
    donors = join_donors([first, other], match_samples([first, other]))
    assert donors == {"SKBR3": "P7", "BT474": "BT474", "AU565": "P7", "MCF7": "P7"}
