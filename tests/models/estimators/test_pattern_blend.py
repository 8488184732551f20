"""Samples that lack modalities are predicted by models that never had them."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import pattern_columns, row_patterns

TREES = {"n_trees": 30, "n_features": 20}
FULL = ("expression", "rppa", "mutation", "copy_number")


def columns_of(X: pd.DataFrame, *modalities: str) -> pd.Index:
    return X.columns[[name.split(":")[0] in modalities for name in X.columns]]


def only(X: pd.DataFrame, *modalities: str) -> pd.DataFrame:
    """Rows as they would be, had nothing but these modalities been measured."""
    kept = columns_of(X, *modalities)
    return X.assign(**dict.fromkeys(X.columns.difference(kept), np.nan))[X.columns]


@pytest.fixture(scope="module")
def blend(many_lines) -> PatternBlend:
    unfitted = PatternBlend(["expression:ERBB2"], inner_folds=2, tree_settings=TREES)
    return unfitted.fit(many_lines.X, many_lines.y, many_lines.donors)


@pytest.fixture(scope="module")
def complete(many_lines) -> pd.DataFrame:
    """Lines that have every modality."""
    return many_lines.X[[has == FULL for has in row_patterns(many_lines.X)]]


def test_a_row_is_predicted_by_the_model_of_what_it_has(blend, many_lines):
    """A quarter lacks RPPA, a quarter mutations; the last line has RPPA alone."""
    chosen = blend.chosen(many_lines.X)
    assert set(chosen) == {
        FULL,
        ("expression", "mutation", "copy_number"),
        ("expression", "rppa", "copy_number"),
        ("rppa",),
    }
    predicted = blend.predict(many_lines.X)
    members = blend.member_predictions(many_lines.X)
    for pattern in set(chosen):
        rows = [row for row, other in enumerate(chosen) if other == pattern]
        part = many_lines.X.iloc[rows]
        np.testing.assert_array_equal(predicted[rows], blend.predict_as(pattern, part))
        np.testing.assert_array_equal(members[rows], blend.members_as(pattern, part))


@pytest.mark.slow
def test_the_model_of_all_modalities_is_the_plain_blend(blend, many_lines, complete):
    plain = Blend(["expression:ERBB2"], inner_folds=2, tree_settings=TREES)
    plain.fit(many_lines.X, many_lines.y, many_lines.donors)
    np.testing.assert_array_equal(blend.predict(complete), plain.predict(complete))


@pytest.mark.parametrize("pattern", [("rppa",), ("expression", "mutation"), ("mutation",)])
def test_a_sub_model_is_a_blend_of_halves_that_never_saw_other_columns(blend, many_lines, pattern):
    """Fitted on the sub-model's columns and the lines that have any of them, no more."""
    X = many_lines.X.iloc[:, pattern_columns(list(many_lines.X.columns), pattern)]
    rows = [bool(set(has) & set(pattern)) for has in row_patterns(many_lines.X)]
    assert len(rows) != sum(rows)
    alone = Blend(["expression:ERBB2"], inner_folds=0, tree_settings=TREES)
    alone.fit(X[rows], many_lines.y[rows], many_lines.donors[rows])
    np.testing.assert_array_equal(alone.weights_, [0.5, 0.5, 0.0])
    np.testing.assert_allclose(blend.predict_as(pattern, many_lines.X), alone.predict(X), rtol=1e-9)


@pytest.mark.slow
def test_sub_models_take_the_markers_share_of_the_full_model(many_lines):
    """One that does not see the marker has halves of ridge and trees."""
    settings = {"inner_folds": 2, "tree_settings": {"n_trees": 5, "n_features": 20}}
    model = PatternBlend((), ["expression:ERBB2"], **settings)
    model.fit(many_lines.X, many_lines.y, many_lines.donors)
    share = model.blends_[FULL].shares_[2]
    assert 0.1 < share < 1
    for pattern, blend in model.blends_.items():
        if pattern != FULL:
            expected = share if "expression" in pattern else 0.0
            rest = (1 - expected) / 2
            np.testing.assert_allclose(blend.weights_, [rest, rest, expected], err_msg=str(pattern))


def test_what_lies_outside_a_sub_model_changes_nothing_and_contributes_nothing(blend, complete):
    """A tenth of the proteins is no RPPA: they are not used, whatever their values."""
    part = only(complete, "expression", "copy_number", "mutation")
    stray = part.assign(**{"rppa:P0": 50.0})
    np.testing.assert_array_equal(blend.predict(stray), blend.predict(part))
    outside = columns_of(stray, "rppa")
    values = pd.DataFrame(blend.contributions(stray).values, columns=stray.columns)
    assert (values[outside] == 0).all(axis=None)
    assert (values.drop(columns=outside) != 0).any(axis=None)


def test_a_base_is_that_of_the_sub_model(blend, complete):
    both = pd.concat([complete.iloc[:1], only(complete.iloc[:1], "rppa")])
    parts = blend.contributions(both)
    np.testing.assert_allclose(
        parts.base_value + parts.values.sum(axis=1), blend.predict(both), rtol=1e-6
    )
    assert parts.base_value[0] != parts.base_value[1]


def test_a_row_without_any_modality_goes_to_the_model_of_all(blend, complete, many_lines):
    nothing = complete.iloc[:2] * np.nan
    assert blend.chosen(nothing) == [None, None]
    np.testing.assert_array_equal(blend.predict(nothing), blend.predict_as(FULL, nothing))
    assert np.abs(blend.predict(nothing) - many_lines.y.mean()).max() < many_lines.y.std()


def test_a_state_survives_json_and_keeps_the_order_of_patterns(blend, many_lines, complete):
    """What is not an array must be plain enough for JSON."""
    state = blend.get_state()
    named = json.loads(json.dumps(state["patterns"]))
    columns = np.asarray(many_lines.X.columns, dtype=object)
    restored = PatternBlend.from_state(state | {"patterns": named}, columns)
    assert restored.patterns == blend.patterns
    for modalities in (FULL, ("rppa",), ("mutation", "copy_number"), ()):
        part = only(complete, *modalities)
        assert restored.chosen(part) == blend.chosen(part)
        np.testing.assert_array_equal(restored.predict(part), blend.predict(part))
        ours, theirs = restored.contributions(part), blend.contributions(part)
        np.testing.assert_array_equal(ours.base_value, theirs.base_value)
        np.testing.assert_array_equal(ours.values, theirs.values)


def test_a_model_of_clinical_covariates_alone_survives_as_well(many_lines):
    X = pd.get_dummies(many_lines.lineages, dtype=float).add_prefix("clinical:TISSUE=")
    blend = PatternBlend(inner_folds=2, tree_settings=TREES).fit(X, many_lines.y)
    restored = PatternBlend.from_state(blend.get_state(), np.asarray(X.columns, dtype=object))
    assert restored.patterns == blend.patterns == [()]
    assert restored.chosen(X) == [()] * len(X)
    np.testing.assert_array_equal(restored.predict(X), blend.predict(X))


def test_names_of_features_are_held_once_whatever_process_a_model_comes_from(blend):
    """Of hundreds of models of tens of thousands of features they would fill the memory."""
    again = pickle.loads(pickle.dumps(blend))
    assert again.feature_names_in_ is blend.feature_names_in_
    for pattern, part in blend.blends_.items():
        other = again.blends_[pattern]
        for one in (part.ridge_, part.trees_, part.marker_, other, other.ridge_, other.trees_):
            assert one.feature_names_in_ is part.feature_names_in_
    assert not blend.feature_names_in_.flags.writeable


def test_a_state_without_models_is_refused(blend, many_lines):
    empty = blend.get_state() | {"patterns": [], "blends": {}}
    with pytest.raises(InputError, match="holds no sub-model"):
        PatternBlend.from_state(empty, np.asarray(many_lines.X.columns, dtype=object))


def test_a_sub_model_beats_the_full_model_shown_the_same_samples():
    """Expression and RPPA measure one signal, and RPPA better; at scoring RPPA is missing."""
    rng = np.random.default_rng(0)
    n = 300
    signal = rng.standard_normal((n, 1))
    expression = signal + 0.7 * rng.standard_normal((n, 10))
    rppa = signal + 0.3 * rng.standard_normal((n, 10))
    names = [f"{modality}:G{g}" for modality in ("expression", "rppa") for g in range(10)]
    X = pd.DataFrame(np.hstack([expression, rppa]), columns=names)
    y = 5 + signal[:, 0] + 0.3 * rng.standard_normal(n)
    blend = PatternBlend(inner_folds=2, tree_settings=TREES).fit(X.iloc[:150], y[:150])
    lacking = only(X.iloc[150:], "expression")
    assert set(blend.chosen(lacking)) == {("expression",)}
    full = blend.predict_as(("expression", "rppa"), lacking)
    errors = [np.mean((y[150:] - predicted) ** 2) for predicted in (blend.predict(lacking), full)]
    assert errors[0] < 0.5 * errors[1]
    assert errors[0] < 0.35  # the variance of y is about 1.1
