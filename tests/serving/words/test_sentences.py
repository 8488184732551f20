"""What is said in words follows from the numbers."""

from __future__ import annotations

import doctest
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sidestep.models.reliability.thresholds import ResponseThreshold
from sidestep.serving.disk.sample_scores import DrugScore, Feature, Features, Marker, SampleScores
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.words import wording
from sidestep.serving.words.sentences import (
    Scale,
    drug_sentences,
    evidence_sentence,
    reason_text,
    sample_sentences,
)

FolderMaker = Callable[..., Path]


def score(**changed: object) -> DrugScore:
    """Lapatinib in a sample that is sensitive through HER2, on a scale where high is sensitive."""
    known = {
        "drug": "Lapatinib", "prediction": 6.5, "lower": 6.1, "upper": 6.9, "percentile": 12.2,
        "p_resistant": 0.087, "reference": "lines", "call": "sensitive", "reasons": (),
        "modalities": "expression",
        "applicability": 0.5, "unmeasured": 0, "unmeasured_share": 0.0, "observed": None,
        "base_value": 5.6, "agreement": 0.82, "by_modality": {"expression": 0.9},
        "by_mechanism": {"HER2 drive": 0.7, "stroma": 0.005, "other": -0.15, "EMT": 0.345},
        "features": Features.of([
            Feature("expression:ERBB2", "expression", "HER2 drive", 2.0, 0.7, 1.0, True),
            Feature("expression:VIM", "expression", "EMT", 1.0, 0.3, 0.2, False),
        ]),
        "rest": -0.1, "evidence": (), "marker": Marker("ERBB2", 2.0, 96.2, 6.4, 0.12),
    }  # fmt: skip
    return DrugScore(**(known | changed))  # type: ignore[arg-type]


MEDIAN_LINE = ResponseThreshold(5.7, "median", 0.03)
CENSORED = ResponseThreshold(4.91, "not reached", 0.553)


def scale(
    *,
    higher_is_resistant: bool = False,
    lines: str = "training lines",
    threshold: ResponseThreshold = MEDIAN_LINE,
) -> Scale:
    return Scale(
        "gi50", "-log10 M", higher_is_resistant, 0.8, lines,
        {"Lapatinib": 5.7}, {"Lapatinib": threshold}, 0.75,
    )  # fmt: skip


def test_a_prediction_is_told_with_place_interval_call_drivers_and_stability() -> None:
    assert drug_sentences(score(), scale()) == [
        "Predicted 6.50 (80 % interval 6.10 to 6.90; -log10 M), more sensitive than 88 % of the "
        "training lines are predicted, out of fold.",
        "Probability of resistance 0.09, that the response lies on the resistant side of the "
        "median training line (5.70). Called sensitive: the probability is at most 0.25.",
        "Its marker, ERBB2 (+2.0 sd, at percentile 96 of the training lines' levels), alone would "
        "predict 6.40, with a probability of resistance of 0.12.",
        "Main drivers, from the base value of 5.60: HER2 drive (towards sensitive, +0.700), EMT "
        "(towards sensitive, +0.345) and features of no named mechanism (towards resistant, "
        "−0.150).",
        "Stable over the folds' models: 1 of the 2 features; rank agreement 0.82 (good).",
    ]


def test_the_same_contribution_says_the_opposite_where_high_is_resistant() -> None:
    assert (
        "HER2 drive (towards resistant, +0.700)"
        in drug_sentences(score(), scale(higher_is_resistant=True))[3]
    )


@pytest.mark.parametrize(
    ("changed", "place", "expected"),
    [
        ({"percentile": 88.0}, 0, "more resistant than 88 % of the training lines are pre"),
        ({"percentile": 100.0}, 0, "more resistant than all of the training lines"),
        ({"percentile": 99.6}, 0, "more resistant than over 99 % of the training lines"),
        ({"percentile": 0.4}, 0, "more sensitive than over 99 % of the training lines"),
        ({"percentile": 0.0}, 0, "more sensitive than all of the training lines"),
        ({"percentile": 50.0}, 0, "near the middle of what the training lines are predicted"),
        ({"observed": 6.1}, 0, "Observed: 6.10, in the training study; the model that predicts"),
        ({"unmeasured": 3, "unmeasured_share": 0.021}, 4, "not measured in it (2 % of its weight)"),
        ({"unmeasured": 1, "unmeasured_share": 0.001}, 4, "was not measured in it (under 1 % of"),
        ({"percentile": None}, 0, "Predicted 6.50"),
        ({"lower": None, "upper": None}, 0, "(no interval; -log10 M)"),
        ({"call": "uncertain"}, 1, "Uncertain: the probability is between 0.25 and 0.75."),
        ({"call": "resistant"}, 1, "Called resistant: the probability is at least 0.75."),
        ({"call": "abstain"}, 1, "No call is made"),
        ({"p_resistant": 0.9985}, 1, "Probability of resistance over 0.99, that"),
        ({"p_resistant": 0.001}, 1, "Probability of resistance under 0.01, that"),
        ({"p_resistant": None}, 1, "The probability of resistance is not known."),
        ({"marker": Marker("ERBB2", None, None, None, None)}, 2, "ERBB2, was not measured."),
        ({"marker": Marker("ERBB2", 1.0, None, 6.0, None)}, 2, "(+1.0 sd), alone would predict 6"),
        ({"marker": Marker(None, None, None, None, None)}, 2, "No marker of this drug is known."),
        ({"by_mechanism": {"EMT": 0.0}}, 3, "Nothing moves the prediction away"),
        ({"agreement": 0.5}, 4, "0.50 (moderate)"),
        ({"agreement": -1.0}, 4, "−1.00 (poor)"),
        ({"agreement": None}, 4, "1 of the 2 features."),
    ],
)
def test_each_case_has_its_words(changed: dict[str, object], place: int, expected: str) -> None:
    assert expected in drug_sentences(score(**changed), scale())[place]


def test_percentile_and_call_name_the_lines_that_they_refer_to() -> None:
    sentences = drug_sentences(score(), scale(lines="HER2-high training lines"))
    assert "of the HER2-high training lines" in sentences[0]
    assert "side of the median HER2-high training line (5.70)." in sentences[1]


def test_where_many_lines_are_censored_resistant_is_said_to_be_not_reached() -> None:
    assert drug_sentences(score(), scale(threshold=CENSORED))[1].startswith(
        "Probability of resistance 0.09, that the response is not reached within the tested range "
        "(beyond 4.91), as in 55 % of the training lines."
    )


def test_a_sample_is_told_over_all_drugs() -> None:
    drugs = (score(), score(drug="Neratinib", call="resistant"), score(drug="X", call="abstain"))
    assert sample_sentences(SampleScores("S", drugs), ["expression", "rppa", "mutation"]) == [
        "Of 3 drugs, 1 called resistant (Neratinib), 1 called sensitive (Lapatinib) and 1 without "
        "a call.",
        "Measured: expression. Missing: protein (RPPA) and mutations; models fitted without them "
        "are used.",
    ]


def test_a_reason_is_told_in_words_and_an_unknown_one_as_it_is() -> None:
    assert reason_text("MODALITY_MISSING:copy_number").startswith("copy number: The sample lacks")
    assert reason_text("MODALITY_UNUSED:rppa").startswith(
        "protein (RPPA): The sample has a modality"
    )
    assert reason_text("NEW_CODE") == "NEW_CODE"


@pytest.mark.parametrize("higher_is_resistant", [True, False])
def test_words_agree_with_the_files(make_folder: FolderMaker, higher_is_resistant: bool) -> None:
    folder = read_score_folder(make_folder(higher_is_resistant=higher_is_resistant))
    of_folder = Scale.of(folder.manifest)
    table = pd.read_parquet(folder.path / "scores.parquet").set_index(["sample_id", "drug"])
    for sample in folder.each_sample():
        for one in sample.drugs:
            row = table.loc[(sample.sample, one.drug)]
            first, second, _, drivers, _ = drug_sentences(one, of_folder)
            more = re.search(r"more (\w+) than (?:over )?(\d+) %", first)
            if more:
                far = row["resistance_percentile"]
                expected = far if more[1] == "resistant" else 100 - far
                assert abs(int(more[2]) - expected) <= 1
            assert {"abstain": "No call", "uncertain": "Uncertain"}.get(
                row["call"], f"Called {row['call']}"
            ) in second  # fmt: skip
            largest = max(one.by_mechanism.values(), key=abs)
            towards = "resistant" if (largest > 0) == higher_is_resistant else "sensitive"
            assert f"(towards {towards}, " in drivers.split(")")[0] + ")"


@pytest.mark.parametrize("power", [-4, -3, -2, -1, 0, 1, 2, 3])
def test_a_number_has_three_digits_on_either_side_of_a_power_of_ten(power: int) -> None:
    near = float(f"9.995e{power - 1}")
    for value in (math.nextafter(near, 0.0), near, math.nextafter(near, math.inf)):
        decimals = min(4, max(0, 2 - math.floor(math.log10(float(f"{value:.3g}")))))
        assert wording.number(value) == f"{value:,.{decimals}f}"


def test_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(wording).failed == 0


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            {"databases": ["CIViC", "Hallmark"], "missing": {"Reactome": "a.gmt"}},
            "Drawn from Sidestep’s own tables, CIViC and Hallmark. Not at hand: Reactome.",
        ),
        ({"databases": [], "missing": {}}, "Drawn from Sidestep’s own tables."),
        ({"civic.csv": None}, ""),  # of an older version
    ],
)
def test_the_evidence_says_where_it_is_drawn_from(known: dict, sentence: str) -> None:
    assert evidence_sentence({"options": {"knowledge": known}}) == sentence
