"""What each feature contributes to a blend's prediction: all features, some, or the largest.

The compiled loops are imported inside the functions, because they import numba.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from sidestep.features.few_rows import few_rows

if TYPE_CHECKING:
    from sidestep.models.estimators.blend import Blend

# Values of rows that are looked at together: so many stay in the processor's cache while one blend
# after the other is asked about them.
_TOGETHER = 2**16


@dataclass(frozen=True)
class Members:
    """What the members of a blend predict of some rows.

    Attributes
    ----------
    predictions : ndarray of shape (n_rows, 3)
        Of ridge, trees and marker, in response units.
    marked : ndarray of bool, shape (n_rows,)
        Whether a row has the marker.
    """

    predictions: np.ndarray
    marked: np.ndarray

    @classmethod
    def of(cls, blend: Blend, rows: np.ndarray) -> Self:
        """Ask a blend about rows: float64, C order, the features of its `fit`."""
        return cls(blend.predict_members(rows), blend.marker_.read_rows(rows)[1] >= 0)

    @property
    def marker_alone(self) -> np.ndarray:
        """What the marker alone predicts, (n_rows,); NaN without the marker."""
        return np.where(self.marked, self.predictions[:, 2], np.nan)


class BlendContributions:
    """What the features of some rows contribute to a blend's prediction.

    Trees and marker are asked once. What the ridge adds follows from the rows at any time.

    Parameters
    ----------
    blend : Blend
    rows : ndarray of shape (n_rows, n_features)
        float64, C order, the features of the blend's `fit`.
    kept : ndarray of shape (n_rows, n_kept), float32, optional
        Those that the trees look at, where somebody has gathered them already.

    Attributes
    ----------
    members : Members
        What the ridge predicts of a row is known once its features have been gone through
        (`write`, `find_largest`).
    """

    def __init__(self, blend: Blend, rows: np.ndarray, kept: np.ndarray | None = None) -> None:
        self._blend, self._rows = blend, rows
        self._lines, self._linear = list(blend.ridge_.lines(rows)), np.empty(len(rows))
        trees, marker = blend.trees_, blend.marker_
        predicted = np.full((len(rows), 3), np.nan)
        predicted[:, 1], self._shares, self._trees_base = (
            trees.explain_rows(rows) if kept is None else trees.explain_kept(kept)
        )
        self._marker_part, self._marker_column = marker.explain_rows(rows)
        predicted[:, 2] = marker.mean_ + self._marker_part
        self.members = Members(predicted, self._marker_column >= 0)

    @property
    def predicted(self) -> np.ndarray:
        """The blend's prediction, (n_rows,), once all features have been gone through."""
        return self._blend.blend(self.members.predictions)

    @property
    def base_value(self) -> np.ndarray:
        """What the blend predicts of the mean row, under each row's regimen, (n_rows,)."""
        bases = np.empty((len(self._rows), 3))
        bases[:, 0] = self._blend.ridge_.base_values(self._rows)
        bases[:, 1], bases[:, 2] = self._trees_base, self._blend.marker_.mean_
        return self._blend.blend(bases)

    def write(
        self,
        values: np.ndarray,
        places: np.ndarray,
        columns: np.ndarray,
        among: slice | None = None,
    ) -> None:
        """Write the contributions of all features into rows of a larger table.

        Parameters
        ----------
        values : ndarray of shape (n_places, n_all_features)
            The table.
        places : ndarray of int, shape (n_rows,)
            Row of the table that each row's contributions are written to.
        columns : ndarray of int, shape (n_features,)
            Column of the table of each feature, ascending; all others of these rows become zero.
        among : slice, optional
            The rows that are wanted, which lie side by side; all by default.
        """
        from sidestep.models.estimators.shares import write_contributions

        wanted = slice(0, len(self._rows)) if among is None else among
        for some, line in self._lines:
            write_contributions(
                self._rows, _within(some, wanted), *line, self._blend.weights_, self._shares,
                self._blend.trees_.columns_, self._marker_column, self._marker_part, places,
                columns, values, self._linear,
            )  # fmt: skip
        self._know_ridge(wanted)

    def of(self, asked: np.ndarray) -> np.ndarray:
        """Contributions of some columns of each row, 0 for a column of -1; the shape of `asked`."""
        from sidestep.models.estimators.shares import explain_asked

        of_asked = np.empty(asked.shape)
        for some, line in self._lines:
            explain_asked(
                self._rows, some, *line, self._blend.weights_, self._shares,
                self._blend.trees_.places_, self._marker_column, self._marker_part, asked, of_asked,
            )  # fmt: skip
        return of_asked

    def find_largest(
        self, order: np.ndarray, asked: np.ndarray, found: LargestContributions, among: slice
    ) -> None:
        """Write the largest contributions of some rows, and those asked about, into `found`.

        Parameters
        ----------
        order, asked
            As for `largest_contributions`, of this blend.
        found : LargestContributions
        among : slice
            The rows that are wanted, which lie side by side.
        """
        from sidestep.models.estimators.shares import explain_largest

        for some, line in self._lines:
            explain_largest(
                self._rows, _within(some, among), *line, self._blend.weights_, self._shares,
                self._blend.trees_.columns_, self._blend.trees_.places_, self._marker_column,
                self._marker_part, order, asked, found.columns, found.values, found.asked,
                self._linear,
            )  # fmt: skip
        self._know_ridge(among)

    def _know_ridge(self, some: slice) -> None:
        """Take what the linear parts of some rows sum up to as the ridge's prediction."""
        base = self._blend.ridge_.base_values(self._rows[some])
        self.members.predictions[some, 0] = base + self._linear[some]


@dataclass(frozen=True)
class LargestContributions:
    """What a blend predicts of some rows, and by which features most.

    Attributes
    ----------
    members : Members
    columns : ndarray of int, shape (n_rows, n_largest)
        Of the features with the largest contributions, the largest first.
    values : ndarray of shape (n_rows, n_largest)
        Their contributions to the blend's prediction, in response units.
    asked : ndarray of shape (n_rows, n_asked)
        Those of the features that were asked about.
    """

    members: Members
    columns: np.ndarray
    values: np.ndarray
    asked: np.ndarray


def largest_contributions(
    blends: Sequence[Blend],
    rows: np.ndarray,
    order: np.ndarray,
    asked: Sequence[np.ndarray],
    top_k: int,
) -> list[LargestContributions]:
    """Predict rows by several blends, with the largest contributions and those asked about.

    It takes a fraction of the time and memory of `BlendContributions.write`, which has all
    contributions. All blends look at a few rows before any looks at the next: there are more values
    than fit into the processor's cache, and to read them takes longer than to reckon with them.

    Parameters
    ----------
    blends : sequence of Blend
        Of the same features.
    rows : ndarray of shape (n_rows, n_features)
        float64, C order, the features of the blends' `fit`.
    order : ndarray of int, shape (n_features,)
        Of equal magnitudes the one of the lower number comes first.
    asked : sequence of ndarray of int, shape (n_rows, n_asked)
        For each blend columns, each once a row; -1 for a feature that the blend lacks.
    top_k : int
        Contributions that are found, of each blend and row.

    Returns
    -------
    list of LargestContributions
        One a blend.
    """
    shape, answers = (len(rows), min(top_k, rows.shape[1])), []
    for blend, kept, columns in zip(blends, _kept_by_trees(blends, rows), asked, strict=True):
        said = BlendContributions(blend, rows, kept)
        largest, values = np.empty(shape, dtype=np.int64), np.empty(shape)
        found = LargestContributions(said.members, largest, values, np.empty(columns.shape))
        answers.append((said, columns, found))
    for some in few_rows(len(rows), rows.shape[1], _TOGETHER):
        for said, columns, found in answers:
            said.find_largest(order, columns, found, some)
    return [found for _, _, found in answers]


def _kept_by_trees(blends: Sequence[Blend], rows: np.ndarray) -> Iterator[np.ndarray]:
    """Values of the features that each blend's trees look at, (n_rows, n_kept), float32."""
    kept = [np.empty((len(rows), len(blend.trees_.columns_)), np.float32) for blend in blends]
    for some in few_rows(len(rows), rows.shape[1], _TOGETHER):
        for values, blend in zip(kept, blends, strict=True):
            values[some] = rows[some, blend.trees_.columns_]
    while kept:
        yield kept.pop(0)


def _within(some: np.ndarray, among: slice) -> np.ndarray:
    """Those of ascending rows that lie in a slice of all."""
    return some[slice(*np.searchsorted(some, (among.start, among.stop)))]
