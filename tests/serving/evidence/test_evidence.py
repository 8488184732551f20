"""Evidence: which facts apply, how near they are, and whether the model agrees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.variants import HOTSPOT_TABLE, RESISTANCE_TABLE
from sidestep.serving.disk.output import as_table
from sidestep.serving.evidence.evidence import EVIDENCE, agreement, evidence_rows
from sidestep.serving.evidence.facts import DIRECTIONS, KINDS, STRENGTHS
from sidestep.serving.evidence.kinship import is_of_class
from sidestep.serving.scoring.outlook import outlook_of
from sidestep.serving.scoring.samples import samples_of

DRUGS = ["Lapatinib", "Trastuzumab emtansine", "Trastuzumab", "Crizotinib", "Alpelisib", "SIMNULL"]
HER2_POSITIVE = {"ERBB2": 2.5}


@dataclass(frozen=True)
class Says:
    """What a model might say."""

    call: np.ndarray
    percentile: np.ndarray


def says(call: str, percentile: float = 50.0) -> Says:
    return Says(np.array([call], dtype=object), np.array([percentile]))


@pytest.fixture(scope="module")
def tell(known_predictor):
    def tell(study, drugs=DRUGS, views=None):
        return evidence_rows(study, known_predictor, drugs, views or {})

    return tell


def test_rows_have_the_columns_and_words_of_the_schema(tell, known_lines):
    rows = tell(known_lines)
    assert len(rows) > 20
    assert list(rows.columns) == EVIDENCE.names
    assert set(rows["direction"]) <= set(DIRECTIONS)
    assert set(rows["kind"]) <= set(KINDS)
    assert set(rows["strength"]) <= set(STRENGTHS)
    assert rows["regimen"].isna().all()  # of lines, which have none
    needed = rows.drop(columns=["alternatives", "regimen"])
    assert needed.notna().all(axis=None)
    assert (needed != "").all(axis=None)
    assert rows["source"].str.fullmatch(r"((PMID:\d+|DOI:10\.[^;]+)(;|$))+").all()
    table = as_table(rows, EVIDENCE)
    assert table.schema == EVIDENCE
    assert table["alternatives"].null_count == rows["alternatives"].isna().sum() > 0


def test_samples_and_drugs_stand_in_the_order_given_and_resistance_first(tell, known_lines):
    rows = tell(known_lines)
    places = rows["sample_id"].map(list(known_lines.samples).index)
    keys = pd.DataFrame(
        {
            "sample": places,
            "drug": rows["drug"].map(DRUGS.index),
            "direction": rows["direction"].map(DIRECTIONS.index),
            "strength": rows["strength"].map(STRENGTHS.index),
        }
    )
    assert keys.apply(tuple, axis=1).is_monotonic_increasing


@pytest.mark.slow
def test_a_sample_has_the_same_facts_alone(tell, known_lines):
    alone = [tell(known_lines.select([sample])) for sample in known_lines.samples]
    pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), tell(known_lines))


def test_no_fact_stands_twice(tell, known_lines):
    rows = tell(known_lines)
    assert not rows.duplicated().any()


def test_an_unknown_drug_and_no_drugs_give_an_empty_table(tell, known_lines):
    for drugs in (["SIMNULL-1"], []):
        rows = tell(known_lines, drugs)
        assert rows.empty
        assert list(rows.columns) == EVIDENCE.names
        assert as_table(rows, EVIDENCE).num_rows == 0


def test_any_name_of_the_drug_will_do_and_is_kept(tell, construct):
    sample = construct(copies=HER2_POSITIVE, high=["PLK1"])
    one, other = tell(sample, ["T-DM1"]), tell(sample, ["Trastuzumab emtansine"])
    assert set(one["drug"]) == {"T-DM1"}
    pd.testing.assert_frame_equal(one.drop(columns="drug"), other.drop(columns="drug"))


def test_no_measurement_no_fact(tell, construct):
    stroma = construct(signatures=["caf"], copies=HER2_POSITIVE)
    assert (tell(stroma, ["Lapatinib"])["kind"] == "signature").any()
    # Whether PIK3CA is strong is not known: the rule that needs it to be weak does not apply.
    unsequenced = replace(stroma, sequenced=pd.Index([], dtype="str"))
    assert not (tell(unsequenced, ["Lapatinib"])["kind"] == "signature").any()


@pytest.mark.parametrize(
    ("change", "classification", "words"),
    [
        (None, "", "PIK3CA unchanged"),
        ("PIK3CA p.E109del", "In_Frame_Del", "PIK3CA mutated, not strong"),
        ("PIK3CA p.K111fs", "Frame_Shift_Del", "PIK3CA mutated, not strong"),
        ("PIK3CA p.K111N", "Missense_Mutation", "PIK3CA K111N, not strong"),
        ("PIK3CA p.K111N", "Silent", "PIK3CA unchanged"),
    ],
)
def test_a_gene_is_unchanged_only_where_no_call_is_carried(
    tell, construct, change, classification, words
):
    changes = [change] if change else []
    sample = construct(
        signatures=["caf"], changes=changes, copies=HER2_POSITIVE, classification=classification
    )
    rows = tell(sample, ["Lapatinib"])
    stroma = rows[rows["kind"] == "signature"].iloc[0]
    assert stroma["fact"].endswith(f", {words}")


def test_evidence_from_her2_positive_cells_has_another_context_elsewhere(tell, construct):
    for copies, strength in ((HER2_POSITIVE, "shown"), ({}, "other context")):
        rows = tell(construct(high=["IGF1R"], copies=copies), ["Lapatinib"])
        assert rows.loc[rows["kind"] == "expression", "strength"].tolist() == [strength]


@pytest.mark.parametrize(("kind", "copies"), [("log2", 0.6), ("discrete", 1.0), ("log2", np.nan)])
def test_a_positive_clinical_status_is_enough(tell, construct, kind, copies):
    sample = construct(high=["IGF1R"], copies={"ERBB2": copies})
    sample = replace(sample, copy_number_kind=kind)
    clinical = pd.DataFrame({"HER2_STATUS": ["Positive"]}, index=sample.samples)
    unknown, known = (
        tell(one, ["Lapatinib"]) for one in (sample, replace(sample, clinical=clinical))
    )
    strengths = [
        rows.loc[rows["kind"] == "expression", "strength"].tolist() for rows in (unknown, known)
    ]
    assert strengths == [["other context"], ["shown"]]
    assert "ERBB2-positive by clinical status" in known["fact"].tolist()
    assert not unknown["fact"].str.startswith("ERBB2").any()


def test_another_drug_of_the_target_is_told_so(tell, construct):
    sample = construct(high=["IGF1R"], copies=HER2_POSITIVE)
    rows = tell(sample, ["Tucatinib"])
    fact = rows[rows["fact"].str.startswith("IGF1R")].iloc[0]
    assert (fact["direction"], fact["strength"]) == ("resistance", "same target")
    assert "Tested with Lapatinib, Trastuzumab" in fact["statement"]
    for drug in ("Trastuzumab emtansine", "Gefitinib"):
        assert not tell(sample, [drug])["fact"].str.startswith("IGF1R").any()


def test_no_hotspot_of_a_class_contradicts_what_is_known_of_a_drug():
    by_class = [
        (spot, spot.effect.partition("resistance to ")[2])
        for spot in HOTSPOT_TABLE.load()
        if "resistance to" in spot.effect and "inhibitors" in spot.effect
    ]
    assert by_class
    for variant in RESISTANCE_TABLE.load():
        for spot, described in by_class:
            there = (variant.gene, variant.variant[:-1]) == (spot.gene, spot.residue)
            if variant.effect == "sensitive" and there:
                assert spot.change not in ("", variant.variant) or not is_of_class(
                    variant.drug, described
                ), (spot, variant.drug)


def test_a_change_that_the_drug_was_tested_with_is_not_told_by_its_class(tell, construct):
    change = ["ALK p.S1206Y"]
    assert tell(construct(changes=change), ["Ceritinib"]).empty
    fused = construct(changes=change, fusions=[("EML4", "ALK")])
    rows = tell(fused, ["Ceritinib"])
    assert set(rows.loc[rows["fact"].str.contains("S1206Y"), "direction"]) == {"sensitivity"}
    # G1202R resists the class, and ceritinib's own row asks for a fusion.
    assert tell(construct(changes=["ALK p.G1202R"]), ["Ceritinib"]).empty
    assert tell(construct(changes=["ALK p.G1202R"]), ["NVP-TAE684"])["strength"].tolist() == [
        "same target"
    ]


def test_a_class_of_drugs_is_matched_by_its_words(tell, construct):
    sample = construct(changes=["MTOR p.F2108L"])
    assert tell(sample, ["Temsirolimus"])["strength"].tolist() == ["same target"]
    assert "PMID:27279227" in tell(sample, ["Temsirolimus"])["source"].tolist()
    assert tell(sample, ["AZD8055"]).empty


def test_a_change_found_with_another_beside_it_needs_that_other(tell, construct):
    both = tell(construct(changes=["EGFR p.T790M", "EGFR p.L858R"]), ["Gefitinib"])
    one = tell(construct(changes=["EGFR p.T790M"]), ["Gefitinib"])
    relapse = "appeared at relapse"
    for rows, strength in ((both, "shown"), (one, "other context")):
        relapses = rows[rows["statement"].str.contains(relapse)]
        assert relapses["strength"].tolist() == [strength]
    assert (one["strength"] == "shown").any()  # Ba/F3 cells with T790M alone
    assert set(one["direction"]) == {"resistance"}
    assert one["alternatives"].str.startswith("Osimertinib;Rociletinib").all()


def test_a_sensitizing_change_is_overruled_by_a_resisting_one_in_its_gene(tell, construct):
    alone = tell(construct(changes=["EGFR p.L858R"]), ["Erlotinib"])
    assert alone["direction"].tolist() == ["sensitivity"]
    both = tell(construct(changes=["EGFR p.L858R", "EGFR p.T790M"]), ["Erlotinib"])
    marker = both[both["fact"] == "EGFR L858R"].iloc[0]
    assert marker["direction"] == "none"
    assert marker["statement"].endswith("Overruled here by EGFR T790M")


@pytest.mark.parametrize(
    ("sample", "drug", "failing"),
    [
        ({"changes": ["EGFR p.L858R", "EGFR p.T790M", "EGFR p.C797S"]}, "Erlotinib", "Osimertinib"),
        (
            {"changes": ["ALK p.L1196M", "ALK p.G1202R"], "fusions": [("EML4", "ALK")]},
            "Crizotinib",
            "Ceritinib",
        ),
        (
            {"changes": ["MTOR p.F2108L"], "high": ["ERBB2"], "signatures": ["caf"]},
            "Lapatinib",
            "Everolimus",
        ),
    ],
)
def test_no_alternative_is_a_drug_that_another_change_of_the_sample_makes_fail(
    tell, construct, sample, drug, failing
):
    without = sample | {"changes": sample["changes"][:-1]}
    named, left = (
        ";".join(tell(construct(**what), [drug])["alternatives"].dropna()).split(";")
        for what in (without, sample)
    )
    assert failing in named
    assert failing not in left
    assert set(left) - {""}


@pytest.mark.parametrize(
    ("missense", "change", "classification", "drug"),
    [
        ("MAP2K1 p.Q56P", "MAP2K1 p.Q56*", "Nonsense_Mutation", "Selumetinib"),
        ("ABL1 p.E255K", "ABL1 p.E255Kfs*12", "Frame_Shift_Del", "Imatinib"),
        ("MAP2K2 p.C125S", "MAP2K2 p.C125del", "In_Frame_Del", "Vemurafenib"),
    ],
)
def test_what_is_known_of_a_residue_is_known_of_substitutions(
    tell, construct, missense, change, classification, drug
):
    assert set(tell(construct(changes=[missense]), [drug])["direction"]) == {"resistance"}
    assert tell(construct(changes=[change], classification=classification), [drug]).empty


@pytest.mark.parametrize(
    ("drug", "words"),
    [
        ("Afatinib", "141 times as much is needed as without the change, and 99 nM is not below "),
        ("Neratinib", "No promise: 185 nM is not below the 61.6 nM that plasma holds"),
        ("Canertinib", "No promise: 101 times as much is needed as without the change"),
    ],
)
def test_a_drug_that_plasma_does_not_hold_enough_of_is_no_promise(tell, construct, drug, words):
    sample = construct(changes=["EGFR p.L858R", "EGFR p.T790M"])
    rows = tell(sample, [drug])
    fact = rows[rows["fact"] == "EGFR T790M"].iloc[0]
    assert fact["direction"] == "none"
    assert words in fact["statement"]
    assert "sensitivity" not in set(rows["direction"])  # by EGFR L858R
    assert not tell(sample, ["Erlotinib"])["alternatives"].str.contains(drug).any()


def test_a_drug_of_which_plasma_may_hold_enough_stays_active(tell, construct):
    sample = construct(changes=["ABL1 p.T315I"], fusions=[("BCR", "ABL1")])
    rows = tell(sample, ["Ponatinib"])  # 22-fold, and nothing is known of plasma
    assert rows["direction"].tolist() == ["sensitivity"]
    assert tell(sample, ["Imatinib"])["alternatives"].str.contains("Ponatinib").any()


@pytest.mark.parametrize(
    ("first", "classification", "strength"),
    [
        *(
            (first, "Missense_Mutation", "shown")
            for first in ("EGFR p.L858R", "EGFR p.L861Q", "EGFR p.G719S")
        ),
        ("EGFR p.E746_A750del", "In_Frame_Del", "shown"),
        ("EGFR p.L747_P753delinsS", "In_Frame_Del", "shown"),
        ("EGFR p.E746fs", "Frame_Shift_Del", "other context"),
        ("EGFR p.D770_N771insNPG", "In_Frame_Ins", "other context"),
        ("EGFR p.R108K", "Missense_Mutation", "other context"),
    ],
)
def test_a_drug_against_a_second_mutation_needs_a_sensitizing_one(
    tell, construct, first, classification, strength
):
    sample = construct(changes=["EGFR p.T790M", first])
    kinds = ["Missense_Mutation", classification]
    sample = replace(sample, mutations=sample.mutations.assign(classification=kinds))
    rows = tell(sample, ["Osimertinib"])
    assert rows.loc[rows["fact"] == "EGFR T790M", "strength"].tolist() == [strength]


def test_a_fusion_decides_which_rows_of_a_change_apply(tell, construct):
    change = ["ALK p.F1174L"]
    with_fusion = tell(construct(changes=change, fusions=[("EML4", "ALK")]), ["Crizotinib"])
    without = tell(construct(changes=change), ["Crizotinib"])
    unknown = tell(replace(construct(changes=change), fusions=None), ["Crizotinib"])
    fused = with_fusion[with_fusion["kind"] == "variant"]
    assert not fused["statement"].str.contains("no fusion").any()
    assert set(fused["strength"]) == {"shown", "other context"}  # EML4-ALK and RANBP2-ALK
    assert without["statement"].str.contains("no fusion").all()
    assert set(unknown["strength"]) == {"other context"}
    assert len(unknown) == len(fused) + len(without)


def test_a_change_of_pik3ca_without_a_rule_is_told_and_points_neither_way(tell, construct):
    sample = construct(changes=["PIK3CA p.C420R"], copies=HER2_POSITIVE)
    rows = tell(sample, ["Lapatinib"])
    fact = rows[rows["fact"] == "PIK3CA C420R (unknown)"].iloc[0]
    assert (fact["direction"], fact["source"]) == ("none", "PMID:26920887")
    assert not tell(sample, ["Crizotinib"])["fact"].str.startswith("PIK3CA").any()


def test_what_was_tried_in_vain_is_never_shown_as_support(tell, construct):
    sample = construct(
        high=["EPHB2", "MET", "KIT"], changes=["PIK3CA p.K111N", "ERBB2 p.V777L"],
        copies=HER2_POSITIVE,
    )  # fmt: skip
    rows = tell(sample, ["Lapatinib"])
    for name in ("EPHB2", "MET", "KIT", "PIK3CA", "ERBB2 V777L"):
        facts = rows[rows["fact"].str.startswith(name)]
        assert len(facts)
        assert set(facts["direction"]) == {"none"}
        assert facts["alternatives"].isna().all()
        assert set(facts["agreement"]) == {"silent"}


# Agreement


@pytest.mark.parametrize(
    ("direction", "call", "percentile", "expected"),
    [
        ("resistance", "resistant", 10.0, "agrees"),
        ("resistance", "sensitive", 90.0, "conflicts"),
        ("sensitivity", "sensitive", 50.0, "agrees"),
        ("sensitivity", "resistant", np.nan, "conflicts"),
        ("resistance", "uncertain", 75.0, "agrees"),
        ("resistance", "uncertain", 74.9, "silent"),
        ("resistance", "uncertain", 25.0, "conflicts"),
        ("sensitivity", "uncertain", 25.0, "agrees"),
        ("sensitivity", "uncertain", np.nan, "silent"),
        ("resistance", "abstain", 99.0, "silent"),
        ("none", "resistant", 99.0, "silent"),
    ],
)
def test_agreement_is_with_the_call_or_where_the_model_leans(direction, call, percentile, expected):
    assert agreement(direction, call, percentile) == expected


def test_agreement_stands_in_the_rows_and_changes_nothing_else(tell, construct):
    sample = construct(fusions=[("EML4", "ALK")], changes=["ALK p.F1174L"])
    plain = tell(sample, ["Crizotinib"])
    assert set(plain["agreement"]) == {"silent"}
    for call, expected in (("resistant", "agrees"), ("sensitive", "conflicts")):
        rows = tell(sample, ["Crizotinib"], {"Crizotinib": says(call)})
        resists = rows["direction"] == "resistance"
        assert set(rows.loc[resists, "agreement"]) == {expected}
        assert set(rows.loc[~resists, "agreement"]) == {"silent"}
        pd.testing.assert_frame_equal(
            rows.drop(columns="agreement"), plain.drop(columns="agreement")
        )


def test_the_models_own_outlook_is_a_view(known_predictor, known_lines):
    predictor = known_predictor
    features = predictor.features(known_lines)
    study = known_lines.select(list(features.index[features.notna().any(axis=1)]))
    samples = samples_of(predictor, study, features.loc[study.samples])
    outlook = outlook_of(
        predictor, predictor.drugs["Lapatinib"], samples, level=0.8, her2_context=False
    )
    rows = evidence_rows(study, predictor, ["Lapatinib"], {"Lapatinib": outlook})
    places = study.samples.get_indexer(pd.Index(rows["sample_id"]))
    expected = [
        agreement(direction, outlook.call[place], outlook.percentile[place])
        for direction, place in zip(rows["direction"], places, strict=True)
    ]
    assert rows["agreement"].tolist() == expected
    assert {"agrees", "conflicts"} & set(rows["agreement"])
