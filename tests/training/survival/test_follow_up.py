"""Who is followed, for how long, and whether the event came: clinical columns."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.training.survival.follow_up import ENDPOINTS, read_survival
from tests.training.survival.patients import FOUR, study_with


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
