"""The largest contributions of each row, against a plain sort."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.builders.names import MODALITIES
from sidestep.features.mechanisms.of_features import MECHANISMS
from sidestep.serving.scoring.contributions import grouped_sums, largest_measured, sum_of_others


def largest(values: np.ndarray, order: np.ndarray, top_k: int) -> np.ndarray:
    return largest_measured(values, np.full(values.shape, True), order, top_k)


def test_largest_first_whatever_the_sign() -> None:
    values = np.array([[0.1, -3, 2, 0.25], [9, 0, 0, -10]])
    assert largest(values, np.arange(4), 2).tolist() == [[1, 2], [3, 0]]


def test_equal_ones_stand_by_their_number() -> None:
    values = np.array([[1.0, -1, 1, 1], [0, 0, 0, 0], [0, 5, 0, 0]])
    order = np.array([3, 1, 2, 0])
    assert largest(values, order, 3).tolist() == [[3, 1, 2], [3, 1, 2], [1, 3, 2]]


@pytest.mark.parametrize("top_k", [4, 20])
def test_there_are_no_more_than_features(top_k: int) -> None:
    assert largest(np.array([[1.0, 2, 3, 4]]), np.arange(4), top_k).tolist() == [[3, 2, 1, 0]]


@pytest.mark.parametrize("share_of_zeros", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("top_k", [1, 7, 40])
def test_as_a_plain_sort_says(share_of_zeros: float, top_k: int) -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(30, 5_000)).round(2)  # many equal ones
    values[draw.random(values.shape) < share_of_zeros] = 0.0
    order = draw.permutation(values.shape[1])
    expected = [np.lexsort((order, -np.abs(row)))[:top_k] for row in values]
    np.testing.assert_array_equal(largest(values, order, top_k), expected)


def test_a_row_does_not_depend_on_the_others() -> None:
    values = np.random.default_rng(1).normal(size=(9, 700))
    values[4] = 0.0
    order = np.arange(700)
    alone = [largest(row[None, :], order, 12)[0] for row in values]
    np.testing.assert_array_equal(largest(values, order, 12), alone)


@pytest.mark.parametrize("share_measured", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("share_of_zeros", [0.0, 0.99])
def test_what_was_not_measured_comes_last(share_measured: float, share_of_zeros: float) -> None:
    draw = np.random.default_rng(3)
    values = draw.normal(size=(30, 900))
    values[draw.random(values.shape) < share_of_zeros] = 0.0
    measured = draw.random(values.shape) < share_measured
    order = draw.permutation(values.shape[1])
    sizes = np.where(measured, np.abs(values), -1.0)
    expected = [np.lexsort((order, -row))[:20] for row in sizes]
    np.testing.assert_array_equal(largest_measured(values, measured, order, 20), expected)


def test_the_others_are_all_but_the_named_whoever_stands_beside() -> None:
    draw = np.random.default_rng(2)
    values = draw.normal(size=(90, 3_000))
    columns = np.array([draw.permutation(3_000)[:12] for _ in values])
    others = [np.delete(row, named).sum() for row, named in zip(values, columns, strict=True)]
    found = sum_of_others(values, columns)
    np.testing.assert_allclose(found, others, rtol=1e-12, atol=1e-12)
    alone = [sum_of_others(values[[row]], columns[[row]])[0] for row in range(90)]
    assert found.tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("n_rows", [0, 1, 8, 21])
def test_sums_are_those_of_each_group_alone(n_rows: int) -> None:
    draw = np.random.default_rng(4)
    values = draw.normal(size=(n_rows, 400))
    modalities = draw.integers(-1, len(MODALITIES) - 1, 400)  # some of none, and none of the last
    mechanisms = draw.integers(0, len(MECHANISMS), 400)
    by_modality, by_mechanism = grouped_sums(modalities, mechanisms, values)
    of_each = [values[:, modalities == place].sum(axis=1) for place in range(len(MODALITIES))]
    of_each[-1][:] = np.nan
    np.testing.assert_allclose(by_modality, np.transpose(of_each), atol=1e-12)
    of_each = [values[:, mechanisms == place].sum(axis=1) for place in range(len(MECHANISMS))]
    np.testing.assert_allclose(by_mechanism, np.transpose(of_each), atol=1e-12)
