"""Who was sequenced, and in which genes, however the study says it."""

from __future__ import annotations

import pytest

from sidestep.features.study.sequencing import split_list
from sidestep.features.study.study import read_study

LIST = "case_lists/cases_sequenced.txt"


@pytest.mark.parametrize(
    "text", ["A-1\tB 2\tC", "A-1\t B 2 \tC\t", "A-1,B 2,C", "A-1; B 2; C", "A-1\tB 2\tC\tA-1"]
)
def test_items_between_tabs_commas_or_semicolons(text):
    assert split_list(text) == ["A-1", "B 2", "C"]


def test_items_between_blanks_where_there_is_nothing_else():
    assert split_list("A  B C") == ["A", "B", "C"]


@pytest.mark.parametrize("ids", ["SKBR3 697 X4", "SKBR3,697,X4", "SKBR3\t697\tX4"])
def test_a_case_list_is_found_by_its_stable_id(make_study, ids):
    changes = {
        LIST: None,
        "case_lists/a_all.txt": "stable_id: small_all\ncase_list_ids: SKBR3\tAU565\t697\tX4\n",
        "case_lists/mutated.txt": f"stable_id: small_sequenced\ncase_list_ids: {ids}\n",
    }
    study = read_study(make_study(changes))
    assert list(study.sequenced) == ["SKBR3", "697", "X4"]
    assert "case_lists/mutated.txt" in study.digests


def test_a_mafs_header_names_the_sequenced_samples(make_study, small):
    maf = "#Sequenced_Samples: SKBR3 697 X4 AU565\n" + small["data_mutations.txt"]
    study = read_study(make_study({LIST: None, "data_mutations.txt": maf}))
    assert list(study.sequenced) == ["SKBR3", "AU565", "697", "X4"]
    assert not any("is absent" in p.message for p in study.problems)


def test_the_mutations_meta_file_names_the_panel(make_study, small):
    changes = {
        "meta_gene_panel_matrix.txt": None,
        "data_gene_panel_matrix.txt": None,
        "meta_mutations.txt": small["meta_mutations.txt"] + "gene_panel: two_genes\n",
    }
    study = read_study(make_study(changes))
    assert set(study.panel_of) == {"two_genes"}


def test_the_matrix_goes_before_the_meta_file(make_study, small):
    meta = small["meta_mutations.txt"] + "gene_panel: two_genes\n"
    study = read_study(make_study({"meta_mutations.txt": meta}))
    assert study.panel_of.isna().to_dict() == {"SKBR3": False, "697": True, "X4": False}


@pytest.mark.parametrize("genes", ["7157\t5290", "TP53,PIK3CA", "7157 5290", "TP53;5290"])
def test_a_panel_may_list_entrez_identifiers_with_other_separators(make_study, genes):
    panel = f"stable_id: two_genes\ngene_list: {genes}\n"
    study = read_study(make_study({"data_gene_panel_two_genes.txt": panel}))
    assert study.panels == {"two_genes": frozenset({"TP53", "PIK3CA"})}


def test_identifiers_that_no_file_names_are_told_and_not_covered(make_study):
    panel = "stable_id: two_genes\ngene_list: 7157\t99999999\n"
    study = read_study(make_study({"data_gene_panel_two_genes.txt": panel}))
    assert study.panels["two_genes"] == {"TP53", "entrez:99999999"}
    assert any("gene panel two_genes" in p.message for p in study.problems)
