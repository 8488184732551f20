"""Folds by donor, balanced by stratum."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestep.features.errors import InputError
from sidestep.models.estimators.folds import donor_folds, lineage_folds


@pytest.mark.slow
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


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.integers(0, 15), st.sampled_from(["", "lung", "skin", "breast", "liver"])),
        min_size=4,
        max_size=40,
    ),
    n_folds=st.integers(2, 6),
)
def test_no_lineage_and_no_donor_is_on_both_sides(lines, n_folds):
    donors = np.array([f"D{donor}" for donor, _ in lines], dtype=object)
    lineages = np.array([lineage for _, lineage in lines], dtype=object)
    folds = []
    with suppress(InputError):  # of one lineage, or linked by donors
        folds = lineage_folds(donors, lineages, n_folds, seed=0)
    if not folds:
        return
    assert 2 <= len(folds) <= n_folds
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(lines)))
    for train, test in folds:
        assert not set(donors[train]) & set(donors[test])
        assert not (set(lineages[train]) & set(lineages[test])) - {""}


def test_each_of_few_lineages_is_a_fold_of_its_own():
    lineages = np.array(["lung"] * 5 + ["skin"] * 3 + ["liver"] * 4, dtype=object)
    donors = np.array([f"D{line}" for line in range(12)], dtype=object)
    folds = lineage_folds(donors, lineages, 8, seed=1)
    held = [set(lineages[test]) for _, test in folds]
    assert sorted(held, key=str) == [{"liver"}, {"lung"}, {"skin"}]


@pytest.mark.parametrize(
    ("donors", "lineages", "message"),
    [
        (["A", "B"], ["lung", "lung"], "not of two known lineages"),
        (["A", "B"], ["lung", ""], "not of two known lineages"),
        (["A", "A", "A"], ["lung", "skin", "skin"], "all lineages share donors"),
    ],
)
def test_what_has_no_two_lineages_is_not_split_by_them(donors, lineages, message):
    with pytest.raises(InputError, match=message):
        lineage_folds(np.array(donors, object), np.array(lineages, object), 3, seed=0)
