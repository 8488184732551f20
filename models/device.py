"""On which device are boosted trees grown and evaluated?

The device is where work is done, not a part of the model: a saved model names none, and one that
was grown on a GPU predicts on any machine.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost as xgb

from features.errors import InputError
from models.engine_options import DEVICES

CPU, CUDA = DEVICES


def require_device(device: str) -> str:
    """Give back `device` if XGBoost can use it here.

    Parameters
    ----------
    device : {"cpu", "cuda"}

    Raises
    ------
    InputError
        If the device is unknown, XGBoost was built without CUDA, or no GPU is found.
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r} is unknown; give one of {', '.join(DEVICES)}")
    if device == CUDA and not xgb.build_info().get("USE_CUDA"):
        raise InputError(
            "the XGBoost that is installed was built without CUDA; put `xgboost` in the place of "
            "`xgboost-cpu`, or leave --device cuda out"
        )
    if device == CUDA and _found_by_xgboost() != CUDA:
        raise InputError(
            "XGBoost finds no GPU on this machine; see whether nvidia-smi lists one, or leave "
            "--device cuda out"
        )
    return device


@functools.cache
def _found_by_xgboost() -> str:
    """The device that XGBoost really takes when it is asked for CUDA."""
    data = xgb.DMatrix(np.zeros((2, 1), dtype=np.float32), label=np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is warned of is what is being asked
        booster = xgb.train({"device": CUDA, "verbosity": 0}, data, num_boost_round=1)
    used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return str(used).partition(":")[0]


def saved_settings(tree_settings: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Settings of trees as a model keeps them: on the CPU, if they name a device."""
    if tree_settings is None or "device" not in tree_settings:
        return tree_settings
    return {**tree_settings, "device": CPU}
