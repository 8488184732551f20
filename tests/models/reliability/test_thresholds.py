"""From which response on a line counts as resistant."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.models.reliability.thresholds import (
    MEDIAN,
    NOT_REACHED,
    response_threshold,
)


def test_where_few_lines_are_censored_it_is_the_median():
    rng = np.random.default_rng(0)
    observed = rng.standard_normal(41)
    for high in (True, False):
        threshold = response_threshold(observed, higher_is_resistant=high)
        assert threshold.value == np.median(observed)
        assert threshold.kind == MEDIAN


@pytest.mark.parametrize("high", [True, False])
@pytest.mark.parametrize(("n_at_end", "kind"), [(29, MEDIAN), (30, NOT_REACHED), (55, NOT_REACHED)])
def test_from_30_in_100_lines_at_the_resistant_end_on_it_lies_just_inside(high, n_at_end, kind):
    sign = 1 if high else -1
    inside = np.linspace(1.0, 5.0, 100 - n_at_end)
    observed = np.r_[np.full(n_at_end, 6.0), inside] * sign
    threshold = response_threshold(observed, higher_is_resistant=high)
    assert threshold.kind == kind
    assert threshold.share_at_end == pytest.approx(n_at_end / 100)
    if kind == NOT_REACHED:
        assert threshold.value == sign * 5.5
        beyond = sign * (observed - threshold.value) > 0
        assert beyond.sum() == n_at_end


def test_the_sensitive_end_is_no_censoring():
    """Lines that die at the lowest dose are sensitive: the median still tells lines apart."""
    observed = np.r_[np.full(40, 0.0), np.linspace(1, 5, 60)]
    threshold = response_threshold(observed, higher_is_resistant=True)
    assert threshold.kind == MEDIAN
    assert threshold.value == np.median(observed)


def test_highest_concentrations_that_differ_slightly_are_one_end():
    """Half of the lines were tested up to a dose 1 % higher."""
    observed = np.r_[np.full(10, 4.50), np.full(10, 4.51), np.linspace(5, 8, 20)]
    threshold = response_threshold(observed, higher_is_resistant=False)
    assert threshold.share_at_end == 0.5
    assert 4.51 < threshold.value < 5


@pytest.mark.parametrize("high", [True, False])
@pytest.mark.parametrize("end", [4.5, 0.0, -3e4])
def test_where_no_line_reached_the_response_all_lie_beyond(high, end):
    threshold = response_threshold(np.full(25, end), higher_is_resistant=high)
    sign = 1 if high else -1
    assert threshold.kind == NOT_REACHED
    assert threshold.share_at_end == 1.0
    assert sign * (end - threshold.value) > 0
    assert threshold.value == pytest.approx(end, abs=0.1)


def test_without_lines_there_is_none():
    assert np.isnan(response_threshold(np.array([]), higher_is_resistant=True).value)
