"""Which samples of several studies are one: found under other names, never guessed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.merging.lines import join_donors, match_samples
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.cellosaurus import read_cellosaurus


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


def test_two_lines_of_one_name_are_told_by_lineage_or_stay_apart() -> None:
    doubt = "TT of one could be either line of that name, and its lineage does not tell"
    one, two = study("one", "TT"), study("two", "TT_OESOPHAGUS", "TT_THYROID")
    for studies in ([one, two], [two, one]):
        found = match_samples(studies)
        assert set(found.samples) == {"TT", "TT_OESOPHAGUS", "TT_THYROID"}
        assert found.doubts == (doubt,)
    # The lineage tells, whatever its words, and so does a spelling that one of them has alone.
    screen = study("gdsc", "TT", "T-T", "OVCAR-3", TCGA_CODE=["THCA", None, "OV"])
    found = match_samples(
        [study("ccle", "TT", "TDOTT", "NIHOVCAR3", LINEAGE=["thyroid", "", ""]), screen]
    )
    assert found.names[1] == {"TT": "TT", "T-T": "TDOTT", "OVCAR-3": "NIHOVCAR3"}
    assert found.ways[1]["OVCAR-3"] == "known synonym"
    # Two lines of one name have two names, and are never joined by it.
    both = [study("a", "TT", LINEAGE=["thyroid"]), study("b", "TT", LINEAGE=["ESCA"])]
    other = match_samples(both)
    assert (other.samples, other.doubts) == (("TT", "TT_b"), ())
    assert join_donors(both, other) == ({"TT": "TT", "TT_b": "TT_b"}, [])


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
    donors, siblings = join_donors([first, other], match_samples([first, other]))
    assert donors == {"SKBR3": "P7", "BT474": "BT474", "AU565": "P7", "MCF7": "P7"}
    assert siblings == []


def test_lines_that_are_known_to_be_of_one_person_are_one_donor() -> None:
    first, other = (
        study("one", "AU565", "OVCAR8", "MCF7"),
        study("two", "SK-BR-3", "ADRRES_OVARY", "KPL-1"),
    )
    # A tumour of that name is no line.
    third = study("three", "T24", "EJ138", SAMPLE_TYPE=["Primary Tumor", "Primary Tumor"])
    donors, siblings = join_donors([first, other, third], match_samples([first, other, third]))
    assert [found.samples for found in siblings] == [
        ("AU565", "SK-BR-3"), ("OVCAR8", "ADRRES_OVARY"), ("MCF7", "KPL-1")
    ]  # fmt: skip
    assert "taken for another (DOI:" in siblings[1].why
    assert len(set(donors.values())) == 5
    # One study alone: its reader does the same.
    alone = study("alone", "AU565", "ACH-17", "BT474", CELL_LINE_NAME=["AU-565", "SK-BR-3", None])
    assert alone.donors.to_list() == ["AU565", "AU565", "BT474"]
    assert any("AU565 and ACH-17 (same donor" in p.message for p in alone.problems)


CELLOSAURUS = """\
ID   Alpha-1
AC   CVCL_0001
SY   A1; Old alpha
DR   Cosmic; 111
DR   DepMap; ACH-000111
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
//
ID   Alpha-1-R
AC   CVCL_0002
HI   CVCL_0001 ! Alpha-1
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
//
ID   Beta
AC   CVCL_0003
CC   Problematic cell line: Contaminated. Shown to be a Alpha-1 derivative (PubMed=1).
OX   NCBI_TaxID=9606; ! Homo sapiens (Human)
//
ID   Mouse
AC   CVCL_0004
OX   NCBI_TaxID=10090; ! Mus musculus (Mouse)
//
"""


def test_cellosaurus_knows_more_names_and_relatives(tmp_path: Path) -> None:
    path = tmp_path / "cellosaurus.txt"
    path.write_text("free text before the entries\n" + CELLOSAURUS)
    known = read_cellosaurus(path)
    first = study("one", "OLD-ALPHA", "BETA", "X9", COSMIC_ID=[None, None, "7"])
    other = study("two", "line7", "ALPHA1R", "Mouse", DEPMAP_ID=["ACH-000111", None, None])
    found = match_samples([first, other], known)
    assert found.names[1] == {"line7": "OLD-ALPHA", "ALPHA1R": "ALPHA1R", "Mouse": "Mouse"}
    assert found.ways[1]["line7"] == "Cellosaurus"
    donors, siblings = join_donors([first, other], found, known)
    assert len(set(donors.values())) == 3
    assert siblings[0].samples == ("OLD-ALPHA", "BETA", "ALPHA1R")
    assert "taken for another, is Alpha-1" in siblings[0].why
    path.write_text("name\tdonor\n")
    with pytest.raises(InputError, match="no human line in Cellosaurus' format"):
        read_cellosaurus(path)
