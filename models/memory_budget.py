"""How much memory may what is only kept to save time take, in the whole process?"""

from __future__ import annotations

import threading
import weakref


class MemoryBudget:
    """Bytes that objects may claim for as long as they live; safe to use from several threads.

    What finds no room is made anew each time that it is needed. Nothing is thrown out for
    something newer: a panel's models are gone through in turn, chunk after chunk, so that the one
    that was used longest ago is always the one that is needed next.

    Parameters
    ----------
    most : int
        Bytes that may be claimed in all.

    Examples
    --------
    >>> class Model: ...
    >>> budget, first, second = MemoryBudget(100), Model(), Model()
    >>> budget.claim(first, 60), budget.claim(second, 60)
    (True, False)
    >>> del first
    >>> budget.claim(second, 60)
    True
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._claimed = 0
        # A finaliser may run while this very thread holds the lock.
        self._lock = threading.RLock()

    def claim(self, owner: object, n_bytes: int) -> bool:
        """Whether there is room for `n_bytes`, which `owner` then has until it is gone."""
        with self._lock:
            if self._claimed + n_bytes > self.most:
                return False
            self._claimed += n_bytes
        weakref.finalize(owner, self._give_back, n_bytes)
        return True

    def _give_back(self, n_bytes: int) -> None:
        with self._lock:
            self._claimed -= n_bytes
