"""A predictor on disk: JSON and one file of arrays, so that loading one runs no code.

``predictor.json`` holds everything but the numeric arrays. Of each of those it says where in
``arrays.bin`` it lies: the values of all arrays in little-endian order, one array after the
other, each beginning at a multiple of 64 bytes. A large panel has tens of thousands of arrays;
read like this, it is there in the time that the disk takes for one file. Of both files it holds
the checksum, so that no number that was changed goes unnoticed.

A checksum says nothing of whoever made the file. So neither file is read if it is no plain one or
larger than it may be, arrays lie side by side and fill theirs, and what they describe is looked at
(`schema`) before anything is made of it.
"""

from __future__ import annotations

import json
import math
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sidestep.features.errors import InputError
from sidestep.features.files.limits import MAX_FILE_GIB, readable_size, table_limits
from sidestep.features.files.owned import plain_bytes
from sidestep.models.damage import refusing_damage
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.schema import require_predictor_state

_FORMAT = 7
_STATE, _ARRAYS = "predictor.json", "arrays.bin"
#: All that a saved predictor is.
FILES = (_STATE, _ARRAYS)
_ALIGNMENT = 64
_CHECKSUM, _PREDICTOR = "predictor_crc32", '"predictor": '
#: A description of 200 drugs and 20,000 features takes a tenth of it.
_LARGEST_STATE = 512 * 2**20
_Find = Callable[[Any], np.ndarray]


def save_predictor(predictor: PanelPredictor, folder: Path) -> None:
    """Write a predictor into `folder`, which is made: ``predictor.json`` and ``arrays.bin``."""
    arrays: list[np.ndarray] = []
    state = _plain(predictor.get_state(), _Places(arrays))
    folder.mkdir(parents=True, exist_ok=True)
    checksum = 0
    with (folder / _ARRAYS).open("wb") as file:
        for array in arrays:
            content = array.tobytes() + bytes(-array.nbytes % _ALIGNMENT)
            file.write(content)
            checksum = zlib.crc32(content, checksum)
    described = json.dumps(state)
    head = {"format": _FORMAT, "crc32": checksum, _CHECKSUM: zlib.crc32(described.encode())}
    text = f"{json.dumps(head).removesuffix('}')}, {_PREDICTOR}{described}}}"
    (folder / _STATE).write_text(text, encoding="utf-8")


def load_predictor(folder: Path) -> PanelPredictor:
    """Read a predictor that `save_predictor` wrote. No pickle is read and no code is run.

    Sub-models are made from the arrays when they are first used.

    Raises
    ------
    InputError
        If the folder holds no predictor, one of another format, or damaged files.
    """
    with refusing_unreadable(folder), refusing_damage(str(folder)):
        require_readable(folder)
        text = plain_bytes(folder / _STATE, _LARGEST_STATE).decode("utf-8")
        beginning, _, described = text.partition(_PREDICTOR)
        head = json.loads(f"{beginning.removesuffix(', ')}}}")
        if head["format"] != _FORMAT:
            raise InputError(
                f"{folder / _STATE} has format {head['format']}, and this version of sidestep "
                f"reads format {_FORMAT}; train the model again, or score with the version "
                "that trained it"
            )
        described = described.removesuffix("}")
        _require_as_saved(described, head)
        arrays = _Arrays(folder, head["crc32"])
        state = json.loads(described, object_hook=partial(_restored, find=arrays.find))
        arrays.require_all_found()
        require_predictor_state(state)
        return PanelPredictor.from_state(state)


@contextmanager
def refusing_unreadable(folder: Path) -> Iterator[None]:
    """Say in one sentence that a file of a model is missing or cannot be read.

    Raises
    ------
    InputError
    """
    try:
        yield
    except FileNotFoundError as error:
        raise _no_predictor(folder, Path(error.filename).name) from None
    except OSError as error:
        raise InputError(
            f"{folder}: the model cannot be read ({error.strerror or error}); "
            "make its files readable, or fetch it again"
        ) from None


def require_predictor(folder: Path) -> None:
    """Refuse a folder that holds no predictor, without looking into its files.

    Raises
    ------
    InputError
        If it does not.
    """
    if not (folder / _STATE).exists():
        raise _no_predictor(folder, _STATE)


def require_readable(folder: Path, names: Sequence[str] = FILES) -> None:
    """Refuse files that are no plain ones, or too large to be a model's, before they are read.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Those of `FILES` to look at.

    Raises
    ------
    InputError
        If one is missing, a pipe, a device or a folder, or too large.
    OSError
        If one cannot be looked at.
    """
    largest = {_STATE: _LARGEST_STATE, _ARRAYS: table_limits().size}
    for name in names:
        path, most = folder / name, largest[name]
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(
                f"{folder}: the model cannot be read ({name} is not a plain file); fetch it again"
            )
        if found.st_size > most:
            raise InputError(
                f"{path} has {readable_size(found.st_size)}, more than the {readable_size(most)} "
                f"that Sidestep reads of a model; if it is as it should be, set {MAX_FILE_GIB}"
            )


def _no_predictor(folder: Path, missing: str) -> InputError:
    return InputError(
        f"{folder} holds no sidestep model ({missing} is missing); "
        "give a folder that sidestep train saved, or models:/NAME@champion"
    )


def _require_as_saved(described: str, head: Mapping[str, Any]) -> None:
    """Refuse a description of the predictor that is not what was written."""
    if zlib.crc32(described.encode()) != head[_CHECKSUM]:
        raise ValueError(f"{_STATE} does not hold what was saved")


class _Places:
    """Where each array comes to lie; the arrays are gathered in `arrays`, ready to be written."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.end = 0

    def of(self, array: np.ndarray) -> dict[str, Any]:
        """Place of the next array, as `predictor.json` keeps it."""
        array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        place = [array.dtype.str, list(array.shape), self.end]
        self.arrays.append(array)
        self.end += _aligned(array.nbytes)
        return {"array": place}


def _plain(value: Any, places: _Places) -> Any:
    """Value with every numeric array replaced by its place."""
    if isinstance(value, dict):
        return {str(key): _plain(part, places) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return [str(part) for part in value] if value.dtype == object else places.of(value)
    if isinstance(value, list | tuple):
        return [_plain(part, places) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _restored(part: dict[str, Any], find: _Find) -> Any:
    """A mapping as it was saved, or the array whose place it is."""
    return find(part["array"]) if part.keys() == {"array"} else part


class _Arrays:
    """Arrays by their places in one file, whose content has to be what was written."""

    def __init__(self, folder: Path, checksum: int) -> None:
        self._data = np.fromfile(folder / _ARRAYS, np.uint8)
        self._found = 0
        if zlib.crc32(self._data.data) != checksum:
            raise ValueError(f"{_ARRAYS} does not hold what was saved")

    def find(self, place: Any) -> np.ndarray:
        """The array at a place."""
        kind, shape, begin = place
        dtype = np.dtype(kind)
        size = math.prod(shape) * dtype.itemsize
        self._found += _aligned(size)
        inside = 0 <= begin <= len(self._data) - size and self._found <= len(self._data)
        if dtype.kind not in "biuf" or min([0, *shape]) < 0 or begin % _ALIGNMENT or not inside:
            raise ValueError(f"{_STATE} describes an array {place}")
        part = self._data[begin : begin + size]
        # Truth has two values, and a byte 256; with any other one compiled loops would go astray.
        found: np.ndarray = part != 0 if dtype.kind == "b" else part.view(dtype)
        return found.reshape(shape)

    def require_all_found(self) -> None:
        """Refuse arrays that do not fill the file: nothing lies between them or is used twice."""
        if self._found != len(self._data):
            raise ValueError(f"{_ARRAYS} holds other things than its arrays")


def _aligned(size: int) -> int:
    """Bytes that an array takes in the file."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT
