"""A predictor on disk: exact, plain, and refused where damaged."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.models.predictor.storage import load_predictor, save_predictor


@pytest.fixture
def folder(predictor, tmp_path) -> Path:
    save_predictor(predictor, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.slow
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
        nearness = loaded.applicability(again, other)
        np.testing.assert_array_equal(nearness, predictor.applicability(features, model))


def test_everything_else_survives_as_well(predictor, folder):
    loaded = load_predictor(folder)
    assert loaded.scale == predictor.scale
    assert loaded.training == predictor.training
    for name, model in predictor.drugs.items():
        other = loaded.drugs[name]
        assert (other.name, other.n_lines, other.gain, other.metrics) == (
            model.name,
            model.n_lines,
            model.gain,
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
    for name in ("predictor.json", "arrays.bin"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
        assert (tmp_path / "resaved" / name).read_bytes() == (folder / name).read_bytes()


def test_arrays_lie_one_after_the_other(predictor, folder):
    """Whoever reads the files without this code finds the numbers."""
    state = json.loads((folder / "predictor.json").read_text())["predictor"]
    kind, shape, begin = state["nearest"]["lines"]["array"]
    assert (kind, begin % 64) == ("<f4", 0)
    found = np.fromfile(folder / "arrays.bin", kind, np.prod(shape), offset=begin).reshape(shape)
    np.testing.assert_array_equal(found, predictor.nearest.lines_)
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.bin", "predictor.json"]


@pytest.mark.parametrize("missing", ["predictor.json", "arrays.bin"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(InputError, match=rf"holds no sidestep model \({missing} is missing\)"):
        load_predictor(folder)


@pytest.mark.parametrize("form", [6, 8, "7", None])
def test_another_format_is_refused(folder, form):
    path = folder / "predictor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": form}))
    with pytest.raises(
        InputError, match=rf"predictor.json has format {form}, .* reads format 7; train the model"
    ):
        load_predictor(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 7}', '{"format": 7, "predictor": {}}',
     "[" * 100_000, '{"format": 7, "predictor": []}',
     '{"format": 7, "predictor": {"joiner": {"proteome": {}}}}'],
)  # fmt: skip
def test_a_damaged_description_is_refused(folder, text):
    (folder / "predictor.json").write_text(text)
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


@pytest.mark.slow
def test_a_changed_number_is_refused(folder):
    path = folder / "predictor.json"
    state = json.loads(path.read_text())
    state["predictor"]["drugs"]["Lapatinib"]["blend"]["blends"]["expression"]["mean_"] += 1
    path.write_text(json.dumps(state))
    with pytest.raises(InputError, match=r"damaged \(predictor.json does not hold what was saved"):
        load_predictor(folder)


def test_a_description_without_a_checksum_is_refused(folder):
    path = folder / "predictor.json"
    state = json.loads(path.read_text())
    del state["predictor_crc32"]
    path.write_text(json.dumps(state))
    with pytest.raises(InputError, match=r"files are damaged \('predictor_crc32'\)"):
        load_predictor(folder)


def test_a_sub_model_that_lacks_a_part_is_damaged_when_it_is_used(folder, study):
    def rename(state: dict[str, Any]) -> None:
        for blend in state["drugs"]["Lapatinib"]["blend"]["blends"].values():
            blend["treez_"] = blend.pop("trees_")

    described(folder, rename)
    loaded = load_predictor(folder)
    with pytest.raises(
        InputError, match=r"sub-model .*: the model's files are damaged \(the state lacks trees_"
    ):
        loaded.predict(loaded.features(study), loaded.drugs["Lapatinib"])


@pytest.mark.parametrize("name", ["predictor.json", "arrays.bin"])
def test_a_file_that_cannot_be_read_is_refused(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(InputError, match="the model cannot be read"):
        load_predictor(folder)


def test_a_description_that_is_no_text_is_refused(folder):
    (folder / "predictor.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


DAMAGE = {
    "empty": lambda data: b"",
    "something else": lambda data: b"something else",
    "cut short": lambda data: data[: len(data) // 2],
    "bytes changed": lambda data: data[:3000] + bytes(200) + data[3200:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_arrays_are_refused(folder, damage):
    path = folder / "arrays.bin"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


def described(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what the description says of the predictor, and its checksum with it."""
    path = folder / "predictor.json"
    state = json.loads(path.read_text())
    predictor = state.pop("predictor")
    change(predictor)
    text = json.dumps(predictor)
    state["predictor_crc32"] = zlib.crc32(text.encode())
    path.write_text(f'{json.dumps(state)[:-1]}, "predictor": {text}}}')


@pytest.mark.parametrize(
    "place",
    [["<f4", [10**9], 0], ["<f4", [-1], 0], ["<f4", [1], -64], ["<U4", [1], 0], ["|O", [1], 0],
     ["<f4", [1], 10**12], ["<f4", [3]], "array_00000", None],
)  # fmt: skip
def test_arrays_that_lie_nowhere_are_refused(folder, place):
    described(folder, lambda state: state.update(her2_high={"array": place}))
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


def test_arrays_that_describe_no_trees_are_never_followed(folder, study):
    """Made sub-model by sub-model, so that it comes out when one is used."""

    def misplace(state: dict[str, Any]) -> None:
        for blend in state["drugs"]["Lapatinib"]["blend"]["blends"].values():
            trees = blend["trees_"]["ensemble_"]
            trees["left"] = trees["condition"]

    described(folder, misplace)
    loaded = load_predictor(folder)
    with pytest.raises(InputError, match=r"files are damaged .*ensemble_/left has type float32"):
        loaded.predict(loaded.features(study), loaded.drugs["Lapatinib"])
