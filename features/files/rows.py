"""A file of features x samples as rows of samples, in memory or on disk, and a sketch of them.

A matrix is read once, block by block, whatever the kind of its file (`read_matrix_rows`): its
numbers go to memory or to a store, and on the way a `ValueSketch` learns enough of them as a whole
to tell one kind of data from another. The sketch is the same in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import Problem, StudyError, study_error
from sidestep.features.files.large_tables import LargeTable
from sidestep.features.files.limits import readable_size, table_limits
from sidestep.features.files.matrix import ConvertedRows, HeldRows, Matrix, SampleRows
from sidestep.features.files.sample_major import SampleMajorTable
from sidestep.features.files.store import MatrixStore
from sidestep.features.files.tables import MOST_CELLS, Table

AnyTable = Table | LargeTable | SampleMajorTable
#: Copy-number calls of cBioPortal: from deep deletion to amplification.
CALLS = (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0)
# Numbers are counted by sign, exponent and the first 8 of 52 binary places: negative ones lie in
# the second half of the bins, and in either half sizes rise.
_PLACES = 8
_SHIFT = 52 - _PLACES
_SIZES = 2 ** (11 + _PLACES)
# Numbers looked at in one go: few enough that what is made of them stays in a core's cache.
_AT_ONCE = 2**15
# Of what is kept in a store: raise it when other numbers or facts are made of the same file, so
# that what an older version laid out is not taken for them.
_LAYOUT = 3
_ROWS_LOOKED_AT = 256
# A failed library: nearly all features have the lowest value that the sample has.
_FLAT_SHARE = 0.98
_FEWEST_FLAT = 10


@dataclass
class ValueSketch:
    """Sketch of the finite numbers that `add` was given.

    Attributes
    ----------
    count : int
    lowest, highest : float
        inf and -inf without any number.
    whole : bool
        Whether all are whole numbers.
    first_other : tuple of int, int and float, or None
        Row, column and value of a number that is no copy-number call (`CALLS`).
    total : int
        Sum of the 64 bits of every number; see `holds_the_same_as`.
    """

    count: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    whole: bool = True
    first_other: tuple[int, int, float] | None = None
    total: int = 0
    _bins: np.ndarray = field(default_factory=lambda: np.zeros(2 * _SIZES, dtype=np.int64))

    def add(self, values: np.ndarray, row: int = 0, column: int = 0) -> None:
        """Look at some numbers; NaN is none.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
        row, column : int
            Place of the first of them in the matrix.
        """
        every = values.ravel(order="K")
        for start in range(0, len(every), _AT_ONCE):
            part = every[start : start + _AT_ONCE]
            numbers = np.add(part[np.isfinite(part)], 0.0, dtype=np.float64)  # no -0.0
            if len(numbers):
                self._add(numbers)
        if self.first_other is None:
            self._look_for_others(values, row, column)

    def _add(self, numbers: np.ndarray) -> None:
        self.count += len(numbers)
        self.lowest = min(self.lowest, float(numbers.min()))
        self.highest = max(self.highest, float(numbers.max()))
        self.whole = self.whole and bool((numbers == np.floor(numbers)).all())
        bits = numbers.view(np.uint64)
        np.add.at(self._bins, (bits >> np.uint64(_SHIFT)).view(np.int64), 1)
        self.total = (self.total + int(bits.sum(dtype=np.uint64))) % 2**64

    def _look_for_others(self, values: np.ndarray, row: int, column: int) -> None:
        # Some rows at a time: but in a file of calls, the first of them has one.
        for start in range(0, len(values), _ROWS_LOOKED_AT):
            part = values[start : start + _ROWS_LOOKED_AT]
            other = np.isfinite(part) & ~np.isin(part, CALLS)
            if other.any():
                i, j = divmod(int(other.argmax()), part.shape[1])
                self.first_other = (row + start + i, column + j, float(part[i, j]))
                return

    def size_at(self, share: float) -> float:
        """Size (absolute value) that this share of the numbers does not exceed.

        It is at most 0.4 % too small; NaN without numbers.
        """
        if not self.count:
            return float("nan")
        sizes = self._bins[:_SIZES] + self._bins[_SIZES:]
        return _size(int(np.searchsorted(np.cumsum(sizes), share * self.count)))

    def quantile(self, share: float) -> float:
        """Number that this share of the numbers does not exceed.

        Its size is at most 0.4 % too small; NaN without numbers.
        """
        if not self.count:
            return float("nan")
        rising = np.concatenate([self._bins[_SIZES:][::-1], self._bins[:_SIZES]])
        place = int(np.searchsorted(np.cumsum(rising), share * self.count))
        return -_size(_SIZES - 1 - place) if place < _SIZES else _size(place - _SIZES)

    @property
    def negative_share(self) -> float:
        """Share of the numbers that are below 0; NaN without numbers."""
        return float(self._bins[_SIZES:].sum()) / self.count if self.count else float("nan")

    def share_near(self, values: Sequence[float]) -> float:
        """Share of the numbers that are some values, or no more than 0.4 % larger in size."""
        if not self.count:
            return float("nan")
        bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)
        return float(self._bins[np.unique(bits >> np.uint64(_SHIFT))].sum()) / self.count

    def holds_the_same_as(self, other: ValueSketch) -> bool:
        """Whether two matrices hold the same numbers, in whatever order.

        As many lie in each bin, and what they have behind their first binary places adds up alike.
        """
        return self.total == other.total and np.array_equal(self._bins, other._bins)

    def state(self) -> dict[str, Any]:
        """Plain values, from which `from_state` makes the same sketch."""
        used = np.flatnonzero(self._bins)
        return {
            "count": self.count,
            "lowest": self.lowest,
            "highest": self.highest,
            "whole": self.whole,
            "first_other": self.first_other,
            "total": self.total,
            "bins": [used.tolist(), self._bins[used].tolist()],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Sketch that `state` described."""
        other = state["first_other"]
        sketch = cls(
            state["count"],
            state["lowest"],
            state["highest"],
            state["whole"],
            None if other is None else (other[0], other[1], other[2]),
            state["total"],
        )
        used, counts = state["bins"]
        sketch._bins[used] = counts
        return sketch


def _size(place: int) -> float:
    """Least size of a bin."""
    return float((np.uint64(place) << np.uint64(_SHIFT)).view(np.float64))


@dataclass(frozen=True)
class MatrixRows:
    """A file's numbers, and what its features are called.

    Attributes
    ----------
    text : pandas.DataFrame
        Text columns, a row a feature.
    lines : numpy.ndarray
        Line number of each feature.
    rows : SampleRows
        Samples in the order of the columns asked for, features in the order of the file.
    measured : numpy.ndarray
        Whether each sample has any number.
    flat : numpy.ndarray
        Whether nearly all numbers of a sample are its lowest one.
    sketch : ValueSketch
        Of all numbers; its rows are features, its columns samples.
    """

    text: pd.DataFrame
    lines: np.ndarray
    rows: SampleRows
    measured: np.ndarray
    flat: np.ndarray
    sketch: ValueSketch

    @classmethod
    def of_values(cls, values: np.ndarray) -> Self:
        """Numbers in memory, (n_samples, n_features), without text."""
        scan = _Scan(len(values))
        scan.add(values.T, 0, 0)
        lines = np.arange(1, values.shape[1] + 1)
        rows = HeldRows(values)
        return cls(pd.DataFrame(), lines, rows, scan.measured, scan.flat, scan.sketch)

    def converted(self, convert: Callable[[np.ndarray], np.ndarray]) -> Self:
        """The same with other numbers in each row, which are made when they are taken.

        The sketch remains that of the file's numbers.
        """
        return replace(self, rows=ConvertedRows(self.rows, convert))

    def without(self, samples: np.ndarray) -> Self:
        """The same, where some samples count as not measured."""
        return replace(self, measured=self.measured & ~samples)

    def matrix(
        self,
        samples: Sequence[str],
        names: pd.Index,
        columns: np.ndarray | None = None,
        *,
        extreme: bool = False,
    ) -> Matrix:
        """The numbers by sample and feature, without samples that have none.

        Parameters
        ----------
        samples : sequence of str
            Sample of each row of `rows`.
        names, columns, extreme
            As in `features.files.matrix.Matrix`.
        """
        places = np.flatnonzero(self.measured)
        profiled = pd.Index([samples[at] for at in places.tolist()], dtype="str", name="sample_id")
        return Matrix(self.rows, profiled, places, names, columns, extreme)


def read_matrix_rows(
    table: AnyTable,
    text: Sequence[str],
    numbers: Sequence[str],
    store: MatrixStore | None,
) -> MatrixRows:
    """Read text columns, and number columns as a matrix.

    A large table's matrix goes to the store, block by block; what is read is the same.

    Parameters
    ----------
    table : AnyTable
    text, numbers : sequence of str
        Columns; the first text column names a row in an error message. Of a sample-major file
        these are all.
    store : MatrixStore or None
        Where matrices go that are too large for memory; None if all are to be held.

    Raises
    ------
    StudyError
        Where cells are no numbers; see `features.files.tables.Table.split`.
    """
    if isinstance(table, SampleMajorTable):
        return _of_sample_major(table, store)
    scan = _TextScan(len(numbers), tuple(text))
    if isinstance(table, Table) or store is None:
        blocks = list(scan.each_block(table, numbers))
        return scan.matrix_rows(HeldRows((blocks[0] if len(blocks) == 1 else np.vstack(blocks)).T))
    made_of = {"layout": _LAYOUT, "text": table.digest, "columns": [list(text), list(numbers)]}
    rows, state = store.rows(
        made_of, len(numbers), lambda: scan.each_block(table, numbers), lambda: scan.state
    )
    return _TextScan.from_state(len(numbers), state).matrix_rows(rows)


def _of_sample_major(table: SampleMajorTable, store: MatrixStore | None) -> MatrixRows:
    """Numbers of a sample-major file: held, left where they are, or else stored."""
    n_samples = len(table.file.samples)
    scan = _Scan(n_samples)
    rows = table.file.rows
    if store is None:
        _require_holdable(table)
        held = np.empty((n_samples, len(table)))
        for feature, sample, values in scan.each(table):
            held[sample : sample + values.shape[1], feature : feature + len(values)] = values.T
        rows = HeldRows(held)
    elif rows is not None:
        for _ in scan.each(table):
            pass
    else:
        rows, state = store.rows(
            {"layout": _LAYOUT, "sample_major": table.digest},
            n_samples,
            lambda: (values for _, _, values in scan.each(table)),
            lambda: scan.state,
        )
        scan = _Scan.from_state(n_samples, state)
    lines = np.arange(1, len(table) + 1)
    return MatrixRows(table.text(), lines, rows, scan.measured, scan.flat, scan.sketch)


def _require_holdable(table: SampleMajorTable) -> None:
    """Refuse a file whose numbers would fill memory; it may be small, compressed as it is."""
    limits = table_limits()
    size = np.dtype(np.float64).itemsize * len(table.file.samples) * len(table)
    if size > limits.size:
        message = (
            f"{table.name} holds {readable_size(size)} of numbers, more than the "
            f"{readable_size(limits.size)} that Sidestep reads; {limits.advice}."
        )
        raise study_error(message, table.name)


class _Scan:
    """What has been learnt of a matrix while it was read."""

    def __init__(self, n_samples: int) -> None:
        self._counts = np.zeros(n_samples, dtype=np.int64)
        self._lowest = np.full(n_samples, np.inf)
        self._at_lowest = np.zeros(n_samples, dtype=np.int64)
        self.sketch = ValueSketch()

    def add(self, values: np.ndarray, feature: int, sample: int) -> None:
        """Look at features x samples."""
        self.sketch.add(values, feature, sample)
        if not values.size:
            return
        at = slice(sample, sample + values.shape[1])
        self._counts[at] += np.count_nonzero(~np.isnan(values), axis=0)
        lowest = np.fmin(self._lowest[at], np.fmin.reduce(values, axis=0))
        self._at_lowest[at] = np.where(lowest < self._lowest[at], 0, self._at_lowest[at])
        self._at_lowest[at] += np.count_nonzero(values == lowest, axis=0)
        self._lowest[at] = lowest

    @property
    def measured(self) -> np.ndarray:
        """Whether each sample has any number."""
        return np.asarray(self._counts > 0)

    @property
    def flat(self) -> np.ndarray:
        """Whether nearly all numbers of each sample, of ten at least, are its lowest one."""
        return np.asarray(
            (self._counts >= _FEWEST_FLAT) & (self._at_lowest >= _FLAT_SHARE * self._counts)
        )

    def each(self, table: SampleMajorTable) -> Iterator[tuple[int, int, np.ndarray]]:
        """Blocks of a sample-major file, added as they come."""
        for feature, sample, values in table.blocks():
            self.add(values, feature, sample)
            yield feature, sample, values

    @property
    def state(self) -> dict[str, Any]:
        """Plain values, from which `from_state` makes the same."""
        return {
            "counts": self._counts.tolist(),
            "at_lowest": self._at_lowest.tolist(),
            "sketch": self.sketch.state(),
        }

    @classmethod
    def from_state(cls, n_samples: int, state: dict[str, Any]) -> Self:
        """What `state` described."""
        scan = cls(n_samples)
        scan._counts[:] = state["counts"]
        scan._at_lowest[:] = state["at_lowest"]
        scan.sketch = ValueSketch.from_state(state["sketch"])
        return scan


class _TextScan(_Scan):
    """What has been learnt of a text file while it was read."""

    def __init__(self, n_samples: int, columns: Sequence[str] = ()) -> None:
        super().__init__(n_samples)
        self._columns = columns
        self._text: list[pd.DataFrame] = []
        self._lines: list[np.ndarray] = []

    def each_block(self, table: Table | LargeTable, numbers: Sequence[str]) -> Iterator[np.ndarray]:
        """Numbers of some rows at a time, added; at the end StudyError for cells that are none."""
        problems: list[Problem] = []
        for block in table.blocks():
            try:
                values = block.numbers(numbers, self._columns[0])
            except StudyError as error:
                problems += error.problems
                if len(problems) >= MOST_CELLS:
                    break
                continue
            if not problems:
                self.add(values, sum(map(len, self._lines)), 0)
                self._text.append(block.text(self._columns))
                self._lines.append(block.lines)
                yield values
        if problems:
            raise StudyError(problems[:MOST_CELLS])

    def matrix_rows(self, rows: SampleRows) -> MatrixRows:
        """All that the file holds, its numbers in `rows`."""
        text = pd.concat(self._text, ignore_index=True)
        lines = np.concatenate(self._lines)
        return MatrixRows(text, lines, rows, self.measured, self.flat, self.sketch)

    @property
    def state(self) -> dict[str, Any]:
        """See `_Scan.state`."""
        text = pd.concat(self._text, ignore_index=True).astype(object)
        cells = {name: list(column) for name, column in text.where(text.notna(), None).items()}
        return {**super().state, "text": cells, "lines": np.concatenate(self._lines).tolist()}

    @classmethod
    def from_state(cls, n_samples: int, state: dict[str, Any]) -> Self:
        """What `state` described."""
        scan = super().from_state(n_samples, state)
        text = {name: pd.Series(cells, dtype="str") for name, cells in state["text"].items()}
        scan._text, scan._lines = [pd.DataFrame(text)], [np.asarray(state["lines"], dtype=int)]
        return scan
