"""Pairs of biopsies: who is paired, what changed, and what that says of published changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sidestep.features.errors import InputError
from sidestep.features.pairs.changes import (
    ALL,
    DIFFERENCE,
    FALLS,
    RISES,
    PairChanges,
    find_changes,
    score_mechanism,
)
from sidestep.features.pairs.facts import AGREES, CONTRADICTS, cohort_evidence, patient_evidence
from sidestep.features.pairs.pairing import NO_RESPONSE, RESPONSE, find_pairs
from sidestep.features.study.study import Study
from tests.features.pairs.biopsies import GENES, PLANTED, two_biopsies


@pytest.fixture(scope="module")
def study() -> Study:
    return two_biopsies()


@pytest.fixture(scope="module")
def found(study: Study) -> PairChanges:
    pairing = find_pairs(study, "TIMEPOINT=baseline", "surgery", "PCR", ["pCR"])
    return find_changes(study, pairing)


def verdicts(found: PairChanges, group: str) -> dict[str, str]:
    rows = found.tests[(found.tests["group"] == group) & (found.tests["kind"] == "level")]
    return dict(zip(rows["feature"], rows["verdict"], strict=True))


def test_planted_changes_are_found_in_their_group_and_others_are_not(found: PairChanges) -> None:
    signs = {1: RISES, -1: FALLS}
    for place, group in enumerate((RESPONSE, NO_RESPONSE)):
        planted = {g: steps[place] for g, steps in PLANTED.items() if steps[place]}
        expected = {f"expression:{g}": signs[int(np.sign(step))] for g, step in planted.items()}
        said = verdicts(found, group)
        told = {name: one for name, one in said.items() if one in (RISES, FALLS)}
        assert expected.items() <= told.items()
        assert len(told) <= len(expected) + 2
    between = verdicts(found, DIFFERENCE)
    assert between["expression:IGF1R"] == FALLS
    assert between["expression:CDKN1A"] == RISES
    assert between["expression:G0"] == "no change"


def test_a_test_is_the_paired_t_test(study: Study, found: PairChanges) -> None:
    levels = study.expression["ERBB2"].to_numpy()
    before, after = levels[:24], levels[24:]
    row = found.tests.set_index(["feature", "group"]).loc[("expression:ERBB2", ALL)]
    expected = stats.ttest_rel(after, before)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(
        row[["change", "p", "lower", "upper"]].astype(float),
        [(after - before).mean(), expected.pvalue, interval.low, interval.high],
    )
    np.testing.assert_allclose(row["change_sd"], row["change"] / before.std())
    row = found.tests.set_index(["feature", "group"]).loc[("expression:ERBB2", DIFFERENCE)]
    change = after - before
    welch = stats.ttest_ind(change[:12], change[12:], equal_var=False)
    np.testing.assert_allclose(row["p"], welch.pvalue)
    assert list(found.changes.iloc[GENES.index("ERBB2")]) == list(change)


@pytest.mark.slow
def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = []
    for seed in range(6):
        study = two_biopsies(12, seed)
        found = find_changes(study, find_pairs(study, "baseline", "surgery", "PCR", ["pCR"]))
        rows = found.tests[(found.tests["group"] == RESPONSE) & (found.tests["kind"] == "level")]
        truth = rows["feature"].map(lambda name: PLANTED.get(name[11:], (0.0, 0.0))[0])
        held += list((rows["lower"] <= truth) & (truth <= rows["upper"]))
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_published_changes_are_told_of_patients_and_of_the_cohort(found: PairChanges) -> None:
    cohort = cohort_evidence(found).set_index(["gene", "group"])["verdict"]
    for gene, group in (("MKI67", RESPONSE), ("CDKN1A", RESPONSE), ("IGF1R", NO_RESPONSE)):
        assert cohort[gene, group] == AGREES
        assert cohort[gene, DIFFERENCE] == AGREES
    assert cohort["TYRO3", NO_RESPONSE] == "not told"
    assert ("IGF1R", RESPONSE) not in cohort.index
    shown = patient_evidence(found)
    assert (shown["change_sd"].abs() >= 1.0).all()
    rising = shown[shown["gene"] == "IGF1R"]
    assert set(rising["speaks_for"]) == {NO_RESPONSE}
    assert (rising["known"] == AGREES).sum() >= 10
    assert set(shown["known"]) <= {AGREES, CONTRADICTS}
    assert (shown["source"] == "PMID:27903634").all()
    # Of patients of whom no response is known, the levels alone speak.
    unknown = replace(
        found, pairing=replace(found.pairing, table=found.pairing.table.assign(group=""))
    )
    assert set(patient_evidence(unknown)["known"]) == {""}


def test_the_order_of_samples_changes_nothing(study: Study, found: PairChanges) -> None:
    turned = study.select(list(study.samples[::-1]))
    again = find_changes(turned, find_pairs(turned, "baseline", "surgery", "PCR", ["pCR"]))
    order = list(found.changes.columns)
    pd.testing.assert_frame_equal(again.changes[order], found.changes)
    pd.testing.assert_frame_equal(again.tests, found.tests)


def test_scores_of_mechanisms_change_too() -> None:
    assert score_mechanism("expression:rtk_bypass_max") == "other RTK bypass"
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        rng.normal(size=(12, 4)),
        columns=["AKT1|Akt_pS473", "AKT1|Akt_pT308", "RPS6|S6_pS235_S236", "RPS6|S6_pS240_S244"],
        index=[f"S{number}" for number in range(12)],
    )
    table.iloc[6:] -= 3.0
    clinical = pd.DataFrame(
        {"PATIENT_ID": [f"P{n % 6}" for n in range(12)], "WHEN": ["a"] * 6 + ["b"] * 6},
        index=table.index,
    )
    study = Study.from_frames(rppa=table, clinical=clinical)
    tests = find_changes(study, find_pairs(study, "a", "b")).tests.set_index("feature")
    assert tests.loc["rppa:pi3k_phospho", "verdict"] == FALLS
    assert tests.loc["rppa:pi3k_phospho", "mechanism"] == "PI3K/AKT/MTOR"
    assert set(tests["group"]) == {ALL}


def test_who_has_one_biopsy_or_several_is_told(study: Study) -> None:
    few = study.select([name for name in study.samples if name != "P03-2"])
    donors = few.donors.replace("P05", "P04")
    pairing = find_pairs(replace(few, donors=donors), "baseline", "surgery")
    assert list(pairing.table["patient"])[:5] == ["P00", "P01", "P02", "P04", "P06"]
    assert "1 patient(s) have one of the two only: P03" in pairing.notes[0]
    assert "P04" in pairing.notes[1]
    assert set(pairing.table["group"]) == {""}


@pytest.mark.parametrize(
    ("before", "after", "response", "words"),
    [
        ("TIMEPOINT=baselin", "surgery", "", "did you mean baseline"),
        ("TIMEPOINT=baseline", "TIMEPOINT=baseline", "", r"24 sample\(s\) are both before"),
        ("biopsy", "surgery", "", "none has it; write ATTRIBUTE=biopsy"),
        ("P00", "surgery", "", "none has it"),
        (
            "TIMEPOINT=baseline",
            "surgery",
            "AGE",
            r"no clinical attribute 'AGE'; it has TIMEPOINT, PCR",
        ),
    ],
)
def test_what_cannot_be_paired_is_refused(study, before, after, response, words) -> None:
    with pytest.raises(InputError, match=words):
        find_pairs(study, before, after, response)


def test_words_without_an_attribute_and_changes_without_a_spread_are_told(study: Study) -> None:
    with pytest.raises(InputError, match="name the attribute with --response"):
        find_pairs(study, "baseline", "surgery", "", ["pCR"])
    same = study.expression[["ERBB2", "G1"]].copy()
    same["ERBB2"] = [5.0] * 24 + [7.0] * 24
    same["G1"] = 5.0
    tests = find_changes(
        replace(study, expression=same), find_pairs(study, "baseline", "surgery")
    ).tests.set_index("feature")
    assert tests.loc["expression:ERBB2", ["change", "verdict"]].tolist() == [2.0, "not told"]
    assert tests.loc["expression:G1", "verdict"] == "no change"


def test_too_few_pairs_are_refused(study: Study) -> None:
    alone = replace(study, donors=study.samples.to_series())
    with pytest.raises(InputError, match=r"0 patient.*share their PATIENT_ID"):
        find_pairs(alone, "baseline", "surgery")
