"""Calls of many samples: how are those of a few found without looking at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class CallIndex:
    """Mutations or fusions, in the order of the samples.

    Attributes
    ----------
    calls : pandas.DataFrame
        One call a row, without its sample.
    samples : pandas.Index
    starts : numpy.ndarray of shape (n_samples + 1,)
        First call of each sample, and the number of calls.
    """

    calls: pd.DataFrame
    samples: pd.Index
    starts: np.ndarray

    @classmethod
    def of(cls, calls: pd.DataFrame, samples: pd.Index) -> Self:
        """Index of calls with a column `sample_id`; those of other samples are left out."""
        named = calls["sample_id"].astype("category").cat
        places = samples.get_indexer(named.categories)[named.codes]
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        starts = np.searchsorted(places[order], np.arange(len(samples) + 1))
        return cls(calls.drop(columns="sample_id").iloc[order], samples, starts)

    def of_samples(self, samples: pd.Index) -> pd.DataFrame:
        """Calls of some samples in their order, with the column `sample_id` first, as text."""
        places = self.samples.get_indexer(samples)
        firsts, ends = self.starts[places], self.starts[places + 1]
        rows = np.concatenate(
            [np.arange(*span) for span in zip(firsts, ends, strict=True)] or [np.empty(0, int)]
        )
        found = self.calls.iloc[rows].astype("str").reset_index(drop=True)
        names = pd.Series(samples.repeat(ends - firsts), dtype="str")
        found.insert(0, "sample_id", names.to_numpy(), allow_duplicates=False)
        return found.astype({"sample_id": "str"})
