"""Expression signatures of a study: read, named, refused, and the same by way of frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.merging.merge import merge_studies
from sidestep.features.study.check import check_study
from sidestep.features.study.measurements import measurements_of, study_of_measurements
from sidestep.features.study.study import Study, read_study

META = "\n".join(
    [
        "cancer_study_identifier: small",
        "genetic_alteration_type: GENERIC_ASSAY",
        "generic_assay_type: GENE_EXPRESSION_SIGNATURE",
        "datatype: LIMIT-VALUE",
        "stable_id: expression_signatures",
        "generic_entity_meta_properties: NAME,DESCRIPTION",
        "data_filename: data_signatures.txt",
    ]
)
DATA = (
    "ENTITY_STABLE_ID\tNAME\tDESCRIPTION\t697\tSKBR3\tX4\n"
    "Mod7_ERBB2\tERBB2\ta module\t-0.5\t2.5\tNA\n"
    "Own_score\tOwn\tours\t>3\tNA\tNA\n"
)
FILES: Mapping[str, str] = {"meta_signatures.txt": META, "data_signatures.txt": DATA}


def test_signatures_are_read_named_and_accounted_for(make_study) -> None:
    found = check_study(make_study(FILES))
    study = found.study
    assert study is not None
    assert list(study.signatures.index) == ["SKBR3", "697"]  # X4 has no value: not profiled
    assert list(study.signatures.columns) == ["Mod7_ERBB2", "Own_score"]
    np.testing.assert_array_equal(study.signatures, [[2.5, np.nan], [-0.5, 3.0]])
    text = repr(found)
    assert "data_signatures.txt: 2 expression signatures x 2 samples" in text
    assert "not understood: 'Own_score' 1" in text
    assert "expression signatures, 1 of them known by name" in text
    assert "not a kind of data" not in text
    assert "  signature    2 samples, 2 signatures" in repr(study)
    assert (
        "signature" not in study.select(["AU565"]).profiled()
        or study.select(["AU565"]).signatures.empty
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"data_signatures.txt": DATA + "MOD7-ERBB2\ta\tb\t1\t2\t3\n"},
            r"line 4 \(MOD7-ERBB2\): signature 'MOD7-ERBB2' has an earlier row",
        ),
        ({"data_signatures.txt": DATA.replace("2.5", "high")}, "line 2 .*SKBR3.*'high'"),
        ({"data_signatures.txt": DATA.replace("Own_score", "")}, "line 3 names no signature"),
        (
            {"data_signatures.txt": DATA.replace("ENTITY_STABLE_ID\tNAME", "A\tB")},
            "neither an ENTITY_STABLE_ID nor a NAME column",
        ),
        (
            {"data_signatures.txt": "NAME\tMod7_ERBB2\tSTAT1_sig\tB_cells\nSKBR3\t1\t2\t3\n"},
            "lies on its side",
        ),
    ],
)
def test_what_cannot_be_signatures_is_refused_with_its_place(make_study, changes, words) -> None:
    with pytest.raises(InputError, match=words):
        read_study(make_study({**FILES, **changes}))


def test_signatures_of_two_files_stand_side_by_side(make_study) -> None:
    more = {
        "meta_signatures_more.txt": META.replace("data_signatures", "data_more"),
        "data_more.txt": "NAME\tAU565\tSKBR3\nmod7 erbb2\t9\t9\nSTAT1_sig\t1\t2\n",
        "meta_words.txt": META.replace("LIMIT-VALUE", "CATEGORICAL").replace("_sign", "_words"),
    }
    study = read_study(make_study({**FILES, **more}))
    assert study.signatures["Mod7_ERBB2"].dropna().to_dict() == {"SKBR3": 2.5, "697": -0.5}
    assert study.signatures["STAT1_sig"].dropna().to_dict() == {"SKBR3": 2.0, "AU565": 1.0}
    said = " ".join(problem.message for problem in study.problems)
    assert "data_more.txt: 1 signature(s) are those of an earlier file" in said
    assert "meta_words.txt (GENERIC_ASSAY GENE_EXPRESSION_SIGNATURE CATEGORICAL) is not" in said


@pytest.fixture
def framed() -> Study:
    values = pd.DataFrame(
        [[1.0, 2.0], [np.nan, 0.5], [np.nan, np.nan]], ["A", "B", "C"], ["Mod7_ERBB2", "Own"]
    )
    return Study.from_frames(
        signatures=values, clinical=pd.DataFrame({"X": "y"}, index=["A", "B", "C"])
    )


def test_frames_files_and_measurements_hold_the_same(framed: Study, tmp_path: Path) -> None:
    assert list(framed.signatures.index) == ["A", "B"]
    folder = write_study(tmp_path / "again", study_draft(framed, "The same."))
    for other in (read_study(folder), study_of_measurements(measurements_of(framed))):
        pd.testing.assert_frame_equal(
            other.signatures, framed.signatures, check_names=False, check_dtype=False
        )
    one = pd.DataFrame([[7.0, 8.0]], ["D"], ["Mod7_ERBB2", "mod7-erbb2"])
    with pytest.raises(InputError, match="1 signature"):
        Study.from_frames(signatures=one)
    more = Study.from_frames(signatures=one.iloc[:, :1], study_id="more")
    merged = merge_studies([framed, more], "both", stack=True)
    assert list(merged.study.signatures.index) == ["A", "B", "D"]


def test_all_signatures_of_a_real_trial_are_known(real_study) -> None:
    study = real_study("ispy2_patients")
    assert study.signatures.shape == (643, 23)
    assert study.account[-1].matched["name in the table of signatures"] == 23
    assert not study.account[-1].not_understood
