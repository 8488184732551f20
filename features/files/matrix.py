"""A matrix of samples x features, of which some samples are read, be it in memory or on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some


class SampleRows(Protocol):
    """Numbers of samples, a row a sample, wherever they lie."""

    def take(self, places: np.ndarray) -> np.ndarray:
        """Rows at these places, float64, (n_places, n_columns); NaN where missing."""


@dataclass(frozen=True)
class HeldRows:
    """Rows in memory."""

    values: np.ndarray

    def take(self, places: np.ndarray) -> np.ndarray:
        """See `SampleRows.take`."""
        return np.asarray(self.values[places])


@dataclass(frozen=True)
class Matrix:
    """A modality's numbers, by sample and feature.

    Attributes
    ----------
    rows : SampleRows
        As the file has them.
    samples : pandas.Index
        Profiled samples.
    places : numpy.ndarray
        Row of each profiled sample.
    names : pandas.Index
        Feature of each column that is kept; columns of one name are averaged.
    columns : numpy.ndarray or None
        Which columns of `rows` these are; None for all.
    """

    rows: SampleRows
    samples: pd.Index
    places: np.ndarray
    names: pd.Index
    columns: np.ndarray | None = None

    def frame(self, samples: pd.Index) -> pd.DataFrame:
        """The profiled ones of `samples` x features, in their order.

        What is read of one sample does not depend on the others.
        """
        at = self.samples.get_indexer(samples)
        values = self.rows.take(self.places[at[at >= 0]])
        if self.columns is not None:
            values = values[:, self.columns]
        return _averaged(pd.DataFrame(values, index=samples[at >= 0], columns=self.names))


def note_repeated(names: pd.Index, file: str, what: str, findings: Findings) -> None:
    """Note which features several rows of a file have, which are to be averaged."""
    repeated = names.duplicated(keep=False)
    if repeated.any():
        shared = list(names[repeated].unique())
        findings.note(
            f"{file}: {int(repeated.sum())} rows of {len(shared)} repeated {what}(s) are averaged "
            f"sample by sample: {some(shared)}.",
            file,
        )


def _averaged(table: pd.DataFrame) -> pd.DataFrame:
    """Average the columns that share a name, sample by sample, over the values present."""
    repeated = table.columns.duplicated(keep=False)
    if not repeated.any():
        return table
    means = table.loc[:, repeated].T.groupby(level=0, sort=False).mean().T
    return pd.concat([table.loc[:, ~repeated], means], axis=1)[table.columns.unique()]
