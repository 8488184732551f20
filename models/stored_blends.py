"""Sub-models of a saved model, each made when it is first used.

A panel of 25 drugs has more than a thousand, of which a cohort uses a few dozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from models.blend import Blend
from models.damage import refusing_damage
from models.patterns import Pattern, pattern_columns, pattern_name


class StoredBlends(Mapping[Pattern, Blend]):
    """Blend of each combination of modalities, from their states.

    Parameters
    ----------
    states : mapping of Pattern to dict
        As `Blend.get_state` returned.
    features : ndarray of str, shape (n_features,)
        All features; a blend sees those of its pattern.
    """

    def __init__(self, states: Mapping[Pattern, dict[str, Any]], features: np.ndarray) -> None:
        self._states = states
        self._features = features
        self._made: dict[Pattern, Blend] = {}

    def __getitem__(self, pattern: Pattern) -> Blend:
        if pattern not in self._made:
            columns, state = (
                pattern_columns(self._features.tolist(), pattern),
                self._states[pattern],
            )
            with refusing_damage(f"sub-model {pattern_name(pattern)}"):
                blend = Blend.from_state(state, self._features[columns])
            # Of two threads that made it at once, both go on with the same one.
            return self._made.setdefault(pattern, blend)
        return self._made[pattern]

    def __contains__(self, pattern: object) -> bool:
        return pattern in self._states

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
