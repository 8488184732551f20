"""How near samples are to the training lines, where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from sidestep.models.reliability.applicability import (
    ModelSpace,
    NearestLines,
    applicability,
    least_applicability,
    model_space,
    weight_covered,
)

NAMES = [f"{modality}:G{g}" for modality in ("expression", "rppa", "mutation") for g in range(10)]
SCALES = np.repeat([1.0, 5.0, 0.3], 10)
ALL = ("expression", "rppa", "mutation")


def draw(n: int, seed: int) -> pd.DataFrame:
    """Samples of three modalities, whose scales and means differ."""
    values = np.random.default_rng(seed).standard_normal((n, len(NAMES)))
    return pd.DataFrame(3 + SCALES * values, columns=NAMES)


def names(n: int) -> list[str]:
    return [f"D{line}" for line in range(n)]


def even(pattern: tuple[str, ...] = ALL, features: list[str] = NAMES) -> ModelSpace:
    """Space of a model that rests on all features of a pattern alike."""
    seen = [name for name in features if name.split(":")[0] in pattern]
    return model_space(np.ones(len(seen)), features, pattern)


def only(X: pd.DataFrame, *modalities: str) -> pd.DataFrame:
    kept = [name for name in X.columns if name.split(":")[0] in modalities]
    return X[kept].reindex(columns=X.columns)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return draw(80, 0)


@pytest.fixture(scope="module")
def nearest(lines) -> NearestLines:
    return NearestLines().fit(lines, names(80))


def naive(lines: np.ndarray, donors: list[str], new: np.ndarray, weights: np.ndarray) -> float:
    """Distance of one sample by the definition, without gaps."""
    lines, new = lines / lines.std(axis=0), new / lines.std(axis=0)
    own = [
        np.mean(sorted(np.average((a - b) ** 2, weights=weights)
                       for b, d in zip(lines, donors, strict=True) if d != donor)[:5])
        for a, donor in zip(lines, donors, strict=True)
    ]  # fmt: skip
    mean = np.mean(sorted(np.average((new - b) ** 2, weights=weights) for b in lines)[:5])
    return mean / np.median(own)


@pytest.mark.slow
def test_the_distance_is_that_of_the_definition(lines):
    donors = [f"D{line // 2}" for line in range(80)]
    rests_on = np.random.default_rng(1).uniform(0, 1, 30)
    space = model_space(rests_on, NAMES, ALL)
    new = 1.3 * (draw(12, 5) - 3) + 3
    found = NearestLines().fit(lines, donors).distances(new, space, ALL)
    expected = [naive(lines.to_numpy(), donors, row, rests_on**2) for row in new.to_numpy()]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_space_holds_what_the_model_rests_on_most():
    features = [f"expression:G{g}" for g in range(400)] + ["rppa:A"]
    weights = np.concatenate([np.arange(400.0), [1000.0]])
    space = model_space(weights, features, ("expression", "rppa"))
    np.testing.assert_array_equal(space.columns, np.arange(101, 401))
    assert space.weights.sum() == pytest.approx(1)
    assert space.weights[-1] / space.weights[-2] == pytest.approx((1000 / 399) ** 2)
    np.testing.assert_array_equal(model_space([5.0], features, ("rppa",)).columns, [400])
    blind = model_space(np.zeros(400), features, ("expression",))
    assert len(blind.columns) == 300
    assert set(blind.weights) == {1 / 300}


def test_what_the_model_does_not_look_at_brings_no_distance(nearest, lines):
    weights = np.where(np.arange(30) < 10, 1.0, 0.0)
    space = model_space(weights, NAMES, ALL)
    far = lines.iloc[:5].copy()
    far.iloc[:, 10:] += 100 * SCALES[10:]
    np.testing.assert_array_equal(
        nearest.distances(far, space, ALL), nearest.distances(lines.iloc[:5], space, ALL)
    )
    far.iloc[:, 0] += 100
    assert (nearest.distances(far, space, ALL) > 50).all()


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [ALL, ("rppa",)])
def test_applicability_of_samples_like_the_training_lines_is_nearly_uniform(pattern):
    """Each sample against its own training set, as the definition of a p-value asks."""
    space, scores = even(pattern), []
    for seed in range(250):
        X, new = draw(40, 100 + seed), only(draw(1, 9000 + seed), *pattern)
        held_out = np.concatenate([
            NearestLines().fit(X.drop(index=fold), names(32)).distances(X.loc[fold], space, pattern)
            for fold in np.split(np.arange(40), 5)
        ])  # fmt: skip
        found = NearestLines().fit(X, names(40)).distances(new, space, pattern)
        scores.append(applicability(found, held_out)[0])
    assert 0.45 < np.mean(scores) < 0.55
    assert np.mean(np.array(scores) <= 0.05) < 0.09
    # Folds have fewer lines to be near to, which makes held-out lines a little farther.
    assert kstest(scores, "uniform").statistic < 0.13


def test_applicability_counts_the_held_out_lines_as_far_or_farther():
    held_out = np.array([1.0, 2.0, 2.0, 4.0])
    found = applicability(np.array([0.5, 1.0, 2.0, 3.0, 9.0, np.inf, np.nan]), held_out)
    np.testing.assert_allclose(found, [1, 1, 0.8, 0.4, 0.2, 0.2, np.nan])
    np.testing.assert_allclose(applicability(np.array([2.0]), np.array([np.nan, 3.0])), [1.0])
    assert np.isnan(applicability(np.array([2.0]), np.array([np.nan]))).all()


@pytest.mark.parametrize("n", [1, 10, 19, 48])
def test_the_least_applicability_is_that_of_a_sample_farther_than_all(n):
    held_out = np.append(np.arange(1.0, n + 1), np.nan)
    far, farthest = applicability(np.array([n, np.inf]), held_out)
    assert far > farthest == least_applicability(held_out)


def test_equal_distances_count_as_no_nearer():
    """Eight lines of mutations, six times each: every line has five neighbours like itself."""
    rng = np.random.default_rng(14)
    columns = [f"mutation:G{g}" for g in range(30)]
    kinds = pd.DataFrame((rng.random((8, 30)) < 0.3).astype(float), columns=columns)
    lines = pd.concat([kinds] * 6, ignore_index=True)
    nearest, space = NearestLines().fit(lines, names(48)), even(("mutation",), columns)
    own = nearest.distances(lines, space, ("mutation",))
    np.testing.assert_array_equal(
        applicability(nearest.distances(kinds, space, ("mutation",)), own), 1
    )
    other = nearest.distances(1 - kinds, space, ("mutation",))
    np.testing.assert_allclose(applicability(other, own), 1 / 49)


@pytest.mark.parametrize("modality", ALL)
def test_a_sample_far_away_in_any_modality_is_far(nearest, lines, modality):
    far = lines.iloc[:3].copy()
    columns = far.columns.str.startswith(modality)
    far.loc[:, columns] += 30 * SCALES[columns]
    assert (nearest.distances(far, even(), ALL) > 50).all()
    alone = nearest.distances(only(far, modality), even((modality,)), (modality,))
    assert (alone > 50).all()


def test_lines_of_one_donor_are_not_each_others_neighbours():
    """Each line six times: by its twins it would be as near as can be, and all new ones far."""
    once = draw(30, 3)
    twins = pd.concat([once] * 6, ignore_index=True)
    new = draw(60, 4)
    known = NearestLines().fit(twins, names(30) * 6).distances(new, even(), ALL)
    unknown = NearestLines().fit(twins, names(180)).distances(new, even(), ALL)
    assert 0.5 < np.median(known) < 2
    assert (unknown != known).all()


def test_gaps_are_left_out_of_a_distance(nearest):
    new = draw(200, 7)
    gaps = new.mask(np.random.default_rng(8).random(new.shape) < 0.2)
    whole, part = (nearest.distances(X, even(), ALL) for X in (new, gaps))
    assert np.isfinite(part).all()
    assert np.corrcoef(whole, part)[0, 1] > 0.6
    assert abs(part.mean() - whole.mean()) < 0.2


def test_lines_without_a_modality_are_left_out_of_it(lines):
    """Half the lines lack RPPA: 40 are left to compare with."""
    half = lines.copy()
    half.iloc[:40, 10:20] = np.nan
    new = only(draw(20, 9), "rppa")
    found = NearestLines().fit(half, names(80)).distances(new, even(("rppa",)), ("rppa",))
    alone = NearestLines().fit(lines.iloc[40:], names(40))
    np.testing.assert_allclose(found, alone.distances(new, even(("rppa",)), ("rppa",)), rtol=1e-5)


def test_only_the_lines_asked_for_are_compared_with(nearest, lines):
    among = np.arange(20, 60)
    new = lines.iloc[:5]
    kept = {"lines": nearest.lines_[among], "donors": names(40)}
    alone = NearestLines.from_state(nearest.get_state() | kept)
    np.testing.assert_array_equal(
        nearest.distances(new, even(), ALL, among), alone.distances(new, even(), ALL)
    )


@pytest.mark.parametrize(("n", "known"), [(5, False), (6, True)])
def test_five_lines_are_too_few_to_compare_with(n, known):
    found = NearestLines().fit(draw(n, 2), names(n)).distances(draw(4, 3), even(), ALL)
    assert np.isfinite(found).all() == known


def test_a_sample_that_shares_nothing_is_infinitely_far(nearest):
    assert np.isinf(nearest.distances(draw(2, 1) * np.nan, even(), ALL)).all()
    assert nearest.distances(draw(3, 1).iloc[:0], even(), ALL).shape == (0,)


def test_a_feature_that_does_not_vary_or_was_never_measured_is_harmless(lines):
    changed = lines.assign(**{"expression:FLAT": 0.1, "rppa:NEVER": np.nan})
    new = draw(10, 2).assign(**{"expression:FLAT": 0.1, "rppa:NEVER": 3.0})
    found = (
        NearestLines().fit(changed, names(80)).distances(new, even(ALL, list(changed.columns)), ALL)
    )
    plain = NearestLines().fit(lines, names(80)).distances(new[NAMES], even(), ALL)
    np.testing.assert_allclose(found, plain, rtol=1e-5)


def mixed() -> pd.DataFrame:
    """Samples with all kinds of gaps."""
    new = draw(12, 10)
    new.iloc[:3] = only(new.iloc[:3], "rppa")
    new.iloc[3:6] = only(new.iloc[3:6], "expression", "mutation")
    return new.mask(np.random.default_rng(11).random(new.shape) < 0.1)


def test_a_sample_is_as_far_alone_as_in_a_batch_and_in_any_order(nearest):
    new = mixed()
    batch = nearest.distances(new, even(), ALL)
    assert len(np.unique(batch)) == 12
    alone = [nearest.distances(new.iloc[[row]], even(), ALL)[0] for row in range(12)]
    assert np.array(alone).tobytes() == batch.tobytes()
    assert nearest.distances(new.iloc[::-1], even(), ALL)[::-1].tobytes() == batch.tobytes()


def test_a_state_restores_every_distance(lines):
    donors = [f"D{line // 2}" for line in range(80)]
    gaps = lines.mask(np.random.default_rng(12).random(lines.shape) < 0.05)
    nearest = NearestLines().fit(gaps, donors)
    restored = NearestLines.from_state(nearest.get_state())
    assert restored.donors_ == donors
    expected = nearest.distances(mixed(), even(), ALL)
    assert restored.distances(mixed(), even(), ALL).tobytes() == expected.tobytes()


FEATURES = ["expression:A", "expression:B", "rppa:A", "clinical:SUBTYPE=luminal"]


@pytest.mark.parametrize(("measured", "pattern", "expected"), [
    ([1, 1, 1, 1], ("expression", "rppa"), 1.0),
    ([1, 1, 0, 1], ("expression", "rppa"), 0.7),
    ([0, 1, 0, 1], ("expression", "rppa"), 0.5),
    ([0, 0, 0, 0], ("expression", "rppa"), 0.0),
    ([1, 1, 0, 1], ("expression",), 1.0),
    ([1, 0, 1, 1], ("expression",), 5 / 7),
])  # fmt: skip
def test_weight_counts_what_was_measured_within_the_pattern(measured, pattern, expected):
    weights = {"expression:A": 0.2, "expression:B": 0.2, "rppa:A": 0.3, FEATURES[3]: 0.3}
    seen = [weights[name] for name in FEATURES if name.split(":")[0] in (*pattern, "clinical")]
    has = [has for name, has in zip(FEATURES, measured, strict=True)
           if name.split(":")[0] in (*pattern, "clinical")]  # fmt: skip
    found = weight_covered(np.array(seen), np.where(has, 1.0, np.nan)[None])
    np.testing.assert_allclose(found, [expected])


def test_a_model_that_rests_on_nothing_lacks_nothing():
    found = weight_covered(np.zeros(2), np.full((3, 2), np.nan))
    np.testing.assert_array_equal(found, [1, 1, 1])
