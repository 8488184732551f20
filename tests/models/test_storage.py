"""A predictor on disk: exact, plain, and refused where damaged."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from models.storage import load_predictor, save_predictor


@pytest.fixture
def folder(predictor, tmp_path) -> Path:
    save_predictor(predictor, tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_predictor_gives_the_same_numbers(predictor, folder, study):
    loaded = load_predictor(folder)
    features = predictor.features(study)
    again = loaded.features(study)
    assert list(again.columns) == list(features.columns)
    np.testing.assert_array_equal(again, features)
    assert list(loaded.drugs) == list(predictor.drugs)
    for name, model in predictor.drugs.items():
        other = loaded.drugs[name]
        assert (
            loaded.predict(again, other).tobytes() == predictor.predict(features, model).tobytes()
        )
        ours, theirs = loaded.explain(again, other), predictor.explain(features, model)
        assert ours.base_value.tobytes() == theirs.base_value.tobytes()
        assert ours.values.tobytes() == theirs.values.tobytes()
        predictions = predictor.predict(features, model)
        for context in (False, True):
            np.testing.assert_array_equal(
                loaded.percentile(again, predictions, other, her2_context=context),
                predictor.percentile(features, predictions, model, her2_context=context),
            )
            typical = [
                made.typical_response(drug, her2_context=context)
                for made, drug in ((loaded, other), (predictor, model))
            ]
            np.testing.assert_array_equal(*typical)
        ends = loaded.interval(again, loaded.fold_features(study), other, 0.8)
        assert np.isfinite(ends).any()
        np.testing.assert_array_equal(
            ends, predictor.interval(features, predictor.fold_features(study), model, 0.8)
        )
        covered = loaded.coverage(again, other)
        np.testing.assert_array_equal(covered, predictor.coverage(features, model))
        near = loaded.applicability(again, other)
        np.testing.assert_array_equal(near, predictor.applicability(features, model))


def test_everything_else_survives_as_well(predictor, folder):
    loaded = load_predictor(folder)
    assert loaded.scale == predictor.scale
    assert loaded.training == predictor.training
    for name, model in predictor.drugs.items():
        other = loaded.drugs[name]
        assert (other.name, other.n_lines, other.beats_baselines, other.metrics) == (
            model.name,
            model.n_lines,
            model.beats_baselines,
            model.metrics,
        )
        np.testing.assert_array_equal(other.observed, model.observed)
        np.testing.assert_array_equal(other.lines, model.lines)
        assert list(other.errors) == list(model.errors)
        for pattern, errors in model.errors.items():
            for part in fields(errors):
                np.testing.assert_array_equal(
                    getattr(other.errors[pattern], part.name), getattr(errors, part.name)
                )


def test_the_same_predictor_gives_the_same_bytes(predictor, folder, tmp_path):
    save_predictor(predictor, tmp_path / "again")
    save_predictor(load_predictor(folder), tmp_path / "resaved")
    for name in ("predictor.json", "arrays.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
        assert (tmp_path / "resaved" / name).read_bytes() == (folder / name).read_bytes()


def test_nothing_on_disk_is_a_pickle(folder):
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) > 10
        for name in arrays.files:
            assert arrays[name].dtype.kind in "biuf", name
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.npz", "predictor.json"]


@pytest.mark.parametrize("missing", ["predictor.json", "arrays.npz"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(InputError, match=rf"holds no sidestep model \({missing} is missing\)"):
        load_predictor(folder)


@pytest.mark.parametrize("form", [1, 3, "2", None])
def test_another_format_is_refused(folder, form):
    path = folder / "predictor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": form}))
    with pytest.raises(InputError, match=r"predictor.json: format .* is not 2; score with the ver"):
        load_predictor(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 2}', '{"format": 2, "predictor": {}}',
     '{"format": 2, "predictor": []}', '{"format": 2, "predictor": {"joiner": {"proteome": {}}}}'],
)  # fmt: skip
def test_a_damaged_description_is_refused(folder, text):
    (folder / "predictor.json").write_text(text)
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


def test_a_description_that_is_no_text_is_refused(folder):
    (folder / "predictor.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


DAMAGE = {
    "empty": lambda data: b"",
    "no archive": lambda data: b"something else",
    "cut short": lambda data: data[: len(data) // 2],
    "bytes changed": lambda data: data[:3000] + bytes(200) + data[3200:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_arrays_are_refused(folder, damage):
    path = folder / "arrays.npz"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(InputError, match="the model's files are damaged") as caught:
        load_predictor(folder)
    assert "pickle" not in str(caught.value)  # no advice to read it unsafely


def test_trees_that_cannot_be_read_are_refused(folder):
    with np.load(folder / "arrays.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    kept |= {name: value + 10**6 for name, value in kept.items() if value.dtype == np.int32}
    np.savez(folder / "arrays.npz", allow_pickle=False, **kept)
    with pytest.raises(InputError, match="the model's files are damaged") as caught:
        load_predictor(folder)
    assert "\n" not in str(caught.value)  # one sentence


def test_an_array_of_objects_is_refused(folder):
    """An archive that smuggles in a pickle is not read."""
    with np.load(folder / "arrays.npz") as arrays:
        harmless = {name: arrays[name] for name in arrays.files}
    smuggled = harmless | {"array_00000": np.array([{"code": "run me"}], dtype=object)}
    np.savez(folder / "arrays.npz", allow_pickle=True, **smuggled)
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)
