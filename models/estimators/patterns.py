"""Modalities that a sample has, and the combinations of them that get a sub-model."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd

from sidestep.features.builders.names import MODALITIES, REGIMEN, modality_of

Pattern = tuple[str, ...]

#: A modality counts as measured if at least this share of its features is.
LEAST_SHARE = 0.2
# A signature sums up many genes: one is enough, as one category is.
_ONE_IS_ENOUGH = ("signature", "clinical")
#: Combinations that cohorts have: RNA with exome and copy number, RNA with exome, RPPA with
#: exome, panel sequencing with copy number, and each modality alone.
_COMMON: tuple[Pattern, ...] = (
    ("expression", "mutation", "copy_number"),
    ("expression", "mutation"),
    ("rppa", "mutation"),
    ("mutation", "copy_number"),
    ("expression",),
    ("rppa",),
    ("mutation",),
    ("copy_number",),
    ("signature",),
)
_OBSERVED_SHARE = 0.1
_FEWEST_LINES = 10


def pattern_name(pattern: Pattern) -> str:
    """Name of a pattern in a saved model; empty for one of clinical covariates alone."""
    return ";".join(pattern)


def pattern_named(name: str) -> Pattern:
    """Pattern that `pattern_name` named."""
    return tuple(name.split(";")) if name else ()


def pattern_columns(features: Iterable[str], pattern: Pattern) -> np.ndarray:
    """Columns that a sub-model sees: its modalities', clinical covariates, and regimens."""
    return _columns(tuple(features), pattern)


# The same tens of thousands of names are asked for again and again.
@functools.lru_cache(maxsize=64)
def _columns(features: tuple[str, ...], pattern: Pattern) -> np.ndarray:
    columns = np.flatnonzero(np.isin(_modalities(features), [*pattern, "clinical", REGIMEN]))
    columns.flags.writeable = False
    return columns


@functools.lru_cache(maxsize=8)
def _modalities(features: tuple[str, ...]) -> np.ndarray:
    return np.array([modality_of(name) for name in features], dtype=str)


def least_share(modality: str) -> float:
    """Share of a modality's features, more than none, from which on it counts as measured."""
    return 0.0 if modality in _ONE_IS_ENOUGH else LEAST_SHARE


def row_patterns(X: pd.DataFrame) -> list[Pattern]:
    """Molecular modalities that each row really has, in the order of `MODALITIES`."""
    measured = np.isfinite(X.to_numpy(float))
    modality = _modalities(tuple(X.columns.tolist()))
    molecular = [name for name in MODALITIES if name != "clinical" and (modality == name).any()]
    if not molecular:
        return [()] * len(X)
    share = {name: measured[:, modality == name].mean(axis=1) for name in molecular}
    has = np.array([(s > 0) & (s >= least_share(name)) for name, s in share.items()]).T
    return [tuple(np.array(molecular)[row].tolist()) for row in has]


def patterns_to_fit(X: pd.DataFrame) -> list[Pattern]:
    """Combinations of modalities that get a sub-model when it learns from the rows of `X`."""
    return patterns_among(row_patterns(X), X.columns.tolist())


def patterns_among(rows: Sequence[Pattern], features: Sequence[str]) -> list[Pattern]:
    """Combinations that get a sub-model: all modalities, those frequent in `rows`, common ones.

    The first is all modalities together; each has the modalities of at least ten lines. Where
    no line has enough of any modality, the first is all that there are `features` of.
    """
    named = set(_modalities(tuple(features)).tolist()) - {"clinical", REGIMEN}
    found = {name for row in rows for name in row} or named
    full = tuple(name for name in MODALITIES if name in found)
    frequent = [
        pattern
        for pattern in dict.fromkeys(rows)
        if pattern and rows.count(pattern) >= max(_FEWEST_LINES, _OBSERVED_SHARE * len(rows))
    ]
    candidates = [full, *sorted(frequent, key=lambda pattern: (-len(pattern), pattern)), *_COMMON]
    return [
        pattern
        for pattern in dict.fromkeys(candidates)
        if pattern == full or sum(set(pattern) <= set(row) for row in rows) >= _FEWEST_LINES
    ]


def best_pattern(has: Pattern, fitted: Collection[Pattern]) -> Pattern | None:
    """The fitted pattern with the most modalities, all of which a sample has; None if none is."""
    usable = [pattern for pattern in fitted if set(pattern) <= set(has)]
    return max(usable, key=len, default=None)
