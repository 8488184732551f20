"""How near samples are to the training lines, where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from models.applicability import NearestLines, weight_covered

NAMES = [f"{modality}:G{g}" for modality in ("expression", "rppa", "mutation") for g in range(10)]
SCALES = np.repeat([1.0, 5.0, 0.3], 10)


def draw(n: int, seed: int) -> pd.DataFrame:
    """Samples of three modalities, whose scales and means differ."""
    values = np.random.default_rng(seed).standard_normal((n, len(NAMES)))
    return pd.DataFrame(3 + SCALES * values, columns=NAMES)


def names(n: int) -> list[str]:
    return [f"D{line}" for line in range(n)]


def only(X: pd.DataFrame, *modalities: str) -> pd.DataFrame:
    kept = [name for name in X.columns if name.split(":")[0] in modalities]
    return X[kept].reindex(columns=X.columns)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return draw(80, 0)


@pytest.fixture(scope="module")
def nearest(lines) -> NearestLines:
    return NearestLines().fit(lines, names(80))


def naive(lines: np.ndarray, donors: list[str], new: np.ndarray) -> float:
    """Applicability of one sample by the definition, one modality without gaps."""
    lines, new = lines / lines.std(axis=0), new / lines.std(axis=0)
    own = [
        np.mean(sorted(np.mean((a - b) ** 2) for b, d in zip(lines, donors, strict=True)
                       if d != donor)[:5])
        for a, donor in zip(lines, donors, strict=True)
    ]  # fmt: skip
    distance = np.mean(sorted(np.mean((new - b) ** 2) for b in lines)[:5])
    return (1 + sum(other >= distance for other in own)) / (len(lines) + 1)


def test_the_score_is_that_of_the_definition(lines):
    part = lines.filter(like="expression:")
    donors = [f"D{line // 2}" for line in range(80)]
    fitted = NearestLines().fit(part, donors)
    new = 1.3 * (draw(12, 5).filter(like="expression:") - 3) + 3
    expected = [naive(part.to_numpy(), donors, row) for row in new.to_numpy()]
    assert len(set(expected)) > 6
    np.testing.assert_allclose(fitted.score(new), expected)


def test_modalities_count_alike_whatever_their_scale_and_number(lines):
    """Copies of a modality's features, in another unit, change no score."""
    more = pd.concat([lines, 40 * lines.filter(like="rppa:").add_suffix("b")], axis=1)
    new = draw(30, 6)
    doubled = pd.concat([new, 40 * new.filter(like="rppa:").add_suffix("b")], axis=1)
    np.testing.assert_allclose(
        NearestLines().fit(more, names(80)).score(doubled),
        NearestLines().fit(lines, names(80)).score(new),
    )


@pytest.mark.parametrize("modalities", [("expression", "rppa", "mutation"), ("rppa",)])
def test_samples_like_the_training_lines_are_uniform(modalities):
    """Each sample against its own training set, as the definition of a p-value asks."""
    scores = [
        NearestLines()
        .fit(draw(40, 100 + seed), names(40))
        .score(only(draw(1, 9000 + seed), *modalities))[0]
        for seed in range(250)
    ]
    assert 0.45 < np.mean(scores) < 0.55
    assert np.mean(np.array(scores) <= 0.05) < 0.09
    # Of the continuous uniform; steps of 1/41 shift it by less than the test can see.
    assert kstest(scores, "uniform").pvalue > 0.01


def test_a_training_line_left_out_is_as_likely_as_any(lines):
    scores = [
        NearestLines().fit(lines.drop(index=line), names(79)).score(lines.iloc[[line]])[0]
        for line in range(0, 80, 2)
    ]
    assert 0.4 < np.mean(scores) < 0.6
    assert min(scores) < 0.2
    assert max(scores) > 0.8


def test_equal_distances_count_as_no_nearer():
    """Eight lines of mutations, six times each: every line has five neighbours like itself."""
    rng = np.random.default_rng(14)
    columns = [f"mutation:G{g}" for g in range(30)]
    kinds = pd.DataFrame((rng.random((8, 30)) < 0.3).astype(float), columns=columns)
    fitted = NearestLines().fit(pd.concat([kinds] * 6, ignore_index=True), names(48))
    np.testing.assert_array_equal(fitted.score(kinds), 1)
    np.testing.assert_allclose(fitted.score(1 - kinds), 1 / 49)


@pytest.mark.parametrize("modality", ["expression", "rppa", "mutation"])
def test_a_sample_far_away_is_less_applicable_than_every_line(nearest, lines, modality):
    far = lines.iloc[:3].copy()
    columns = far.columns.str.startswith(modality)
    far.loc[:, columns] += 30 * SCALES[columns]
    np.testing.assert_allclose(nearest.score(far), 1 / 81)
    np.testing.assert_allclose(nearest.score(only(far, modality)), 1 / 81)


def test_a_missing_modality_is_not_looked_at(nearest, lines):
    far = lines.iloc[:3].copy()
    far.loc[:, far.columns.str.startswith("rppa:")] = 1e6
    assert (nearest.score(only(far, "expression", "mutation")) > 0.1).all()


def test_lines_of_one_donor_are_not_each_others_neighbours():
    """Each line six times: by its twins it would be as near as can be, and all new ones far."""
    once = draw(30, 3)
    twins = pd.concat([once] * 6, ignore_index=True)
    new = draw(60, 4)
    known = NearestLines().fit(twins, names(30) * 6).score(new)
    unknown = NearestLines().fit(twins, names(180)).score(new)
    np.testing.assert_allclose(unknown, 1 / 181)
    assert known.mean() > 0.3


def test_gaps_are_left_out_of_a_distance(nearest):
    new = draw(200, 7)
    gaps = new.mask(np.random.default_rng(8).random(new.shape) < 0.2)
    whole, part = nearest.score(new), nearest.score(gaps)
    assert np.isfinite(part).all()
    assert np.corrcoef(whole, part)[0, 1] > 0.6
    assert abs(part.mean() - whole.mean()) < 0.15


def test_lines_without_a_modality_are_left_out_of_it(lines):
    """Half the lines lack RPPA: 40 are left to compare with."""
    half = lines.copy()
    half.iloc[:40, 10:20] = np.nan
    fitted = NearestLines().fit(half, names(80))
    new = draw(20, 9)
    alone = NearestLines().fit(lines.iloc[40:], names(40))
    far = only(new, "rppa") + 1e4
    np.testing.assert_allclose(fitted.score(far), 1 / 41)
    np.testing.assert_allclose(
        fitted.score(only(new, "rppa")), alone.score(only(new, "rppa")), atol=1e-6
    )


def test_a_sample_without_any_modality_has_no_score(nearest):
    scores = nearest.score(draw(3, 1).assign(**dict.fromkeys(NAMES, np.nan)))
    assert np.isnan(scores).all()
    assert nearest.score(draw(3, 1).iloc[:0]).shape == (0,)


@pytest.mark.parametrize(("n", "known"), [(5, False), (6, True)])
def test_five_lines_are_too_few_to_compare_with(n, known):
    scores = NearestLines().fit(draw(n, 2), names(n)).score(draw(4, 3))
    assert np.isfinite(scores).all() == known


def test_a_feature_that_does_not_vary_or_was_never_measured_is_harmless(lines):
    changed = lines.assign(**{"expression:FLAT": 0.1, "rppa:NEVER": np.nan})
    new = draw(10, 2).assign(**{"expression:FLAT": 0.1, "rppa:NEVER": 3.0})
    scores = NearestLines().fit(changed, names(80)).score(new)
    plain = NearestLines().fit(lines, names(80)).score(new[NAMES])
    np.testing.assert_allclose(scores, plain)


def mixed() -> pd.DataFrame:
    """Samples with all kinds of gaps."""
    new = draw(12, 10)
    new.iloc[:3] = only(new.iloc[:3], "rppa")
    new.iloc[3:6] = only(new.iloc[3:6], "expression", "mutation")
    return new.mask(np.random.default_rng(11).random(new.shape) < 0.1)


def test_a_sample_scores_the_same_alone_in_a_batch_and_in_any_order(nearest):
    new = mixed()
    batch = nearest.score(new)
    assert len(np.unique(batch)) > 6
    alone = [nearest.score(new.iloc[[row]])[0] for row in range(12)]
    assert np.array(alone).tobytes() == batch.tobytes()
    assert nearest.score(new.iloc[::-1])[::-1].tobytes() == batch.tobytes()


def test_a_state_restores_every_score(lines):
    donors = [f"D{line // 2}" for line in range(80)]
    gaps = lines.mask(np.random.default_rng(12).random(lines.shape) < 0.05)
    nearest = NearestLines().fit(gaps, donors)
    restored = NearestLines.from_state(nearest.get_state())
    assert restored.donors_ == donors
    assert restored.score(mixed()).tobytes() == nearest.score(mixed()).tobytes()


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
    found = weight_covered(np.array(seen), np.array([measured], bool), FEATURES, pattern)
    np.testing.assert_allclose(found, [expected])


def test_a_model_that_rests_on_nothing_lacks_nothing():
    found = weight_covered(np.zeros(2), np.zeros((3, 4), bool), FEATURES, ("rppa",))
    np.testing.assert_array_equal(found, [1, 1, 1])
