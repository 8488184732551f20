"""How did models of format 2 keep their arrays? As a NumPy archive, by name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_ARRAYS = "arrays.npz"


def zipped_arrays(folder: Path, state: dict[str, Any]) -> Callable[[Any], np.ndarray]:
    """Arrays of the predictor in `folder` by their names.

    Raises
    ------
    BadZipFile, ValueError
        If the archive is damaged or holds objects, which are never read.
    """
    data = io.BytesIO((folder / _ARRAYS).read_bytes())
    if not zipfile.is_zipfile(data):  # numpy would take it for a pickle
        raise zipfile.BadZipFile(f"{_ARRAYS} is no archive")
    archive = np.load(data, allow_pickle=False)
    return lambda name: np.asarray(archive[name])
