"""Tables of a study by sample: those of some samples, in their order."""

from __future__ import annotations

import pandas as pd


def in_order(names: pd.Index, samples: pd.Index) -> pd.Index:
    """The samples that are among the names, in the order of the samples."""
    # Not by `isin`, which would look at all of the names for a few samples.
    return samples[names.get_indexer(samples) >= 0]


def rows_of(table: pd.DataFrame | None, samples: pd.Index) -> pd.DataFrame | None:
    """Rows of a table of samples x features; None where there is no table."""
    return None if table is None else table.loc[in_order(table.index, samples)]


def calls_of(calls: pd.DataFrame | None, samples: pd.Index) -> pd.DataFrame | None:
    """Calls (with a column `sample_id`) in the order of the samples; None where there are none."""
    if calls is None:
        return None
    order = samples.get_indexer(pd.Index(calls["sample_id"]))
    kept = calls.assign(order=order)[order >= 0]
    return kept.sort_values("order", kind="stable").drop(columns="order").reset_index(drop=True)
