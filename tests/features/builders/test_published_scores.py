"""Published signatures computed from genes: on the scale of tumours, whatever else is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.published_scores import PublishedScores
from sidestep.features.builders.signature import SignatureScoreBuilder
from sidestep.features.study.study import Study
from tests.features.builders.tumours import ANCHORS, GENES, HER2, LEVELS, tumours


def test_a_score_is_the_mean_deviation_of_its_genes_over_its_spread() -> None:
    levels = tumours({"ERBB2": [4.0, 0.0], "GRB7": [2.0, 0.0], "STMN1": [-1.5, 0.0]})
    scores = PublishedScores.of_tables().scores(levels)
    expected = (4.0 + 2.0) / 4 / LEVELS["Mod7_ERBB2"].sd
    np.testing.assert_allclose(scores["Mod7_ERBB2"], [expected, 0.0], atol=1e-3)
    np.testing.assert_allclose(scores["STMN1_dat"], [-1.5, 0.0], atol=1e-3)
    # A unit of RNA-seq adds the same to all genes of a sample; others in the table count nothing.
    again = PublishedScores.of_tables().scores((levels + 3.0).assign(OTHER=9.0).iloc[::-1])
    pd.testing.assert_frame_equal(again.iloc[::-1], scores)
    assert scores["Mast_cells"].isna().all()


@pytest.mark.parametrize(
    ("lacking", "known"), [(HER2[:2], True), (HER2[:3], False), (ANCHORS[:6], False)]
)
def test_a_score_needs_half_of_its_genes_and_of_the_anchors(lacking, known) -> None:
    levels = tumours({"PGAP3": [1.0]}).drop(columns=lacking)
    score = PublishedScores.of_tables().scores(levels)["Mod7_ERBB2"]
    assert np.isfinite(score).all() == known


@pytest.fixture
def given() -> Study:
    values = np.random.default_rng(1).normal(0.5, 2.0, (30, 3))
    names = ["MOD7_ERBB2", "stmn1_dat", "Own"]
    scores = pd.DataFrame(values, [f"P{place}" for place in range(30)], names)
    return Study.from_frames(signatures=scores, signatures_kind="z-score")


def test_a_study_of_genes_meets_a_model_of_given_scores(given: Study) -> None:
    genes = Study.from_frames(expression=tumours({"STMN1": [2.0, 0.0]}))
    builder = SignatureScoreBuilder().fit(given)
    built = builder.transform(genes)
    expected = (np.array([2.0, 0.0]) - builder.mean_[1]) / builder.sd_[1]
    np.testing.assert_allclose(built["signature:stmn1_dat"], expected, atol=1e-3)
    assert built["signature:Own"].isna().all()
    # Of scores on a scale of their own, tumour deviations stand for training deviations.
    own = SignatureScoreBuilder().fit(replace(given, signatures_kind="score")).transform(genes)
    np.testing.assert_allclose(own["signature:stmn1_dat"], [2.0, 0.0], atol=1e-3)
    # What a study gives goes before what its genes say.
    both = replace(
        genes, signatures=pd.DataFrame({"Mod7_ERBB2": [9.0]}, index=["T0"]), signatures_kind="score"
    )
    built = builder.transform(both)["signature:MOD7_ERBB2"]
    middle = (np.array([9.0, 0.0]) - builder.mean_[0]) / builder.sd_[0]
    np.testing.assert_allclose(built, middle, atol=1e-3)


def test_a_model_learns_computed_scores_where_asked_and_meets_given_ones(given: Study) -> None:
    rng = np.random.default_rng(0)
    levels = tumours({gene: list(rng.normal(size=20)) for gene in GENES})
    study = Study.from_frames(expression=levels)
    assert set(FeatureJoiner().fit(study).modality_) == {"expression"}
    joiner = FeatureJoiner(["signature"]).fit(study)
    built = joiner.transform(study)
    assert list(built) == ["signature:Mod7_ERBB2", "signature:ER_PGR_avg", "signature:STMN1_dat"]
    np.testing.assert_allclose(built.mean(), 0.0, atol=1e-9)
    again = FeatureJoiner.from_state(joiner.get_state()).transform(study)
    pd.testing.assert_frame_equal(again, built)
    (builder,) = joiner.builders_
    met = joiner.transform(given)["signature:STMN1_dat"]
    expected = (given.signatures["stmn1_dat"] - builder.mean_[2]) / builder.sd_[2]
    np.testing.assert_allclose(met, expected.clip(-8, 8))
    assert joiner.transform(replace(given, signatures_kind="score")).isna().all(axis=None)
    # z-scores are deviations of their cohort's tumours already, and need no anchor.
    deviations = pd.DataFrame({"STMN1": [1.5], "ERBB2": [9.0]}, index=["Z"])
    z_scores = Study.from_frames(expression=deviations, expression_kind="z-score")
    met = joiner.transform(z_scores).loc["Z"]
    assert met["signature:STMN1_dat"] == pytest.approx((1.5 - builder.mean_[2]) / builder.sd_[2])
    assert np.isnan(met["signature:Mod7_ERBB2"])  # one of its four genes


def test_of_cell_lines_no_signature_of_other_cells_is_learned() -> None:
    rng = np.random.default_rng(0)
    genes = ["STMN1", "CD2", "CD3D", "CD27", "CD19", "MS4A1"]
    levels = tumours({gene: list(rng.normal(size=12)) for gene in genes})
    for words, learned in (("Cell Line", False), ("Primary", True)):
        clinical = pd.DataFrame({"SAMPLE_TYPE": words}, index=levels.index)
        study = Study.from_frames(expression=levels, clinical=clinical)
        names = SignatureScoreBuilder().fit(study).get_feature_names_out()
        assert "signature:STMN1_dat" in names
        assert ("signature:Module5_TcellBcell_score" in names) == learned


@pytest.mark.slow
def test_the_table_is_what_real_tumours_say(real_study) -> None:
    study = real_study("scanb_breast")
    found, table = (
        PublishedScores.of_tumours(study.expression, ANCHORS),
        PublishedScores.of_tables(),
    )
    assert list(found.members) == list(table.members)
    np.testing.assert_allclose(found.mean, table.mean, rtol=1e-3)
    np.testing.assert_allclose(found.spread, table.spread, rtol=1e-3)
    scores = table.scores(study.expression)
    her2 = study.clinical["HER2_STATUS"]
    middle = scores["Mod7_ERBB2"].groupby(her2).mean()
    assert middle["Positive"] > middle["Negative"] + 2.0
