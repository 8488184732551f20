"""Tables of cells whose truth is known. Simulated: no cell was ever seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd


def cells(
    low: Mapping[str, float],
    count: int = 1500,
    *,
    resting: float = 0.3,
    fields: int = 0,
    seed: int = 0,
    log: bool = False,
) -> pd.DataFrame:
    """Levels of HER2, Ki-67 and two proteins of one population; sample -> part that is HER2-low."""
    rng = np.random.default_rng(seed)
    parts = []
    for sample, share in low.items():
        her2_low = np.arange(count) < round(share * count)
        rests = rng.permutation(np.arange(count) < round(resting * count))
        levels = {
            "C_HER2": np.where(her2_low, rng.normal(7, 0.6, count), rng.normal(11, 0.6, count)),
            "N_Ki67": np.where(rests, rng.normal(5, 0.5, count), rng.normal(8, 0.7, count)),
            "EGFR": rng.normal(8, 0.8, count),
            "MET": rng.gamma(4, 0.3, count) + 5,
        }
        told = {"sample": sample, "CellID": [f"{sample}-{n}" for n in range(count)]}
        if fields:
            told["field"] = rng.integers(fields, size=count).tolist()
        frame = pd.DataFrame(told | {k: v if log else 2**v for k, v in levels.items()})
        parts.append(frame.sample(frac=1, random_state=seed))
    return pd.concat(parts, ignore_index=True)


def written(folder: Path, table: pd.DataFrame, name: str = "cells.csv") -> Path:
    """The table as a file."""
    path = folder / name
    if name.endswith(".parquet"):
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path
