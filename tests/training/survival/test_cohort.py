"""Who is compared: groups, and one sample a patient with what is needed."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.training.survival.cohort import choose_group, gather_cohort
from tests.training.survival.patients import FOUR, study_with

# Groups


def test_her2_is_the_clinical_status_and_the_rule_says_so() -> None:
    group = choose_group(study_with({"HER2_STATUS": ["Positive", "Negative", "positive"]}), "her2")
    assert list(group.samples) == ["S0", "S2"]
    assert group.rule.startswith("clinical HER2_STATUS; where it decides nothing, ERBB2 copy")


def test_without_a_clinical_status_her2_is_measured_and_the_rule_says_so() -> None:
    levels = [*np.linspace(0.0, 1.0, 9), 30.0]
    group = choose_group(study_with({"AGE": ["1"] * 10}, {"ERBB2": levels}), "HER2")
    assert list(group.samples) == ["S9"]
    assert group.rule.startswith("ERBB2 copy number, or RNA among the top 1 %")


def test_a_group_may_be_everybody_or_a_clinical_attribute_in_any_case() -> None:
    study = study_with({"CLAUDIN_SUBTYPE": ["LumA", "Her2", np.nan, "her2"]})
    assert list(choose_group(study, "all").samples) == list(study.samples)
    group = choose_group(study, "claudin_subtype=HER2")
    assert list(group.samples) == ["S1", "S3"]
    assert group.name == "CLAUDIN_SUBTYPE=Her2"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("basal", "no group 'basal'; give her2, all or ATTRIBUTE=VALUE"),
        ("SUBTYPE=", "no group 'SUBTYPE='"),
        ("SUBTIPE=LumA", r"no clinical attribute 'SUBTIPE'; did you mean SUBTYPE"),
        ("SUBTYPE=Basal", r"has SUBTYPE=Basal; SUBTYPE reads LumA \(2\), LumB \(1\)"),
        ("EMPTY=x", "EMPTY reads NA throughout"),
        ("her2", "no sample of study small is HER2-positive by .* --group ATTRIBUTE=VALUE"),
    ],
)
def test_a_group_with_nobody_in_it_is_told_with_what_there_is(wanted: str, message: str) -> None:
    study = study_with({"SUBTYPE": ["LumA", "LumB", "LumA"], "EMPTY": [np.nan] * 3})
    with pytest.raises(InputError, match=message):
        choose_group(study, wanted)


# Cohorts


def test_a_cohort_has_those_with_group_survival_and_expression() -> None:
    clinical = {
        "OS_MONTHS": ["1", "2", np.nan, "4", "5"],
        "OS_STATUS": ["1:X", "0:X", "1:X", "1:X", "1:X"],
        "HER2_STATUS": ["Positive", "Positive", "Positive", "Positive", "Negative"],
    }
    cohort = gather_cohort(study_with(clinical, {"A": [1.0, 2.0, 3.0, np.nan, 5.0]}), "her2")
    assert list(cohort.expression.index) == ["S0", "S1"]
    assert list(cohort.survival.months) == [1.0, 2.0]
    assert dict(cohort.counts) == {
        "patients": 5,
        "in_group": 4,
        "with_survival": 3,
        "with_expression": 2,
        "events": 1,
        "further_samples_left_out": 0,
    }


def test_a_patient_counts_once_with_a_primary_tumour_first() -> None:
    clinical = FOUR | {"SAMPLE_TYPE": ["Metastasis", "Primary", "Metastasis", "Metastasis"]}
    study = study_with(clinical, {"A": [1.0, 2.0, 3.0, 4.0]}, donors=["P1", "P1", "P2", "P2"])
    cohort = gather_cohort(study, "all")
    assert list(cohort.expression.index) == ["S1", "S2"]
    assert cohort.counts["patients"] == 2
    assert "2 sample(s) are left out because their patient has another" in cohort.notes[0]


@pytest.mark.parametrize(
    ("clinical", "expression", "message"),
    [
        (FOUR, None, "has no expression, which a survival screen is about"),
        (
            FOUR | {"OS_STATUS": ["0:LIVING"] * 4},
            {"A": [1.0, 2.0, 3.0, 4.0]},
            "none of the 4 patients of group all has an event in overall survival",
        ),
        (
            {"OS_MONTHS": ["1", np.nan], "OS_STATUS": ["1:X", np.nan]},
            {"A": [np.nan, 2.0]},
            r"none of the 2 patients of group all has both overall survival \(1 have it\) and exp",
        ),
    ],
)
def test_a_cohort_that_cannot_be_compared_is_refused(
    clinical: dict[str, list[str]], expression: dict[str, list[float]] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        gather_cohort(study_with(clinical, expression), "all")
