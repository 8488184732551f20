"""A matrix of samples x features, of which some samples are read, be it in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some


class SampleRows(Protocol):
    """Numbers of samples, a row a sample, wherever they lie.

    Attributes
    ----------
    portable : bool
        Whether another process on this machine can take them, and no number need be sent to it.
    """

    @property
    def portable(self) -> bool: ...  # noqa: D102

    def take(self, places: np.ndarray) -> np.ndarray:
        """Rows at these places, float64, (n_places, n_columns); NaN where missing.

        They may be those in memory, which are not to be written to.
        """


@dataclass(frozen=True)
class HeldRows:
    """Rows in memory, of which neighbours are taken without a copy, read-only."""

    values: np.ndarray

    portable = False

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `SampleRows.take`."""
        if len(places) and (np.diff(places) == 1).all():
            part = self.values[places[0] : places[-1] + 1]
            part.flags.writeable = False
            return part
        return np.asarray(self.values[places])


@dataclass(frozen=True)
class ConvertedRows:
    """Rows of which other numbers are made when they are taken, each row by itself.

    Attributes
    ----------
    rows : SampleRows
    convert : callable
        Makes (n_samples, n_columns) of the same shape; of a row nothing but that row's numbers may
        be used, so that a sample reads the same alone and in a batch.
    """

    rows: SampleRows
    convert: Callable[[np.ndarray], np.ndarray]

    @property
    def portable(self) -> bool:
        """See `SampleRows`."""
        return self.rows.portable

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `SampleRows.take`."""
        return self.convert(self.rows.take(places))


@dataclass(frozen=True)
class Matrix:
    """A modality's numbers, by sample and feature.

    Attributes
    ----------
    rows : SampleRows
        As the file has them.
    samples : pandas.Index
        Profiled samples, and maybe others.
    places : numpy.ndarray
        Row of each sample; -1 where it is not profiled.
    names : pandas.Index
        Feature of each column that is kept; columns of one name become one.
    columns : numpy.ndarray or None
        Which columns of `rows` these are; None for all.
    extreme : bool
        Whether columns of one name become the number farthest from 0, missing where two are as far
        on either side, as fits calls; else they are averaged.
    """

    rows: SampleRows
    samples: pd.Index
    places: np.ndarray
    names: pd.Index
    columns: np.ndarray | None = None
    extreme: bool = False

    def frame(self, samples: pd.Index) -> pd.DataFrame:
        """The profiled ones of `samples` x features, in their order.

        What is read of one sample does not depend on the others.
        """
        places = self._places(samples)
        values = self.rows.take(places[places >= 0])
        if self.columns is not None:
            values = values[:, self.columns]
        table = pd.DataFrame(values, index=samples[places >= 0], columns=self.names, copy=False)
        return _one_each(table, _farthest if self.extreme else _mean)

    def of_samples(self, samples: pd.Index) -> Matrix:
        """The same by an index that others share, those that are not profiled among it."""
        return replace(self, samples=samples, places=self._places(samples))

    def _places(self, samples: pd.Index) -> np.ndarray:
        """Row of each sample; -1 where it is not profiled."""
        at = self.samples.get_indexer(samples)
        places = np.full(len(at), -1)
        places[at >= 0] = self.places[at[at >= 0]]
        return places


def note_repeated(
    names: pd.Index, file: str, what: str, findings: Findings, *, extreme: bool = False
) -> None:
    """Note which features several rows of a file have, and what becomes of them (see `Matrix`)."""
    repeated = names.duplicated(keep=False)
    if repeated.any():
        shared = list(names[repeated].unique())
        become = "give the call farthest from 0," if extreme else "are averaged"
        findings.note(
            f"{file}: {int(repeated.sum())} rows of {len(shared)} repeated {what}(s) {become} "
            f"sample by sample: {some(shared)}.",
            file,
        )


def _one_each(table: pd.DataFrame, combine: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Make one column of those that share a name, sample by sample, of the values present."""
    repeated = table.columns.duplicated(keep=False)
    if not repeated.any():
        return table
    combined = combine(table.loc[:, repeated])
    return pd.concat([table.loc[:, ~repeated], combined], axis=1)[table.columns.unique()]


def _mean(table: pd.DataFrame) -> pd.DataFrame:
    return table.T.groupby(level=0, sort=False).mean().T


def _farthest(table: pd.DataFrame) -> pd.DataFrame:
    """Number farthest from 0; missing where one as far lies on the other side."""
    groups = table.T.groupby(level=0, sort=False)
    lowest, highest = groups.min().T, groups.max().T
    farthest = highest.where(highest >= -lowest, lowest)
    return farthest.mask((highest == -lowest) & (highest != 0))
