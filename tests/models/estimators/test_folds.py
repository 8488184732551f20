"""Folds by donor, balanced by stratum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.features.errors import InputError
from sidestep.models.estimators.folds import donor_folds


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    owners=st.lists(st.integers(0, 12), min_size=2, max_size=40).filter(lambda d: len(set(d)) > 1),
    n_folds=st.integers(2, 8),
    n_strata=st.integers(1, 5),
    seed=st.integers(0, 5),
)
def test_every_line_is_tested_once_and_no_donor_is_on_both_sides(owners, n_folds, n_strata, seed):
    donors = np.array([f"D{owner}" for owner in owners], dtype=object)
    strata = np.array([f"S{owner % n_strata}" for owner in owners], dtype=object)
    folds = donor_folds(donors, n_folds, seed, strata)
    assert len(folds) == min(n_folds, len(set(owners)))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(owners)))
    for train, test in folds:
        assert len(train)
        assert len(test)
        assert len(train) + len(test) == len(owners)
        assert not set(donors[train]) & set(donors[test])


def test_strata_are_spread_over_the_folds():
    strata = np.array(["breast"] * 50 + ["lung"] * 25 + ["rare"] * 2, dtype=object)
    for _, test in donor_folds(np.arange(77), 5, 0, strata):
        assert (strata[test] == "lung").sum() == 5
        assert np.isin(strata[test], ["breast", "rare"]).sum() in (10, 11)  # pooled


def test_a_seed_fixes_the_folds():
    donors = np.arange(30)
    one, same, other = (donor_folds(donors, 3, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("donors", "n_folds", "message"),
    [
        (np.arange(9), 1, "1 folds cannot test anything; give at least 2"),
        (np.zeros(9), 3, "1 donor cannot be split"),
    ],
)
def test_what_cannot_be_split_is_refused(donors, n_folds, message):
    with pytest.raises(InputError, match=message):
        donor_folds(donors, n_folds, 0)
