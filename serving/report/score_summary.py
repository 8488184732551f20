"""What do all samples' scores come to? A few numbers a sample and drug, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

#: Parts of the resistance percentile, from 0 to 100, in which samples are counted.
BINS = 10
#: Columns that are looked at.
COLUMNS = ["sample_id", "drug", "call", "resistance_percentile"]


@dataclass(frozen=True)
class ScoreSummary:
    """All scores in short.

    Attributes
    ----------
    samples : sequence of str
        Scored samples, in study order.
    resistance : numpy.ndarray
        Each sample's mean resistance percentile over the drugs that it has a call for; NaN where
        it has none.
    bins : dict of str to ndarray of shape (`BINS` + 1,)
        Drug -> samples in each tenth of the percentile, and those without a call.
    """

    samples: Sequence[str]
    resistance: np.ndarray
    bins: dict[str, np.ndarray]

    def most_resistant(self, count: int) -> list[str]:
        """Samples with the highest resistance, in study order; those without a call come last."""
        order = np.argsort(-np.nan_to_num(self.resistance, nan=-1.0), kind="stable")
        return [self.samples[at] for at in np.sort(order[:count]).tolist()]


def summary_of(batches: Iterable[pa.RecordBatch]) -> ScoreSummary:
    """Sum up rows with `COLUMNS`, a sample's together, piece by piece."""
    sums: list[pd.DataFrame] = []
    bins: dict[str, np.ndarray] = {}
    for batch in batches:
        rows = batch.to_pandas()
        told = rows["resistance_percentile"].where(rows["call"] != "abstain")
        sums.append(told.groupby(rows["sample_id"], sort=False).agg(["sum", "count"]))
        # NaN counts as without a call.
        tenth = np.minimum(told.fillna(100.0 * BINS) // (100 / BINS), BINS).astype(int)
        tenth[told == 100.0] = BINS - 1
        for drug, places in tenth.groupby(rows["drug"], sort=False):
            counts = np.bincount(places, minlength=BINS + 1)
            bins[str(drug)] = bins.get(str(drug), 0) + counts
    # A sample at the end of one piece may be the first of the next.
    whole = pd.concat(sums).groupby(level=0, sort=False).sum()
    with np.errstate(invalid="ignore"):
        resistance = whole["sum"].to_numpy(float) / whole["count"].to_numpy(float)
    return ScoreSummary([str(sample) for sample in whole.index], resistance, bins)
