"""Who is followed, for how long, and who is compared: clinical columns and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study
from sidestep.training.survival.cohort import choose_group, gather_cohort
from sidestep.training.survival.follow_up import ENDPOINTS, read_survival
from sidestep.training.survival.genes import choose_genes

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
FOUR = {"OS_MONTHS": ["10", "20.5", "0", "40"], "OS_STATUS": ["1:DECEASED", "0:LIVING"] * 2}


def study_with(
    clinical: Mapping[str, Sequence[str | float]],
    expression: Mapping[str, Sequence[float]] | None = None,
    donors: Sequence[str] | None = None,
) -> Study:
    """Samples S0, S1 … with clinical text, and expression of genes (NaN: not profiled)."""
    count = len(next(iter(clinical.values())))
    samples = pd.Index([f"S{number}" for number in range(count)], dtype="str", name="sample_id")
    levels = pd.DataFrame(expression or {}, index=samples).dropna(how="all")
    return replace(
        NOTHING,
        study_id="small",
        samples=samples,
        donors=pd.Series(list(donors or samples), index=samples, dtype="str"),
        clinical=pd.DataFrame(dict(clinical), index=samples, dtype="str"),
        expression=None if expression is None else levels,
    )


# Endpoints


@pytest.mark.parametrize(
    ("event", "no_event"),
    [
        ("1:DECEASED", "0:LIVING"),
        ("DECEASED", "LIVING"),
        ("1:Recurred", "0:Not Recurred"),
        ("1:Recurred/Progressed", "0:DiseaseFree"),
        ("Recurred/Progressed", "DiseaseFree"),
        ("1:PROGRESSION", "0:CENSORED"),
        ("1:DEAD WITH TUMOR", "0:ALIVE OR DEAD TUMOR FREE"),
        ("1", "0"),
        ("1 : whatever the file says", "0:and here"),
    ],
)
def test_a_status_is_read_in_every_form_of_the_format(event: str, no_event: str) -> None:
    study = study_with({"OS_MONTHS": ["1", "2"], "OS_STATUS": [event, no_event]})
    assert list(read_survival(study).event) == [True, False]


def test_months_and_events_keep_the_order_of_the_study() -> None:
    survival = read_survival(study_with(FOUR))
    assert survival.endpoint == "os"
    assert survival.name == "overall survival"
    assert dict(survival.months) == {"S0": 10.0, "S1": 20.5, "S2": 0.0, "S3": 40.0}
    assert list(survival.event) == [True, False, True, False]
    assert survival.notes == ()


def test_a_sample_without_months_or_status_is_left_out() -> None:
    study = study_with(
        {"OS_MONTHS": ["1", np.nan, "3"], "OS_STATUS": ["0:LIVING", "1:DECEASED", np.nan]}
    )
    assert list(read_survival(study).months.index) == ["S0"]


def test_months_below_zero_are_left_out_and_told() -> None:
    study = study_with({"OS_MONTHS": ["5", "-0.3", "-2"], "OS_STATUS": ["0:LIVING"] * 3})
    survival = read_survival(study)
    assert list(survival.months.index) == ["S0"]
    assert survival.notes == ("2 sample(s) with OS_MONTHS below 0 are left out: S1, S2.",)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_can_be_asked_for(endpoint: str) -> None:
    code = endpoint.upper()
    both = FOUR | {f"{code}_MONTHS": ["1"] * 4, f"{code}_STATUS": ["1:X"] * 4}
    assert list(read_survival(study_with(both), endpoint).months) == [1.0] * 4


def test_by_default_the_first_endpoint_with_both_columns_is_taken() -> None:
    clinical = {"OS_MONTHS": ["1"], "DSS_MONTHS": ["2"], "DSS_STATUS": ["1:X"]}
    assert read_survival(study_with(clinical)).endpoint == "dss"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"OS_MONTHS": ["10", "soon", "later", "1"]},
            r"sample S1, column OS_MONTHS: 'soon' is not a number of months.*\(2 cells like that\)",
        ),
        ({"OS_MONTHS": ["10", "20,5", "0", "4"]}, "'20,5' is not a number"),
        ({"OS_MONTHS": ["10", "inf", "0", "4"]}, "'inf' is not a number"),
        (
            {"OS_STATUS": ["1:DECEASED", "0:LIVING", "2:LOST", "0:LIVING"]},
            r"sample S2, column OS_STATUS: '2:LOST' does not say whether the event came; write 1:",
        ),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(change: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_survival(study_with(FOUR | change))


@pytest.mark.parametrize(
    ("clinical", "endpoint", "message"),
    [
        ({"AGE": ["1"]}, None, "has no survival; its clinical files need .* OS_MONTHS and OS_ST"),
        ({"AGE": ["1"]}, "os", "needs the clinical columns OS_MONTHS .*, and no other endpoint"),
        (FOUR, "rfs", "no relapse-free survival.*RFS_MONTHS and RFS_STATUS; it has os$"),
        (FOUR, "xyz", "no endpoint 'xyz'; choose one of os, rfs"),
    ],
)
def test_an_endpoint_that_is_not_there_is_told_with_what_is(
    clinical: dict[str, list[str]], endpoint: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_survival(study_with(clinical), endpoint)


# Groups


def test_her2_is_the_clinical_status_and_the_rule_says_so() -> None:
    group = choose_group(study_with({"HER2_STATUS": ["Positive", "Negative", "positive"]}), "her2")
    assert list(group.samples) == ["S0", "S2"]
    assert group.rule.startswith("clinical HER2_STATUS; where it decides nothing, ERBB2 copy")


def test_without_a_clinical_status_her2_is_measured_and_the_rule_says_so() -> None:
    levels = [*np.linspace(0.0, 1.0, 9), 30.0]
    group = choose_group(study_with({"AGE": ["1"] * 10}, {"ERBB2": levels}), "HER2")
    assert list(group.samples) == ["S9"]
    assert group.rule.startswith("ERBB2 copy number, RNA or protein far above")


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
        ("SUBTIPE=LumA", r"no clinical attribute 'SUBTIPE'; it has SUBTYPE"),
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


# Genes


def test_rtk_names_the_58_receptors() -> None:
    assert set(choose_genes("rtk")) == set(RTK_TABLE.load())
    assert len(choose_genes("RTK")) == 58


def test_genes_may_stand_between_commas_or_in_a_file(tmp_path) -> None:
    assert choose_genes("IGF1R, MET,IGF1R,") == ("IGF1R", "MET")
    path = tmp_path / "genes"
    path.write_text("\ufeff# receptors\nIGF1R\tMET\n\nAXL,MET # again\n", encoding="utf-8")
    assert choose_genes(str(path)) == ("IGF1R", "MET", "AXL")


@pytest.mark.parametrize("wanted", ["genes.txt", "lists/genes", " , "])
def test_genes_that_are_not_there_are_told(wanted: str) -> None:
    with pytest.raises(InputError, match=r"no file .*genes|names no gene"):
        choose_genes(wanted)


def test_a_genes_file_that_is_no_text_is_refused(tmp_path) -> None:
    path = tmp_path / "genes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"genes\.txt cannot be read as text"):
        choose_genes(str(path))
