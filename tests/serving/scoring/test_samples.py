"""Features of the final models and of the folds' meet under one number."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.study.study import read_study
from sidestep.models.predictor.storage import load_predictor
from sidestep.serving.scoring.samples import NamedFeatures, Samples, answered

FINAL = pd.Index(["rppa:ERBB2_pY1248", "expression:TP53", "mutation:PIK3CA:hotspot"])
FOLDS = {
    0: pd.Index(["expression:TP53", "expression:AAK1", "rppa:ERBB2_pY1248"]),
    3: pd.Index(["mutation:PIK3CA:hotspot"]),
}


def test_equal_names_have_equal_numbers_in_alphabetical_order() -> None:
    named = NamedFeatures.of(FINAL, FOLDS)
    assert named.count == 4
    assert named.order.tolist() == [3, 1, 2]
    assert {fold: order.tolist() for fold, order in named.fold_order.items()} == {
        0: [1, 0, 3],
        3: [2],
    }


def test_names_tell_modality_and_mechanism() -> None:
    named = NamedFeatures.of(FINAL, FOLDS)
    assert named.names.tolist() == list(FINAL)
    assert named.modalities.tolist() == ["rppa", "expression", "mutation"]
    assert named.mechanisms.tolist()[::2] == ["HER2 drive", "PI3K/AKT/MTOR"]
    assert named.fold_modalities[0].tolist() == ["expression", "expression", "rppa"]


def test_a_model_without_folds_has_its_own_features() -> None:
    named = NamedFeatures.of(FINAL, {})
    assert named.count == 3
    assert named.fold_order == {}


def test_what_is_off_the_scale_is_not_trusted() -> None:
    features = pd.DataFrame(np.arange(9.0).reshape(3, 3), ["A", "B", "C"], FINAL)
    off_scale = [("rppa",), (), ("expression", "mutation")]
    samples = Samples(features, {}, NamedFeatures.of(FINAL, {}), [], [], off_scale=off_scale)
    gaps = [[True, False, False], [False] * 3, [False, True, True]]
    pd.testing.assert_frame_equal(samples.trusted, features.mask(np.array(gaps)))
    assert not features.isna().any(axis=None)


def test_a_model_that_answered_for_its_own_lines_is_let_go_of(
    simulated: Path, rppa_folder: Path
) -> None:
    predictor = load_predictor(rppa_folder)
    study = read_study(simulated / "breast_sim")
    parts = answered(predictor, study, predictor.features(study))
    assert {part.predictor.fold for part in parts} >= {0, 1}
    held = [weakref.ref(one) for one in (predictor.joiner, *predictor.fold_joiners.values())]
    del predictor, parts
    gc.collect()
    assert [one() for one in held] == [None, None, None]
