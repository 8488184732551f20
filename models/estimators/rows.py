"""Some samples' features as models read them: dense, and sorted by who predicts whom."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.models.estimators.patterns import Pattern, best_pattern, pattern_columns, row_patterns


class FeatureRows:
    """Features of some samples, and all that sub-models need of them, each thing worked out once.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_features)
        NaN where not measured. It must not change from then on.

    Attributes
    ----------
    frame : DataFrame of shape (n_samples, n_features)
    values : ndarray of shape (n_samples, n_features), float64, C order
        Read-only, as all parts of it are: loops are compiled anew for what could be written to.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.values = _read_only(np.ascontiguousarray(frame.to_numpy(float)))
        self._checked: list[np.ndarray] = []
        self._sorted: dict[tuple[Pattern, ...], dict[Pattern | None, np.ndarray]] = {}
        self._columns: dict[Pattern, np.ndarray] = {}
        self._parts: dict[tuple[Pattern, bytes], np.ndarray] = {}
        self._lacking: dict[tuple[Pattern, bytes], np.ndarray] = {}

    @staticmethod
    def of(features: pd.DataFrame | FeatureRows) -> FeatureRows:
        """Rows of a table; rows are given back as they are."""
        return features if isinstance(features, FeatureRows) else FeatureRows(features)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def names(self) -> list[str]:
        """Of the features."""
        return [str(name) for name in self.frame.columns.tolist()]

    @cached_property
    def patterns(self) -> list[Pattern]:
        """Molecular modalities that each sample has."""
        return row_patterns(self.frame)

    def require(self, names: np.ndarray) -> None:
        """Refuse features that are not those, in that order, that a model learned from.

        Raises
        ------
        InputError
        """
        if any(names is known for known in self._checked):
            return
        found = np.asarray(self.frame.columns, dtype=object)
        if not np.array_equal(found, names):
            missing = sorted(set(names) - set(found))
            raise InputError(
                f"X does not have the columns of fit in their order ({len(missing)} missing"
                f"{': ' + ', '.join(missing[:3]) if missing else ''}); "
                "build it with the joiner of the training"
            )
        self._checked.append(names)

    def by_pattern(self, fitted: Collection[Pattern]) -> dict[Pattern | None, np.ndarray]:
        """Rows that each of some sub-models predicts (`models.estimators.patterns.best_pattern`).

        None stands for rows without any usable modality.
        """
        key = tuple(fitted)
        if key not in self._sorted:
            best = {has: best_pattern(has, key) for has in set(self.patterns)}
            chosen = [best[has] for has in self.patterns]
            self._sorted[key] = {
                pattern: np.flatnonzero([other == pattern for other in chosen])
                for pattern in dict.fromkeys(chosen)
            }
        return self._sorted[key]

    def columns(self, pattern: Pattern) -> np.ndarray:
        """Columns that a sub-model sees."""
        if pattern not in self._columns:
            self._columns[pattern] = pattern_columns(self.names, pattern)
        return self._columns[pattern]

    def part(self, pattern: Pattern, rows: np.ndarray) -> np.ndarray:
        """Values of some rows in the columns that a sub-model sees, float64, C order."""
        key = (pattern, rows.tobytes())
        if key not in self._parts:
            columns = self.columns(pattern)
            if len(rows) == len(self) and (np.diff(rows) == 1).all():
                everywhere = len(columns) == self.values.shape[1]
                part = self.values if everywhere else self.values[:, columns]
            else:
                part = self.values[np.ix_(rows, columns)]
            self._parts[key] = _read_only(np.ascontiguousarray(part))
        return self._parts[key]

    def lacking(self, pattern: Pattern, rows: np.ndarray) -> np.ndarray:
        """How many of the features that a sub-model sees each of some rows lacks, (n_rows,)."""
        key = (pattern, rows.tobytes())
        if key not in self._lacking:
            self._lacking[key] = np.isnan(self.part(pattern, rows)).sum(axis=1)
        return self._lacking[key]


def _read_only(values: np.ndarray) -> np.ndarray:
    """The same values, which nobody can change through what is given back."""
    seen = values.view()
    seen.flags.writeable = False
    return seen
