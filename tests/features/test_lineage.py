"""Lineage or subtype of a sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.groups import lineage_column, lineage_labels
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))


def described(**attributes: list[str | float]) -> Study:
    table = pd.DataFrame(attributes, index=pd.Index(["A", "B", "C"], dtype="str")).astype("str")
    return replace(NOTHING, samples=table.index, clinical=table)


TWO, ONE = ["x", "y", "y"], ["x", "x", np.nan]


@pytest.mark.parametrize(
    ("attributes", "column"),
    [
        ({"SUBTYPE": TWO, "CANCER_TYPE": TWO, "LINEAGE": TWO}, "LINEAGE"),
        ({"SUBTYPE": TWO, "ONCOTREE_CODE": TWO, "CANCER_TYPE": TWO}, "CANCER_TYPE"),
        ({"SUBTYPE": TWO, "ONCOTREE_CODE": TWO, "LINEAGE": ONE}, "ONCOTREE_CODE"),
        ({"AGE": TWO, "CLAUDIN_SUBTYPE": TWO}, "CLAUDIN_SUBTYPE"),
        ({"AGE": TWO, "SUBTYPE_PAM50": TWO}, "SUBTYPE_PAM50"),
        ({"AGE": TWO, "LINEAGE": ONE, "SUBTYPE": [np.nan] * 3}, None),
        ({}, None),
    ],
)
def test_the_first_attribute_that_tells_samples_apart(attributes, column):
    assert lineage_column(described(**attributes)) == column


def test_labels_of_every_sample_nan_where_not_recorded():
    labels = lineage_labels(described(LINEAGE=["lung", np.nan, "breast"]))
    assert list(labels.index) == ["A", "B", "C"]
    assert labels["A"] == "lung"
    assert labels.isna().tolist() == [False, True, False]


def test_without_an_attribute_no_sample_has_a_label():
    labels = lineage_labels(described(AGE=TWO))
    assert list(labels.index) == ["A", "B", "C"]
    assert labels.isna().all()


def test_the_real_studies_have_one(shared):
    clinical = shared / "studies" / "breast_cell_lines" / "data_clinical_sample.txt"
    table = pd.read_csv(clinical, sep="\t", comment="#", dtype="str", index_col="SAMPLE_ID")
    study = replace(NOTHING, samples=table.index, clinical=table)
    assert lineage_column(study) is not None
    assert lineage_labels(study).nunique() >= 2
