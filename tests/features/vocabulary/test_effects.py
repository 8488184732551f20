"""Words for the effect of a mutation, and spellings of what changed in the protein."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.mutation import MutationBuilder
from sidestep.features.errors import InputError
from sidestep.features.mechanisms.calls import VariantCalls
from sidestep.features.study.study import Study, read_study
from sidestep.features.vocabulary.effects import EFFECTS, effect_of_word, effects
from sidestep.features.vocabulary.protein_changes import (
    effect_of_change,
    parse_change,
    parse_changes,
    residue,
)


@pytest.mark.parametrize(
    ("words", "effect"),
    [
        ("Missense_Mutation", "missense"),
        ("nonsynonymous SNV", "missense"),
        ("NON_SYNONYMOUS_CODING", "missense"),
        ("Complex - compound substitution", "missense"),
        ("frameshift block substitution", "truncating"),
        ("Substitution - Nonsense", "truncating"),
        ("stop_gained&splice_region_variant", "truncating"),
        ("CODON_CHANGE_PLUS_CODON_DELETION", "inframe"),
        ("Insertion - In frame", "inframe"),
        ("exonic;splicing", "splice"),
        ("SPLICE_SITE_DONOR", "splice"),
        ("Nonstop extension", "start_stop"),
        ("initiator_codon_variant", "start_stop"),
        ("3'UTR", "silent"),
        ("intron_variant,non_coding_transcript_variant", "silent"),
        ("Splice_Region", "silent"),
        ("exonic", "unknown"),
        ("Complex", "unknown"),
        ("intron_variant&anything else", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_a_word_says(words, effect):
    assert effect_of_word(words) == effect
    assert effect_of_word(words.upper()) == effect


@pytest.mark.parametrize(
    ("text", "change", "effect"),
    [
        ("p.(His1047Arg)", "H1047R", "missense"),
        ("PIK3CA:NM_006218:exon21:c.A3140G:p.H1047R,PIK3CA:NM_1:exon1:c.A1G:p.H9R", "H1047R",
         "missense"),
        ("ENSP00000263967.3:p.his1047arg", "H1047R", "missense"),
        ("H1047>R", "H1047R", "missense"),
        ("p.R213X", "R213*", "truncating"),
        ("p.Arg213ProfsTer10", "R213Pfs*10", "truncating"),
        ("p.E746_A750delELREA", "E746_A750del", "inframe"),
        ("p.ELREA746del", "E746_A750del", "inframe"),
        ("p.L747_T751>P", "L747_T751delinsP", "inframe"),
        ("p.Leu747_Pro753delinsSer", "L747_P753delinsS", "inframe"),
        ("p.544_546QQQ>Q", "Q544_Q546delinsQ", "inframe"),
        ("p.43_44insEP", "43_44insEP", "inframe"),
        ("p.Ala767_Val769dup", "A767_V769dup", "inframe"),
        ("p.X125_splice", "X125_splice", "splice"),
        ("p.M1?", "M1?", "start_stop"),
        ("p.Ter394Lys", "*394K", "start_stop"),
        ("p.L145=", None, "silent"),
        ("p.L145L", "L145L", "silent"),
        ("c.3140A>G", None, "unknown"),
        ("e5+1", None, "unknown"),
        ("p.?", None, "unknown"),
    ],
)  # fmt: skip
def test_a_change_in_one_letter_form_and_what_it_does(text, change, effect):
    assert parse_change(text) == change
    assert effect_of_change(text) == effect


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("p.[L858R;T790M]", ["L858R", "T790M"]),
        ("NP_005219.2:p.[(Leu858Arg)];[(Thr790Met)]", ["L858R", "T790M"]),
        ("p.Leu858Arg(;)Thr790Met", ["L858R", "T790M"]),
        ("H1047R;E545K", ["H1047R", "E545K"]),
        ("p.E542K, p.E545K", ["E542K", "E545K"]),
        ("E746_A750del|T790M", ["E746_A750del", "T790M"]),
        ("p.L858R/p.T790M", ["L858R", "T790M"]),
        ("L858R + T790M", ["L858R", "T790M"]),
        ("L858R and T790M & C797S", ["L858R", "T790M", "C797S"]),
        ("p.His1047Arg;H1047R", ["H1047R"]),
        ("p.[H1047R];[=]", ["H1047R"]),
        ("H1047R;E545=", ["H1047R"]),
        ("p.H1047R/c.3140A>G", ["H1047R"]),
        ("c.1799T>A;p.V600E", ["V600E"]),
        ("MUC16:p.V600E;MUC4:p.L9R", ["V600E", "L9R"]),
        # one change, in the numbering of several transcripts
        ("PIK3CA:NM_006218:exon21:c.A3140G:p.H1047R,PIK3CA:NM_1:exon1:c.A1G:p.H9R", ["H1047R"]),
        ("ENST00000288602.6:p.V600E,ENST00000497784.1:p.V28E", ["V600E"]),
        ("NM_1:p.[L858R;T790M],NM_2:p.[L8R;T7M]", ["L858R", "T790M"]),
        ("V600E/K", []),
        ("V600E + odd", []),
        ("", []),
    ],
)
def test_all_changes_that_a_text_has(text, changes):
    assert list(parse_changes(text)) == changes
    assert parse_change(text) == (changes[0] if changes else None)
    assert [parse_changes(f"p.{change}") for change in changes] == [(c,) for c in changes]


def test_every_effect_word_of_the_cases(shared: Path) -> None:
    with (shared / "cases" / "effect_names.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 30
    read = {row["variant_classification"]: row["effect"] for row in rows}
    assert {word: effect_of_word(word) for word in read} == read
    assert set(read.values()) <= set(EFFECTS)


def test_every_protein_change_of_the_cases(shared: Path) -> None:
    with (shared / "cases" / "protein_changes.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) > 15
    assert {row["text"]: parse_change(row["text"]) or "none" for row in rows} == {
        row["text"]: row["change"] for row in rows
    }


def test_a_word_that_says_nothing_leaves_it_to_the_change():
    words = pd.Series(["SNV", None, "Complex", "Silent", "odd"], dtype="str")
    texts = pd.Series(["p.H1047R", "p.R213*", "p.?", "p.H1047R", None], dtype="str")
    assert list(effects(words, texts)) == ["missense", "truncating", "unknown", "silent", "unknown"]


HEADER = "Hugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short"


def maf(*rows: str, header: str = HEADER) -> dict[str, str]:
    return {"data_mutations.txt": "\n".join([header, *("\t".join(r.split("|")) for r in rows)])}


def carriers(study: Study, gene: str, change: str = "") -> dict[str, float]:
    return dict(zip(study.samples, VariantCalls.of(study).carriers(gene, change), strict=True))


def messages(study: Study, severity: str) -> list[str]:
    return [p.message for p in study.problems if p.severity == severity]


def test_unread_words_are_named_and_their_genes_are_neither_mutated_nor_wild_type(make_study):
    study = read_study(
        make_study(
            maf(
                "TP53|697|odd_word|", "PIK3CA|SKBR3|Missense_Mutation|p.H1047R", "TP53|X4|odd_word|"
            )
        )
    )
    [warning] = [m for m in messages(study, "warning") if "effect of 2 call(s)" in m]
    assert "'odd_word' 2" in warning
    [account] = [a for a in study.account if a.file == "data_mutations.txt"]
    assert account.not_understood["odd_word"] == 2
    tp53 = carriers(study, "TP53")
    assert np.isnan([tp53["697"], tp53["X4"]]).all()
    assert tp53["SKBR3"] == 0.0
    features = MutationBuilder(min_lines=1).fit(study).transform(study)
    assert features["mutation:PIK3CA"].to_dict()["SKBR3"] == 1.0


def test_an_unread_call_leaves_its_gene_unknown_for_the_model(make_study):
    whole = maf("TP53|697|Missense_Mutation|p.R175H", "TP53|SKBR3|Missense_Mutation|p.R175H")
    odd = maf("TP53|697|odd|", "PIK3CA|SKBR3|Missense_Mutation|p.H1047R")
    builder = MutationBuilder(min_lines=1).fit(read_study(make_study(whole)))
    features = builder.transform(read_study(make_study(odd)))
    assert np.isnan(features.loc["697", "mutation:TP53"])
    assert features.loc["X4", "mutation:TP53"] == 0.0


def test_a_file_without_any_effect_that_can_be_read_is_refused(make_study):
    with pytest.raises(InputError, match=r"no call's effect can be read \('odd' 2"):
        read_study(make_study(maf("TP53|697|odd|", "PIK3CA|SKBR3|odd|p.?")))


def test_the_next_column_is_asked_row_by_row(make_study):
    header = f"{HEADER}\tHGVSp\tConsequence\tAmino_acids\tProtein_position"
    study = read_study(
        make_study(
            maf(
                "TP53|697|Missense_Mutation|p.R175H|p.Arg1His|missense_variant|R/H|175",
                "TP53|SKBR3|Unknown||p.Arg213Ter|stop_gained|R/*|213",
                "PIK3CA|X4|||.|missense_variant|H/R|1047/1068",
                header=header,
            )
        )
    )
    calls = study.mutations
    assert list(residue(calls["protein_change"])) == ["R213", "R175", "H1047"]
    assert list(effects(calls["classification"], calls["protein_change"])) == [
        "truncating", "missense", "missense",
    ]  # fmt: skip


def test_exact_duplicate_rows_count_once(make_study):
    call = "TP53|697|Missense_Mutation|p.R175H"
    study = read_study(make_study(maf(call, call, "PIK3CA|697|Missense_Mutation|p.H1047R", call)))
    assert list(study.mutations["gene"]) == ["TP53", "PIK3CA"]
    [account] = [a for a in study.account if a.file == "data_mutations.txt"]
    assert dict(account.set_aside) == {"exact duplicate rows, counted once": 2}
    assert any("2 row(s) of 1 sample(s) stand in it twice" in m for m in messages(study, "warning"))


def test_the_1858_duplicates_of_tcga_count_once(real_study):
    study = real_study("tcga_brca_rppa")
    [account] = [a for a in study.account if a.file == "data_mutations.txt"]
    assert sum(account.set_aside.values()) == 1858
    assert len(study.mutations) == 33556 - 1858


def test_each_of_several_changes_in_a_row_is_a_call_and_the_row_is_named(make_study):
    study = read_study(
        make_study(
            maf(
                "EGFR|697|Missense_Mutation|p.[L858R;T790M]",
                "PIK3CA|697|odd_word|H1047R;R213*",
                "PIK3CA|SKBR3|Missense_Mutation|p.E545K",
            )
        )
    )
    assert sorted(study.mutations["protein_change"]) == [
        "p.E545K", "p.H1047R", "p.L858R", "p.R213*", "p.T790M",
    ]  # fmt: skip
    for gene, change in [("EGFR", "L858R"), ("EGFR", "T790M"), ("PIK3CA", "H1047R")]:
        assert carriers(study, gene, change)["697"] == 1
        assert carriers(study, gene, change)["SKBR3"] != 1
    truncated = dict(zip(study.samples, VariantCalls.of(study).truncated("PIK3CA"), strict=True))
    assert (truncated["697"], truncated["SKBR3"]) == (1, 0)
    [told] = [m for m in messages(study, "warning") if "several protein changes" in m]
    assert "2 row(s)" in told
    assert "'p.[L858R;T790M]' 1" in told
