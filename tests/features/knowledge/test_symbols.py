"""HGNC's symbols: the table, and where the knowledge meets an earlier symbol."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.builders.expression import ExpressionBuilder
from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.knowledge.signatures import SIGNATURE_TABLE
from sidestep.features.knowledge.symbols import current_symbol, symbol_table
from sidestep.features.mechanisms.of_features import MECHANISM_TABLE, mechanism_of
from sidestep.features.study.antibodies import ANTIBODY_TABLE
from sidestep.features.study.study import read_study


def test_every_gene_that_the_tables_name_has_an_approved_symbol() -> None:
    named = {entity.partition(":")[2] or entity for entity in MECHANISM_TABLE.load()}
    named = {entity.partition("_")[0] for entity in named}
    for drug in DRUG_TABLE.load().values():
        named.update((*drug.targets, *drug.partners))
    named.update(m.gene for members in SIGNATURE_TABLE.load().values() for m in members)
    named.update(gene for genes in ANTIBODY_TABLE.load().values() for gene in genes)
    assert len(named) > 900
    assert named - set(symbol_table().chromosomes) == set()


@pytest.mark.parametrize(
    ("name", "genes"),
    [
        ("ERBB2", ("ERBB2",)),
        ("HER2", ("ERBB2",)),
        ("her2", ("ERBB2",)),
        ("C1ORF112", ("FIRRM",)),
        ("MLL2", ("KMT2B", "KMT2D")),
        ("NEU", ("ERBB2", "NEU1")),
        ("TNFRSF5", ("CD40",)),
        ("NO_GENE", ()),
    ],
)
def test_what_a_symbol_may_stand_for(name: str, genes: tuple[str, ...]) -> None:
    found = symbol_table().candidates(name)
    assert found == genes or (name == "C1ORF112" and found == ("C1orf112",))


def test_an_approved_symbol_is_its_own_gene_whatever_gene_had_it_before() -> None:
    table = symbol_table()
    taken = [name for name in table.others if name in table.approved]
    assert len(taken) > 500
    assert all(table.candidates(name) == (table.approved[name],) for name in taken)


@pytest.mark.parametrize(
    ("place", "gene"),
    [("12", "KMT2D"), ("chr19", "KMT2B"), ("12q13.12", "KMT2D"), ("7", None), ("unknown", None)],
)
def test_the_chromosome_decides_between_genes(place: str, gene: str | None) -> None:
    assert symbol_table().on_chromosome("MLL2", place) == gene


def test_a_feature_under_a_previous_symbol_has_the_mechanism_of_its_gene() -> None:
    for feature in ("expression:MRE11A", "rppa:MRE11A", "copy_number:MRE11A", "mutation:MRE11A"):
        assert mechanism_of(feature) == "DNA damage"
    assert mechanism_of("expression:CTGF") == mechanism_of("expression:CCN2") == "EMT"
    assert current_symbol("ERBB2") == "ERBB2"
    assert current_symbol("MLL2") == "MLL2"


def test_the_shipped_table_is_hgncs(shared: Path) -> None:
    source = pd.read_csv(
        shared / "knowledge" / "hgnc_symbols.csv.gz", dtype="str", keep_default_na=False
    )
    table = symbol_table()
    assert set(table.chromosomes) == set(source["approved_symbol"])
    for symbol, approved in zip(source["symbol"], source["approved_symbol"], strict=True):
        known = table.candidates(symbol)
        assert approved in known or symbol.upper() in table.approved


@pytest.mark.slow
def test_the_renamed_genes_of_real_breast_lines_have_their_mechanisms(shared: Path) -> None:
    study = read_study(shared / "studies" / "breast_cell_lines")
    genes = set(ExpressionBuilder().fit(study).genes_)
    assert {"CCN2", "MRE11", "CXCL8", "H2AX"} <= genes
    assert not {"CTGF", "MRE11A", "IL8", "H2AFX"} & genes
    assert mechanism_of("expression:CCN2") == "EMT"
