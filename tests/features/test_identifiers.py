"""Which sample a name in a file means."""

from __future__ import annotations

import pytest

from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import read_study


@pytest.mark.parametrize(
    ("name", "key"),
    [("SK-BR-3", "SKBR3"), ("Hs 578T", "HS578T"), ("697", "697"), ("23132/87", "2313287")],
)
def test_match_key_keeps_letters_and_digits(name, key):
    assert match_key(name) == key


def test_names_differing_in_case_and_punctuation_mean_one_sample(make_study, small):
    renamed = small["data_rppa.txt"].replace("SKBR3", "Sk-Br-3")
    study = read_study(make_study({"data_rppa.txt": renamed}))
    assert list(study.rppa.index) == ["SKBR3", "AU565"]
    notes = [p.message for p in study.problems if p.file == "data_rppa.txt"]
    assert any("Sk-Br-3 as SKBR3" in note for note in notes)


def test_response_columns_are_matched_too(make_study, small):
    renamed = small["data_treatment_gi50.txt"].replace("AU565", "AU-565")
    study = read_study(make_study({"data_treatment_gi50.txt": renamed}))
    assert study.response("gi50").values.loc["AU565", "Lapatinib"] == 6.9


def test_an_exact_name_goes_before_a_similar_one(make_study, small):
    """TT and T.T are two lines; each keeps its own values."""
    clinical = small["data_clinical_sample.txt"] + "D5\tTT\tthyroid\nD6\tT.T\tlung\n"
    rppa = small["data_rppa.txt"].replace("SKBR3\tAU565", "T.T\tTT")
    study = read_study(make_study({"data_clinical_sample.txt": clinical, "data_rppa.txt": rppa}))
    assert study.rppa.loc["T.T", "ERBB2"] == 3
    assert study.rppa.loc["TT", "ERBB2"] == 2.5


def test_a_name_that_fits_two_samples_is_an_error(make_study, small):
    clinical = small["data_clinical_sample.txt"] + "D5\tTT\tthyroid\nD6\tT.T\tlung\n"
    rppa = small["data_rppa.txt"].replace("SKBR3", "T-T")
    folder = make_study({"data_clinical_sample.txt": clinical, "data_rppa.txt": rppa})
    with pytest.raises(InputError, match=r"data_rppa.txt: sample 'T-T' could be TT or T\.T"):
        read_study(folder)


def test_two_columns_that_mean_one_sample_are_an_error(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "SK-BR-3")
    with pytest.raises(InputError, match="'SKBR3' and 'SK-BR-3' both mean sample 'SKBR3'"):
        read_study(make_study({"data_rppa.txt": rppa}))


def test_a_sample_missing_from_the_clinical_file_is_kept_and_told(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "NEW1")
    study = read_study(make_study({"data_rppa.txt": rppa}))
    assert list(study.samples) == ["SKBR3", "AU565", "697", "X4", "NEW1"]
    assert study.donors["NEW1"] == "NEW1"
    warnings = [p.message for p in study.problems if p.severity == "warning"]
    assert any("NEW1" in warning and "clinical" in warning for warning in warnings)
