"""Studies made of data frames: the same as from files, and refused as plainly."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.errors import InputError
from sidestep.features.groups import her2_high
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study import study as study_module
from sidestep.features.study.study import Study, read_study

MAF = {
    "sample_id": "Tumor_Sample_Barcode",
    "gene": "Hugo_Symbol",
    "classification": "Variant_Classification",
    "protein_change": "HGVSp_Short",
}
LEVELS = pd.DataFrame({"ERBB2": [9.0, 4.0], "SIMG1": [3.0, 5.0]}, index=["A", "B"])
CALLS = pd.DataFrame([["B", "PIK3CA", "Missense_Mutation", "p.H1047R"]], columns=list(MAF.values()))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("frames") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=30, genes=150, seed=4))
    return read_study(folder)


@pytest.fixture(scope="module")
def framed(read: Study) -> Study:
    """The same study by way of data frames."""
    response = read.response("gi50")
    return Study.from_frames(
        expression=read.expression,
        rppa=read.rppa,
        mutations=read.mutations.rename(columns=MAF),
        copy_number=read.copy_number,
        clinical=read.clinical.assign(PATIENT_ID=read.donors),
        responses=response.values,
        sequenced=list(read.sequenced),
        metric="gi50",
        unit=response.unit,
        higher_is_resistant=response.higher_is_resistant,
        study_id="breast_sim",
        simulated=True,
    )


def test_tables_are_those_of_the_folder(read: Study, framed: Study) -> None:
    for table in ("expression", "rppa", "mutations", "copy_number", "clinical"):
        assert_frame_equal(getattr(framed, table), getattr(read, table), check_names=False)
    assert_index_equal(framed.samples, read.samples)
    assert_index_equal(framed.sequenced, read.sequenced)
    assert_series_equal(framed.donors, read.donors)
    assert (framed.study_id, framed.simulated) == (read.study_id, True)
    assert framed.path is None


def test_responses_are_those_of_the_folder(read: Study, framed: Study) -> None:
    of_frames, of_folder = framed.response("gi50"), read.response("gi50")
    assert_frame_equal(of_frames.values, of_folder.values, check_names=False)
    assert of_frames.unit == of_folder.unit
    assert of_frames.higher_is_resistant == of_folder.higher_is_resistant


def test_features_and_groups_are_those_of_the_folder(read: Study, framed: Study) -> None:
    joiner = FeatureJoiner(clinical=["SUBTYPE"]).fit(read)
    assert_frame_equal(joiner.transform(framed), joiner.transform(read), check_exact=True)
    assert_series_equal(her2_high(framed), her2_high(read))


def test_a_part_of_it_keeps_its_responses(framed: Study) -> None:
    some = list(framed.samples[3:9])
    assert set(framed.select(some).response("gi50").values.index) <= set(some)


def test_samples_go_by_one_name_whatever_their_case_and_punctuation() -> None:
    rppa = pd.DataFrame({"HER2": [1.0, 2.0]}, index=["sk-br-3", "AU565"])
    expression = pd.DataFrame({"ERBB2": [9.0, 8.0]}, index=["SKBR3", "MCF7"])
    study = Study.from_frames(expression=expression, rppa=rppa)
    assert list(study.samples) == ["SKBR3", "MCF7", "AU565"]
    assert list(study.rppa.index) == ["SKBR3", "AU565"]
    assert list(study.rppa.columns) == ["ERBB2"]


@pytest.mark.parametrize("modality", ["expression", "rppa", "copy_number", "mutations", "clinical"])
def test_every_modality_may_come_alone(modality: str) -> None:
    frames = {
        "expression": LEVELS,
        "rppa": LEVELS.rename(columns={"ERBB2": "HER2_pY1248"}),
        "copy_number": LEVELS / 10,
        "mutations": CALLS,
        "clinical": pd.DataFrame({"SUBTYPE": ["Her2"]}, index=["B"]),
    }
    study = Study.from_frames(**{modality: frames[modality]})
    assert list(study.profiled()) == [modality.removesuffix("s")]
    assert "B" in study.samples


def test_a_frame_that_is_written_to_later_changes_no_study() -> None:
    levels = LEVELS.copy()
    made = Study.from_frames(expression=levels)
    levels.iloc[:, :] = 0.0
    assert_frame_equal(made.expression, LEVELS, check_names=False, check_column_type=False)


def test_a_sample_without_any_value_is_not_profiled() -> None:
    study = Study.from_frames(expression=LEVELS.assign(**LEVELS.loc[["A"]].reindex(LEVELS.index)))
    assert list(study.expression.index) == ["A"]
    assert list(study.samples) == ["A", "B"]


def test_columns_of_one_gene_are_averaged() -> None:
    twice = pd.DataFrame([[1.0, 3.0], [np.nan, 5.0]], index=["A", "B"], columns=["EGFR", "EGFR"])
    assert Study.from_frames(expression=twice).expression["EGFR"].tolist() == [2.0, 5.0]


def test_no_call_at_all_is_not_the_same_as_not_sequenced() -> None:
    study = Study.from_frames(mutations=CALLS.iloc[:0], sequenced=["A", "B"])
    assert list(study.sequenced) == ["A", "B"]
    assert study.mutations.empty
    (warned,) = (p for p in Study.from_frames(mutations=CALLS).problems if p.severity == "warning")
    assert "only the 1 sample(s) with a call" in warned.message


def test_numbers_of_clinical_attributes_read_as_in_a_file() -> None:
    clinical = pd.DataFrame(
        {"SAMPLE_ID": ["A", "B", "C"], "AGE": [61.0, np.nan, 44.5], "NOTE": ["a\tb", None, "NA"]}
    )
    read = Study.from_frames(clinical=clinical).clinical
    assert read["AGE"].tolist()[0] == "61"
    assert read["AGE"].tolist()[2] == "44.5"
    assert read["NOTE"].fillna("").tolist() == ["a b", "", ""]


def test_words_for_a_missing_value_are_missing_values() -> None:
    study = Study.from_frames(expression=LEVELS.astype(object).replace(5.0, "NA"))
    assert np.isnan(study.expression.loc["B", "SIMG1"])
    assert study.expression.loc["A", "ERBB2"] == 9.0


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({}, "a study needs data; give at least one of expression, rppa"),
        ({"expression": [1, 2]}, "expression is a list; give a pandas DataFrame"),
        ({"clinical": {"A": 1}}, "clinical is a dict; give a pandas DataFrame"),
        ({"expression": LEVELS.iloc[:0]}, r"expression is empty \(0 samples x 2 genes\)"),
        ({"rppa": LEVELS[[]]}, r"rppa is empty \(2 samples x 0 antibodies\)"),
        ({"expression": pd.concat([LEVELS, LEVELS])}, r"expression has 2 duplicate sample\(s\)"),
        (
            {"expression": LEVELS.astype(object).replace(5.0, "high")},
            "expression, sample B, SIMG1: 'high' is not a number",
        ),
        ({"rppa": LEVELS.replace(4.0, np.inf)}, "rppa, sample B, ERBB2: inf is not a number"),
        ({"copy_number": LEVELS.replace(4.0, 1e31)}, "copy_number, sample B, ERBB2: 1e"),
        ({"expression": LEVELS.rename(index={"A": " "})}, "expression: row 1 has no name"),
        ({"expression": LEVELS.rename(columns={"SIMG1": None})}, "expression: column 2 has no"),
        (
            {"expression": pd.DataFrame(1.0, ["ERBB2", "EGFR", "PTEN"], ["A", "B"])},
            "expression lies on its side: its rows are genes .* expression=expression.T",
        ),
        ({"mutations": CALLS.drop(columns="Hugo_Symbol")}, r"mutations lacks 1 column\(s\)"),
        (
            {"mutations": CALLS.assign(Tumor_Sample_Barcode=[None])},
            "mutations, row 1 has no Tumor_Sample_Barcode",
        ),
        ({"expression": LEVELS, "sequenced": ["A"]}, "there are no mutations; give mutations too"),
        (
            {"clinical": pd.DataFrame({"AGE": [1, 2]}, index=["A", "A"])},
            r"clinical has 1 duplicate SAMPLE_ID\(s\); the first is 'A' \(row 2\)",
        ),
        ({"copy_number": LEVELS, "copy_number_kind": "discrete"}, "is no copy-number call"),
        ({"expression": LEVELS, "expression_kind": "tpm"}, "give one of continuous, z-score"),
        ({"expression": LEVELS, "responses": LEVELS}, "responses need a direction"),
        (
            {
                "expression": LEVELS,
                "responses": LEVELS.set_axis(["X", "X"], axis=1),
                "higher_is_resistant": True,
            },
            r"responses has 1 drug\(s\) in more than one column: X",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(frames: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.from_frames(**frames)


def test_it_says_what_it_holds(framed: Study) -> None:
    text, page = repr(framed), framed._repr_html_()
    assert text.splitlines()[0] == (
        f"Study breast_sim (simulated data): 30 samples of {framed.donors.nunique()} donors"
    )
    for held in ("expression", "60 antibodies", "gi50", "drug response (-log10"):
        assert held in text
        assert held in page
    assert (
        "<script"
        not in Study.from_frames(
            clinical=CALLS.assign(SAMPLE_ID="S"), study_id="<script>"
        )._repr_html_()
    )


@pytest.mark.slow
def test_its_documentation_runs() -> None:
    assert doctest.testmod(study_module).failed == 0
