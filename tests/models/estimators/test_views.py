"""Views of the feature matrix, and how they are mixed."""

from __future__ import annotations

from itertools import combinations

import pytest

from sidestep.models.estimators.lines import TARGET_VIEW, view_columns, view_mixtures

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
FEATURES = ["expression:A", "expression:B", "rppa:A_pY1", "mutation:A", "copy_number:B"]


def test_a_view_a_modality_and_one_of_targets():
    views = view_columns(FEATURES, ["mutation:A", "expression:A", "rppa:UNKNOWN"])
    assert {name: list(columns) for name, columns in views.items()} == {
        "expression": [0, 1],
        "rppa": [2],
        "mutation": [3],
        "copy_number": [4],
        "target": [0, 3],
    }


@pytest.mark.parametrize("targets", [[], ["expression:UNKNOWN"]])
def test_without_target_features_there_is_no_target_view(targets):
    assert TARGET_VIEW not in view_columns(FEATURES, targets)


MODALITIES = ("expression", "rppa", "mutation", "copy_number", "clinical")
SUBSETS = [views for size in range(1, 6) for views in combinations(MODALITIES, size)]


@pytest.mark.parametrize("views", SUBSETS, ids="+".join)
@pytest.mark.parametrize("with_target", [False, True])
def test_every_mixture_sums_to_one(views, with_target):
    views = [*views, TARGET_VIEW] if with_target else list(views)
    mixtures = view_mixtures(views, SHARES)
    assert mixtures
    for mixture in mixtures:
        assert sum(mixture.values()) == pytest.approx(1)
        assert min(mixture.values()) > 0
        assert set(mixture) <= set(views)
    assert all(a != b for a, b in combinations(mixtures, 2))
    assert ({TARGET_VIEW: 1.0} in mixtures) == with_target
    shares = {mixture.get(TARGET_VIEW, 0.0) for mixture in mixtures}
    assert shares == (set(SHARES) if with_target else {0.0})


def test_modalities_share_alike_or_the_abundance_ones_alone():
    assert view_mixtures(["expression", "rppa", "mutation", "target"], (0.5,)) == [
        {"expression": 1 / 6, "rppa": 1 / 6, "mutation": 1 / 6, "target": 0.5},
        {"expression": 0.25, "rppa": 0.25, "target": 0.5},
    ]


def test_no_features_have_no_views_and_no_mixtures():
    assert view_columns([]) == {}
    assert view_mixtures([], SHARES) == []
