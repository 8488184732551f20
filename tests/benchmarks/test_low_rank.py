"""A low-rank factorisation finds responses that have a few causes, and makes nothing of noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.completion import half_completed
from benchmarks.low_rank import completed_responses, factors_of


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Responses of 120 lines to 80 drugs by four causes: true, and noisy with 40 % untested."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(120, 4)) @ rng.normal(size=(4, 80))
    measured = truth + 2 * rng.normal(size=truth.shape)
    measured[rng.random(truth.shape) < 0.4] = np.nan
    return truth, measured


def r(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_responses_of_few_causes_are_found_where_untested_and_cleaned_where_tested(planted) -> None:
    truth, measured = planted
    completed = completed_responses(measured, 6)
    untested = np.isnan(measured)
    assert r(completed[untested], truth[untested]) > 0.8
    half = (completed + measured) / 2
    tested = ~untested
    assert r(half[tested], truth[tested]) > r(measured[tested], truth[tested]) + 0.05


def test_noise_is_not_predicted() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(120, 80))
    untested = rng.random(noise.shape) < 0.4
    completed = completed_responses(np.where(untested, np.nan, noise), 6)
    assert abs(r(completed[untested], noise[untested])) < 0.1


def test_units_do_not_matter_and_lines_not_given_say_nothing(planted) -> None:
    _, measured = planted
    first = measured[:60]
    scale, shift = np.geomspace(1e-3, 1e3, 80), np.linspace(-5, 5, 80)
    completed = completed_responses(first, 6)
    assert np.allclose(completed_responses(first * scale + shift, 6), completed * scale + shift)
    known = np.isfinite(first).any(axis=1)
    assert np.isfinite(completed[known]).all()


def test_a_line_without_a_response_gets_the_mean_and_a_useless_column_nothing(planted) -> None:
    table = planted[1].copy()
    table[0] = np.nan
    table[:, 0] = 1.0
    table[4:, 1] = np.nan
    completed = completed_responses(table, 6)
    assert np.isnan(completed[:, :2]).all()
    assert np.allclose(completed[0, 2:], np.nanmean(table[:, 2:], axis=0))
    assert np.isnan(completed_responses(np.full((3, 2), np.nan), 1)).all()


def test_small_studies_have_fewer_factors() -> None:
    assert [factors_of(*size) for size in ((600, 1000), (62, 787), (600, 30), (5, 5))] == [
        12, 6, 3, 1
    ]  # fmt: skip


def test_a_target_is_half_observed_and_completed_where_untested() -> None:
    observed, completed = pd.Series([1.0, np.nan, 3.0]), pd.Series([2.0, 4.0, np.nan])
    assert half_completed(observed, completed).tolist() == [1.5, 4.0]
