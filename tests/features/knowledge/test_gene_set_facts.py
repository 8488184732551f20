"""The table of facts about gene sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.features.knowledge.drugs import load_drugs
from sidestep.features.knowledge.gene_set_facts import (
    COLUMNS,
    MAY_BE_BLANK,
    build_gene_set_facts,
    load_gene_set_facts,
)
from sidestep.features.knowledge.gene_sets import DATABASES, GeneSet, read_gmt, read_progeny
from sidestep.features.knowledge.rows import parse_rows

ROW = (
    "Hallmark", "HALLMARK_HYPOXIA", "top", "Lapatinib", "", "", "", "resistance", "Found.",
    "PMID:12345",
)  # fmt: skip


def test_every_drug_exists_and_every_database_has_facts() -> None:
    facts = load_gene_set_facts()
    assert {drug for fact in facts for drug in fact.drugs} <= set(load_drugs())
    assert {fact.database for fact in facts} == set(DATABASES)


def test_a_target_is_one_of_its_drugs() -> None:
    facts = [fact for fact in load_gene_set_facts() if fact.target]
    assert facts
    assert all(fact.target in load_drugs()[drug].targets for fact in facts for drug in fact.drugs)


def test_no_fact_stands_twice_or_points_both_ways() -> None:
    keys = [
        (fact.database, fact.gene_set, fact.decile, drug)
        for fact in load_gene_set_facts()
        for drug in fact.drugs
    ]
    assert len(keys) == len(set(keys))


def test_every_set_is_in_its_database(shared: Path) -> None:
    folder = shared / "knowledge"
    there = [
        *read_gmt(folder / "hallmark_symbols.gmt"),
        *read_progeny(folder / "progeny_human_top100_14pathways.csv"),
    ]
    for fact in load_gene_set_facts():
        if fact.database != "Reactome":
            assert sum(fact.is_about(one) for one in there) == 1, fact.gene_set


def test_a_reactome_set_is_known_by_its_identifier_and_only_in_reactome() -> None:
    (fact,) = (fact for fact in load_gene_set_facts() if fact.database == "Reactome")
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
def test_a_malformed_row_is_named(column: str, value: str, reason: str) -> None:
    cells = [value if name == column else cell for name, cell in zip(COLUMNS, ROW, strict=True)]
    text = "\t".join(COLUMNS) + "\n" + "\t".join(cells) + "\n"
    with pytest.raises(ValueError, match=f"line 2, column {column}: .*{reason}"):
        build_gene_set_facts(parse_rows(text, "gene_set_facts.tsv", COLUMNS, MAY_BE_BLANK))


def test_a_tissue_is_in_lower_case_as_it_is_looked_for() -> None:
    words = {word for fact in load_gene_set_facts() for word in fact.tissue}
    assert words
    assert all(word.isalpha() and word == word.casefold() for word in words)
