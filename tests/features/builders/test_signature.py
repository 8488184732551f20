"""Signatures as features: in training deviations, whatever others a study has or lacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.names import gene_of
from sidestep.features.builders.signature import SignatureScoreBuilder
from sidestep.features.errors import InputError
from sidestep.features.knowledge.study_signatures import STUDY_SIGNATURE_TABLE
from sidestep.features.mechanisms.of_features import MECHANISMS, mechanism_of
from sidestep.features.study.study import Study

NAMES = ["Mod7_ERBB2", "ER_PGR_avg", "Rare", "Constant"]


def scored(values: np.ndarray, names: list[str] = NAMES, first: int = 0) -> Study:
    index = [f"P{number + first}" for number in range(len(values))]
    return Study.from_frames(signatures=pd.DataFrame(values, index, names))


@pytest.fixture
def builder() -> SignatureScoreBuilder:
    values = np.random.default_rng(0).normal([3, -1, 0, 0], [2, 0.5, 1, 0], (20, 4))
    values[:15, 2] = np.nan
    return SignatureScoreBuilder().fit(scored(values))


def test_scores_are_in_training_deviations_under_any_spelling(builder) -> None:
    assert builder.get_feature_names_out().tolist() == [
        "signature:Mod7_ERBB2",
        "signature:ER_PGR_avg",
    ]
    new = scored(np.array([[5.0, 9.0], [3.0, 9.0]]), ["mod7 erbb2", "Other"], first=90)
    built = builder.transform(new)
    expected = (np.array([5.0, 3.0]) - builder.mean_[0]) / builder.sd_[0]
    np.testing.assert_allclose(built["signature:Mod7_ERBB2"], expected)
    assert built["signature:ER_PGR_avg"].isna().all()
    alone = builder.transform(new.select(["P91"]))
    pd.testing.assert_frame_equal(alone, built.loc[["P91"]])


def test_a_study_without_signatures_has_none_and_teaches_none(builder) -> None:
    without = Study.from_frames(clinical=pd.DataFrame({"A": ["x"]}, index=["P"]))
    assert builder.transform(without).isna().all(axis=None)
    with pytest.raises(InputError, match="no sample has signature data"):
        SignatureScoreBuilder().fit(without)


def test_every_signature_of_the_table_has_a_mechanism_and_single_transcripts_a_gene() -> None:
    table = STUDY_SIGNATURE_TABLE.load()
    assert {row.mechanism for row in table.values()} <= set(MECHANISMS)
    assert mechanism_of("signature:MOD7-erbb2") == "HER2 drive"
    assert mechanism_of("signature:nobody's") == "other"
    genes = [gene_of(f"signature:{name}") for name in ("IGF1R_dat", "ER_PGR_avg", "nobody's")]
    assert genes == ["IGF1R", None, None]
