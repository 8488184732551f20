"""Protein changes of samples, and where they were looked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.mechanisms.calls import (
    VariantCalls,
    amplified,
    any_of,
    fused,
    fusions_of,
)
from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.protein_changes import substitutions


def test_changes_are_read_in_either_code():
    given = ["p.H1047R", "p.His1047Arg", "H1047R", "p.(R130*)", "p.Arg130Ter", "p.K267fs", None]
    read = substitutions(pd.Series(given, dtype="str"))
    assert read[:5].tolist() == ["H1047R", "H1047R", "H1047R", "R130*", "R130*"]
    assert read[5:].isna().all()


def test_a_deletion_of_residues_is_no_substitution():
    assert substitutions(pd.Series(["p.E746_A750del", "p.V600_K601delinsE"])).isna().all()


def test_silent_calls_and_unsequenced_samples_do_not_count(make_study):
    calls = VariantCalls.of(read_study(make_study()))
    by_sample = dict(zip(calls.samples, calls.carriers("TP53", "R175H"), strict=True))
    assert by_sample["SKBR3"] == by_sample["697"] == 1
    assert by_sample["X4"] == 0
    assert np.isnan(by_sample["AU565"])
    assert dict(zip(calls.samples, calls.carriers("PIK3CA"), strict=True))["SKBR3"] == 0


def test_a_residue_stands_for_any_change_there(make_study):
    calls = VariantCalls.of(read_study(make_study()))
    np.testing.assert_array_equal(calls.carriers("TP53", "R175"), calls.carriers("TP53", "R175H"))
    assert not (calls.carriers("TP53", "R17") == 1).any()


@pytest.mark.parametrize(
    ("classification", "change", "substituted", "resized"),
    [
        ("Missense_Mutation", "p.R175H", 1, 0),
        ("Nonsense_Mutation", "p.R175*", 0, 0),
        ("Frame_Shift_Del", "p.R175fs", 0, 0),
        ("Frame_Shift_Ins", "p.Arg175GlyfsTer3", 0, 0),
        ("In_Frame_Del", "p.R175del", 0, 1),
        ("In_Frame_Ins", "p.R175_C176insE", 0, 1),
    ],
)
def test_only_another_amino_acid_is_a_substitution_of_a_residue(
    make_study, classification, change, substituted, resized
):
    study = read_study(make_study())
    call = {"gene": "TP53", "classification": classification, "protein_change": change}
    study = replace(study, mutations=study.mutations.iloc[:1].assign(**call))
    calls = VariantCalls.of(study)
    sample = study.samples.get_loc(study.mutations["sample_id"].iloc[0])
    assert calls.substituted("TP53", "R175")[sample] == substituted
    assert calls.resized("TP53", "R175")[sample] == resized
    assert calls.carriers("TP53", "R175")[sample] == 1


def test_a_gene_outside_the_panel_was_not_looked_at(make_study):
    calls = VariantCalls.of(read_study(make_study()))
    tested = dict(zip(calls.samples, calls.tested("KRAS"), strict=True))
    assert tested == {"SKBR3": False, "AU565": False, "697": True, "X4": True}


def test_a_study_without_mutations_knows_nothing(make_study):
    study = replace(read_study(make_study()), mutations=None, sequenced=None)
    assert np.isnan(VariantCalls.of(study).carriers("TP53")).all()


def test_a_fusion_has_both_names_or_says_that_one_is_missing(make_study):
    study = read_study(make_study())
    assert fusions_of(study, "PBX1").to_dict() == {"697": "TCF3-PBX1"}
    unnamed = replace(study, fusions=study.fusions.assign(gene_a=np.nan))
    assert fusions_of(unnamed, "PBX1").to_dict() == {"697": "PBX1 fusion"}
    assert fusions_of(replace(study, fusions=None), "PBX1").empty


def test_a_fusion_is_absent_only_where_something_was_looked_for(make_study):
    study = read_study(make_study())
    state = dict(zip(study.samples, fused(study, "PBX1"), strict=True))
    assert (state["697"], state["SKBR3"]) == (1, 0)
    assert np.isnan(state["AU565"])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Positive", {"SKBR3": 1, "697": 1, "AU565": 1, "X4": 1}),
        # Copy number was measured in two of them.
        ("Equivocal", {"SKBR3": 1, "697": 0, "AU565": np.nan, "X4": np.nan}),
        ("Negative", {"SKBR3": 1, "697": 0, "AU565": np.nan, "X4": np.nan}),
    ],
)
def test_a_positive_clinical_status_holds_whatever_the_copy_number(make_study, status, expected):
    study = read_study(make_study())
    told = pd.Series(status, index=study.samples)
    study = replace(study, clinical=study.clinical.assign(HER2_STATUS=told))
    state = dict(zip(study.samples, amplified(study, "ERBB2"), strict=True))
    np.testing.assert_equal(state, expected)


def test_any_state_is_enough_and_none_is_unknown():
    nan = np.nan
    shown = any_of(np.array([1, 0, 0, nan]), np.array([0, 0, nan, nan]))
    np.testing.assert_array_equal(shown, [1, 0, 0, nan])
