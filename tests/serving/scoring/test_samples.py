"""Features of the final models and of the folds' meet under one number."""

from __future__ import annotations

import pandas as pd

from sidestep.serving.scoring.samples import NamedFeatures

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
