"""What a saved state must be, said in a few words a part, before any of it is used.

A state comes from a file that somebody may have made: whatever leads to a memory address, the size
of a loop or a table look-up is checked here, once, where it is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

Dimensions = dict[str, int]
#: Checks a value, whose place in the state is named, in the light of known dimensions.
Check = Callable[[Any, str, Dimensions], None]

#: Larger than any number of a model, and small enough that sums of products stay finite.
LARGEST = 1e30
_LONGEST_TEXT = 10_000
_MOST_NESTED = 8


class UnsoundStateError(ValueError):
    """A part of a saved state is not what was saved there."""


def require(sound: bool, where: str, what: str) -> None:
    """Refuse a part of a state that is not sound.

    Raises
    ------
    UnsoundStateError
    """
    if not sound:
        refuse(where, what)


def refuse(where: str, what: str) -> NoReturn:
    """Refuse a part of a state; to say what is wrong takes longer than to see that nothing is.

    Raises
    ------
    UnsoundStateError
    """
    raise UnsoundStateError(f"{where} {what}")


def array(
    kind: str,
    *shape: str | int,
    low: float = -LARGEST,
    high: float = LARGEST,
    gaps: bool = False,
    distinct: bool = False,
) -> Check:
    """Check for an array.

    Parameters
    ----------
    kind : str
        Data type, such as ``"f4"``.
    shape : str or int
        Sizes: numbers, or names of dimensions; a name that is new gets the size that is found.
    low, high : float
        Least and largest value.
    gaps : bool
        Whether values may be NaN.
    distinct : bool
        Whether each value occurs once.
    """
    dtype = np.dtype(kind)

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, np.ndarray), where, "is no array")
        if value.dtype != dtype:
            refuse(where, f"has type {value.dtype}, not {dtype}")
        if value.ndim != len(shape):
            refuse(where, f"has {value.ndim} dimensions, not {len(shape)}")
        for size, name in zip(value.shape, shape, strict=True):
            wanted = name if isinstance(name, int) else sizes.setdefault(name, size)
            if size != wanted:
                refuse(where, f"has shape {value.shape}, where {wanted} is expected")
        if dtype.kind == "b" or not value.size:
            return
        if gaps:
            value = value[~np.isnan(value)]
        if value.size and not (value.min() >= low and value.max() <= high):  # so a gap is, too
            require(not np.isnan(value).any(), where, "has gaps")
            refuse(where, "is out of range")
        if distinct:
            require(len(np.unique(value)) == value.size, where, "has a value twice")

    return check


def number(low: float = -LARGEST, high: float = LARGEST, *, gap: bool = False) -> Check:
    """Check for a number, of a range; NaN only where there may be a `gap`."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        require(plain, where, "is no number")
        missing = isinstance(value, float) and math.isnan(value)
        require(gap if missing else low <= value <= high, where, "is out of range")

    return check


def whole(low: int, high: int) -> Check:
    """Check for a whole number of a range."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, int) and not isinstance(value, bool), where, "is no whole number")
        require(low <= value <= high, where, "is out of range")

    return check


def text(*choices: str) -> Check:
    """Check for text, one of some `choices` if any are given."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        _require_texts([value], where)
        require(not choices or value in choices, where, "is none of what it may be")

    return check


def _require_texts(values: Collection[Any], where: str) -> None:
    """Refuse what are not all texts; at once, as a model names hundreds of thousands."""
    sound = {*map(type, values)} <= {str} and max(map(len, values), default=0) <= _LONGEST_TEXT
    require(sound, where, "is no text")


def texts(size: str | None = None, *, distinct: bool = True) -> Check:
    """Check for a list of texts, each once, as many as a dimension says if one is named."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, list | tuple), where, "is no list")
        _require_texts(value, where)
        if size is not None:
            wanted = sizes.setdefault(size, len(value))
            require(len(value) == wanted, where, f"has {len(value)} names, not {wanted}")
        if distinct:
            require(len(set(value)) == len(value), where, "has a name twice")

    return check


def flag(value: Any, where: str, sizes: Dimensions) -> None:
    """Check for true or false."""
    require(isinstance(value, bool), where, "is neither true nor false")


def record(**parts: Check) -> Check:
    """Check for a mapping that has these parts; what else it has is not looked at."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, Mapping), where, "is no record")
        for name, part in parts.items():
            require(name in value, where, f"lacks {name}")
            part(value[name], f"{where}/{name}", sizes)

    return check


def mapping(part: Check, *, least: int = 0, most: int = 10_000_000) -> Check:
    """Check for a mapping of text to parts that are all alike, `least` to `most` of them."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, Mapping), where, "is no mapping")
        require(least <= len(value) <= most, where, f"has {len(value)} entries")
        _require_texts(value, where)
        for name, item in value.items():
            part(item, f"{where}/{name}", sizes)

    return check


def counts(low: int, high: int) -> Check:
    """Check for a mapping of text to whole numbers of a range; at once, as it may be long."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, Mapping), where, "is no mapping")
        _require_texts(value, where)
        numbers = value.values()
        require({*map(type, numbers)} <= {int}, where, "has what is no whole number")
        inside = low <= min(numbers, default=low) and max(numbers, default=low) <= high
        require(inside, where, "is out of range")

    return check


def sequence(part: Check, least: int, most: int) -> Check:
    """Check for a list of `least` to `most` parts that are all alike."""

    def check(value: Any, where: str, sizes: Dimensions) -> None:
        require(isinstance(value, list | tuple), where, "is no list")
        require(least <= len(value) <= most, where, f"has {len(value)} entries")
        for item in value:
            part(item, where, sizes)

    return check


def settings(value: Any, where: str, sizes: Dimensions) -> None:
    """Check for plain values that a model was trained with, of whatever shape; no arrays."""
    _require_plain(value, where, 0)


def _require_plain(value: Any, where: str, depth: int) -> None:
    require(depth < _MOST_NESTED, where, "is nested too deep")
    if value is None or isinstance(value, str | int | float):
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            _require_plain(item, f"{where}/{name}", depth + 1)
    elif isinstance(value, Sequence):
        for item in value:
            _require_plain(item, where, depth + 1)
    else:
        refuse(where, "is no plain value")


def require_same(found: Sequence[str], wanted: Sequence[str], where: str) -> None:
    """Refuse names that are not those that follow from another part, in their order."""
    require(list(found) == list(wanted), where, "does not go with the other parts")


def require_among(found: Sequence[str], known: Sequence[str], where: str) -> None:
    """Refuse names that are not among those of another part."""
    unknown = sorted(set(found) - set(known))
    require(not unknown, where, f"names {unknown[:1]}, which no other part has")
