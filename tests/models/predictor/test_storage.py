"""A predictor on disk: exact, plain, and refused where damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import load_predictor, save_predictor


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


@pytest.mark.parametrize("form", [1, 4, "2", None])
def test_another_format_is_refused(folder, form):
    path = folder / "predictor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": form}))
    with pytest.raises(
        InputError, match=r"predictor.json: format .* is not 2 or 3; score with the ver"
    ):
        load_predictor(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 3}', '{"format": 3, "predictor": {}}',
     "[" * 100_000, '{"format": 3, "predictor": []}',
     '{"format": 3, "predictor": {"joiner": {"proteome": {}}}}'],
)  # fmt: skip
def test_a_damaged_description_is_refused(folder, text):
    (folder / "predictor.json").write_text(text)
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)


def test_a_changed_number_is_refused(folder):
    path = folder / "predictor.json"
    state = json.loads(path.read_text())
    state["predictor"]["drugs"]["Lapatinib"]["blend"]["blends"]["expression"]["mean_"] += 1
    path.write_text(json.dumps(state))
    with pytest.raises(InputError, match=r"damaged \(predictor.json does not hold what was saved"):
        load_predictor(folder)


def test_a_description_without_a_checksum_is_read(folder, predictor):
    """As models of format 3 that were saved before it had one."""
    described(folder, lambda state: None)
    assert load_predictor(folder).training == predictor.training


def test_a_sub_model_that_lacks_a_part_is_damaged_when_it_is_used(folder, study):
    def rename(state: dict[str, Any]) -> None:
        for blend in state["drugs"]["Lapatinib"]["blend"]["blends"].values():
            blend["treez_"] = blend.pop("trees_")

    described(folder, rename)
    loaded = load_predictor(folder)
    with pytest.raises(InputError, match=r"sub-model .*: the model's files are damaged \('trees_'"):
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
    "no archive": lambda data: b"something else",
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
    """Change what the description says of the predictor, in a model of before its checksum."""
    path = folder / "predictor.json"
    state = json.loads(path.read_text())
    del state["predictor_crc32"]
    change(state["predictor"])
    path.write_text(json.dumps(state))


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
            trees = blend["trees_"]["forest_"]
            trees["left"] = trees["condition"]

    described(folder, misplace)
    loaded = load_predictor(folder)
    with pytest.raises(InputError, match=r"files are damaged .*do not describe trees"):
        loaded.predict(loaded.features(study), loaded.drugs["Lapatinib"])


def as_format_2(predictor: PanelPredictor, folder: Path) -> Path:
    """Write a predictor as earlier versions did: boosters in UBJSON, and a NumPy archive."""
    state = predictor.get_state()
    for name, model in predictor.drugs.items():
        drug = state["drugs"][name]
        del drug["units"]
        kept = {"blend": (model.blend, drug["blend"])}
        kept |= {n: (model.fold_blends[int(n)], part) for n, part in drug["fold_blends"].items()}
        for blend, told in kept.values():
            for pattern, part in zip(blend.patterns, told["blends"].values(), strict=True):
                raw = bytes(blend.blends_[pattern].trees_.booster_.save_raw("ubj"))
                del part["trees_"]["forest_"], part["trees_"]["gains_"]
                part["trees_"]["booster_"] = np.frombuffer(raw, np.uint8)
                # Boosters of those versions were in the response's own unit.
                part["trees_"]["unit_"] = blend.blends_[pattern].trees_.unit_
    arrays: dict[str, np.ndarray] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, np.ndarray) and value.dtype != object:
            arrays[f"array_{len(arrays):05d}"] = value
            return {"array": f"array_{len(arrays) - 1:05d}"}
        if isinstance(value, list | tuple | np.ndarray):
            return [plain(part) for part in value]
        return value.item() if isinstance(value, np.generic) else value

    folder.mkdir()
    written = {"format": 2, "predictor": plain(state)}
    (folder / "predictor.json").write_text(json.dumps(written))
    np.savez_compressed(folder / "arrays.npz", allow_pickle=False, **arrays)
    return folder


def test_models_of_format_2_are_still_read(predictor, study, tmp_path):
    loaded = load_predictor(as_format_2(predictor, tmp_path / "old"))
    features = predictor.features(study)
    for name, model in predictor.drugs.items():
        other = loaded.drugs[name]
        assert (
            loaded.predict(features, other).tobytes()
            == predictor.predict(features, model).tobytes()
        )
        ours, theirs = loaded.explain(features, other), predictor.explain(features, model)
        assert ours.values.tobytes() == theirs.values.tobytes()
        np.testing.assert_array_equal(
            loaded.coverage(features, other), predictor.coverage(features, model)
        )
    save_predictor(loaded, tmp_path / "new")
    save_predictor(predictor, tmp_path / "direct")
    for name in ("predictor.json", "arrays.bin"):
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / "direct" / name).read_bytes()


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_archives_of_format_2_are_refused(predictor, tmp_path, damage):
    folder = as_format_2(predictor, tmp_path / "old")
    path = folder / "arrays.npz"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(InputError, match="the model's files are damaged") as caught:
        load_predictor(folder)
    assert "pickle" not in str(caught.value)  # no advice to read it unsafely


def test_an_array_of_objects_is_refused(predictor, tmp_path):
    """An archive that smuggles in a pickle is not read."""
    folder = as_format_2(predictor, tmp_path / "old")
    with np.load(folder / "arrays.npz") as arrays:
        harmless = {name: arrays[name] for name in arrays.files}
    smuggled = harmless | {"array_00000": np.array([{"code": "run me"}], dtype=object)}
    np.savez(folder / "arrays.npz", allow_pickle=True, **smuggled)
    with pytest.raises(InputError, match="the model's files are damaged"):
        load_predictor(folder)
