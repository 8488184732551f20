"""RPPA: levels, phospho-to-total ratios, and antibodies of other platforms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.rppa import RppaBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
ANTIBODIES = [
    "ERBB2",
    "ERBB2_pY1248",
    "AKT1_pS473",
    "EIF4EBP1",
    "EIF4EBP1_pT37_T46",
    "CASP7_cleavedD198",
]


def assayed(table: pd.DataFrame | None, samples: list[str] | None = None) -> Study:
    index = table.index if samples is None else pd.Index(samples, dtype="str")
    return replace(NOTHING, samples=index, rppa=table)


def levels(lines: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((lines, len(ANTIBODIES))) * [2, 1, 0.5, 1, 1, 3] + [
        1,
        0,
        0,
        2,
        0,
        0,
    ]
    index = pd.Index([f"L{line:02d}" for line in range(lines)], dtype="str", name="sample_id")
    return pd.DataFrame(values, index=index, columns=ANTIBODIES)


@pytest.fixture(scope="module")
def builder() -> RppaBuilder:
    return RppaBuilder().fit(assayed(levels()))


def test_a_ratio_is_a_difference_of_logs(builder):
    new, training = levels(3, seed=1), levels()
    features = builder.transform(assayed(new))
    difference = training["ERBB2_pY1248"] - training["ERBB2"]
    expected = (new["ERBB2_pY1248"] - new["ERBB2"] - difference.mean()) / difference.std(ddof=0)
    np.testing.assert_allclose(features["rppa:ERBB2_pY1248/ERBB2"], expected)


def test_levels_are_in_training_standard_deviations(builder):
    new, training = levels(3, seed=1), levels()
    features = builder.transform(assayed(new))
    expected = (new["AKT1_pS473"] - training["AKT1_pS473"].mean()) / training["AKT1_pS473"].std(
        ddof=0
    )
    np.testing.assert_allclose(features["rppa:AKT1_pS473"], expected)


def test_only_phosphosites_with_a_total_antibody_get_a_ratio(builder):
    ratios = [name for name in builder.get_feature_names_out() if "/" in name]
    assert ratios == ["rppa:ERBB2_pY1248/ERBB2", "rppa:EIF4EBP1_pT37_T46/EIF4EBP1"]


def test_a_ratio_needs_both_antibodies(builder):
    new = levels(2, seed=1)
    new.loc["L00", "ERBB2"] = np.nan
    features = builder.transform(assayed(new))
    assert np.isnan(features.loc["L00", "rppa:ERBB2_pY1248/ERBB2"])
    assert np.isfinite(features.loc["L00", "rppa:ERBB2_pY1248"])
    assert np.isfinite(features.loc["L01", "rppa:ERBB2_pY1248/ERBB2"])


def test_an_antibody_of_another_platform_stands_for_its_site(builder):
    new = levels(3, seed=1)
    renamed = new.rename(
        columns={"EIF4EBP1_pT37_T46": "EIF4EBP1_pT37", "CASP7_cleavedD198": "CASP7_cleaved"}
    )
    name = ["rppa:EIF4EBP1_pT37_T46", "rppa:EIF4EBP1_pT37_T46/EIF4EBP1", "rppa:CASP7_cleavedD198"]
    pd.testing.assert_frame_equal(
        builder.transform(assayed(renamed))[name], builder.transform(assayed(new))[name]
    )


def test_another_site_of_the_protein_does_not_stand_for_it(builder):
    new = levels(3, seed=1).rename(columns={"ERBB2_pY1248": "ERBB2_pY877"})
    features = builder.transform(assayed(new))
    assert features["rppa:ERBB2_pY1248"].isna().all()
    assert features["rppa:ERBB2"].notna().all()


def test_far_values_are_clipped(builder):
    new = levels(1, seed=1)
    new["ERBB2"] = 1e6
    features = builder.transform(assayed(new)).iloc[0]
    assert (features["rppa:ERBB2"], features["rppa:ERBB2_pY1248/ERBB2"]) == (8.0, -8.0)


def test_antibodies_that_are_constant_or_rarely_measured_are_left_out():
    table = levels().assign(EGFR=1.0, MET=np.nan)
    table.loc["L00":"L04", "MET"] = range(5)
    names = set(RppaBuilder().fit(assayed(table)).get_feature_names_out())
    assert "rppa:ERBB2" in names
    assert not {"rppa:EGFR", "rppa:MET"} & names


@pytest.mark.parametrize("table", [None, levels(0)])
def test_a_study_without_rppa_gets_rows_of_nan(builder, table):
    features = builder.transform(assayed(table, ["a", "b"]))
    assert features.shape == (2, 8)
    assert features.isna().all(axis=None)


@pytest.mark.parametrize("table", [None, levels(0)])
def test_fitting_needs_rppa(table):
    with pytest.raises(InputError, match="no sample has RPPA data to fit on"):
        RppaBuilder().fit(assayed(table, ["a"]))


def test_z_scores_are_taken_as_standardised_and_give_no_ratios(builder):
    new = levels(3, seed=1)
    features = builder.transform(replace(assayed(new), rppa_kind="z-score"))
    np.testing.assert_array_equal(features["rppa:ERBB2"], new["ERBB2"])
    assert features["rppa:ERBB2_pY1248/ERBB2"].isna().all()
    own = RppaBuilder().fit(replace(assayed(levels()), rppa_kind="z-score"))
    assert not [name for name in own.feature_names_ if "/" in name]
    scores = replace(assayed(new), rppa_kind="z-score")
    np.testing.assert_array_equal(own.transform(scores)["rppa:ERBB2"], new["ERBB2"])
    assert own.transform(assayed(new)).isna().all(axis=None)
