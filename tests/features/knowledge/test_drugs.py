"""The drug table as other code meets it: names, panels, partners, suggestions."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sidestep.features.knowledge.drugs import (
    CONCENTRATION_TABLE,
    DRUG_TABLE,
    IDENTIFIER_TABLE,
    Partnership,
    build_drugs,
    find_drug,
    nearest_drugs,
    panel,
    pubchem_id,
)
from sidestep.features.knowledge.rows import KnowledgeRow

RESPONSE_FILES = {
    "gi50": "breast_cell_lines/data_treatment_gi50.txt",
    "gr_aoc": "breast_cell_lines/data_treatment_gr_aoc.txt",
    "ln_ic50": "breast_cell_lines/data_treatment_ln_ic50.txt",
    "ln_ic50_gdsc2": "pancan_cell_lines/data_treatment_ln_ic50_gdsc2.txt",
    "auc_ctrp2": "pancan_cell_lines/data_treatment_auc_ctrp2.txt",
    "actarea_ccle24": "pancan_cell_lines/data_treatment_actarea_ccle24.txt",
}

# How the sources write the targets that are protein or lipid kinases.
KINASE = re.compile(
    r"(c-)?(ABL1?|ACVR1[BC]|AKT[123]?|ALK|AT[MR]|AURK[AB]?|AXL|[BC]?RAF1?|BTK|CDC42BPB|CDK\d+|CERK"
    r"|CHE?K[12]|CSF1R|CSNK(1[DE]|2A1)|DNAPK|DYRK1A|EGFR|EPHA2|ERBB[23]|HER2|ERK[12]|FAK1|FGFR\d?"
    r"|FLT[134]|GSK3[AB]|IGF1R|IGFR1|IKBK[BE]|IKK(-[12])?|IRAK4|JAK[123]|JNK|KDR|KIT|LCK|LRRK2"
    r"|MEK[12]?|MAP2K[12]|MAP3K8|MAPK\d+|MET|MRCKB_HUMAN|MTOR(C[12])?|NIK|NTRK\d|TrkA|NUAK1"
    r"|PAK[14]|PDGFR[AB]?|PDK2?|PERK|PI3K\w*|PIK3C\w|PIM1?|PKC|PLK\d?|PRKCB|PRKDC|PTK2|RET|RIPK1"
    r"|ROCK[12]|ROS1|RSK2?|S6K1|SGK2|SPHK1|SRC|STK33|SYK|TBK1|TGFBR1|TTK|ULK1|VEGFR|VSP34|WEE1"
    r"|YES1|p38)",
    re.IGNORECASE,
)
# Ceramide is a lipid whose stated targets are far downstream of it.
NO_INHIBITOR = frozenset({"C6-ceramide"})


def row(name: str, synonyms: str = "", targets: str = "EGFR") -> KnowledgeRow:
    cells = (name, synonyms, "EGFR inhibitor", targets, "kinase", "EGFR", "PMID:1")
    return KnowledgeRow("drugs.tsv", 2, dict(zip(DRUG_TABLE.columns, cells, strict=True)))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("lapatinib", "Lapatinib"),
        ("BIBW2992", "Afatinib"),
        ("azd-8931", "Sapitinib"),
        ("ERLOTINIB", "Erlotinib"),
        ("Iressa", "Gefitinib"),
        ("AZD9291", "Osimertinib"),
        ("PF2341066", "Crizotinib"),
        ("PF-2341066", "Crizotinib"),
        ("BI 2536", "BI-2536"),
        ("BMS754807", "BMS-754807"),
        ("OSI-906", "Linsitinib"),
        ("MK2206", "MK-2206"),
        ("AZD8055", "AZD8055"),
        ("BYL-719", "Alpelisib"),
        ("GSK1120212", "Trametinib"),
        ("PD-0332991", "Palbociclib"),
        ("dasatinib", "Dasatinib"),
        ("GDC-0032", "Taselisib"),
        ("BEZ235", "Dactolisib"),
        ("NVP-BEZ235", "Dactolisib"),
        ("PLX-4032", "Vemurafenib"),
        ("AZD6244", "Selumetinib"),
        ("GSK2126458", "Omipalisib"),
        ("VX-680", "Tozasertib"),
        ("MK-0457", "Tozasertib"),
        ("TKI258", "Dovitinib"),
        ("ZD-6474", "Vandetanib"),
        ("AZD0530", "Saracatinib"),
        ("AEW541", "NVP-AEW541"),
        ("T-DM1", "Trastuzumab emtansine"),
        ("Lestaurtinib(CEP-701)", "Lestaurtinib"),
        ("KU 0060648", "KU-0060648"),
    ],
)
def test_a_drug_is_found_under_the_names_of_the_screens(written: str, name: str) -> None:
    drug = find_drug(written)
    assert drug is not None
    assert drug.name == name


@pytest.mark.parametrize("written", ["Selumetinib-1736", "Uprosertib-2106", "Ulixertinib-1908"])
def test_a_trailing_gdsc_identifier_does_not_hide_the_drug(written: str) -> None:
    drug = find_drug(written)
    assert drug is not None
    assert drug.name == written.rpartition("-")[0]


@pytest.mark.parametrize("written", ["CID 208908", "pubchem:208908", "GDSC2_1558"])
def test_a_number_of_a_database_is_a_name(written: str) -> None:
    assert find_drug(written) == find_drug("lapatinib")
    assert pubchem_id(written) == "208908"
    assert find_drug("GDSC:99999") is None
    assert pubchem_id("no such drug") is None
    assert set(IDENTIFIER_TABLE.load().values()) <= set(DRUG_TABLE.load())


@pytest.mark.parametrize("written", ["Docetaxel-1007", "PF-750", "aspirin", "", "-1736"])
def test_an_unknown_name_finds_nothing(written: str) -> None:
    assert find_drug(written) is None


def test_a_number_that_belongs_to_the_name_is_not_taken_for_an_identifier() -> None:
    names = {written: find_drug(written) for written in ("KU-60019", "VE-821", "VE-822")}
    assert [drug.name if drug else None for drug in names.values()] == [
        "KU-60019",
        "VE-821",
        "Berzosertib",
    ]


@pytest.mark.parametrize("second", ["AZD-9291", "one"])
def test_a_name_that_stands_for_two_drugs_is_refused(second: str) -> None:
    with pytest.raises(ValueError, match="both 'One' and"):
        build_drugs([row("One", "AZD9291"), row("Two", second)], [])


def test_the_names_of_one_drug_may_differ_in_punctuation_only() -> None:
    (drug,) = build_drugs([row("BMS-754807", "BMS754807")], []).values()
    assert drug.names == ("BMS-754807", "BMS754807")


def test_partners_are_those_of_the_targets_in_order_without_the_targets() -> None:
    partnerships = [
        Partnership("ERBB2", "EGFR", "heterodimer", "PMID:1"),
        Partnership("ERBB2", "GRB7", "adaptor", "PMID:1"),
        Partnership("ERBB2", "GRB7", "amplicon", "PMID:1"),
        Partnership("EGFR", "AREG", "ligand", "PMID:1"),
        Partnership("KRAS", "EGFR", "upstream", "PMID:1"),
    ]
    (drug,) = build_drugs([row("One", targets="EGFR;ERBB2")], partnerships).values()
    assert drug.partners == ("AREG", "GRB7")


def test_lapatinib_carries_the_erbb_network() -> None:
    drug = DRUG_TABLE.load()["Lapatinib"]
    assert drug.targets == ("ERBB2", "EGFR")
    assert {"ERBB3", "GRB7", "ERRFI1", "TGFA"} <= set(drug.partners)
    assert drug.panels == {"her2", "kinase"}
    assert drug.marker == "ERBB2"


def test_an_antibody_is_no_kinase_drug() -> None:
    names = {drug.name for drug in panel("kinase")}
    assert not names & {"Trastuzumab", "Pertuzumab", "Trastuzumab emtansine", "Cetuximab"}


def test_every_her2_drug_hits_erbb2_and_is_read_by_erbb2() -> None:
    drugs = panel("her2")
    assert len(drugs) >= 17
    assert {drug.name for drug in drugs if "ERBB2" not in drug.targets} == set()
    assert {drug.marker for drug in drugs} == {"ERBB2"}


def test_panel_all_is_the_whole_table() -> None:
    assert panel("all") == list(DRUG_TABLE.load().values())


def test_an_unknown_panel_is_refused() -> None:
    with pytest.raises(ValueError, match="'gpcr' does not exist; use one of her2, kinase, all"):
        panel("gpcr")


def test_suggestions_know_the_synonyms_of_the_candidates() -> None:
    assert nearest_drugs("BIBW2292", ["Erlotinib", "Afatinib", "Docetaxel"])[0] == "Afatinib"


def test_suggestions_know_names_outside_the_table() -> None:
    assert nearest_drugs("docetaxol", ["Erlotinib", "Docetaxel"]) == ["Docetaxel"]


def test_suggestions_are_distinct_and_no_more_than_asked_for() -> None:
    among = ["Selumetinib-1062", "Selumetinib-1736", "Trametinib", "Refametinib", "Binimetinib"]
    suggested = nearest_drugs("selumetanib", among, count=2)
    assert suggested == ["Selumetinib-1062", "Selumetinib-1736"]


def test_nothing_alike_gives_no_suggestion() -> None:
    assert nearest_drugs("zzzzzz", ["Erlotinib"]) == []
    assert nearest_drugs("erlotinib", []) == []


@pytest.mark.parametrize("metric", sorted(RESPONSE_FILES))
def test_every_kinase_inhibitor_of_the_real_screens_is_known(shared: Path, metric: str) -> None:
    with open(shared / "studies" / RESPONSE_FILES[metric], encoding="utf-8") as handle:
        header, *rows = csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
    fixed = header.index("URL") + 1
    tested = {
        row[1]: row[2]
        for row in rows
        if "mol/mol" not in row[1] and sum(value != "NA" for value in row[fixed:]) >= 30
    }
    inhibitors = {
        name
        for name, description in tested.items()
        if _names_a_kinase(description) and name not in NO_INHIBITOR
    }
    assert len(inhibitors) >= 10
    assert {name for name in inhibitors if find_drug(name) is None} == set()


def _names_a_kinase(description: str) -> bool:
    stated = description.partition("Target: ")[2].split("; pathway")[0].split("; synonym")[0]
    return any(KINASE.fullmatch(word) for word in re.split(r"[/,; ()]+", stated))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("D\t\t\tnM\tm\tPMID:1234", r"column free: '' and total are both blank"),
        ("D\t5\t2\tnM\tm\tPMID:1234", r"column free: '5' is more than the total"),
        ("D\t5\t\tug/mL\tm\tPMID:1234", r"column unit: 'ug/mL' is none of nM"),
        ("D\t5\t\tnM\tm\tPMID:1234\nD\t6\t\tnM\tm\tPMID:1234", r"column drug: 'D' has a row"),
    ],
)
def test_a_malformed_plasma_concentration_is_named(cells, message):
    with pytest.raises(ValueError, match=message):
        CONCENTRATION_TABLE.parse("\t".join(CONCENTRATION_TABLE.columns) + f"\n{cells}")
