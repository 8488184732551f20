"""When a finding about one drug is one about another."""

from __future__ import annotations

import pytest

from sidestep.serving.evidence.kinship import is_of_class, kinship, same_drug


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("BIBW2992", "Afatinib", True),
        ("afatinib", "Afatinib", True),
        ("Selumetinib-1736", "AZD6244", True),
        ("Paclitaxel", "paclitaxel", True),  # not in the drug table
        ("Paclitaxel", "Docetaxel", False),
        ("Lapatinib", "Neratinib", False),
    ],
)
def test_names_of_one_drug(one, other, same):
    assert same_drug(one, other) == same


@pytest.mark.parametrize(
    ("drug", "tested", "relation"),
    [
        ("BIBW2992", ["Neratinib", "Afatinib"], "shown"),
        ("Tucatinib", ["Lapatinib"], "same target"),
        ("Dacomitinib", ["Neratinib"], "same target"),
        ("Trastuzumab emtansine", ["Trastuzumab"], ""),
        ("Lapatinib", ["Trastuzumab"], ""),
        ("Gefitinib", ["Lapatinib"], ""),
        ("Docetaxel", ["Paclitaxel"], ""),
    ],
)
def test_how_near_a_drug_is_to_those_tested(drug, tested, relation):
    assert kinship(drug, tested) == relation


@pytest.mark.parametrize(
    ("drug", "relation"),
    [
        ("PF-2341066", "shown"),
        ("Ceritinib", "same target"),
        ("Alectinib", "same target"),
        ("Capmatinib", ""),
        ("Docetaxel", ""),
    ],
)
def test_a_finding_about_one_of_several_targets_is_for_drugs_against_that(drug, relation):
    assert kinship(drug, ["Crizotinib"], "ALK") == relation


@pytest.mark.parametrize(
    ("drug", "described", "belongs"),
    [
        ("Crizotinib", "crizotinib inhibitors", False),
        ("Alectinib", "ALK inhibitors", True),
        ("Trametinib", "MEK inhibitors", True),
        ("Vemurafenib", "RAF inhibitors", True),
        ("Trametinib", "RAF inhibitors", False),
        ("Temsirolimus", "rapalogs", True),
        ("AZD8055", "MTOR kinase inhibitors", True),
        ("Dactolisib", "MTOR kinase inhibitors", False),
        ("NO-SUCH-DRUG", "ALK inhibitors", False),
        ("Lapatinib", "endocrine therapy", False),
    ],
)
def test_classes_are_read_by_their_words(drug, described, belongs):
    assert is_of_class(drug, described) == belongs
