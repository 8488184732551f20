"""Words of clinical files for a response: grouped by whoever asks, and never guessed."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.builders.response_axes import axis_features, features_of_targets
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.response_words import group_words


def column(*words):
    return pd.Series(list(words), index=[f"P{n}" for n in range(len(words))], dtype="str")


@pytest.mark.parametrize(
    ("words", "responders", "expected"),
    [
        (["pCR", "RD", None, "RD"], ["pcr"], [1, 0, None, 0]),
        (["CR", "PR", "SD", "NE", "PD"], ["CR", "PR"], [1, 1, 0, None, 0]),
        (["CR", "SD", "Lost"], ["CR"], [1, 0, None]),  # no category of RECIST
        (["good", "bad", "Not evaluable"], ["good"], [1, 0, None]),
        (["1", "0", "0"], ["1"], [1, 0, 0]),
    ],
)
def test_words_are_grouped_and_what_was_not_assessed_is_missing(words, responders, expected):
    found = group_words("R", column(*words), responders)
    told = found.values.reindex([f"P{n}" for n in range(len(words))])
    assert [None if pd.isna(value) else int(value) for value in told] == expected


@pytest.mark.parametrize(
    ("responders", "message"),
    [
        ([], "say which of its words mean response with --responder"),
        (["CR"], "CR is no word of the attribute PCR; it has pCR"),
        (["pCR", "RD"], "no sample is without response"),
    ],
)
def test_words_that_cannot_be_grouped_are_named(responders, message):
    with pytest.raises(InputError, match=message):
        group_words("PCR", column("pCR", "pCR", "RD"), responders)


def test_a_study_gives_a_clinical_response_and_one_of_zeros_and_ones():
    clinical = pd.DataFrame({"PCR": ["pCR", "RD", "RD"]}, index=["A", "B", "C"])
    screen = pd.DataFrame({"X": [1.0, 0.0, 1.0], "Y": [0.0, 1.0, 1.0]}, index=["A", "B", "C"])
    study = Study.from_frames(
        clinical=clinical, responses=screen, metric="cured", higher_is_resistant=False
    )
    patients = study.response("pcr", ("pCR",))
    assert (patients.kind, patients.event, patients.unit) == ("binary", "pCR", "log-odds of pCR")
    assert patients.values["PCR"].tolist() == [1.0, 0.0, 0.0]
    assert "response is pCR (1); none is RD (2)" in patients.grouping
    cured = study.response("cured")
    assert (cured.kind, cured.unit) == ("binary", "log-odds of response")
    levels = study.response_files["cured"]
    assert levels.higher_is_resistant is False
    with pytest.raises(InputError, match="no clinical attribute cured"):
        study.response("cured", ("pCR",))


def test_signatures_have_axes_and_targets_have_features():
    features = ["rppa:MTOR_pS2448", "signature:HER2_Index", "signature:ER_PGR_avg", "rppa:ERBB2"]
    assert axis_features(features) == {
        "luminal": (-1, ["signature:ER_PGR_avg"]),
        "HER2 amplicon": (1, ["signature:HER2_Index"]),
    }
    assert features_of_targets(features, ["AKT1"]) == ["rppa:MTOR_pS2448"]
    assert features_of_targets(features, ["ERBB2"]) == ["signature:HER2_Index", "rppa:ERBB2"]
