"""Spellings of other tools: identifiers, words and changes that are read as what they mean."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.effects import effect_of_word
from sidestep.features.vocabulary.gene_names import ENSEMBL, NameCount, candidates, split_names
from sidestep.features.vocabulary.protein_changes import effect_of_change, parse_change


@pytest.mark.parametrize(
    ("word", "effect"),
    [
        ("Inframe_Del", "inframe"),
        ("stop gain", "truncating"),
        ("nonsynonymous coding", "missense"),
        ("DE_NOVO_START_OUT_FRAME", "start_stop"),
        ("FIVE_PRIME_FLANK", "silent"),
        ("transcript_amplification", "unknown"),
        ("COULD_NOT_DETERMINE", "unknown"),
    ],
)
def test_words_of_other_tools(word, effect):
    assert effect_of_word(word) == effect


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("p.V600E (c.1799T>A)", "V600E"),
        ("c.1799T>A (p.Val600Glu)", "V600E"),
        ("NM_004333.6(BRAF):c.1799T>A (p.Val600Glu)", "V600E"),
        ("p.Val600Glu/c.1799T>A", "V600E"),
        ("BRAF p.V600E", "V600E"),
        ("E746_A750del (exon 19)", "E746_A750del"),
        ("NM_004333.6:c.1799T>A", None),
        ("X12345:c.1A>G", None),
    ],
)
def test_changes_with_remarks(text, change):
    assert parse_change(text) == change


def test_an_equal_sign_of_a_web_address_is_silent():
    assert effect_of_change("p.Leu145%3D") == "silent"


@pytest.mark.parametrize("name", ["ENSG00000141736", "ENSG00000141736.13", "ensg00000141736.9"])
def test_ensembl_identifiers_stand_for_their_gene(name):
    assert candidates(name) == ("ERBB2",)
    count = NameCount()
    assert count.name(name, None, {}) == "ERBB2"
    assert count.matched == {ENSEMBL: 1}


def test_names_that_r_made_and_numbers_with_a_point_hold_entrez_identifiers():
    symbols, entrez = split_names(pd.Series(["ERBB2..2064.", "1956.0", "HLA.A"]))
    assert list(symbols.fillna("")) == ["ERBB2", "", "HLA.A"]
    assert list(entrez.fillna(0)) == [2064, 1956, 0]


@pytest.mark.parametrize(
    ("symbol", "number", "gene"),
    [
        ("MLL2", 8085, "KMT2D"),
        ("1-Mar", 64757, "MTARC1"),
        (None, 238, "ALK"),
        ("NEU", 2064, "ERBB2"),
    ],
)
def test_an_entrez_identifier_decides_alone(symbol, number, gene):
    assert NameCount().name(symbol, number, {}) == gene


def test_fusions_by_entrez_identifiers_alone_have_genes(make_study):
    rows = "Sample_Id\tSite1_Entrez_Gene_Id\tSite2_Entrez_Gene_Id\n697\t238\t27436\n"
    study = read_study(make_study({"data_sv.txt": rows}))
    assert study.fusions[["gene_a", "gene_b"]].values.tolist() == [["ALK", "EML4"]]


@pytest.mark.parametrize(
    "rows",
    [
        "HugoSymbol\tModelID\tVariantInfo\tProteinChange\nTP53\t697\tmissense_variant\tp.R175H\n",
        "gene_symbol\tmodel_name\teffect\tprotein_mutation\nTP53\t697\tmissense\tp.R175H\n",
        "Gene name\tSample name\tMutation Description\tMutation AA\n"
        "TP53\t697\tSubstitution - Missense\tp.R175H\n",
    ],
    ids=["DepMap", "Cell Model Passports", "COSMIC"],
)
def test_mutation_files_of_other_databases(make_study, rows):
    study = read_study(make_study({"data_mutations.txt": rows}))
    (call,) = study.mutations.to_dict("records")
    assert (call["sample_id"], call["gene"], call["protein_change"]) == ("697", "TP53", "p.R175H")
    assert effect_of_word(call["classification"]) == "missense"


def test_words_in_quotes_are_read_without_them(make_study, small):
    files = {
        name: small[name].replace("ERBB2\t", '"ERBB2"\t').replace("\tSKBR3\tb", '\t"SKBR3"\tb')
        for name in ("data_expression.txt", "data_clinical_sample.txt")
    }
    study = read_study(make_study(files))
    assert "ERBB2" in study.expression
    assert "SKBR3" in study.samples
