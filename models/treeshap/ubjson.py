"""What does a document in Universal Binary JSON say?

XGBoost writes models in this format; unlike its decimal JSON it keeps every float32 to the bit.
The reader covers the draft-12 markers that XGBoost uses: objects, plain and counted arrays, typed
arrays (one NumPy array each), strings, numbers, true, false and null. All numbers are big-endian.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

_TYPED = {
    ord(marker): np.dtype(kind)
    for marker, kind in zip("iUIlLdD", ("i1", "u1", ">i2", ">i4", ">i8", ">f4", ">f8"), strict=True)
}
_NUMBERS = {
    ord(marker): struct.Struct(f">{code}")
    for marker, code in zip("iUIlLdD", "bBhiqfd", strict=True)
}
_CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
_OBJECT, _OBJECT_END, _ARRAY, _ARRAY_END, _COUNT, _TYPE, _STRING = b"{}[]#$S"


def read_ubjson(data: bytes) -> Any:
    """Value that `data` holds: dict, list, ndarray (typed arrays), str, int, float, bool or None.

    Raises
    ------
    ValueError
        If the data are not UBJSON, or are cut short.
    """
    try:
        value, _ = _value(data, 0)
    except (IndexError, struct.error) as error:
        raise ValueError("The UBJSON document ends before it is complete.") from error
    return value


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """The value whose marker stands at `at`, and where the next one starts."""
    marker = data[at]
    at += 1
    if marker in _NUMBERS:
        number = _NUMBERS[marker]
        return number.unpack_from(data, at)[0], at + number.size
    if marker == _OBJECT:
        return _object(data, at)
    if marker == _ARRAY:
        return _array(data, at)
    if marker == _STRING:
        return _text(data, at)
    if marker in _CONSTANTS:
        return _CONSTANTS[marker], at
    raise _no_marker(data, at - 1)


def _object(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while data[at] != _OBJECT_END:
        name, at = _text(data, at)
        members[name], at = _value(data, at)
    return members, at + 1


def _array(data: bytes, at: int) -> tuple[Any, int]:
    if data[at] == _TYPE:
        if data[at + 1] not in _TYPED:
            raise _no_marker(data, at + 1)
        kind = _TYPED[data[at + 1]]
        count, at = _value(data, at + 3)
        end = at + count * kind.itemsize
        if end > len(data):
            raise IndexError
        return np.frombuffer(data, kind, count, at), end
    items: list[Any] = []
    if data[at] == _COUNT:
        count, at = _value(data, at + 1)
        for _ in range(count):
            item, at = _value(data, at)
            items.append(item)
        return items, at
    while data[at] != _ARRAY_END:
        item, at = _value(data, at)
        items.append(item)
    return items, at + 1


def _text(data: bytes, at: int) -> tuple[str, int]:
    length, at = _value(data, at)
    if at + length > len(data):
        raise IndexError
    return data[at : at + length].decode(), at + length


def _no_marker(data: bytes, at: int) -> ValueError:
    return ValueError(f"Byte {at} of the UBJSON document is no marker: {data[at]:#x}.")
