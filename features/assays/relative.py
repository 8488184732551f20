"""Values relative to the untreated control, and growth at time 0, of every treated well.

A well's control is found by the closest match: the tag that ties them, the same plate and
replicate, the same plate, the same replicate, the same line and condition at the same time. Several
control wells become one number by their interquartile mean, which one bad well does not move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.assays.readings import BLANK, CONTROL, TIME0, TREATED, Readings

#: Which columns a well shares with its controls, the closest match first.
_CONTROL_KEYS: tuple[tuple[str, ...], ...] = (
    ("tag",),
    ("file", "plate", "replicate", "sample", "condition", "time"),
    ("file", "plate", "sample", "condition", "time"),
    ("replicate", "sample", "condition", "time"),
    ("sample", "condition", "time"),
    ("sample", "condition"),
)
#: For controls that name no sample, such as the DMSO wells of a plate of one line.
_PLATE_KEYS: tuple[tuple[str, ...], ...] = (
    ("file", "plate", "replicate", "condition", "time"),
    ("file", "plate", "condition", "time"),
)
_TIME0_KEYS: tuple[tuple[str, ...], ...] = (
    ("tag0",),
    ("file", "plate", "replicate", "sample", "condition"),
    ("replicate", "sample", "condition"),
    ("sample", "condition"),
    ("sample",),
)
_TRIM = 0.25


@dataclass(frozen=True)
class Doses:
    """Treated wells with what they are compared with.

    Attributes
    ----------
    wells : pandas.DataFrame
        Columns of `readings`, and ``relative`` (1: as the control; NaN where it has none),
        ``control_cv`` (spread over mean of its control wells; NaN of fewer than three) and
        ``control_wells``; ``control`` and ``time0`` are filled.
    is_signal : bool
        Whether values were signals, so that growth rates can be told.
    """

    wells: pd.DataFrame
    is_signal: bool


def relative_to_control(readings: Readings) -> Doses:
    """Divide every treated well by its controls; what is relative already is brought to 0 … 1."""
    wells = readings.wells
    signal = readings.kind == "signal"
    if signal and (wells["role"] == BLANK).any():
        wells = _less_blanks(wells)
    treated = wells[wells["role"] == TREATED].reset_index(drop=True)
    treated["control_cv"] = np.nan
    treated["control_wells"] = 0
    if not signal:
        return Doses(treated.assign(relative=_as_fraction(treated["value"], readings.kind)), False)
    controls = wells[wells["role"] == CONTROL]
    anonymous = controls["sample"] == ""
    found = _matched(treated, controls[~anonymous], _CONTROL_KEYS)
    found = found.fillna(_matched(treated, controls[anonymous], _PLATE_KEYS))
    time0 = _matched(treated, wells[wells["role"] == TIME0], _TIME0_KEYS)
    treated["control"] = treated["control"].fillna(found["middle"])
    treated["control_cv"] = found["spread"]
    treated["control_wells"] = found["count"].fillna(0).astype(int)
    treated["time0"] = treated["time0"].fillna(time0["middle"])
    usable = treated["control"].where(treated["control"] > 0)
    return Doses(treated.assign(relative=treated["value"] / usable), True)


def _as_fraction(values: pd.Series, kind: str) -> pd.Series:
    """Values relative to the control, 1 without effect."""
    share = values / 100 if kind.startswith("percent") or kind == "activity" else values
    if kind == "activity":
        return 1 + share
    return 1 - share if "inhibition" in kind else share


def _less_blanks(wells: pd.DataFrame) -> pd.DataFrame:
    """Signals less the mean of the plate's wells without cells."""
    blanks = wells[wells["role"] == BLANK].groupby(["file", "plate"])["value"].mean()
    keys = pd.MultiIndex.from_frame(wells[["file", "plate"]])
    return wells.assign(value=wells["value"] - blanks.reindex(keys).fillna(0.0).to_numpy())


def _matched(
    treated: pd.DataFrame, others: pd.DataFrame, key_sets: Sequence[tuple[str, ...]]
) -> pd.DataFrame:
    """Middle, spread and count of the wells that match each treated one most closely."""
    result = pd.DataFrame(np.nan, index=treated.index, columns=["middle", "spread", "count"])
    others = others[others["value"].notna()]
    for keys in key_sets:
        lacking = result["middle"].isna()
        if not lacking.any() or others.empty:
            break
        usable = others
        if keys[0] in ("tag", "tag0"):
            usable = others[others[keys[0]] != ""]
        # Wells of a table of their own tell no plate and no file of the treated wells.
        elif "file" in keys and not set(usable["file"]) & set(treated["file"]):
            continue
        if usable.empty:
            continue
        summary = _summary(usable, list(keys))
        index = pd.MultiIndex.from_frame(_comparable(treated.loc[lacking, list(keys)]))
        result.loc[lacking] = summary.reindex(index).to_numpy()
    return result


def _summary(wells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Middle, spread and count of the wells of each key."""
    frame = _comparable(wells[keys]).assign(value=wells["value"].to_numpy())
    ordered = frame.sort_values([*keys, "value"], kind="stable")
    groups = ordered.groupby(keys, sort=True)["value"]
    rank, size = groups.cumcount(), groups.transform("size")
    cut = np.floor(_TRIM * size)
    inner = ordered[(rank >= cut) & (rank < size - cut)]
    middle = inner.groupby(keys, sort=True)["value"].mean()
    count, spread = groups.size(), groups.std()
    spread = (spread / middle).where(count >= 3)
    table = pd.DataFrame({"middle": middle, "spread": spread, "count": count.astype(float)})
    if len(keys) == 1:
        table.index = pd.MultiIndex.from_arrays([table.index], names=keys)
    return table


def _comparable(keys: pd.DataFrame) -> pd.DataFrame:
    """Keys of which a missing number equals a missing number."""
    if "time" not in keys:
        return keys
    return keys.assign(time=keys["time"].fillna(-1.0))
