"""Shares of states and clusters as attributes of the samples, to learn from."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.cells.measures import MEASURED, CellResults

#: Upper end of a share -> its word; fixed, so that samples of any table compare.
BANDS: Final = ((0.05, "few"), (0.25, "some"), (0.75, "many"), (1.0, "most"))


def cell_attributes(found: CellResults) -> pd.DataFrame:
    """What cells say of each sample, a column an attribute; the index names samples.

    ``RESTING_CELLS`` and the like are words (few: at most 5 % of the cells, some: at most 25 %,
    many: at most 75 %, most) that `train --clinical` learns from; ``RESTING_SHARE`` and the like
    are numbers. What is not told is missing.
    """
    rows: dict[str, dict[str, str]] = {}
    for sample in dict.fromkeys(found.markers["sample"]):
        rows[str(sample)] = {}
    for row in found.shares.to_dict("records"):
        if row["status"] != MEASURED:
            continue
        name = re.sub(r"[^A-Z0-9]+", "_", str(row["state"]).upper()).strip("_")
        told = rows[str(row["sample"])]
        told[f"{name}_SHARE"] = f"{row['share']:.4g}"
        told[f"{name}_CELLS"] = band_of(float(row["share"]))
    for sample, evenness in found.clusters.evenness.items():
        if np.isfinite(evenness):
            rows[sample]["CLUSTER_EVENNESS"] = f"{evenness:.4g}"
    frame = pd.DataFrame.from_dict(rows, orient="index")
    counts = found.markers.groupby("sample", sort=False)["cells"].max()
    frame.insert(0, "MEASURED_CELLS", [str(counts[sample]) for sample in frame.index])
    return frame


def band_of(share: float) -> str:
    """Word of a share.

    Examples
    --------
    >>> band_of(0.02), band_of(0.3)
    ('few', 'many')
    """
    return next(word for end, word in BANDS if share <= end)
