"""Mutation calls, their kinds, and who was sequenced."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.effects import CUTTING, NONSILENT, effects
from sidestep.features.vocabulary.protein_changes import residue

TRUNCATING = [
    "Nonsense_Mutation", "Frame_Shift_Del", "Frame_Shift_Ins", "frameshift_variant",
    "Splice_Site", "stop_gained", "SPLICE_ACCEPTOR_VARIANT", "stop_gained&splice_region_variant",
]  # fmt: skip
CHANGING = [
    "Missense_Mutation", "missense_variant", "In_Frame_Del", "inframe_insertion",
    "Nonstop_Mutation", "Translation_Start_Site", "start_lost",
]  # fmt: skip
SILENT = [
    "Silent", "synonymous_variant", "RNA", "Intron", "3'UTR", "5'Flank", "IGR", "Splice_Region",
]  # fmt: skip


def effects_of(classes: list[str | None]) -> list[str]:
    kinds = pd.Series(classes, dtype="str")
    return list(effects(kinds, pd.Series(pd.NA, index=kinds.index, dtype="str")))


def test_classes_of_calls():
    assert all(effect in CUTTING for effect in effects_of(TRUNCATING))
    assert all(effect in NONSILENT - CUTTING for effect in effects_of(CHANGING))
    assert set(effects_of(SILENT)) == {"silent"}
    assert set(effects_of(["anything else", None, "SNV"])) == {"unknown"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("p.H1047R", "H1047"),
        ("H1047R", "H1047"),
        ("p.His1047Arg", "H1047"),
        ("ENSP0001.2:p.His1047Arg", "H1047"),
        ("p.E746_A750del", "E746"),
        ("p.R213*", "R213"),
        ("p.*394Kext*5", "*394"),
        ("p.Ter394Lys", "*394"),
        ("p.X125_splice", "X125"),
    ],
)
def test_residue_of_a_protein_change(change, expected):
    assert residue(pd.Series([change]))[0] == expected


def test_residue_is_missing_where_there_is_none():
    assert residue(pd.Series([None, "p.?", "", "c.375+1G>A"], dtype="str")).isna().all()


def test_calls_are_read_with_silent_ones(make_study):
    calls = read_study(make_study()).mutations
    assert list(calls.columns) == ["sample_id", "gene", "classification", "protein_change"]
    assert list(calls["sample_id"]) == ["SKBR3", "SKBR3", "697"]
    assert list(calls["classification"]) == ["Missense_Mutation", "Silent", "Missense_Mutation"]
    assert calls["protein_change"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    "column", ["Hugo_Symbol", "Tumor_Sample_Barcode", "Variant_Classification"]
)
def test_a_maf_without_a_needed_column_is_an_error(make_study, small, column):
    maf = small["data_mutations.txt"].replace(column, "Other")
    with pytest.raises(InputError, match=rf"data_mutations.txt lacks 1 column.*{column}"):
        read_study(make_study({"data_mutations.txt": maf}))


def test_a_call_without_a_sample_is_an_error(make_study, small):
    maf = small["data_mutations.txt"].replace("\t697\t", "\tNA\t")
    with pytest.raises(InputError, match=r"line 3 has no Tumor_Sample_Barcode"):
        read_study(make_study({"data_mutations.txt": maf}))


def test_a_maf_without_protein_changes_or_calls_is_read(make_study):
    header = "Hugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\n"
    study = read_study(make_study({"data_mutations.txt": header}))
    assert study.mutations.empty
    assert list(study.sequenced) == ["SKBR3", "697", "X4"]


def test_the_case_list_tells_unmutated_from_not_profiled(make_study):
    study = read_study(make_study())
    assert list(study.sequenced) == ["SKBR3", "697", "X4"]
    assert "X4" not in set(study.mutations["sample_id"])
    assert "AU565" not in study.sequenced


def test_without_a_case_list_only_samples_with_calls_count(make_study):
    study = read_study(make_study({"case_lists/cases_sequenced.txt": None}))
    assert list(study.sequenced) == ["SKBR3", "697"]
    assert any(
        p.severity == "warning" and "cases_sequenced.txt is absent" in p.message
        for p in study.problems
    )


def test_a_call_outside_the_case_list_counts_as_sequenced_and_is_told(make_study):
    study = read_study(make_study({"case_lists/cases_sequenced.txt": "case_list_ids: SKBR3\n"}))
    assert list(study.sequenced) == ["SKBR3", "697"]
    assert any("697" in p.message and p.severity == "warning" for p in study.problems)


def test_a_case_list_without_samples_is_an_error(make_study):
    with pytest.raises(InputError, match="no line 'case_list_ids"):
        read_study(make_study({"case_lists/cases_sequenced.txt": "stable_id: small_all\n"}))


def test_gene_panels_say_what_was_covered(make_study):
    study = read_study(make_study())
    assert study.panels == {"two_genes": frozenset({"TP53", "PIK3CA"})}
    assert study.panel_of["SKBR3"] == "two_genes"
    assert study.panel_of.isna().to_dict() == {"SKBR3": False, "697": True, "X4": True}


def test_a_panel_without_its_genes_is_told(make_study):
    study = read_study(make_study({"data_gene_panel_two_genes.txt": None}))
    assert study.panel_of.isna().all()
    assert any("two_genes" in p.message and p.severity == "warning" for p in study.problems)


def test_a_panel_without_a_gene_list_is_an_error(make_study):
    with pytest.raises(InputError, match=r"two_genes.txt has no gene_list"):
        read_study(make_study({"data_gene_panel_two_genes.txt": "stable_id: two_genes\n"}))


def test_fusions_are_read(make_study):
    fusions = read_study(make_study()).fusions
    assert fusions.to_numpy().tolist() == [["697", "TCF3", "PBX1"]]


def test_structural_variants_without_a_needed_column_are_an_error(make_study, small):
    variants = small["data_sv.txt"].replace("Site2_Hugo_Symbol", "Site2")
    with pytest.raises(InputError, match=r"data_sv.txt lacks 1 column.*Site2_Hugo_Symbol"):
        read_study(make_study({"data_sv.txt": variants}))
