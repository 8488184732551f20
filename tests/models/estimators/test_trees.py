"""Trees on a GPU: the same predictions where there is one, a sentence where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from sidestep.features.errors import InputError
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.trees import CPU, CUDA, ScreenedTrees, require_device


@pytest.fixture(scope="module")
def gpu() -> str:
    """Name of a GPU's device; skips where XGBoost has none."""
    try:
        return require_device(CUDA)
    except InputError as error:
        pytest.skip(f"no GPU to test with: {error}")


def _fitted(lines, device: str, **settings: float) -> ScreenedTrees:
    trees = ScreenedTrees(n_features=40, n_trees=60, device=device, **settings)
    return trees.fit(lines.X, lines.y, lines.donors)


def test_the_cpu_is_always_there() -> None:
    assert require_device(CPU) == CPU


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(InputError, match="'tpu' is unknown; give one of cpu, cuda"):
        require_device("tpu")


@pytest.mark.skipif(xgb.build_info()["USE_CUDA"], reason="this XGBoost is built with CUDA")
def test_without_cuda_the_sentence_says_what_to_install(lines) -> None:
    with pytest.raises(InputError, match="put `xgboost` in the place of `xgboost-cpu`"):
        _fitted(lines, CUDA)


@pytest.mark.parametrize("kind", [Blend, PatternBlend])
def test_a_saved_blend_names_no_gpu(lines, kind) -> None:
    blend = kind(inner_folds=0, tree_settings={"n_trees": 3, "device": CPU})
    here = blend.fit(lines.X, lines.y, lines.donors).get_state()
    there = blend.set_params(tree_settings={"n_trees": 3, "device": CUDA}).get_state()
    assert there["parameters"]["tree_settings"] == {"n_trees": 3, "device": CPU}
    assert there["parameters"] == here["parameters"]


def test_trees_grown_on_a_gpu_predict_alike(many_lines, gpu: str) -> None:
    exact = {"subsample": 1.0, "colsample": 1.0}  # nothing is drawn, so that only sums differ
    here, there = (_fitted(many_lines, device, **exact) for device in (CPU, gpu))
    predicted = here.predict(many_lines.X)
    difference = predicted - there.predict(many_lines.X)
    assert np.sqrt(np.mean(difference**2)) < 0.05 * predicted.std()


def test_drawn_trees_are_as_good_on_a_gpu(many_lines, gpu: str) -> None:
    known, unknown = np.arange(180), np.arange(180, 240)
    correlation = {}
    for device in (CPU, gpu):
        trees = ScreenedTrees(n_features=40, n_trees=200, device=device)
        trees.fit(many_lines.X.iloc[known], many_lines.y[known], many_lines.donors[known])
        predicted = trees.predict(many_lines.X.iloc[unknown])
        correlation[device] = np.corrcoef(predicted, many_lines.y[unknown])[0, 1]
    assert correlation[gpu] > correlation[CPU] - 0.05


def test_trees_of_a_gpu_are_saved_for_any_machine(lines, gpu: str) -> None:
    grown = _fitted(lines, gpu)
    state = grown.get_state()
    assert state["parameters"]["device"] == CPU
    saved = ScreenedTrees.from_state(state, np.asarray(lines.X.columns, dtype=object))
    np.testing.assert_allclose(saved.predict(lines.X), grown.predict(lines.X), atol=1e-5)
    parts = saved.contributions(lines.X)
    np.testing.assert_allclose(
        parts.base_value + parts.values.sum(axis=1), grown.predict(lines.X), atol=1e-4
    )
