"""Regimens as conditions: which there were, which drugs each gave, and what was never seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.regimen import RegimenBuilder, drugs_attribute, known_drugs
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study


@pytest.fixture
def study():
    rows = {
        "A": ("N", "Paclitaxel + Neratinib", "Positive"),
        "B": ("N", "Paclitaxel + Neratinib", "Negative"),
        "C": ("AKT", "Paclitaxel + MK-2206", "Negative"),
        "D": ("AKT", "Paclitaxel + MK-2206 + Trastuzumab", "Positive"),
        "E": (None, None, "Positive"),
    }
    clinical = pd.DataFrame.from_dict(rows, "index", columns=["ARM", "DRUGS", "HER2_STATUS"])
    levels = pd.DataFrame(np.arange(10.0).reshape(5, 2), list(rows), ["ERBB2|HER2", "SRC|Src"])
    return Study.from_frames(clinical=clinical, rppa=levels)


def test_regimens_and_drugs_are_told_sample_by_sample(study):
    assert drugs_attribute(study, "ARM") == "DRUGS"
    table = RegimenBuilder("ARM", "DRUGS").fit_transform(study)
    assert table.columns.tolist() == [
        "regimen:ARM=AKT",
        "regimen:ARM=N",
        "regimen:drug=MK-2206",
        "regimen:drug=Neratinib",
        "regimen:drug=Trastuzumab",
    ]
    assert table.loc["D"].tolist() == [1, 0, 1, 0, 1]
    assert table.loc["E"].isna().all()


def test_another_regimen_gives_what_patients_of_the_same_status_had(study):
    builder = RegimenBuilder("ARM", "DRUGS").fit(study)
    found = builder.under("AKT", ["positive", "negative"])
    assert found.tolist() == [[1, 0, 1, 0, 1], [1, 0, 1, 0, 0]]
    assert builder.seen("AKT", "positive") == 1
    assert builder.seen("N", "undecided") == 2


def test_a_regimen_that_was_never_seen_is_neither_of_those_that_were(study):
    builder = RegimenBuilder("ARM", "DRUGS").fit(study)
    other = Study.from_frames(clinical=pd.DataFrame({"ARM": ["Pembro"]}, index=["Z"]))
    assert builder.transform(other).loc["Z"].tolist() == [0, 0, 0, 0, 0]


def test_the_joiner_keeps_regimens_and_comes_back_from_its_state(study):
    joiner = FeatureJoiner(regimen=("ARM", "DRUGS"), clinical=("HER2_STATUS",)).fit(study)
    again = FeatureJoiner.from_state(joiner.get_state())
    pd.testing.assert_frame_equal(again.transform(study), joiner.transform(study))
    assert again.regimens.regimens_ == ["AKT", "N"]
    with pytest.raises(InputError, match="no clinical attribute REGIMEN; it has ARM"):
        FeatureJoiner(regimen=("REGIMEN", "")).fit(study)


def test_drugs_of_a_text_are_those_of_the_table():
    assert known_drugs("Paclitaxel + AMG 386 + Trastuzumab") == ["Trebananib", "Trastuzumab"]
    assert known_drugs("T-DM1 + Pertuzumab") == ["Trastuzumab emtansine", "Pertuzumab"]
