"""Partner drugs, on constructed samples and with what a model might say of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.rules import COMBINATION_TABLE
from sidestep.serving.combinations.partners import MODEL_ONLY, MOST_BY_MODEL, Witnesses
from sidestep.serving.combinations.rows import COMBINATIONS, combination_rows
from sidestep.serving.combinations.rules import not_measured, rules_about
from sidestep.serving.combinations.views import DrugView
from sidestep.serving.combinations.words import NO_SYNERGY, condition_words
from sidestep.serving.disk.output import as_table
from sidestep.serving.evidence.states import SampleStates

HER2_POSITIVE = {"ERBB2": 2.5}
STROMA_PARTNERS = {"Sapanisertib", "Everolimus", "Navitoclax", "S63845"}
RESISTANT, SENSITIVE = ("resistant", 95.0), ("sensitive", 5.0)


def view(call: str, percentile: float) -> DrugView:
    return DrugView(prediction=5.0, percentile=percentile, call=call, applicability=0.5)


@pytest.fixture(scope="module")
def combine(known_predictor):
    """Partners where the model says this of each drug and all samples."""

    def combine(study, views, simulated=False):
        views = {
            drug: {str(sample): view(*cells) for sample in study.samples}
            for drug, cells in views.items()
        }
        states = SampleStates(study, known_predictor.mechanisms)
        witnesses = Witnesses(states, views, at_least=75.0)
        return combination_rows(witnesses, list(views), "model her2 3", simulated=simulated)

    return combine


def suggested(rows: pd.DataFrame) -> list[str]:
    """Partners in the order of their ranks, which count from 1."""
    ranked = rows[rows["rank"].notna()]
    assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
    return ranked["partner"].tolist()


def of_partner(rows: pd.DataFrame, partner: str) -> pd.Series:
    found = rows[rows["partner"] == partner]
    assert len(found) == 1, rows[["partner", "direction"]]
    return found.iloc[0]


# What the papers found


def test_a_line_with_high_igf1r_gets_its_inhibitors_for_lapatinib(combine, construct):
    rows = combine(construct(high=["IGF1R"], copies=HER2_POSITIVE), {"Lapatinib": RESISTANT})
    assert suggested(rows) == ["NVP-AEW541", "BMS-754807", "Linsitinib"]
    first = rows.iloc[0]
    assert (first["rule_evidence"], first["direction"]) == ("shown", "restores")
    assert first["source"] == "PMID:27903634"
    assert first["matched_mechanism"].startswith("IGF1R RNA +")
    assert "NVP-AEW541 restored the response to Lapatinib in such cells" in first["reason"]
    assert first["reason"].endswith("NVP-AEW541 is not in the model's panel")
    assert rows["rule_evidence"].tolist() == ["shown", "same target", "same target"]
    assert "going by another drug of the same target" in rows["reason"][1]
    assert "Not tried in this setting" in rows["caveat"][1]


@pytest.mark.parametrize(
    ("receptor", "direction"),
    [
        *((receptor, "no effect") for receptor in ("EPHB2", "EPHB3", "ROR2", "MST1R")),
        ("TYRO3", "no partner known"),
    ],
)
def test_a_receptor_without_a_partner_is_told_and_suggests_nothing(
    combine, construct, receptor, direction
):
    rows = combine(construct(high=[receptor], copies=HER2_POSITIVE), {"Lapatinib": RESISTANT})
    assert rows["direction"].tolist() == [direction]
    assert rows[["rank", "partner"]].isna().all(axis=None)
    assert rows["matched_mechanism"][0].startswith(receptor)


def test_stroma_gets_mtor_bclxl_and_mcl1_inhibitors_unless_pik3ca_is_strong(combine, construct):
    for changes in ([], ["PIK3CA p.K111N"]):
        sample = construct(signatures=["caf"], changes=changes, copies=HER2_POSITIVE)
        rows = combine(sample, {"Lapatinib": RESISTANT})
        assert set(suggested(rows)) >= STROMA_PARTNERS
        about = of_partner(rows, "S63845")
        assert "caf signature above" in about["matched_mechanism"]
        assert about["source"] == "DOI:10.1073/pnas.2000648117"
    sample = construct(signatures=["caf"], changes=["PIK3CA p.H1047R"], copies=HER2_POSITIVE)
    rows = combine(sample, {"Lapatinib": RESISTANT})
    assert not STROMA_PARTNERS & set(suggested(rows))
    assert "Dactolisib" in suggested(rows)
    assert rows["direction"].tolist()[-1] == "no effect"


def test_neither_tdm1_nor_paclitaxel_gets_a_partner_for_stroma(combine, construct):
    sample = construct(signatures=["caf"], copies=HER2_POSITIVE)
    rows = combine(sample, {"T-DM1": RESISTANT, "Paclitaxel": RESISTANT})
    assert not suggested(rows)
    assert rows["direction"].tolist() == ["no effect"] * 2


def test_one_partner_of_two_mechanisms_is_one_row(combine, construct):
    sample = construct(signatures=["mitotic"], high=["PLK1"], copies=HER2_POSITIVE)
    rows = combine(sample, {"Trastuzumab emtansine": RESISTANT})
    assert suggested(rows) == ["Volasertib", "BI-2536", "GSK461364"]
    assert "mitotic signature" in rows["matched_mechanism"][0]
    assert "; PLK1 RNA" in rows["matched_mechanism"][0]
    assert rows["source"][0] == "DOI:10.1038/s41388-017-0108-9"


def test_alk_f1174l_beside_a_fusion_leaves_tae684_and_hsp90(combine, construct):
    change = ["ALK p.F1174L"]
    fused = combine(construct(fusions=[("EML4", "ALK")], changes=change), {"Crizotinib": RESISTANT})
    assert suggested(fused) == ["NVP-TAE684", "Tanespimycin"]
    assert set(fused["direction"]) == {"stays active"}
    assert set(fused["rule_evidence"]) == {"shown"}
    assert combine(construct(changes=change), {"Crizotinib": RESISTANT}).empty


# Which samples and drugs count


@pytest.mark.parametrize(
    ("call", "percentile", "basis"),
    [
        ("resistant", 20.0, "called resistant"),
        ("resistant", np.nan, "called resistant"),
        ("uncertain", 75.0, "call uncertain, resistance percentile 75 (at least 75)"),
        ("abstain", 98.2, "call abstain, resistance percentile 98 (at least 75)"),
        ("uncertain", 74.9, ""),
        ("abstain", np.nan, ""),
        ("sensitive", 99.0, ""),
    ],
)
def test_a_drug_fails_by_its_call_or_by_its_percentile(combine, construct, call, percentile, basis):
    sample = construct(high=["IGF1R"], copies=HER2_POSITIVE)
    rows = combine(sample, {"Lapatinib": (call, percentile)})
    assert rows["basis"].unique().tolist() == ([basis] if basis else [])


def test_no_measurement_no_rule(combine, construct, known_predictor):
    stroma = construct(signatures=["caf"], copies=HER2_POSITIVE)
    unsequenced = replace(stroma, sequenced=pd.Index([], dtype="str"))
    rows = combine(unsequenced, {"Lapatinib": RESISTANT})
    assert not STROMA_PARTNERS & set(suggested(rows))
    without = replace(construct(), sequenced=unsequenced.sequenced)
    for study, unknown in ((stroma, False), (unsequenced, True), (without, False)):
        states = SampleStates(study, known_predictor.mechanisms)
        found = not_measured(states, "Lapatinib")
        condition = "high:signature:caf + not:mutation:PIK3CA:strong"
        assert found.get(condition) == ({"S"} if unknown else None)
        assert not not_measured(states, "SIMNULL-1")


def test_a_drug_of_the_same_target_is_told_so(combine, construct):
    sample = construct(high=["IGF1R"], copies=HER2_POSITIVE)
    rows = combine(sample, {"Tucatinib": RESISTANT})
    assert suggested(rows) == ["NVP-AEW541", "BMS-754807", "Linsitinib"]
    assert set(rows["rule_evidence"]) == {"same target"}
    assert rows["caveat"].str.contains("Tested with Lapatinib, Trastuzumab, not with").all()
    assert combine(sample, {"Erlotinib": RESISTANT}).empty


def test_a_protein_change_says_nothing_of_other_drugs_of_the_target(combine, construct):
    sample = construct(fusions=[("EML4", "ALK")], changes=["ALK p.I1171T"])
    assert suggested(combine(sample, {"Alectinib": RESISTANT})) == ["Ceritinib"]
    assert combine(sample, {"Ceritinib": RESISTANT}).empty
    assert combine(sample, {"NVP-TAE684": RESISTANT}).empty


def test_findings_of_her2_positive_cells_have_another_context_elsewhere(combine, construct):
    rows = combine(construct(high=["IGF1R"]), {"Lapatinib": RESISTANT})
    assert set(rows["rule_evidence"]) == {"other context"}
    assert rows["caveat"].str.contains("not known to be HER2-positive").all()
    # What was tried with these drugs is still first.
    rows = combine(construct(high=["IGF1R"]), {"Lapatinib": RESISTANT, "Linsitinib": SENSITIVE})
    assert suggested(rows) == ["NVP-AEW541", "Linsitinib", "BMS-754807"]


@pytest.mark.parametrize(
    ("shown", "drug", "evidence"),
    [
        # Found with del557-558, or at relapse of GIST; by itself N822K changes nothing.
        ({"changes": ["KIT p.N822K"]}, "Imatinib", "other context"),
        ({"changes": ["EGFR p.C797S"]}, "Osimertinib", "other context"),
        ({"changes": ["EGFR p.C797S", "EGFR p.T790M"]}, "Osimertinib", "shown"),
        ({"changes": ["EGFR p.T790M"]}, "Gefitinib", "shown"),
        ({"changes": ["ALK p.L1196M"], "fusions": [("EML4", "ALK")]}, "Crizotinib", "shown"),
        (
            {"changes": ["ALK p.L1196M"], "fusions": [("KIF5B", "ALK")]},
            "Crizotinib",
            "other context",
        ),
    ],
)
def test_a_rule_on_a_protein_change_has_the_context_in_which_the_drug_failed(
    combine, construct, shown, drug, evidence
):
    rows = combine(construct(**shown), {drug: RESISTANT})
    assert set(rows["rule_evidence"]) == {evidence}
    elsewhere = rows["caveat"].str.contains("this sample is not known to be like")
    assert elsewhere.all() == (evidence == "other context")
    assert not rows["caveat"].str.contains("HER2").any()


def test_rules_about_the_very_drug_go_before_those_of_its_kin():
    about = rules_about("Neratinib")
    partners = [rule.partner for rule, _ in about]
    assert sorted(set(partners) & STROMA_PARTNERS) == sorted(STROMA_PARTNERS)
    for rule, relation in about:
        stroma = rule.condition.text.startswith("high:signature:caf")
        assert relation == ("shown" if stroma else "same target")
    assert rules_about("SIMNULL-1") == []


def test_no_rule_names_the_drug_that_fails():
    rule = next(rule for rule in COMBINATION_TABLE.load() if rule.partner == "NVP-AEW541")
    rules = [replace(rule, partner=partner) for partner in ("HKI-272", "Linsitinib")]
    assert [found.partner for found, _ in rules_about("Neratinib", rules)] == ["Linsitinib"]


# Order, and what the model says


def test_partners_in_the_panel_stand_in_the_order_of_the_models_prediction(combine, construct):
    sample = construct(signatures=["caf"], changes=["PIK3CA p.K111N"], copies=HER2_POSITIVE)
    views = {
        "Lapatinib": RESISTANT,
        "Everolimus": ("uncertain", 40.0),
        "Sapanisertib": ("sensitive", 12.0),
        "Navitoclax": ("abstain", 1.0),
    }
    rows = combine(sample, views)
    assert suggested(rows)[:2] == ["Sapanisertib", "Everolimus"]
    assert {"Navitoclax", "S63845"} < set(suggested(rows)[2:])
    first = rows.iloc[0]
    assert bool(first["partner_in_panel"])
    assert first[["partner_prediction", "partner_percentile"]].tolist() == [5.0, 12.0]
    assert first[["partner_call", "partner_applicability"]].tolist() == ["sensitive", 0.5]
    prediction = "The model calls the sample sensitive to Sapanisertib (resistance percentile 12)"
    assert first["reason"].endswith(prediction)
    outside = of_partner(rows, "S63845")
    assert not outside["partner_in_panel"]
    assert outside["partner_prediction":"partner_applicability"].isna().all()
    assert of_partner(rows, "Navitoclax")["reason"].endswith("The model abstains on Navitoclax")


def test_what_was_shown_comes_before_what_the_model_prefers(combine, construct):
    sample = construct(high=["IGF1R"], copies=HER2_POSITIVE)
    views = {"Lapatinib": RESISTANT, "NVP-AEW541": ("uncertain", 60.0), "Linsitinib": SENSITIVE}
    assert suggested(combine(sample, views)) == ["NVP-AEW541", "Linsitinib", "BMS-754807"]


@pytest.mark.parametrize("partner_view", [RESISTANT, ("uncertain", 80.0), ("abstain", 80.0)])
def test_a_partner_that_the_sample_resists_too_is_kept_and_marked(combine, construct, partner_view):
    sample = construct(signatures=["caf"], copies=HER2_POSITIVE)
    rows = combine(sample, {"Lapatinib": RESISTANT, "Everolimus": partner_view})
    rows = rows[rows["drug"] == "Lapatinib"]
    assert suggested(rows)[-1] == "Everolimus"
    marked = rows["caveat"].str.startswith("The sample is itself predicted resistant to")
    assert rows.loc[marked, "partner"].tolist() == ["Everolimus"]


def test_a_partner_that_a_fact_speaks_against_is_kept_and_marked(combine, construct):
    changes = ["ALK p.L1196M", "ALK p.G1202R"]
    sample = construct(fusions=[("EML4", "ALK")], changes=changes)
    rows = combine(sample, {"Crizotinib": RESISTANT, "Ceritinib": SENSITIVE})
    assert suggested(rows) == ["Lorlatinib", "Alectinib", "Ceritinib"]
    against = "ALK G1202R with EML4-ALK is known to make Ceritinib fail (PMID:24675041)"
    assert against in of_partner(rows, "Ceritinib")["caveat"]
    assert "known to make" not in of_partner(rows, "Lorlatinib")["caveat"]


def test_only_facts_of_such_cells_speak_against_a_partner(combine, construct):
    views = {"Crizotinib": RESISTANT, "Lapatinib": SENSITIVE, "Palbociclib": ("sensitive", 20.0)}
    for copies, order in (
        ({}, ["Lapatinib", "Palbociclib"]),
        (HER2_POSITIVE, ["Palbociclib", "Lapatinib"]),
    ):
        rows = combine(construct(high=["IGF1R"], copies=copies), views)
        assert suggested(rows) == order
        about = of_partner(rows, "Lapatinib")["caveat"]
        assert ("is known to make Lapatinib fail (PMID:27903634" in about) == bool(copies)


def test_the_panels_name_of_a_partner_is_kept(combine, construct):
    sample = construct(fusions=[("EML4", "ALK")], changes=["ALK p.F1174L"])
    rows = combine(sample, {"PF-2341066": RESISTANT, "TAE684": SENSITIVE})
    assert suggested(rows) == ["TAE684", "Tanespimycin"]
    assert rows["partner_call"][0] == "sensitive"


# What the model alone names


def test_the_model_alone_names_drugs_of_other_classes_and_says_so(combine, construct):
    views = {
        "Lapatinib": RESISTANT,
        "Gefitinib": SENSITIVE,  # hits EGFR, as lapatinib does
        "Selumetinib": ("uncertain", 20.0),
        "Trametinib": ("sensitive", 15.0),  # of one class with selumetinib
        "Palbociclib": ("uncertain", 26.0),
        "BI-2536": ("uncertain", 25.0),
        "MK-2206": ("abstain", 1.0),
        "SIMNULL-1": SENSITIVE,  # nobody knows what it hits
    }
    rows = combine(construct(), views)
    assert suggested(rows) == ["Trametinib", "BI-2536"]
    assert set(rows["rule_evidence"]) == {MODEL_ONLY}
    assert rows[["matched_mechanism", "direction"]].isna().all(axis=None)
    assert set(rows["source"]) == {"model her2 3"}
    assert rows["caveat"].str.startswith("By the model only").all()
    assert "Trametinib (MEK inhibitor)" in rows["reason"][0]
    assert combine(construct(), views | {"Lapatinib": SENSITIVE}).empty
    assert combine(construct(), {"SIMNULL-1": RESISTANT, "Trametinib": SENSITIVE}).empty


def test_the_model_names_a_few_behind_the_rules_and_none_twice(combine, construct):
    sample = construct(high=["IGF1R"], copies=HER2_POSITIVE)
    others = ["Linsitinib", "Trametinib", "Palbociclib", "BI-2536", "MK-2206"]
    views = {name: ("sensitive", float(place)) for place, name in enumerate(others)}
    rows = combine(sample, {"Lapatinib": RESISTANT, **views})
    assert suggested(rows)[:3] == ["NVP-AEW541", "Linsitinib", "BMS-754807"]
    assert suggested(rows)[3:] == others[1 : 1 + MOST_BY_MODEL]
    assert (rows["rule_evidence"] == MODEL_ONLY).tolist() == [False] * 3 + [True] * MOST_BY_MODEL


# The table


@pytest.fixture(scope="module")
def all_lines(known_lines, known_predictor):
    """Views that differ by line and drug, and the table that follows from them."""
    drugs = ["Lapatinib", "Trastuzumab emtansine", "Everolimus", "BI-2536", "Linsitinib"]
    drawn = np.random.default_rng(0).uniform(0, 100, (len(drugs), len(known_lines.samples)))
    views = {
        drug: {
            str(sample): view("uncertain", percentile)
            for sample, percentile in zip(known_lines.samples, percentiles, strict=True)
        }
        for drug, percentiles in zip(drugs, drawn, strict=True)
    }

    def rows(study):
        witnesses = Witnesses(SampleStates(study, known_predictor.mechanisms), views, 75.0)
        return combination_rows(witnesses, drugs, "model her2 3", simulated=True)

    return rows


def test_a_drug_that_only_some_samples_have_scores_of_is_a_partner_of_those(
    known_predictor, known_lines
):
    # As a response under a regimen that the model never saw, of whom had it.
    one, *others = (str(sample) for sample in known_lines.samples)
    views = {
        "Lapatinib": {sample: view(*RESISTANT) for sample in [one, *others]},
        "Everolimus": {one: view(*SENSITIVE)},
    }
    witnesses = Witnesses(SampleStates(known_lines, known_predictor.mechanisms), views, 75.0)
    rows = combination_rows(witnesses, list(views), "model her2 3", simulated=False)
    assert set(rows["sample_id"]) > {one}
    called = rows["reason"].str.contains("calls the sample sensitive to Everolimus")
    assert set(rows.loc[called, "sample_id"]) == {one}


def test_rows_have_the_columns_of_the_schema_and_say_why(all_lines, known_lines):
    rows = all_lines(known_lines)
    assert list(rows.columns) == COMBINATIONS.names
    assert {"shown", "other context", MODEL_ONLY} <= set(rows["rule_evidence"])
    needed = rows[["sample_id", "drug", "basis", "rule_evidence", "reason", "caveat", "source"]]
    assert needed.notna().all(axis=None)
    assert (needed != "").all(axis=None)
    assert rows["caveat"].str.startswith("Simulated data. ").all()
    assert rows["caveat"].str.endswith(NO_SYNERGY).all()
    assert (rows["rank"].isna() == rows["partner"].isna()).all()
    table = as_table(rows, COMBINATIONS)
    assert table.schema == COMBINATIONS
    assert table["rank"].null_count == rows["rank"].isna().sum()


def test_ranks_count_from_one_and_what_is_no_suggestion_is_last(all_lines, known_lines):
    rows = all_lines(known_lines)
    places = rows["sample_id"].map(list(known_lines.samples).index)
    assert places.is_monotonic_increasing
    for _, part in rows.groupby(["sample_id", "drug"]):
        suggested(part)
        assert part["rank"].notna().tolist() == sorted(part["rank"].notna(), reverse=True)


@pytest.mark.slow
def test_a_sample_has_the_same_partners_alone(all_lines, known_lines):
    alone = [all_lines(known_lines.select([sample])) for sample in known_lines.samples]
    kept = [rows for rows in alone if len(rows)]
    together = pd.concat([as_table(rows, COMBINATIONS).to_pandas() for rows in kept])
    expected = as_table(all_lines(known_lines), COMBINATIONS).to_pandas()
    pd.testing.assert_frame_equal(
        together.reset_index(drop=True), expected, check_dtype=False, check_exact=True
    )


def test_nothing_resisted_is_an_empty_table_of_the_schema(combine, construct):
    for views in ({}, {"Lapatinib": SENSITIVE}):
        rows = combine(construct(high=["IGF1R"]), views)
        assert rows.empty
        assert as_table(rows, COMBINATIONS).schema == COMBINATIONS


def test_conditions_are_told_in_words():
    conditions = {condition_words(rule.condition) for rule in COMBINATION_TABLE.load()}
    assert {
        "high IGF1R",
        "high mitotic signature",
        "high caf signature, no PIK3CA strong mutation",
        "ALK fusion, ALK F1174L",
        "PTEN loss",
    } <= conditions
    assert not any(":" in words for words in conditions)
