"""A file of genes x samples: how do its numbers become samples' rows, in memory or on disk?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from features.large_tables import LargeTable
from features.limits import readable_size, table_limits
from features.matrix import HeldRows, Matrix, SampleRows
from features.matrix_store import MatrixStore
from features.problems import Problem, StudyError, study_error
from features.sample_major import SampleMajorTable
from features.tables import MOST_CELLS, Table
from features.value_sketch import ValueSketch

# Of what is kept in a store: raise it when other numbers or facts are made of the same file, so
# that what an older version laid out is not taken for them.
_LAYOUT = 1
AnyTable = Table | LargeTable | SampleMajorTable


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
    sketch : ValueSketch
        Of all numbers; its rows are features, its columns samples.
    """

    text: pd.DataFrame
    lines: np.ndarray
    rows: SampleRows
    measured: np.ndarray
    sketch: ValueSketch

    def matrix(
        self, samples: Sequence[str], names: pd.Index, columns: np.ndarray | None = None
    ) -> Matrix:
        """The numbers by sample and feature, without samples that have none.

        Parameters
        ----------
        samples : sequence of str
            Sample of each row of `rows`.
        names, columns
            As in `features.matrix.Matrix`.
        """
        places = np.flatnonzero(self.measured)
        profiled = pd.Index([samples[at] for at in places.tolist()], dtype="str", name="sample_id")
        return Matrix(self.rows, profiled, places, names, columns)


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
        Where cells are no numbers; see `features.tables.Table.split`.
    """
    if isinstance(table, SampleMajorTable):
        return _of_sample_major(table, store)
    seen = _SeenText(len(numbers), tuple(text))
    if isinstance(table, Table) or store is None:
        blocks = list(seen.each_block(table, numbers))
        return seen.told(HeldRows((blocks[0] if len(blocks) == 1 else np.vstack(blocks)).T))
    made_of = {"layout": _LAYOUT, "text": table.digest, "columns": [list(text), list(numbers)]}
    rows, state = store.rows(
        made_of, len(numbers), lambda: seen.each_block(table, numbers), lambda: seen.state
    )
    return _SeenText.from_state(len(numbers), state).told(rows)


def _of_sample_major(table: SampleMajorTable, store: MatrixStore | None) -> MatrixRows:
    """Numbers of a sample-major file: held, left where they are, or else stored."""
    n_samples = len(table.file.samples)
    seen = _Seen(n_samples)
    rows = table.file.rows
    if store is None:
        _require_holdable(table)
        held = np.empty((n_samples, len(table)))
        for feature, sample, values in seen.each(table):
            held[sample : sample + values.shape[1], feature : feature + len(values)] = values.T
        rows = HeldRows(held)
    elif rows is not None:
        for _ in seen.each(table):
            pass
    else:
        rows, state = store.rows(
            {"layout": _LAYOUT, "sample_major": table.digest},
            n_samples,
            lambda: (values for _, _, values in seen.each(table)),
            lambda: seen.state,
        )
        seen = _Seen.from_state(n_samples, state)
    lines = np.arange(1, len(table) + 1)
    return MatrixRows(table.text(), lines, rows, seen.measured, seen.sketch)


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


class _Seen:
    """What has been seen of a matrix while it was read."""

    def __init__(self, n_samples: int) -> None:
        self.measured = np.zeros(n_samples, dtype=bool)
        self.sketch = ValueSketch()

    def add(self, values: np.ndarray, feature: int, sample: int) -> None:
        """Look at features x samples."""
        self.sketch.add(values, feature, sample)
        self.measured[sample : sample + values.shape[1]] |= ~np.isnan(values).all(axis=0)

    def each(self, table: SampleMajorTable) -> Iterator[tuple[int, int, np.ndarray]]:
        """Blocks of a sample-major file, looked at."""
        for feature, sample, values in table.blocks():
            self.add(values, feature, sample)
            yield feature, sample, values

    @property
    def state(self) -> dict[str, Any]:
        """Plain values, from which `from_state` makes the same."""
        unmeasured = np.flatnonzero(~self.measured).tolist()
        return {"unmeasured": unmeasured, "sketch": self.sketch.state()}

    @classmethod
    def from_state(cls, n_samples: int, state: dict[str, Any]) -> Self:
        """What `state` described."""
        seen = cls(n_samples)
        seen.measured[:] = True
        seen.measured[state["unmeasured"]] = False
        seen.sketch = ValueSketch.from_state(state["sketch"])
        return seen


class _SeenText(_Seen):
    """What has been seen of a text file while it was read."""

    def __init__(self, n_samples: int, columns: Sequence[str] = ()) -> None:
        super().__init__(n_samples)
        self._columns = columns
        self._text: list[pd.DataFrame] = []
        self._lines: list[np.ndarray] = []

    def each_block(self, table: Table | LargeTable, numbers: Sequence[str]) -> Iterator[np.ndarray]:
        """Numbers of some rows at a time, looked at; cells that are none are told at the end."""
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

    def told(self, rows: SampleRows) -> MatrixRows:
        """All of it, with where the numbers are now."""
        text = pd.concat(self._text, ignore_index=True)
        return MatrixRows(text, np.concatenate(self._lines), rows, self.measured, self.sketch)

    @property
    def state(self) -> dict[str, Any]:
        """See `_Seen.state`."""
        text = pd.concat(self._text, ignore_index=True).astype(object)
        cells = {name: list(column) for name, column in text.where(text.notna(), None).items()}
        return {**super().state, "text": cells, "lines": np.concatenate(self._lines).tolist()}

    @classmethod
    def from_state(cls, n_samples: int, state: dict[str, Any]) -> Self:
        """What `state` described."""
        seen = super().from_state(n_samples, state)
        text = {name: pd.Series(cells, dtype="str") for name, cells in state["text"].items()}
        seen._text, seen._lines = [pd.DataFrame(text)], [np.asarray(state["lines"], dtype=int)]
        return seen
