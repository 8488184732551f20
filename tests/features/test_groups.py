"""Groups of samples: HER2-high by the clinic or else by the assays; lineage or subtype."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.groups import (
    COPY_NUMBER,
    OWN_GENES,
    PROTEIN,
    Her2Cutoffs,
    her2_assay,
    her2_calls,
    her2_high,
    her2_levels,
    lineage_column,
    lineage_labels,
)
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study, read_study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
SAMPLES = pd.Index([f"S{number}" for number in range(8)], dtype="str")


def of(**tables: object) -> Study:
    return replace(NOTHING, samples=SAMPLES, clinical=pd.DataFrame(index=SAMPLES), **tables)


def column(*values: float | str, name: str = "ERBB2") -> pd.DataFrame:
    table = pd.DataFrame({name: list(values)}, index=SAMPLES[: len(values)])
    return table.astype("str") if isinstance(values[0], str) else table


def high(study: Study) -> list[str]:
    found = her2_high(study)
    assert list(found.index) == list(study.samples)
    assert found.dtype == bool
    return list(found.index[found])


def test_nothing_known_is_not_high():
    assert high(of()) == []


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("log2", (2.6, 1.0, 0.99, -1.0, np.nan), ["S0", "S1"]),
        ("discrete", (2.0, 1.0, 0.0, -2.0, np.nan), ["S0"]),
    ],
)
def test_amplified_is_high(kind, values, expected):
    assert high(of(copy_number=column(*values), copy_number_kind=kind)) == expected


@pytest.mark.parametrize("modality", ["expression", "rppa"])
def test_an_outlying_level_is_high(modality):
    # Median 4.5, median absolute deviation 1.5: the cut is 4.5 + 3 * 1.4826 * 1.5 = 11.17.
    levels = column(2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 11.1, 11.3)
    assert high(of(**{modality: levels})) == ["S7"]


def test_one_assay_is_enough():
    study = of(
        copy_number=column(2.0, 0.0),
        rppa=column(*([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 40.0])),
    )
    assert high(study) == ["S0", "S6"]


@pytest.mark.parametrize("levels", [(1.0,), (1.0, 1.0, 1.0, 1.001), (np.nan, np.nan)])
def test_levels_without_a_spread_have_no_outliers(levels):
    assert high(of(expression=column(*levels))) == []


def test_the_clinical_status_goes_before_the_assays():
    study = of(copy_number=column(*[2.0] * 8))
    status = column(
        "Positive", "NEGATIVE", " Pos ", "Amplified", "3+", "NEUTRAL", "1+", name="HER2_STATUS"
    )
    study = replace(study, clinical=status.reindex(SAMPLES))
    assert high(study) == ["S0", "S2", "S3", "S4", "S7"]  # S7 has no status, but is amplified
    assert list(her2_assay(study)) == ["HER2_STATUS"] * 7 + [COPY_NUMBER]


@pytest.mark.parametrize("status", ["Equivocal", "UNDEF", "2+", "Gain", "not a word"])
def test_a_status_that_decides_nothing_leaves_it_to_the_assays(status):
    clinical = column(status, status, "Negative", name="ERBB2_STATUS").reindex(SAMPLES)
    study = replace(of(copy_number=column(2.0, 0.0, 2.0)), clinical=clinical)
    assert high(study) == ["S0"]


def test_an_attribute_that_decides_nothing_leaves_it_to_the_next():
    study = of(copy_number=column(0.0, 0.0, 2.0))
    clinical = pd.DataFrame(
        {"HER2_FISH_STATUS": ["Amplified", "Not amplified"], "HER2_STATUS": ["2+", "Negative"]},
        index=SAMPLES[:2],
    ).astype("str")
    study = replace(study, clinical=clinical.reindex(SAMPLES))
    assert high(study) == ["S0", "S2"]
    assert list(her2_assay(study)[:3]) == ["HER2_FISH_STATUS", "HER2_STATUS", COPY_NUMBER]


def test_what_decided_is_named_and_nothing_where_nothing_did():
    study = of(
        copy_number=column(2.0, 0.0, np.nan),
        rppa=column(*([0.0, 1.0, 40.0, 3.0, 4.0, 5.0, 2.0])),
    )
    calls = her2_calls(study)
    assert calls["assay"].tolist() == [COPY_NUMBER, COPY_NUMBER, *[PROTEIN] * 5, ""]
    assert calls["high"].tolist() == [True, False, True, *[False] * 5]


def test_a_models_cutoffs_hold_whatever_the_cohort():
    training = of(expression=column(2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 11.1, 11.3))
    frozen = Her2Cutoffs.of(her2_levels(training))
    positives = of(expression=column(11.3, 11.4, 11.5, 11.6))
    assert her2_calls(positives)["high"].sum() == 0  # no outlier among themselves
    assert her2_calls(positives, frozen)["high"].sum() == 4
    assert her2_calls(training, frozen).equals(her2_calls(training))


def test_the_same_rna_is_as_high_in_linear_units():
    levels = column(2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 11.1, 11.3)
    assert high(of(expression=levels)) == high(of(expression=2**levels)) == ["S7"]


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_real_breast_lines_are_as_high_in_linear_units(real_study, offset):
    """6 of 69 lines by logarithms and 16 by linear units before there was one scale."""
    study = real_study("breast_cell_lines")
    by_rna = replace(study, clinical=study.clinical[[]], copy_number=None, rppa=None)
    linear = replace(by_rna, expression=2**by_rna.expression + offset)
    assert her2_high(by_rna).equals(her2_high(linear))
    clinical = her2_high(study)
    assert set(clinical.index[clinical]) | {"JIMT1", "MDAMB453"} == set(high(by_rna))


def test_real_pan_cancer_lines_are_as_high_in_linear_units(real_study):
    """15 of 443 lines by logarithms and 30 by linear units before there was one scale."""
    study = real_study("pancan_cell_lines")
    by_rna = replace(study, clinical=study.clinical[[]], copy_number=None, rppa=None)
    linear = replace(by_rna, expression=2**by_rna.expression)
    assert len(high(by_rna)) == 15
    assert high(by_rna) == high(linear)


def test_a_cohort_of_positive_lines_only_is_positive(real_study):
    study = real_study("breast_cell_lines")
    by_rna = replace(study, clinical=study.clinical[[]], copy_number=None, rppa=None)
    positives = by_rna.select(high(study))
    assert high(positives) == high(study)
    assert set(her2_assay(positives)) == {OWN_GENES}


def test_the_top_of_a_tumours_own_genes_is_high_in_scanb(real_study):
    study = real_study("scanb_breast")
    by_rna = replace(study, clinical=study.clinical[[]])
    top = her2_calls(by_rna)
    top = top["high"] & (top["assay"] == OWN_GENES)
    status = her2_high(study)
    decided = study.clinical["HER2_STATUS"].notna()
    assert top[decided & status].sum() == 26
    assert not top[decided & ~status].any()


@pytest.mark.slow
def test_simulated_status_agrees_with_the_assays(tmp_path):
    simulate_study(tmp_path / "s", SimulationPlan(kind="breast", lines=60, genes=120, seed=1))
    study = read_study(tmp_path / "s")
    by_status = her2_high(study)
    by_assays = her2_high(replace(study, clinical=study.clinical.drop(columns="ERBB2_STATUS")))
    assert 5 < by_status.sum() < 40
    assert (by_status == by_assays).mean() > 0.85


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
