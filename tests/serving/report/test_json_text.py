"""Numbers of a page are rounded all at once as they would be one by one."""

from __future__ import annotations

import doctest
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestep.serving.report import json_text
from sidestep.serving.report.json_text import Entries, Numbers, array, record, rounded, script_json


def one_by_one(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else math.inf


@given(st.lists(st.floats()), st.integers(1, 6))
def test_any_number_is_rounded_as_its_text_is(values: list[float], digits: int) -> None:
    expected = [one_by_one(value, digits) for value in values]
    assert rounded(np.array(values, float), digits).tolist() == expected


@pytest.mark.parametrize("digits", range(1, 7))
def test_numbers_in_the_middle_of_two_and_their_neighbours_are_too(digits: int) -> None:
    middles = [
        float(f"{start}{'9' * (digits - 1)}5e{power}")
        for start in ("", "1", "7")
        for power in range(-28, 22)
        if start or digits > 1
    ]
    near = np.concatenate([middles, np.nextafter(middles, 0.0), np.nextafter(middles, np.inf)])
    values = np.concatenate([near, -near])
    expected = [one_by_one(value, digits) for value in values.tolist()]
    assert rounded(values, digits).tolist() == expected


def test_each_distinct_number_is_written_as_json_has_it() -> None:
    values = np.array([1.23456, -0.0, np.nan, 1e30, 4.0, 1e-7, 1.23449])
    expected = ["1.235", "0", "null", str(int(1e30)), "4", "1e-07", "1.234"]
    assert Numbers().texts(values, 4).to_pylist() == expected
    assert Numbers().texts(np.empty(0), 4).to_pylist() == []


def test_entries_stand_once_and_are_meant_by_their_place() -> None:
    entries = Entries(lambda key: script_json([key]))
    assert [entries[key] for key in ("a", "<", "a")] == ["0", "1", "0"]
    assert entries.texts == ['["a"]', '["\\u003c"]']
    assert entries.size == len('["a"],["\\u003c"],')


def test_pieces_make_the_json_of_the_whole() -> None:
    text = record({"a": array(map(script_json, ["</script>", "ä\u2028"])), "b": array([])})
    assert json.loads(text) == {"a": ["</script>", "ä\u2028"], "b": []}
    assert not set("<>&\u2028") & set(text)


def test_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(json_text).failed == 0
