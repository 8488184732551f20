"""Models are read from binary JSON to the bit, and damaged ones are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from sidestep.models.treeshap.ubjson import read_ubjson


def plain(value: Any) -> Any:
    """`value` with arrays as lists."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def test_a_model_reads_as_in_decimal_json() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 5)), rng.standard_normal(200)
    booster = xgb.train({"nthread": 1}, xgb.DMatrix(X, label=y), 3)
    booster.set_attr(note="µ")
    binary = plain(read_ubjson(bytes(booster.save_raw("ubj"))))
    decimal = json.loads(bytes(booster.save_raw("json")))
    ours = binary["learner"]["gradient_booster"]["model"]["trees"]
    theirs = decimal["learner"]["gradient_booster"]["model"]["trees"]
    for tree, other in zip(ours, theirs, strict=True):
        for name in ("split_conditions", "base_weights", "loss_changes", "sum_hessian"):
            np.testing.assert_array_equal(
                np.float32(tree.pop(name)), np.float32(other.pop(name)), strict=True
            )
    assert binary == decimal


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b"Z", None),
        (b"[TFZ]", [True, False, None]),
        (b"[#i\x02U\xffi\xff", [255, -1]),
        (b"{i\x01aI\x01\x00i\x01bD\x3f\xf8\0\0\0\0\0\0}", {"a": 256, "b": 1.5}),
        (b"[$I#U\x02\x00\x01\xff\xff", [1, -1]),
        (b"[$d#i\x00", []),
    ],
)
def test_each_kind_of_value(document: bytes, value: Any) -> None:
    assert plain(read_ubjson(document)) == value


@pytest.mark.parametrize(
    "document", [b"", b"{", b"{i\x05ab", b"[$d#i\x02\0\0", b"I\x01", b"Si\x09a"]
)
def test_a_document_cut_short_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="ends before it is complete"):
        read_ubjson(document)


@pytest.mark.parametrize("document", [b"?", b"[$?#i\x01a"])
def test_an_unknown_marker_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="no marker: 0x3f"):
        read_ubjson(document)
