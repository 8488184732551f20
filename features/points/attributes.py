"""Dimers and cells without them as attributes of the samples, to learn from."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.points.patterns import ABSENT, PRESENT

_WORDS: Final = {PRESENT: "present", ABSENT: "none shown"}


def dimer_attributes(groups: pd.DataFrame) -> pd.DataFrame:
    """What label positions say of each sample, a column an attribute.

    Parameters
    ----------
    groups : pandas.DataFrame
        As of `PointResults`.

    Returns
    -------
    pandas.DataFrame
        The index names samples. ``DIMER_FREE_CELLS`` (``present``, ``none shown``) and
        ``LABEL_ARRANGEMENT`` are words that `train --clinical` learns from; ``LABELS``,
        ``DIMER_FRACTION`` and ``DIMER_FREE_SHARE`` are numbers. Where labels are of several kinds
        each has its own, such as ``HER2_DIMER_FRACTION``; what is not told is missing.
    """
    whole = groups[(groups["state"] == "") & (groups["against"] == "")]
    several = whole["kind"].nunique() > 1
    rows: dict[str, dict[str, Any]] = {}
    for row in whole.to_dict("records"):
        lead = re.sub(r"[^A-Z0-9]+", "_", f"{row['kind']} ".upper()) if several else ""
        told = rows.setdefault(str(row["sample"]), {})
        told[f"{lead}LABELS"] = str(row["labels"])
        told[f"{lead}LABEL_ARRANGEMENT"] = row.get("arrangement", np.nan)
        for name, column in (
            ("DIMER_FRACTION", "dimer_fraction"),
            ("DIMER_FREE_SHARE", "dimer_free"),
        ):
            value = row.get(column, np.nan)
            told[f"{lead}{name}"] = f"{value:.4g}" if pd.notna(value) else np.nan
        told[f"{lead}DIMER_FREE_CELLS"] = _WORDS.get(row.get("dimer_free_cells", ""), np.nan)
    return pd.DataFrame.from_dict(rows, orient="index").dropna(axis=1, how="all")
