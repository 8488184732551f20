"""JSON of a page, written piece by piece: text for scripts, rounded numbers, shared entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_ESCAPED = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
#: Powers of ten that a float holds exactly.
_TENS = np.array([float(f"1e{n}") for n in range(23)])
#: Nearer than this to the middle of two roundings, multiplication may have crossed it.
_DOUBTFUL = 1e-6
#: Distinct numbers that are remembered at once: some 20 MB.
_MOST_NUMBERS = 200_000
NULL = "null"


def script_json(content: Any) -> str:
    """JSON that no HTML parser can take for the end of a script element, or for anything else."""
    text = _ENCODE(content)
    for sign, escaped in _ESCAPED.items():
        if sign in text:
            text = text.replace(sign, escaped)
    return text


def array(texts: Iterable[str]) -> str:
    """The array of values that are JSON already."""
    return f"[{','.join(texts)}]"


def record(fields: Mapping[str, str]) -> str:
    """The object of values that are JSON already; names are plain words."""
    return "{" + ",".join([f'"{name}":{text}' for name, text in fields.items()]) + "}"


class Entries(dict[Hashable, str]):
    """Entries that stand once and are then meant by their place: key -> place, as JSON.

    Looking up a new key adds its entry.

    Parameters
    ----------
    entry : callable, optional
        What stands for a key, as JSON; that of the key itself by default.
    """

    def __init__(self, entry: Callable[[Any], str] = script_json) -> None:
        super().__init__()
        self.texts: list[str] = []
        #: Bytes of the entries.
        self.size = 0
        self._entry = entry

    def __missing__(self, key: Hashable) -> str:
        text = self._entry(key)
        place = self[key] = str(len(self.texts))
        self.texts.append(text)
        self.size += len(text.encode()) + 1
        return place


class Numbers(dict[float, str]):
    """Numbers as JSON, each distinct one written once; null for one that is not finite.

    >>> Numbers().texts(np.array([2.0, -0.123456789, np.nan]), 4).to_pylist()
    ['2', '-0.1235', 'null']
    """

    def __missing__(self, number: float) -> str:
        if number in (np.inf, -np.inf):
            text = NULL
        else:
            text = str(int(number)) if number.is_integer() else repr(number)
        self[number] = text
        return text

    def texts(self, values: np.ndarray, digits: int) -> pa.StringArray:
        """Each number to so many significant digits."""
        if len(self) > _MOST_NUMBERS:
            self.clear()
        coded = pa.array(rounded(values, digits)).dictionary_encode()
        distinct = map(self.__getitem__, coded.dictionary.to_numpy().tolist())
        return pa.array(distinct, pa.string()).take(coded.indices)


def arrays(texts: pa.StringArray, counts: Sequence[int]) -> list[str]:
    """One array after the other of values that are JSON already, each with so many of them.

    >>> arrays(pa.array(["1", "2", "3"]), [2, 0, 1])
    ['[1,2]', '[]', '[3]']
    """
    ends = np.cumsum([0, *counts], dtype=np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(ends, texts), ",")
    return [f"[{text}]" for text in joined.to_pylist()]


def rounded(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers to some significant digits, all at once; infinity for what is not finite.

    Each is the float nearest to what ``format(value, f".{digits}g")`` writes: a product with a
    power of ten that a float holds exactly is rounded once, and what lies too near to the middle
    of two roundings for that is written out.

    >>> rounded(np.array([1234567.0, 0.00123456, np.nan]), 4).tolist()
    [1235000.0, 0.001235, inf]
    """
    known = np.isfinite(values)
    sizes = np.abs(np.where(known & (values != 0.0), values, 1.0))
    decimals = digits - 1 - np.floor(np.log10(sizes)).astype(int)
    up, down = (_TENS[np.clip(places, 0, len(_TENS) - 1)] for places in (decimals, -decimals))
    scaled = sizes * up / down
    whole = np.rint(scaled)
    nearest = np.copysign(whole / up * down, values)
    far = np.abs(decimals) >= len(_TENS)
    doubtful = far | (np.abs(np.abs(scaled - whole) - 0.5) < _DOUBTFUL)
    nearest[values == 0.0] = 0.0
    for n in np.flatnonzero(doubtful & known).tolist():
        nearest[n] = float(f"{values[n]:.{digits}g}")
    return np.where(known, nearest, np.inf)
