"""Platform shift of a whole study, where it is known what was shifted."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from sidestep.features.errors import InputError
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.shift import (
    ALPHA,
    NONE,
    NOT_MEASURED,
    SHIFTED,
    STRONG,
    TOO_FEW,
    TOO_FEW_LINES,
    VERDICTS,
    ModalityShift,
    platform_shift,
)

EXPRESSION = [f"expression:G{g}" for g in range(40)]
RPPA = [f"rppa:P{p}" for p in range(20)]
NAMES = [*EXPRESSION, *RPPA]
SCALES = np.repeat([1.0, 5.0], [40, 20])


def draw(n: int, seed: int) -> pd.DataFrame:
    """Samples of two modalities with different scales; half of the variance is shared."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal((n, 2)), rng.standard_normal((n, len(NAMES)))
    values = np.sqrt(0.5) * (np.repeat(common, [40, 20], axis=1) + own)
    return pd.DataFrame(3 + SCALES * values, columns=NAMES)


def reference(X: pd.DataFrame, donors: list[str] | None = None) -> NearestLines:
    return NearestLines().fit(X, donors or [f"D{line}" for line in range(len(X))])


def shifts(nearest: NearestLines, X: pd.DataFrame, **kwargs) -> dict[str, ModalityShift]:
    return {shift.modality: shift for shift in platform_shift(nearest, X, **kwargs)}


@pytest.fixture(scope="module")
def nearest() -> NearestLines:
    return reference(draw(80, 0))


@pytest.mark.slow
def test_without_a_shift_p_is_uniform():
    """Each study has lines of its own, as the definition of a p-value asks."""
    found = [
        shift
        for seed in range(200)
        for shift in platform_shift(reference(draw(30, 1000 + seed)), draw(20, 5000 + seed), seed)
    ]
    p = np.array([shift.p_value for shift in found])
    assert len(p) == 400
    assert np.mean(p <= 0.1) <= 0.14
    assert np.mean(p <= ALPHA) <= 0.025
    # Of the continuous uniform; steps of 1/1000 shift it by less than the test can see.
    assert kstest(p, "uniform").pvalue > 0.01
    # What chance alone adds to squared differences is taken off.
    assert abs(np.mean([shift.statistic for shift in found])) < 0.03
    assert 0.9 < np.mean([shift.spread_ratio for shift in found]) < 1.1


def test_gaps_alone_are_no_shift():
    p = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        lines, new = draw(30, 100 + seed), draw(20, 300 + seed)
        lines, new = (X.mask(rng.random(X.shape) < 0.3) for X in (lines, new))
        p += [shift.p_value for shift in platform_shift(reference(lines), new, seed)]
    assert np.mean(np.array(p) <= 0.1) <= 0.2


def test_a_shift_of_one_deviation_is_found_and_measured(nearest):
    new = draw(60, 1)
    new[EXPRESSION] += 1.0
    found = shifts(nearest, new)
    shifted, same = found["expression"], found["rppa"]
    assert (shifted.verdict, same.verdict) == (STRONG, NONE)
    assert shifted.p_value == 1 / 1000
    assert shifted.median_difference == pytest.approx(1.0, abs=0.3)
    assert shifted.statistic == pytest.approx(1.0, abs=0.5)
    assert (shifted.n_samples, shifted.n_features, shifted.share_measured) == (60, 40, 1.0)


def test_shifts_to_both_sides_do_not_cancel(nearest):
    new = draw(60, 2)
    new[EXPRESSION] += np.where(np.arange(40) % 2, 1.0, -1.0)
    found = shifts(nearest, new)["expression"]
    assert found.verdict == STRONG
    assert found.median_difference == pytest.approx(1.0, abs=0.3)


def test_a_small_shift_is_no_strong_one(nearest):
    new = draw(250, 3)
    new[RPPA] += 5.0 * np.where(np.arange(20) % 2, 0.4, -0.4)
    found = shifts(nearest, new)["rppa"]
    assert (found.verdict, found.p_value) == (SHIFTED, 1 / 1000)
    assert found.median_difference == pytest.approx(0.4, abs=0.15)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_another_scale_is_found_though_no_mean_moves(nearest, factor):
    new = 3 + factor * (draw(60, 4) - 3)
    for shift in platform_shift(nearest, new):
        assert (shift.verdict, shift.p_value) == (STRONG, 1 / 1000)
        assert shift.spread_ratio == pytest.approx(factor, rel=0.25)


def test_another_platform_shifts_level_and_scale(nearest):
    """Values in another unit and from another zero, as of an array that was not calibrated."""
    new = 2.5 * draw(40, 5) + 4
    for shift in platform_shift(nearest, new):
        assert shift.verdict == STRONG
        assert shift.median_difference > 0.8


def test_units_that_are_the_same_for_lines_and_samples_change_nothing(nearest):
    new = draw(30, 6)
    plain = platform_shift(nearest, new)
    scaled = platform_shift(reference(40 * draw(80, 0) + 7), 40 * new + 7)
    for one, other in zip(plain, scaled, strict=True):
        for name, value in asdict(one).items():
            assert asdict(other)[name] == pytest.approx(value, abs=2e-3), name


def test_the_training_lines_are_not_shifted_against_themselves(nearest):
    for shift in platform_shift(nearest, draw(80, 0)):
        assert (shift.verdict, shift.median_difference) == (NONE, pytest.approx(0, abs=1e-6))
        assert shift.p_value > 0.9
        assert shift.spread_ratio == pytest.approx(1)


def test_a_modality_that_the_study_lacks_is_said_to_be_not_measured(nearest):
    new = draw(30, 7)
    new[RPPA] = np.nan
    found = shifts(nearest, new)
    lacking = found["rppa"]
    assert (lacking.verdict, lacking.n_samples, lacking.share_measured) == (NOT_MEASURED, 0, 0.0)
    numbers = [lacking.p_value, lacking.statistic, lacking.median_difference, lacking.spread_ratio]
    assert np.isnan(numbers).all()
    assert found["expression"].verdict == NONE


def test_samples_that_lack_a_modality_are_left_out_of_it(nearest):
    new = draw(30, 8)
    half = new.copy()
    half.iloc[:15, 40:] = np.nan
    assert shifts(nearest, half)["rppa"] == shifts(nearest, new.iloc[15:])["rppa"]


def test_features_that_few_have_are_not_compared(nearest):
    new = draw(30, 9)
    new.iloc[:, :10] = np.nan
    new.iloc[3:, 10:15] = 1e4
    new.iloc[3:, 10:15] = np.nan
    found = shifts(nearest, new)["expression"]
    assert (found.n_features, found.verdict) == (25, NONE)
    assert found.share_measured == pytest.approx((25 + 5 * 0.1) / 40)


@pytest.mark.parametrize(
    ("n", "verdict"), [(0, NOT_MEASURED), (1, TOO_FEW), (4, TOO_FEW), (5, NONE)]
)
def test_few_samples_are_not_judged(nearest, n, verdict):
    for shift in platform_shift(nearest, draw(12, 10).iloc[:n]):
        assert (shift.verdict, shift.n_samples) == (verdict, n)
        assert np.isnan(shift.p_value) == (verdict != NONE)


def test_few_lines_are_not_compared_with():
    assert {s.verdict for s in platform_shift(reference(draw(4, 0)), draw(9, 1))} == {TOO_FEW_LINES}


def test_samples_of_one_donor_are_one_witness(nearest):
    """Five donors, twenty times each, would be as sure a shift as any hundred samples."""
    new = pd.concat([draw(5, 11)] * 20, ignore_index=True)
    donors = [f"P{row % 5}" for row in range(100)]
    assert shifts(nearest, new)["expression"].verdict != NONE
    counted = shifts(nearest, new, donors=donors)
    assert {(shift.n_samples, shift.verdict) for shift in counted.values()} == {(5, NONE)}


def test_lines_of_one_donor_are_one_witness():
    lines = draw(12, 12)
    donors = [f"D{line}" for line in range(12)]
    twins = reference(pd.concat([lines] * 8, ignore_index=True), donors * 8)
    assert [s.p_value for s in platform_shift(twins, draw(10, 13))] == [
        s.p_value for s in platform_shift(reference(lines), draw(10, 13))
    ]


def test_rare_mutations_in_a_small_study_are_no_lack_of_spread():
    """Most features are wild type in all of six samples; their spread is that of the lines."""
    rng = np.random.default_rng(14)
    names = [f"mutation:G{g}" for g in range(400)]
    lines, new = (pd.DataFrame(1.0 * (rng.random((n, 400)) < 0.06), columns=names) for n in (90, 6))
    (found,) = platform_shift(reference(lines), new)
    assert found.verdict == NONE
    assert found.spread_ratio == pytest.approx(1, abs=0.25)


def test_infinite_and_constant_features_are_harmless(nearest):
    lines = draw(80, 0).assign(**{"rppa:FLAT": 123.456})
    new = draw(30, 15).assign(**{"rppa:FLAT": 123.456})
    new.iloc[0, 0], new.iloc[1, 1] = np.inf, -1e300
    assert {shift.verdict for shift in platform_shift(reference(lines), new)} == {NONE}


def test_equal_samples_and_lines_are_no_shift():
    same = pd.DataFrame(1.0, index=range(8), columns=NAMES)
    for shift in platform_shift(reference(same), same):
        assert (shift.verdict, shift.p_value, shift.statistic) == (NONE, 1.0, 0.0)


def test_clinical_covariates_are_not_tested():
    X = draw(20, 16).assign(**{"clinical:SUBTYPE=luminal": 1.0})
    assert list(shifts(reference(X), X)) == ["expression", "rppa"]


def test_the_same_input_gives_the_same_numbers(nearest):
    new = draw(30, 17).mask(np.random.default_rng(18).random((30, 60)) < 0.1)
    assert platform_shift(nearest, new, seed=3) == platform_shift(nearest, new, seed=3)


def test_other_columns_are_refused(nearest):
    with pytest.raises(InputError, match=r"59 features to compare are not the 60 of the training"):
        platform_shift(nearest, draw(9, 0).iloc[:, 1:])


def test_every_verdict_is_explained():
    assert list(VERDICTS) == [NONE, SHIFTED, STRONG, TOO_FEW, TOO_FEW_LINES, NOT_MEASURED]
