"""What every estimator promises, whichever it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sidestep.features.errors import InputError
from sidestep.models.estimators.base import ExplainedEstimator, ResponseEstimator
from sidestep.models.estimators.baselines import DrugMean, GroupMean, SingleMarker
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees

TARGETS = ("expression:ERBB2", "rppa:P0")
Build = Callable[[pd.Series, str], ResponseEstimator]

EXPLAINED: dict[str, Build] = {
    "marker": lambda lineages, marker: SingleMarker((marker, "rppa:P0")),
    "ridge": lambda lineages, marker: MultiViewRidge(TARGETS),
    "trees": lambda lineages, marker: ScreenedTrees(TARGETS, n_trees=60, n_features=20),
    "blend": lambda lineages, marker: Blend(
        TARGETS, (marker, "rppa:P0"), 1.0, tree_settings={"n_trees": 60, "n_features": 20}
    ),
    "pattern blend": lambda lineages, marker: PatternBlend(
        TARGETS, (marker, "rppa:P0"), 1.0, tree_settings={"n_trees": 60, "n_features": 20}
    ),
}
ESTIMATORS: dict[str, Build] = {
    "drug mean": lambda lineages, marker: DrugMean(),
    "group mean": lambda lineages, marker: GroupMean(lineages),
    **EXPLAINED,
}
STORED = {
    "marker": SingleMarker,
    "ridge": MultiViewRidge,
    "trees": ScreenedTrees,
    "blend": Blend,
    "pattern blend": PatternBlend,
}


@pytest.fixture(scope="module")
def build(lines, marker) -> Callable[[str], ResponseEstimator]:
    """Return a fresh, unfitted estimator by name."""
    return lambda name: ESTIMATORS[name](lines.lineages, marker)


@pytest.fixture(scope="module")
def fitted(lines, build) -> dict[str, ResponseEstimator]:
    """Return every estimator, fitted to all lines; do not fit these again."""
    return {name: build(name).fit(lines.X, lines.y, lines.donors) for name in ESTIMATORS}


every_estimator = pytest.mark.parametrize("name", ESTIMATORS)
every_explained = pytest.mark.parametrize("name", EXPLAINED)


@every_estimator
def test_parameters_survive_a_clone(build, name):
    estimator = build(name)
    copied = clone(estimator).get_params()
    for parameter, value in estimator.get_params().items():
        assert np.array_equal(copied[parameter], value), parameter
    assert repr(estimator).startswith(type(estimator).__name__)


@pytest.mark.slow_but_first
@every_estimator
def test_fit_returns_itself_and_leaves_its_parameters_alone(build, lines, name):
    estimator = build(name)
    before = estimator.get_params()
    assert estimator.fit(lines.X, lines.y, lines.donors) is estimator
    assert all(value is before[key] for key, value in estimator.get_params().items())


@pytest.mark.slow_but_first
@every_estimator
def test_fit_does_not_change_what_it_is_given(build, lines, name):
    X, y = lines.X.copy(), lines.y.copy()
    build(name).fit(X, y, lines.donors).predict(X)
    pd.testing.assert_frame_equal(X, lines.X)
    np.testing.assert_array_equal(y, lines.y)


@every_estimator
def test_every_line_gets_a_finite_prediction(fitted, lines, name):
    predicted = fitted[name].predict(lines.X)
    assert predicted.shape == lines.y.shape
    assert predicted.dtype == float
    assert np.isfinite(predicted).all()


@every_estimator
def test_a_line_with_nothing_measured_gets_a_finite_prediction(fitted, lines, name):
    nothing = lines.X.iloc[:2] * np.nan
    predicted = fitted[name].predict(nothing)
    assert np.isfinite(predicted).all()
    assert np.abs(predicted - lines.y.mean()).max() < 2 * lines.y.std()


@every_estimator
def test_no_lines_get_no_predictions(fitted, lines, name):
    assert fitted[name].predict(lines.X.iloc[:0]).shape == (0,)


@pytest.mark.slow_but_first
@every_estimator
def test_a_line_with_one_modality_is_not_dropped(build, lines, fitted, name):
    assert lines.X.iloc[-1].notna().sum() == 12  # RPPA only
    moved = lines.y.copy()
    moved[-1] += 8
    predicted = build(name).fit(lines.X, moved, lines.donors).predict(lines.X.iloc[:-1])
    assert np.abs(predicted - fitted[name].predict(lines.X.iloc[:-1])).max() > 1e-3


@every_estimator
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[X.columns[::-1]], "0 missing"),
        (lambda X: X.drop(columns="rppa:P0"), "1 missing: rppa:P0"),
        (lambda X: X.assign(more=1.0), "0 missing"),
        (lambda X: X.rename(columns={"rppa:P0": "rppa:P1", "rppa:P1": "rppa:P0"}), "0 missing"),
    ],
)
def test_other_columns_are_refused(fitted, lines, name, change, message):
    with pytest.raises(InputError, match=f"columns of fit in their order \\({message}"):
        fitted[name].predict(change(lines.X))


@every_estimator
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_response_that_is_not_finite_is_refused(build, lines, name, value):
    y = lines.y.copy()
    y[[3, 5]] = value
    with pytest.raises(InputError, match="y has 2 values that are not finite"):
        build(name).fit(lines.X, y, lines.donors)


@every_estimator
def test_lengths_must_agree(build, lines, name):
    with pytest.raises(InputError, match="X has 72 rows and y 71"):
        build(name).fit(lines.X, lines.y[1:], lines.donors)
    with pytest.raises(InputError, match="groups has 71 values for 72 rows"):
        build(name).fit(lines.X, lines.y, lines.donors[1:])


@every_estimator
def test_two_lines_are_too_few(build, lines, name):
    with pytest.raises(InputError, match="2 lines are too few"):
        build(name).fit(lines.X.iloc[:2], lines.y[:2])


@every_estimator
def test_an_unfitted_estimator_says_so(build, lines, name):
    with pytest.raises(NotFittedError):
        build(name).predict(lines.X)


@pytest.mark.slow_but_first
@every_estimator
def test_a_seed_fixes_every_number(build, lines, fitted, name):
    again = clone(build(name)).fit(lines.X, lines.y, lines.donors)
    np.testing.assert_array_equal(again.predict(lines.X), fitted[name].predict(lines.X))


@every_estimator
def test_a_row_is_predicted_the_same_alone_in_a_batch_and_in_any_order(fitted, lines, name):
    batch = fitted[name].predict(lines.X)
    order = np.random.default_rng(1).permutation(len(batch))
    np.testing.assert_array_equal(fitted[name].predict(lines.X.iloc[order]), batch[order])
    alone = [fitted[name].predict(lines.X.iloc[[row]])[0] for row in range(len(batch))]
    np.testing.assert_array_equal(alone, batch)
    several = fitted[name].predict(lines.X.iloc[[3, 3, 40]])
    np.testing.assert_array_equal(several, batch[[3, 3, 40]])


# Of the variance, the marker holds about 0.48, antibody 0.21, lineage 0.19, mutation 0.08.
@pytest.mark.parametrize(("name", "at_most"), [
    ("group mean", 0.9), ("marker", 0.65), ("ridge", 0.6), ("trees", 0.75), ("blend", 0.6),
    ("pattern blend", 0.6),
])  # fmt: skip
def test_a_planted_signal_is_found(many_lines, marker, name, at_most):
    """Squared error on lines held out, relative to that of the training lines' mean."""
    X, y = many_lines.X, many_lines.y
    train, test = np.arange(0, len(y), 2), np.arange(1, len(y), 2)
    estimator = ESTIMATORS[name](many_lines.lineages, marker).fit(X.iloc[train], y[train])
    error = np.mean((y[test] - estimator.predict(X.iloc[test])) ** 2)
    assert error < at_most * np.mean((y[test] - y[train].mean()) ** 2)


@pytest.mark.slow_but_first
@every_estimator
def test_a_constant_response_is_predicted(build, lines, name):
    constant = np.full(len(lines.y), 0.3)
    predicted = build(name).fit(lines.X, constant, lines.donors).predict(lines.X * 3)
    np.testing.assert_allclose(predicted, 0.3, atol=1e-6)


@every_estimator
@pytest.mark.parametrize("value", [0.0, 0.1, np.nan])
def test_constant_features_predict_the_mean_even_of_lines_that_differ(build, lines, name, value):
    """0.1 is no binary fraction: its rounding errors must not pass for a signal."""
    flat = pd.DataFrame(value, index=lines.X.index, columns=lines.X.columns)
    estimator = build(name).fit(flat, lines.y, lines.donors)
    spread = lines.y.std()
    for X in (flat, lines.X * 10):
        predicted = estimator.predict(X)
        if name != "group mean":
            np.testing.assert_allclose(predicted, lines.y.mean(), atol=0.1 * spread)
        assert np.abs(predicted - lines.y.mean()).max() < 2 * spread


@pytest.mark.slow_but_first
@pytest.mark.parametrize("exponent", [-20, 12])
@pytest.mark.parametrize("name", STORED)
def test_the_unit_of_the_response_changes_nothing_but_the_unit(
    build, lines, fitted, name, exponent
):
    """An IC50 in mol/l is as good as one in umol/l; a power of two leaves every digit alone."""
    unit = 2.0**exponent
    other = build(name).fit(lines.X, lines.y * unit, lines.donors)
    np.testing.assert_allclose(other.predict(lines.X), fitted[name].predict(lines.X) * unit, 1e-6)
    ours, theirs = other.contributions(lines.X), fitted[name].contributions(lines.X)
    np.testing.assert_allclose(ours.base_value, theirs.base_value * unit, 1e-6)
    spread = lines.y.std()
    np.testing.assert_allclose(ours.values / unit, theirs.values, atol=1e-6 * spread)
    if name == "blend":
        np.testing.assert_allclose(other.weights_, fitted[name].weights_, 1e-6)


@every_explained
def test_contributions_add_up_to_the_prediction(fitted, lines, name):
    parts = fitted[name].contributions(lines.X)
    assert parts.values.shape == lines.X.shape
    assert np.isfinite(parts.values).all()
    total = parts.base_value + parts.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted[name].predict(lines.X), atol=1e-5 * lines.y.std())


@every_explained
def test_contributions_add_up_for_lines_unlike_the_training_lines(fitted, lines, name):
    far = lines.X * -4
    far.iloc[0] = np.nan
    parts = fitted[name].contributions(far)
    total = parts.base_value + parts.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted[name].predict(far), atol=1e-5 * lines.y.std())


def with_gaps(X: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Lines of which some measured features are not: any, but for mutations."""
    rng = np.random.default_rng(seed)
    open_to_gaps = ~X.columns.str.startswith("mutation:")
    return X.mask((rng.random(X.shape) < share) & open_to_gaps)


@every_explained
def test_what_was_not_measured_contributes_exactly_nothing(fitted, lines, name):
    complete = lines.X.iloc[len(lines.X) // 2 : -1]
    gaps = with_gaps(complete, 0.2, seed=0)
    parts = fitted[name].contributions(gaps)
    assert (parts.values[gaps.isna().to_numpy()] == 0).all()
    total = parts.base_value + parts.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted[name].predict(gaps), atol=1e-5 * lines.y.std())
    alone = fitted[name].contributions(gaps.iloc[[7]])
    np.testing.assert_array_equal(alone.values[0], parts.values[7])


@every_explained
def test_gaps_do_not_shift_the_mean_prediction(many_lines, marker, name):
    """Lines held out, a fifth of their features taken away, twenty times."""
    X, y = many_lines.X, many_lines.y
    train, test = np.arange(0, len(y), 2), np.arange(121, len(y) - 1, 2)
    estimator = EXPLAINED[name](many_lines.lineages, marker).fit(X.iloc[train], y[train])
    held_out = X.iloc[test]
    whole = estimator.predict(held_out).mean()
    shifts = [
        estimator.predict(with_gaps(held_out, 0.2, seed)).mean() - whole for seed in range(20)
    ]
    # Lines are drawn to the mean that they are held out from, so their own mean moves with it.
    drawn = 0.25 * abs(whole - y[train].mean())
    assert abs(np.mean(shifts)) < 0.04 * y.std() + drawn


@every_explained
def test_what_tells_nothing_contributes_exactly_nothing(fitted, lines, name):
    far = lines.X.assign(**{"expression:CONSTANT": 7.0, "rppa:NEVER": -7.0})
    values = fitted[name].contributions(far).values
    for feature in ("expression:CONSTANT", "rppa:NEVER"):
        assert (values[:, lines.X.columns.get_loc(feature)] == 0).all()
    np.testing.assert_array_equal(fitted[name].predict(far), fitted[name].predict(lines.X))


@every_explained
def test_the_planted_marker_contributes_most(fitted, lines, marker, name):
    values = np.abs(fitted[name].contributions(lines.X).values).mean(axis=0)
    assert lines.X.columns[values.argmax()] == marker


@every_explained
def test_a_row_is_explained_the_same_alone_and_in_a_batch(fitted, lines, name):
    batch = fitted[name].contributions(lines.X)
    alone = fitted[name].contributions(lines.X.iloc[[20]])
    assert batch.base_value.shape == lines.y.shape
    np.testing.assert_array_equal(alone.base_value, batch.base_value[[20]])
    np.testing.assert_array_equal(alone.values[0], batch.values[20])


@pytest.mark.parametrize("name", sorted(EXPLAINED.keys() - {"pattern blend"}))
def test_one_model_has_one_base_whatever_the_line(fitted, lines, name):
    bases = [
        fitted[name].contributions(X).base_value for X in (lines.X, lines.X * -4, lines.X * np.nan)
    ]
    assert len(np.unique(bases)) == 1


@every_explained
def test_no_lines_have_no_contributions(fitted, lines, name):
    none = fitted[name].contributions(lines.X.iloc[:0])
    assert none.values.shape == (0, lines.X.shape[1])
    assert none.base_value.shape == (0,)


@every_explained
def test_other_columns_are_not_explained(fitted, lines, name):
    assert isinstance(fitted[name], ExplainedEstimator)
    with pytest.raises(InputError, match="columns of fit in their order"):
        fitted[name].contributions(lines.X[lines.X.columns[::-1]])


@pytest.mark.parametrize("name", STORED)
def test_a_state_restores_every_number(fitted, lines, name):
    columns = np.asarray(lines.X.columns, dtype=object)
    restored = STORED[name].from_state(fitted[name].get_state(), columns)
    np.testing.assert_array_equal(restored.predict(lines.X), fitted[name].predict(lines.X))
    ours, theirs = restored.contributions(lines.X), fitted[name].contributions(lines.X)
    np.testing.assert_array_equal(ours.base_value, theirs.base_value)
    np.testing.assert_array_equal(ours.values, theirs.values)
    for parameter, value in fitted[name].get_params().items():
        assert np.array_equal(restored.get_params()[parameter], value), parameter
