"""Studies as long tables of measurements, there and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.measurements import COLUMNS, measurements_of, study_of_measurements
from sidestep.features.study.study import Study, read_study
from sidestep.features.vocabulary.protein_changes import residue


def rows(*values: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(values, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("measurements") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=30, genes=120, seed=2))
    return read_study(folder)


def test_features_are_the_same_there_and_back(study):
    joiner = FeatureJoiner(clinical=["SUBTYPE"]).fit(study)
    back = study_of_measurements(measurements_of(study))
    features = joiner.transform(back).loc[study.samples]
    assert_frame_equal(features, joiner.transform(study), check_exact=True, check_names=False)


def test_profiled_samples_are_the_same_there_and_back(study):
    back = study_of_measurements(measurements_of(study)).profiled()
    assert {name: set(have) for name, have in back.items()} == {
        name: set(have) for name, have in study.profiled().items()
    }


def test_a_table_of_one_sample(study):
    back = study_of_measurements(
        rows(
            ("S", "expression", "ERBB2", 9.5, None),
            ("S", "rppa", "HER2_pY1248", 1.5, None),
            ("S", "copy_number", "ERBB2", 2.0, None),
            ("S", "mutation", "TP53", 1, "Missense_Mutation p.R175H"),
            ("S", "mutation", "PTEN", 1, "Splice_Site"),
            ("S", "clinical", "LINEAGE", None, "breast"),
        )
    )
    assert list(back.samples) == ["S"]
    assert back.expression.loc["S", "ERBB2"] == 9.5
    assert list(back.rppa.columns) == ["ERBB2_pY1248"]
    assert back.copy_number.loc["S", "ERBB2"] == 2.0
    assert back.clinical.loc["S", "LINEAGE"] == "breast"
    assert back.mutations["gene"].tolist() == ["TP53", "PTEN"]
    assert back.mutations["classification"].tolist() == ["Missense_Mutation", "Splice_Site"]
    assert back.mutations["protein_change"].fillna("").tolist() == ["p.R175H", ""]


@pytest.mark.parametrize("detail", ["Missense_Mutation p.[L858R;T790M]", "L858R;T790M"])
def test_each_of_several_changes_is_a_call(detail):
    long = study_of_measurements(rows(("S", "mutation", "EGFR", 1, detail)))
    wide = study_of_measurements(pd.DataFrame({"sample_id": ["S"], "mutation:EGFR": [detail]}))
    for study in (long, wide):
        assert list(residue(study.mutations["protein_change"])) == ["L858", "T790"]
        assert list(study.mutations["gene"]) == ["EGFR", "EGFR"]


def test_a_sample_may_be_sequenced_without_any_call():
    back = study_of_measurements(
        rows(
            ("A", "mutation", "(sequenced)", None, None),
            ("B", "expression", "ERBB2", 1.0, None),
        )
    )
    assert list(back.sequenced) == ["A"]
    assert back.mutations.empty


def test_sample_names_of_digits_stay_text():
    back = study_of_measurements(rows((697, "expression", "ERBB2", 1.0, None)))
    assert list(back.samples) == ["697"]


def test_value_and_detail_may_be_left_out_where_nothing_needs_them():
    table = pd.DataFrame({"sample_id": ["A"], "modality": ["mutation"], "feature": ["(sequenced)"]})
    assert list(study_of_measurements(table).sequenced) == ["A"]


def test_no_measurements_are_no_samples():
    back = study_of_measurements(rows())
    assert len(back.samples) == 0
    assert back.profiled() == {}
    assert measurements_of(back).empty


def test_a_classification_of_several_words_keeps_its_protein_change(study):
    calls = pd.DataFrame(
        [["A", "TP53", "Frame Shift Del", "p.P72fs"], ["A", "PTEN", "Splice Site", np.nan]],
        columns=["sample_id", "gene", "classification", "protein_change"],
    ).astype("str")
    tested = pd.Index(["A"], dtype="str")
    nothing = study_of_measurements(rows())
    named = replace(nothing, samples=tested, sequenced=tested, mutations=calls)
    back = study_of_measurements(measurements_of(named)).mutations
    assert back["classification"].tolist() == ["Frame_Shift_Del", "Splice_Site"]
    assert back["protein_change"].fillna("").tolist() == ["p.P72fs", ""]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows().drop(columns="feature"), "measurements lack column feature"),
        (rows(("A", "proteome", "ERBB2", 1.0, None)), "modality proteome; use one of expression"),
        (
            rows(("A", "rppa", "HER2", 1.0, None), ("A", "rppa", "ERBB2|HER2", 1.0, None)),
            "give rppa ERBB2 of sample A more than once",
        ),
        (
            rows(("A", "clinical", "AGE", None, "1"), ("A", "clinical", "AGE", None, "2")),
            "give clinical AGE of sample A more than once",
        ),
        (
            rows(("A", "expression", "ERBB2", "high", None)),
            "expression ERBB2 of sample A as 'high'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(table, message):
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        study_of_measurements(table)
