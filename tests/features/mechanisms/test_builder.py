"""Mechanism scores: published formulas, frozen statistics, one sample at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.names import MODALITIES, gene_of, modality_of
from sidestep.features.knowledge.signatures import PATHWAY_TABLE, SIGNATURE_TABLE
from sidestep.features.mechanisms.builder import MechanismBuilder

STATES = ["state:pten_loss", "state:pi3k_genotype", "state:her2_drive", "state:fusion_ALK"]


@pytest.fixture(scope="module")
def builder(known_lines):
    return MechanismBuilder().fit(known_lines)


@pytest.mark.slow
def test_a_sample_scores_the_same_alone_and_in_any_order(builder, known_lines):
    together = builder.transform(known_lines)
    alone = pd.concat([builder.transform(known_lines.select([s])) for s in known_lines.samples])
    pd.testing.assert_frame_equal(alone, together, check_exact=True)
    backwards = builder.transform(known_lines.select(list(known_lines.samples[::-1])))
    pd.testing.assert_frame_equal(
        backwards.loc[together.index], together, check_exact=True, check_names=False
    )


def test_state_round_trip_gives_the_same_scores(builder, known_lines):
    again = MechanismBuilder.from_state(builder.get_state())
    for one, other in zip(again.scored(known_lines), builder.scored(known_lines), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_names_say_the_modality_and_no_gene(builder):
    names = list(builder.get_feature_names_out())
    assert {modality_of(name) for name in names} == {"expression", "rppa", "mutation", "state"}
    assert "rppa:pathway_PI3K_AKT" in names
    assert "rppa:pathway_hormone_signalling_breast" in names
    single = [name for name in names if modality_of(name) in MODALITIES]
    assert {gene_of(name) for name in single} == {None, "PIK3CA"}


def test_a_pathway_is_the_mean_of_its_signed_members(builder, known_lines):
    rppa = known_lines.rppa
    members = [m for m in PATHWAY_TABLE.load()["PI3K/AKT"] if m.antibodies[0] in rppa]
    assert 5 <= len(members) < len(PATHWAY_TABLE.load()["PI3K/AKT"])
    levels = [
        m.sign * (rppa[m.antibodies[0]] - rppa[m.antibodies[0]].median())
        / rppa[m.antibodies[0]].std(ddof=0)
        for m in members
    ]  # fmt: skip
    expected = pd.concat(levels, axis=1).mean(axis=1)
    scores = builder.transform(known_lines)["rppa:pathway_PI3K_AKT"].loc[rppa.index]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_a_pathway_needs_half_of_its_members(builder, known_lines):
    members = builder.protein_.members_["rppa:pathway_PI3K_AKT"]
    several = [*members["plus"], *members["minus"]]
    for lost, told in ((len(several) // 2, True), (len(several) // 2 + 1, False)):
        fewer = replace(known_lines, rppa=known_lines.rppa.drop(columns=several[:lost]))
        scores = builder.transform(fewer)["rppa:pathway_PI3K_AKT"].loc[fewer.rppa.index]
        assert scores.notna().all() == told
        assert scores.isna().all() != told


def test_a_signature_is_its_singscore(builder, known_lines):
    ranks = known_lines.expression[builder.rna_.genes_].rank(axis=1)
    n_genes = ranks.shape[1]

    def centred(genes):
        n = len(genes)
        lowest, highest = (n + 1) / 2, (2 * n_genes - n + 1) / 2
        return (ranks[genes].mean(axis=1) - lowest) / (highest - lowest) - 0.5

    members = SIGNATURE_TABLE.load()["emt"]
    up = [m.gene for m in members if m.sign > 0]
    down = [m.gene for m in members if m.sign < 0]
    scores = builder.transform(known_lines)["expression:signature_emt"].loc[ranks.index]
    np.testing.assert_allclose(scores, centred(up) - centred(down), rtol=1e-12)


@pytest.mark.parametrize("scale", [np.exp2, lambda v: 3 * v + 7, lambda v: np.exp2(v) * 1000])
def test_no_monotone_change_of_scale_matters(builder, known_lines, scale):
    other = replace(known_lines, expression=scale(known_lines.expression))
    for one, same in zip(builder.scored(other), builder.scored(known_lines), strict=True):
        pd.testing.assert_frame_equal(one, same, check_exact=True)


def test_a_sample_with_less_than_half_of_the_genes_has_no_signatures(builder, known_lines):
    genes = builder.rna_.genes_
    few = replace(known_lines, expression=known_lines.expression[genes[: len(genes) // 2 - 1]])
    scores, levels = builder.scored(few)
    names = [name for name in scores if name.startswith("expression:")]
    assert scores[names].isna().all(axis=None)
    assert levels.isna().all(axis=None)


def test_z_scores_are_levels_and_give_no_signatures(builder, known_lines):
    z = known_lines.expression.sub(known_lines.expression.mean())
    scores, levels = builder.scored(replace(known_lines, expression=z, expression_kind="z-score"))
    np.testing.assert_array_equal(levels.loc[z.index, "IGF1R"], z["IGF1R"].clip(-8, 8))
    assert scores["expression:signature_mitotic"].isna().all()
    assert scores["expression:rtk_bypass_max"].loc[z.index].notna().all()


def test_genes_known_by_entrez_identifier_are_found(builder, known_lines):
    numbers = {g: f"entrez:{int(e)}" for g, e in known_lines.entrez.dropna().items()}
    assert "IGF1R" in numbers
    other = replace(known_lines, expression=known_lines.expression.rename(columns=numbers))
    pd.testing.assert_frame_equal(builder.scored(other)[1], builder.scored(known_lines)[1])


def test_levels_are_in_training_deviations(builder, known_lines):
    levels = builder.scored(known_lines)[1]
    np.testing.assert_allclose(levels.mean(), 0.0, atol=1e-9)
    np.testing.assert_allclose(levels.std(ddof=0), 1.0, rtol=1e-9)


def test_the_bypass_index_is_the_highest_and_the_mean_receptor(builder, known_lines):
    scores, levels = builder.scored(known_lines)
    receptors = levels[["IGF1R", "TYRO3", "PDGFRB"]]
    np.testing.assert_array_equal(scores["expression:rtk_bypass_max"], receptors.max(axis=1))
    np.testing.assert_allclose(scores["expression:rtk_bypass_mean"], receptors.mean(axis=1))


def test_without_a_modality_its_scores_are_missing_and_the_rest_stays(builder, known_lines):
    bare = replace(
        known_lines, expression=None, rppa=None, mutations=None, sequenced=None, copy_number=None,
        fusions=None, clinical=known_lines.clinical[[]],
    )  # fmt: skip
    assert builder.transform(bare).isna().all(axis=None)
    no_rna = builder.transform(replace(known_lines, expression=None))
    expression = [name for name in no_rna if name.startswith("expression:")]
    assert no_rna[expression].isna().all(axis=None)
    others = builder.transform(known_lines).drop(columns=[*expression, *STATES])
    kept = [name for name in others if not name.startswith("state:her2")]
    pd.testing.assert_frame_equal(no_rna[kept], others[kept])


def test_training_without_arrays_has_states_alone(known_lines):
    bare = replace(known_lines, expression=None, rppa=None)
    builder = MechanismBuilder().fit(bare)
    names = set(builder.get_feature_names_out())
    assert {modality_of(name) for name in names} == {"mutation", "state"}
    assert set(STATES) <= names
    scores = builder.transform(bare)
    assert scores["state:her2_drive"].notna().any()  # by copy number
    again = MechanismBuilder.from_state(builder.get_state()).transform(bare)
    pd.testing.assert_frame_equal(again, scores)


def test_not_sequenced_is_not_unmutated(builder, construct):
    sample = construct(changes=["PIK3CA p.H1047R"])
    assert builder.transform(sample).iloc[0]["mutation:PIK3CA:strength"] == 3
    unknown = replace(sample, sequenced=pd.Index([], dtype="str"))
    row = builder.transform(unknown).iloc[0]
    assert np.isnan(row["mutation:PIK3CA:strength"])
    assert np.isnan(row["state:pi3k_genotype"])
    assert row["state:pten_loss"] == 0  # by copy number and protein


@pytest.mark.parametrize(
    ("changes", "strength"),
    [
        (["PIK3CA p.K111N"], 1),
        (["PIK3CA p.C420R"], 2),
        (["PIK3CA p.E545K", "PIK3CA p.K111N"], 3),
        (["PIK3CA p.A2T"], 0),
        (["KRAS p.G12D"], 0),
    ],
)
def test_the_strongest_change_of_pik3ca_counts(builder, construct, changes, strength):
    scores = builder.transform(construct(changes=changes))
    assert scores["mutation:PIK3CA:strength"].iloc[0] == strength


def test_a_gene_outside_the_panel_is_unknown(builder, construct):
    sample = replace(
        construct(),
        panels={"small": frozenset(["TP53"])},
        panel_of=pd.Series(["small"], index=["S"], dtype="str"),
    )
    assert np.isnan(builder.transform(sample)["mutation:PIK3CA:strength"].iloc[0])
    called = replace(sample, mutations=construct(changes=["PIK3CA p.H1047R"]).mutations)
    assert builder.transform(called)["mutation:PIK3CA:strength"].iloc[0] == 3


def test_fusions_count_where_they_were_looked_for(builder, construct):
    name = "state:fusion_ALK"
    assert builder.transform(construct())[name].iloc[0] == 0
    assert np.isnan(builder.transform(replace(construct(), fusions=None))[name].iloc[0])
    within = construct(fusions=[("ALK", "ALK")])
    assert builder.transform(within)[name].iloc[0] == 0


def test_discrete_copy_number_is_read_as_what_it_stands_for(builder, construct):
    amplified, plain = construct(copies={"ERBB2": 2.0}), construct()
    calls = [replace(sample, copy_number_kind="discrete") for sample in (amplified, plain)]
    drive = [builder.transform(sample)["state:her2_drive"].iloc[0] for sample in calls]
    assert drive[0] > drive[1]
    lost = replace(construct(copies={"PTEN": -2.0}), copy_number_kind="discrete")
    assert builder.transform(lost)["state:pten_loss"].iloc[0] == 1
    one_copy = construct(copies={"PTEN": -1.0})
    assert builder.transform(one_copy)["state:pten_loss"].iloc[0] == 0


@pytest.mark.slow
def test_real_lines_without_pten_are_found(real_study):
    study = real_study("breast_cell_lines")
    scores = MechanismBuilder().fit(study).transform(study)
    known = ["BT549", "HCC1937", "MDAMB468", "CAL51", "MDAMB436", "SUM149PT"]
    assert (scores.loc[known, "state:pten_loss"] == 1).all()
    assert (scores.loc[["MDAMB361", "SKBR3", "BT474"], "state:pten_loss"] == 0).all()


@pytest.mark.slow
def test_real_her2_positive_lines_have_the_highest_drive(real_study):
    study = real_study("breast_cell_lines")
    scores = MechanismBuilder().fit(study).transform(study)
    highest = scores["state:her2_drive"].sort_values(ascending=False).index[:13]
    assert (study.clinical.loc[highest, "ERBB2_STATUS"].str.lower() == "positive").mean() > 0.9
