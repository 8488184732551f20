"""Saved models that somebody has tampered with, checksums redone: a sentence, never a crash."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz_models import Saved, tampered
from sidestep.features.errors import InputError
from sidestep.models.predictor.storage import load_predictor, save_predictor
from sidestep.models.registry.load import load_model

Change = Callable[[Saved], Any]
ALL = "expression;rppa;mutation;copy_number"


@pytest.fixture(scope="module")
def original(predictor, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    save_predictor(predictor, folder)
    return Saved.read(folder)


def changed(saved: Saved) -> Saved:
    """A copy that may be changed."""
    return tampered(saved, random.Random(), changes=0)[0]


def part(saved: Saved, path: str) -> Any:
    """A part of the description; the array itself where it is one."""
    found = saved.state
    for name in filter(None, path.split("/")):
        found = found[ALL if name == "*" else name]
    return found


def array(saved: Saved, path: str) -> np.ndarray:
    return saved.arrays[part(saved, path)["array"]]


def put(path: str, at: int, value: Any) -> Change:
    """Put a value into an array."""
    return lambda saved: array(saved, path).reshape(-1).__setitem__(at, value)


def swap(path: str, make: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Put another array in the place of one."""

    def change(saved: Saved) -> None:
        saved.arrays[part(saved, path)["array"]] = make(array(saved, path))

    return change


def say(path: str, value: Any) -> Change:
    """Change a value of the description."""
    holder, _, name = path.rpartition("/")
    return lambda saved: part(saved, holder).__setitem__(ALL if name == "*" else name, value)


def a_loop(saved: Saved) -> None:
    """The root's left child is the root."""
    array(saved, f"{TREES}/left")[0] = 0


def a_chain(saved: Saved) -> None:
    """One level a node, which nothing forbids but the tables."""
    left, right = (array(saved, f"{TREES}/{side}") for side in ("left", "right"))
    deep = (len(left) - 1) // 2
    parents = np.concatenate([[0], np.arange(deep - 1) * 2 + 1])
    left[:], right[:] = -1, -1
    left[parents], right[parents] = np.arange(deep) * 2 + 1, np.arange(deep) * 2 + 2
    saved.arrays[part(saved, f"{TREES}/roots")["array"]] = np.zeros(1, np.int32)
    array(saved, f"{TREES}/hessian")[:] = 1.0


DRUG = "drugs/Lapatinib"
BLEND = f"{DRUG}/blend/blends/*"
TREES = f"{BLEND}/trees_/ensemble_"

CHANGES: dict[str, tuple[Change, str]] = {
    "a self loop": (a_loop, "do not describe trees"),
    "a chain": (a_chain, "do not describe trees"),
    "a child that lies nowhere": (put(f"{TREES}/left", 0, 2**31 - 1), "do not describe trees"),
    "a root that lies nowhere": (put(f"{TREES}/roots", 0, 10**6), "do not describe trees"),
    "a negative child": (put(f"{TREES}/right", 0, -5), "out of range"),
    "a feature beyond": (put(f"{TREES}/feature", 0, 10**6), "do not describe trees"),
    "an infinite leaf": (put(f"{TREES}/condition", -1, np.inf), "out of range|describe trees"),
    "a split without weight": (put(f"{TREES}/hessian", 0, 0.0), "do not describe trees"),
    "more weight below": (put(f"{TREES}/hessian", 1, 1e9), "do not describe trees"),
    "columns as a mask": (
        swap(f"{BLEND}/trees_/columns_", lambda one: one.astype(bool)), "type bool, not int64"
    ),
    "a column beyond": (put(f"{BLEND}/trees_/columns_", 0, 10**6), "does not have"),
    "a negative column": (put(f"{BLEND}/marker_/columns_", 0, -1), "out of range"),
    "a gap in a coefficient": (put(f"{BLEND}/ridge_/coef_", 0, np.nan), "has gaps"),
    "coefficients cut": (swap(f"{BLEND}/ridge_/coef_", lambda one: one[:-1]), "is expected"),
    "a negative weight": (put(f"{BLEND}/weights_", 0, -1.0), "out of range"),
    "a mean that is text": (say(f"{BLEND}/mean_", "5.5"), "is no number"),
    "a huge whole number": (say(f"{BLEND}/mean_", 10**400), "out of range"),
    "a line beyond": (put(f"{DRUG}/lines", 0, 10**6), "a training line that there is not"),
    "a fold beyond": (put("known/folds", 0, 99), "a fold that there is not"),
    "a fold's error beyond": (put(f"{DRUG}/errors/*/folds", 0, 99), "no other part has"),
    "a sub-model left out": (
        lambda saved: part(saved, f"{DRUG}/blend/patterns").pop(), "is expected"
    ),
    "another drug's name": (say(f"{DRUG}/name", "Aspirin"), "goes by another name"),
    "a deviation of zero": (put("joiner/rppa/fitted/sd_", 0, 0.0), "out of range"),
    "a method of a builder": (
        lambda saved: part(saved, "joiner/mutation/fitted").update(transform=1), "no statistic"
    ),
    "a gene twice": (
        lambda saved: part(saved, "joiner/expression/fitted/genes_").__setitem__(1, "ERBB2"),
        "has a name twice",
    ),
    "mechanisms of nothing": (put("mechanisms/builder/copies", 1, 0.0), "do not vary"),
    "metrics of nothing": (say(f"{DRUG}/metrics", {"blend": {}}), "lacks its Pearson r"),
    "a state that is a list": (say("scale", []), "scale is no record"),
    "deep nesting": (
        say("training", {"a": [[[[[[[[[[1]]]]]]]]]]}), "nested too deep"
    ),
}  # fmt: skip


def use(folder: Path, study: Any) -> None:
    """Load a model, and ask it everything of a few samples."""
    loaded = load_predictor(folder)
    some = study.select(list(study.samples[:4]))
    features, by_fold = loaded.features(some), loaded.fold_features(some)
    loaded.known.find(some, features)
    loaded.mechanisms.stand(some)
    for drug in loaded.choose(None):
        predicted = loaded.predict(features, drug)
        loaded.explain(features, drug)
        loaded.interval(features, by_fold, drug, 0.8)
        loaded.applicability(features, drug)
        loaded.percentile(features, predicted, drug)
        loaded.marker(features, drug)


def test_what_is_not_changed_is_read(original: Saved, study, tmp_path: Path) -> None:
    changed(original).write(tmp_path / "model")
    use(tmp_path / "model", study)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("change", CHANGES)
def test_a_tampered_model_is_refused(original: Saved, study, tmp_path: Path, change: str) -> None:
    saved = changed(original)
    tamper, said = CHANGES[change]
    tamper(saved)
    saved.write(tmp_path / "model")
    with pytest.raises(InputError, match=rf"the model's files are damaged \(.*({said})"):
        use(tmp_path / "model", study)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_random_changes_are_refused_or_score(original: Saved, study, tmp_path: Path) -> None:
    """A few of the cases of `benchmarks.fuzz_models`, which looks at thousands."""
    refused = 0
    for case in range(30):
        saved, misplace = tampered(original, random.Random(case))
        saved.write(tmp_path / "model", misplace)
        try:
            use(tmp_path / "model", study)
        except InputError:
            refused += 1
    assert 10 < refused < 30


@pytest.mark.parametrize("name", ["predictor.json", "arrays.bin"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link in a circle"])
def test_what_is_no_plain_file_is_never_waited_for(
    original: Saved, tmp_path: Path, name: str, kind: str
) -> None:
    original.write(tmp_path / "model")
    path = tmp_path / "model" / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    with pytest.raises(InputError, match=r"the model cannot be read \(|holds no sidestep model"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["arrays.bin", "predictor.json"])
def test_a_hole_larger_than_a_model_is_refused_unread(
    original: Saved, tmp_path: Path, name: str
) -> None:
    original.write(tmp_path / "model")
    os.truncate(tmp_path / "model" / name, 9 * 2**40)  # takes no room on disk
    with pytest.raises(InputError, match=rf"{name} has 9,216 GiB, more than the"):
        load_model(tmp_path / "model")


def test_other_files_beside_a_model_are_not_read(original: Saved, tmp_path: Path) -> None:
    original.write(tmp_path / "model")
    digest = load_model(tmp_path / "model").digest
    os.mkfifo(tmp_path / "model" / "pipe")
    with (tmp_path / "model" / "hole").open("wb") as file:
        file.truncate(2**40)
    assert load_model(tmp_path / "model").digest == digest
