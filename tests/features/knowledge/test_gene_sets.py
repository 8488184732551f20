"""Gene sets of larger databases: which file is which, what is known of them, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.knowledge.gene_sets import (
    DATABASES,
    GENE_SET_FACT_TABLE,
    GeneSet,
    read_gmt,
    read_progeny,
)

REACTOME = """\
Polo-like kinase mediated events\tR-HSA-156711\tReactome Pathway\tPLK1\tCDC25A\tWEE1
Apoptosis\tR-HSA-109581\tBAX\tBAK1
"""
PROGENY = "rownames,MAPK,p53\nDUSP6,12.5,0\nSPRY4,8,0\nMDM2,0,10\nCDKN1A,-1.5,9\n"
FACT = (
    "Hallmark", "HALLMARK_HYPOXIA", "top", "Lapatinib", "", "", "", "resistance", "Found.",
    "PMID:12345",
)  # fmt: skip


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_hallmark_is_known_by_the_names_of_its_sets(write) -> None:
    sets = read_gmt(write("h.all.gmt", "HALLMARK_HYPOXIA\turl\tVEGFA\tCA9\n\n"))
    assert [(one.database, one.name, one.identifier) for one in sets] == [
        ("Hallmark", "HALLMARK_HYPOXIA", "")
    ]
    assert sets[0].weights == {"VEGFA": 1.0, "CA9": 1.0}


def test_reactome_is_known_by_its_identifiers_and_its_label_is_no_gene(write) -> None:
    first, second = read_gmt(write("any.gmt", REACTOME))
    assert (first.database, first.identifier) == ("Reactome", "R-HSA-156711")
    assert first.name == "Polo-like kinase mediated events"
    assert list(first.weights) == ["PLK1", "CDC25A", "WEE1"]
    assert list(second.weights) == ["BAX", "BAK1"]


def test_any_other_file_names_its_sets_database(write) -> None:
    (own,) = read_gmt(write("our_lab.gmt", "OURS\tR-HSA\tERBB2\n"))
    assert own.database == "our_lab"


@pytest.mark.parametrize("text", ["A\tof mine\n", "\tof mine\tERBB2\n", "gene,set\n"])
def test_a_line_without_name_or_genes_is_refused_with_its_number(write, text) -> None:
    with pytest.raises(InputError, match=r"own.gmt, line 2: a gene set needs a name"):
        read_gmt(write("own.gmt", f"FIRST\tset\tERBB2\n{text}"))


def test_a_file_without_sets_is_refused(write) -> None:
    with pytest.raises(InputError, match="holds no gene set; fetch"):
        read_gmt(write("own.gmt", "\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.gmt"
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(InputError, match="cannot be read"):
        read_gmt(path)


def test_progeny_keeps_weights_that_are_not_zero(write) -> None:
    mapk, p53 = read_progeny(write("progeny.csv", PROGENY))
    assert (mapk.database, mapk.name) == ("PROGENy", "MAPK")
    assert mapk.weights == {"DUSP6": 12.5, "SPRY4": 8.0, "CDKN1A": -1.5}
    assert p53.weights == {"MDM2": 10.0, "CDKN1A": 9.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gene,MAPK\nDUSP6,high\n", "cannot be read as PROGENy's weights"),
        ("", "cannot be read as PROGENy's weights"),
        ("gene,MAPK\nDUSP6,0\n", "column MAPK: a pathway needs genes"),
        ("gene,MAPK\nDUSP6,inf\n", "column MAPK: a pathway needs genes with finite weights"),
        ("gene\nDUSP6\n", "names no pathway"),
    ],
)
def test_a_malformed_table_of_weights_is_refused(write, text, reason) -> None:
    with pytest.raises(InputError, match=reason):
        read_progeny(write("progeny.csv", text))


def test_the_real_files_are_read(shared: Path) -> None:
    hallmark = read_gmt(shared / "knowledge" / "hallmark_symbols.gmt")
    assert {one.database for one in hallmark} == {"Hallmark"}
    assert len(hallmark) == 50
    progeny = read_progeny(shared / "knowledge" / "progeny_human_top100_14pathways.csv")
    assert len(progeny) == 14
    assert all(isinstance(one, GeneSet) and 90 <= len(one.weights) <= 110 for one in progeny)


def test_every_drug_of_a_fact_exists_and_every_database_has_facts() -> None:
    facts = GENE_SET_FACT_TABLE.load()
    assert {drug for fact in facts for drug in fact.drugs} <= set(DRUG_TABLE.load())
    assert {fact.database for fact in facts} == set(DATABASES)


def test_a_target_is_one_of_its_drugs() -> None:
    facts = [fact for fact in GENE_SET_FACT_TABLE.load() if fact.target]
    assert facts
    drugs = DRUG_TABLE.load()
    assert all(fact.target in drugs[drug].targets for fact in facts for drug in fact.drugs)


def test_no_fact_stands_twice_or_points_both_ways() -> None:
    keys = [
        (fact.database, fact.gene_set, fact.decile, drug)
        for fact in GENE_SET_FACT_TABLE.load()
        for drug in fact.drugs
    ]
    assert len(keys) == len(set(keys))


def test_every_set_is_in_its_database(shared: Path) -> None:
    folder = shared / "knowledge"
    there = [
        *read_gmt(folder / "hallmark_symbols.gmt"),
        *read_progeny(folder / "progeny_human_top100_14pathways.csv"),
    ]
    for fact in GENE_SET_FACT_TABLE.load():
        if fact.database != "Reactome":
            assert sum(fact.is_about(one) for one in there) == 1, fact.gene_set


def test_a_reactome_set_is_known_by_its_identifier_and_only_in_reactome() -> None:
    (fact,) = (fact for fact in GENE_SET_FACT_TABLE.load() if fact.database == "Reactome")
    renamed = GeneSet("Reactome", "A new name", fact.gene_set, {"PLK1": 1.0})
    assert fact.is_about(renamed)
    assert not fact.is_about(GeneSet("elsewhere", "A new name", fact.gene_set, {"PLK1": 1.0}))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("database", "KEGG", "is none of Hallmark, PROGENy, Reactome"),
        ("decile", "high", "is none of top, bottom"),
        ("direction", "helps", "is none of"),
        ("drugs", "Lapatinib;Lapatinib", "is no list of distinct items"),
        ("target", "alk", "is no Hugo symbol"),
        ("condition", "fused:ALK", "cannot be read"),
        ("tissue", "skin|", "is no list of distinct items"),
        ("source", "a talk", "is neither PMID"),
    ],
)
def test_a_malformed_fact_is_named(column: str, value: str, reason: str) -> None:
    cells = dict(zip(GENE_SET_FACT_TABLE.columns, FACT, strict=True)) | {column: value}
    text = "\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n"
    with pytest.raises(ValueError, match=f"line 2, column {column}: .*{reason}"):
        GENE_SET_FACT_TABLE.parse(text)


def test_a_tissue_is_in_lower_case_as_it_is_looked_for() -> None:
    words = {word for fact in GENE_SET_FACT_TABLE.load() for word in fact.tissue}
    assert words
    assert all(word.isalpha() and word == word.casefold() for word in words)
