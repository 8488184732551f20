"""Something of each fold of a cross-validation, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Generic, TypeVar

_T = TypeVar("_T")


class ByFold(Mapping[int, _T], Generic[_T]):
    """What each fold has, made when it is first asked for, and kept until it is let go of.

    Features of many samples, as all folds build them, would take several times the room that the
    samples' own take.

    Parameters
    ----------
    folds : collection of int
    make : callable
        Makes that of a fold.

    Examples
    --------
    >>> squares = ByFold([1, 2], lambda fold: fold**2)
    >>> dict(squares)
    {1: 1, 2: 4}
    """

    def __init__(self, folds: Collection[int], make: Callable[[int], _T]) -> None:
        self._folds = tuple(folds)
        self._make = make
        self._made: dict[int, _T] = {}

    def __getitem__(self, fold: int) -> _T:
        if fold not in self._folds:
            raise KeyError(fold)
        if fold not in self._made:
            self._made[fold] = self._make(fold)
        return self._made[fold]

    def __iter__(self) -> Iterator[int]:
        return iter(self._folds)

    def __len__(self) -> int:
        return len(self._folds)

    def let_go(self, fold: int) -> None:
        """Keep that of a fold no longer; it is made anew if it is asked for again."""
        self._made.pop(fold, None)
