"""The tables of literature facts: their form, and the findings of the five papers in them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from sidestep.features.knowledge.drugs import CONCENTRATION_TABLE, DRUG_TABLE
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.knowledge.rules import COMBINATION_TABLE
from sidestep.features.knowledge.signatures import PATHWAY_TABLE, SIGNATURE_TABLE
from sidestep.features.knowledge.variants import (
    PIK3CA_TABLE,
    RESISTANCE_TABLE,
    known_hotspots,
    pik3ca_strength,
)
from sidestep.features.study.antibodies import match_antibodies, parse_antibody

# Drugs that a finding names and the drug table, which is about kinase inhibitors, does not have.
OUTSIDE_THE_DRUG_TABLE = {"Lorlatinib", "Navitoclax", "Paclitaxel", "S63845", "Tanespimycin"}
HER2_LINES = {"SKBR3", "BT474", "AU565"}
STROMA = "high:signature:caf + not:mutation:PIK3CA:strong"
F1174L = "fusion:ALK + mutation:ALK:F1174L"


def partners(resisted: str, condition: str, direction: str) -> set[str]:
    """Partners that were tried themselves."""
    return {
        rule.partner
        for rule in COMBINATION_TABLE.load()
        if resisted in rule.resisted
        and rule.condition.text == condition
        and rule.direction == direction
        and rule.evidence == "shown"
    }


def effects(gene: str, variant: str, drug: str) -> set[tuple[str, str]]:
    return {
        (row.context, row.effect)
        for row in RESISTANCE_TABLE.load()
        if (row.gene, row.variant, row.drug) == (gene, variant, drug)
    }


# The form of the tables


def test_every_table_loads_and_is_not_empty():
    assert len(RTK_TABLE.load()) == 58
    assert len(PATHWAY_TABLE.load()) == 11
    assert len(SIGNATURE_TABLE.load()) == 7
    assert len(PIK3CA_TABLE.load()) > 20
    assert len(RESISTANCE_TABLE.load()) > 100
    assert len(CONCENTRATION_TABLE.load()) > 20
    assert len(COMBINATION_TABLE.load()) > 50


def test_tables_are_read_once():
    assert RTK_TABLE.load() is RTK_TABLE.load()
    assert COMBINATION_TABLE.load() is COMBINATION_TABLE.load()


def test_every_drug_is_named_as_in_the_drug_table():
    named = {row.drug for row in RESISTANCE_TABLE.load()} | set(CONCENTRATION_TABLE.load())
    named |= {name for rtk in RTK_TABLE.load().values() for name in rtk.partners}
    for rule in COMBINATION_TABLE.load():
        named |= {*rule.resisted, rule.partner} - {""}
    assert named - set(DRUG_TABLE.load()) == OUTSIDE_THE_DRUG_TABLE


def test_every_condition_names_a_signature_or_pathway_that_exists():
    terms = [term for rule in COMBINATION_TABLE.load() for term in rule.condition.terms]
    assert {t.name for t in terms if t.measure == "signature"} <= set(SIGNATURE_TABLE.load())
    assert {t.name for t in terms if t.measure == "pathway"} <= set(PATHWAY_TABLE.load())


def test_a_rule_about_a_mutation_has_its_fact_in_the_variant_table():
    facts = {(row.gene, row.variant) for row in RESISTANCE_TABLE.load()}
    for rule in COMBINATION_TABLE.load():
        for term in rule.condition.terms:
            if term.change and term.name != "PIK3CA":
                assert (term.name, term.change) in facts, rule.condition.text


def test_no_rule_stands_twice():
    keys = [
        (drug, rule.condition.text, rule.partner)
        for rule in COMBINATION_TABLE.load()
        for drug in rule.resisted
    ]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_pathway_antibody_is_spelled_as_the_parser_spells_it():
    for members in PATHWAY_TABLE.load().values():
        for member in members:
            for name in member.antibodies:
                gene, _, site = name.partition("_")
                antibody = f"{gene}|{gene}_{site}" if site else f"{gene}|{gene}"
                assert parse_antibody(antibody).canonical == name


@pytest.mark.parametrize(
    ("study", "least"),
    [("breast_cell_lines", 0.85), ("pancan_cell_lines", 0.95), ("tcga_brca_rppa", 0.85)],
)
def test_the_real_arrays_have_the_pathways(shared, study, least):
    rows = (shared / "studies" / study / "data_rppa.txt").read_text().split("\n")[1:]
    there = {parse_antibody(row.split("\t")[0]).canonical for row in rows if row}
    members = {m.antibodies for members in PATHWAY_TABLE.load().values() for m in members}
    found = [names for names in members if match_antibodies(names, there)]
    assert len(found) >= least * len(members)


def test_a_strong_pik3ca_change_is_a_known_hotspot():
    for row in PIK3CA_TABLE.load():
        if row.strength != "unknown":
            assert ("PIK3CA", row.variant[:-1]) in known_hotspots()


_MASS = re.compile(r"([\d.,]+) (ng/mL|microgram/mL|mg/L)")
_NG_PER_ML = {"ng/mL": 1.0, "microgram/mL": 1000.0, "mg/L": 1000.0}


def test_a_concentration_follows_from_its_mass_and_molecular_weight():
    for row in CONCENTRATION_TABLE.load().values():
        if row.total is None:
            assert "molecular weight" not in row.measured
            continue
        told, _, weight = row.measured.rpartition("; molecular weight ")
        amount, unit = _MASS.search(told).groups()
        nanomolar = float(amount.replace(",", "")) * _NG_PER_ML[unit] / float(weight) * 1000
        assert row.total == pytest.approx(nanomolar, rel=0.005), row.drug
        assert 300 < float(weight) < 1000


# What each paper found


def test_alexander_three_receptors_rescue_and_four_do_not():
    rtks = RTK_TABLE.load()
    assert {gene for gene, rtk in rtks.items() if rtk.rescues} == {"IGF1R", "TYRO3", "PDGFRB"}
    for gene in ("EPHB2", "EPHB3", "ROR2", "MST1R"):
        assert rtks[gene].role == "no effect"
        assert set(rtks[gene].lines) == HER2_LINES
        assert partners("Lapatinib", f"high:{gene}", "no effect") == {""}


def test_alexander_pdgfrb_rescues_two_of_three_lines_and_not_au565():
    pdgfrb = RTK_TABLE.load()["PDGFRB"]
    assert pdgfrb.role == "rescues in some lines"
    assert set(pdgfrb.lines) == {"SKBR3", "BT474"}


def test_alexander_tyro3_is_not_induced_in_mdamb361_and_has_no_partner():
    assert RTK_TABLE.load()["TYRO3"].induced_in == ("rBT474",)
    assert RTK_TABLE.load()["IGF1R"].induced_in == ("rBT474", "MDAMB361")
    assert RTK_TABLE.load()["TYRO3"].partners == ()
    assert partners("Lapatinib", "high:TYRO3", "no partner known") == {""}
    assert partners("Lapatinib", "high:TYRO3", "restores") == set()


def test_alexander_partners_are_those_that_were_tried():
    assert partners("Lapatinib", "high:IGF1R", "restores") == {"NVP-AEW541"}
    assert partners("Lapatinib", "high:PDGFRB", "restores") == {"Sunitinib"}
    assert partners("Trastuzumab", "high:PDGFRB", "restores") == {"Sunitinib", "Imatinib"}


def test_alexander_high_met_goes_with_better_outcome():
    met = RTK_TABLE.load()["MET"]
    assert (met.role, met.rescues, met.partners) == ("better outcome", False, ())


def test_alexander_senescence_has_its_markers_and_their_signs():
    signs = {gene.gene: gene.sign for gene in SIGNATURE_TABLE.load()["senescence"]}
    assert [signs[g] for g in ("CDKN2A", "CDKN1A", "IGFBP3", "IGFBP5", "MKI67")] == [1, 1, 1, 1, -1]


def test_saatci_plk1_leads_the_mitotic_programme_and_volasertib_is_the_partner():
    assert SIGNATURE_TABLE.load()["mitotic"][0].gene == "PLK1"
    for condition in ("high:signature:mitotic", "high:PLK1"):
        assert partners("Trastuzumab emtansine", condition, "restores") == {"Volasertib"}


def test_zervantonakis_partners_under_stroma():
    tried = {"Sapanisertib", "Everolimus", "Navitoclax", "S63845"}
    assert partners("Lapatinib", STROMA, "restores") == tried
    for drug in ("Neratinib", "Afatinib"):
        assert partners(drug, STROMA, "restores") == set()  # with these two no partner was tried
        rules = [
            r for r in COMBINATION_TABLE.load() if drug in r.resisted and r.condition.text == STROMA
        ]
        assert {r.partner for r in rules} == tried
        assert {r.evidence for r in rules} == {"same target"}


def test_zervantonakis_stroma_leaves_tdm1_paclitaxel_and_strong_mutants_alone():
    for drug in ("Trastuzumab emtansine", "Paclitaxel"):
        assert partners(drug, "high:signature:caf", "no effect") == {""}
        assert partners(drug, STROMA, "restores") == set()
    strong = "high:signature:caf + mutation:PIK3CA:strong"
    assert partners("Lapatinib", strong, "no effect") == {""}


def test_zervantonakis_strength_of_pik3ca():
    assert [pik3ca_strength(c) for c in ("H1047R", "p.E545K", "E542K")] == ["strong"] * 3
    assert pik3ca_strength("K111N") == "weak"
    assert pik3ca_strength("K111E") == pik3ca_strength("H1047Q") == "unknown"


def test_zervantonakis_priming_proteins_and_their_opponents():
    signs = {gene.gene: gene.sign for gene in SIGNATURE_TABLE.load()["apoptotic_priming"]}
    assert {g for g, sign in signs.items() if sign < 0} == {"BCL2", "BCL2L1", "MCL1"}
    assert all(signs[g] > 0 for g in ("BCL2L11", "BBC3", "DIABLO"))


def test_sasaki_f1174l_resists_crizotinib_in_both_fusions():
    for context in ("RANBP2-ALK", "EML4-ALK"):
        assert (context, "resistance") in effects("ALK", "F1174L", "Crizotinib")
        assert (context, "sensitive") in effects("ALK", "F1174L", "NVP-TAE684")
        assert (context, "no effect") in effects("ALK", "F1174L", "Tanespimycin")
    assert partners("Crizotinib", F1174L, "stays active") == {"NVP-TAE684", "Tanespimycin"}


def test_sasaki_concentrations():
    rows = {
        (row.drug, row.context): row
        for row in RESISTANCE_TABLE.load()
        if (row.variant, row.source) == ("F1174L", "PMID:21030459")
    }
    tae684 = rows["NVP-TAE684", "RANBP2-ALK"]
    assert (tae684.ic50, tae684.reference_ic50, tae684.unit) == (59, 22, "nM")
    assert tae684.fold == pytest.approx(59 / 22)
    crizotinib = rows["Crizotinib", "RANBP2-ALK"]
    assert (crizotinib.reference_ic50, crizotinib.ic50, crizotinib.fold) == (200, None, None)
    assert CONCENTRATION_TABLE.load()["Crizotinib"].free == 57


@pytest.mark.parametrize("variant", ["F359V", "M244V", "Q252H", "E355G"])
def test_sasaki_names_four_changes_of_abl(variant):
    assert effects("ABL1", variant, "Imatinib") == {("BCR-ABL", "resistance")}


def test_a_fold_change_without_a_concentration_is_kept():
    rows = {row.variant: row for row in RESISTANCE_TABLE.load() if row.gene == "MAP2K1"}
    assert rows["P124S"].fold == 5
    assert rows["Q56P"].fold == 100
    assert rows["C121S"].fold is None


def test_a_rule_without_partner_says_why():
    assert {rule.direction for rule in COMBINATION_TABLE.load() if not rule.partner} == {
        "no partner known",
        "no effect",
    }
