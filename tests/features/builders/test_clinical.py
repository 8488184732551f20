"""Clinical covariates: one column a category."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.clinical import ClinicalBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))


def described(**attributes: list[str | float]) -> Study:
    table = pd.DataFrame(attributes).astype("str")
    table.index = pd.Index([f"S{row}" for row in range(len(table))], dtype="str")
    return replace(NOTHING, samples=table.index, clinical=table)


TRAINING = described(
    LINEAGE=["lung"] * 3 + ["breast"] * 4 + ["skin"] * 2 + [np.nan], SEX=["F"] * 7 + ["M"] * 3
)


@pytest.fixture(scope="module")
def builder() -> ClinicalBuilder:
    return ClinicalBuilder(["LINEAGE", "SEX"]).fit(TRAINING)


def test_categories_with_enough_lines_become_features(builder):
    assert list(builder.get_feature_names_out()) == [
        "clinical:LINEAGE=breast",
        "clinical:LINEAGE=lung",
        "clinical:SEX=F",
        "clinical:SEX=M",
    ]


def test_one_column_a_category_and_nan_where_not_recorded(builder):
    new = described(LINEAGE=["lung", "skin", np.nan], SEX=["F", np.nan, "M"])
    expected = pd.DataFrame(
        [[0, 1, 1, 0], [0, 0, np.nan, np.nan], [np.nan, np.nan, 0, 1]],
        index=new.samples,
        columns=builder.get_feature_names_out(),
        dtype=float,
    )
    pd.testing.assert_frame_equal(builder.transform(new), expected, check_column_type=False)


def test_an_attribute_that_the_new_study_lacks_is_missing(builder):
    features = builder.transform(described(SEX=["F", "M"]))
    assert features.filter(like="LINEAGE").isna().all(axis=None)
    assert features["clinical:SEX=F"].tolist() == [1, 0]


def test_a_category_may_hold_an_equals_sign():
    study = described(STAGE=["T=1"] * 3 + ["T=2"] * 3)
    features = ClinicalBuilder(["STAGE"]).fit_transform(study)
    assert features["clinical:STAGE=T=1"].tolist() == [1, 1, 1, 0, 0, 0]


def test_an_unknown_attribute_is_refused():
    with pytest.raises(InputError, match="no clinical attribute SUBTYPE; it has LINEAGE, SEX"):
        ClinicalBuilder(["SUBTYPE"]).fit(TRAINING)
