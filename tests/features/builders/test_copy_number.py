"""Copy number: log2 ratios, and discrete calls read as such."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.copy_number import CopyNumberBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
ENTREZ = pd.Series([2064, 1956], index=["ERBB2", "EGFR"], dtype="Int64")


def copied(
    table: pd.DataFrame | None, kind: str = "log2", samples: tuple[str, ...] = ("a",)
) -> Study:
    index = pd.Index(samples, dtype="str") if table is None else table.index
    return replace(NOTHING, samples=index, copy_number=table, copy_number_kind=kind, entrez=ENTREZ)


TRAINING = pd.DataFrame(
    {
        "ERBB2": [2.5, 0.0, -0.1],
        "EGFR": [0.0, 0.3, np.nan],
        "FLAT": 0.0,
        "RARE": [1, np.nan, np.nan],
    },
    index=["L0", "L1", "L2"],
)


@pytest.fixture(scope="module")
def builder() -> CopyNumberBuilder:
    return CopyNumberBuilder().fit(copied(TRAINING))


def test_genes_that_are_measured_and_vary_become_features(builder):
    assert list(builder.get_feature_names_out()) == ["copy_number:ERBB2", "copy_number:EGFR"]


def test_log2_ratios_stay_and_are_clipped(builder):
    table = pd.DataFrame({"ERBB2": [2.8, -9.0, np.nan]}, index=["a", "b", "c"])
    features = builder.transform(copied(table))
    assert features["copy_number:ERBB2"].tolist()[:2] == [2.8, -4.0]
    assert np.isnan(features.loc["c", "copy_number:ERBB2"])
    assert features["copy_number:EGFR"].isna().all()


def test_discrete_calls_keep_sign_and_order(builder):
    table = pd.DataFrame({"ERBB2": [-2.0, -1.0, 0.0, 1.0, 2.0, np.nan]}, index=list("abcdef"))
    values = builder.transform(copied(table, "discrete"))["copy_number:ERBB2"]
    assert values["c"] == 0
    assert (values["b"], values["a"]) == (-values["d"], -values["e"])
    assert 0 < values["d"] < 1 < values["e"] < 2  # log2 ratios that are typical of the calls
    assert np.isnan(values["f"])


def test_a_gene_known_only_by_its_entrez_identifier_is_found(builder):
    table = pd.DataFrame({"entrez:2064": [1.5], "entrez:7": [9.0]}, index=["a"])
    assert builder.transform(copied(table)).loc["a", "copy_number:ERBB2"] == 1.5


@pytest.mark.parametrize("table", [None, TRAINING.iloc[:0]])
def test_a_study_without_copy_number_gets_rows_of_nan(builder, table):
    study = replace(copied(table), samples=pd.Index(["a", "b"], dtype="str"))
    features = builder.transform(study)
    assert features.shape == (2, 2)
    assert features.isna().all(axis=None)


@pytest.mark.parametrize("table", [None, TRAINING.iloc[:0]])
def test_fitting_needs_copy_number(table):
    with pytest.raises(InputError, match="no sample has copy number data to fit on"):
        CopyNumberBuilder().fit(copied(table))
