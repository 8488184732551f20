"""A predictor on disk: JSON and arrays, so that loading one runs no code."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import InputError
from models.predictor import PanelPredictor

_FORMAT = 2
_STATE, _ARRAYS = "predictor.json", "arrays.npz"
# What reading damaged files raises: json, unicode, numpy and xgboost raise kinds of ValueError.
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


def save_predictor(predictor: PanelPredictor, folder: Path) -> None:
    """Write a predictor into `folder`, which is made: ``predictor.json`` and ``arrays.npz``."""
    arrays: dict[str, np.ndarray] = {}
    state = {"format": _FORMAT, "predictor": _plain(predictor.get_state(), arrays)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")
    np.savez_compressed(folder / _ARRAYS, allow_pickle=False, **arrays)


def load_predictor(folder: Path) -> PanelPredictor:
    """Read a predictor that `save_predictor` wrote. No pickle is read and no code is run.

    Raises
    ------
    InputError
        If the folder holds no predictor, a newer format, or damaged files.
    """
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state["format"] != _FORMAT:
            raise InputError(
                f"{folder / _STATE}: format {state['format']} is not {_FORMAT}; "
                "score with the version of sidestep that trained the model"
            )
        data = io.BytesIO((folder / _ARRAYS).read_bytes())
        if not zipfile.is_zipfile(data):  # numpy would take it for a pickle
            raise zipfile.BadZipFile(f"{_ARRAYS} is no archive")
        with np.load(data, allow_pickle=False) as arrays:
            return PanelPredictor.from_state(_restored(state["predictor"], arrays))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} holds no sidestep model ({Path(error.filename).name} is missing); "
            "give a folder that sidestep train saved, or models:/NAME@champion"
        ) from None
    except _DAMAGE as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{folder}: the model's files are damaged ({what}); train or fetch it again"
        ) from None


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Value with every numeric array moved to `arrays` and replaced by its name."""
    if isinstance(value, dict):
        return {str(key): _plain(part, arrays) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return [str(part) for part in value]
        name = f"array_{len(arrays):05d}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, list | tuple):
        return [_plain(part, arrays) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _restored(value: Any, arrays: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        return {key: _restored(part, arrays) for key, part in value.items()}
    if isinstance(value, list):
        return [_restored(part, arrays) for part in value]
    return value
