"""Is a plate sound? Controls that drift, edges that differ, a window too small, rows exchanged.

Wells are held against what their curves expect of them, so that a plate of different drugs can be
judged as a whole. Only plates that tell the place of a well (``A01``) are judged by place.

References
----------
Zhang, Chung and Oldenburg, A simple statistical parameter for use in evaluation and validation of
high throughput screening assays, J Biomol Screen 4:67-73 (1999), doi 10.1177/108705719900400206
(Z').
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sidestep.features.assays.curves import CAP, Curves
from sidestep.features.assays.hill import hill
from sidestep.features.assays.readings import BLANK, CONTROL, Readings
from sidestep.features.assays.wells import place_of, row_name

#: Z' from which a window between controls and dead wells is good.
GOOD_WINDOW: Final = 0.5
_CONTROL_CV: Final = 0.2
_DRIFT: Final = 0.15
_EDGE: Final = 0.1
_ALPHA: Final = 0.01
# Exchanged, two rows must fit so much better, and fit badly as they are.
_SWAP_GAIN: Final = 0.25
_SWAP_SPREAD: Final = 0.15
_FEWEST: Final = 4


@dataclass(frozen=True)
class Plates:
    """Plates that tell the place of their wells, and what is wrong with them.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a plate: ``file, plate, wells, controls, control_cv, z_prime, drift, edge, swapped,
        problems``.
    maps : dict of tuple of str to numpy.ndarray
        (file, plate) -> signal relative to the control, rows x columns, NaN where no well is.
    """

    table: pd.DataFrame
    maps: dict[tuple[str, str], np.ndarray]

    def problems(self) -> list[str]:
        """A sentence a plate that has problems."""
        bad = self.table[self.table["problems"] != ""]
        named = zip(bad["file"], bad["plate"], bad["problems"], strict=True)
        return [f"{file}, plate {plate or '-'}: {words}" for file, plate, words in named]


def check_plates(readings: Readings, curves: Curves) -> Plates:
    """Judge each plate whose wells tell their place.

    Parameters
    ----------
    readings : Readings
        All wells, controls and blanks among them.
    curves : Curves
        Fitted to the same readings: what treated wells are expected to be.
    """
    rows, maps = [], {}
    for key, wells in _placed(readings, curves):
        found, heat = _judged(wells)
        rows.append({"file": key[0], "plate": key[1], **found})
        maps[key] = heat
    columns = ["file", "plate", "wells", "controls", "control_cv", "z_prime", "drift", "edge",
               "swapped", "problems"]  # fmt: skip
    return Plates(pd.DataFrame(rows, columns=columns), maps)


def _placed(readings: Readings, curves: Curves) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Wells of each plate with place, relative value and what is expected."""
    expected = np.full(len(curves.wells), np.nan)
    series = curves.series
    fitted = hill(curves.fits.theta, np.nan_to_num(series.log_doses))
    point = series.row >= 0
    expected[series.row[point]] = fitted[point]
    treated = curves.wells.assign(expected=expected)
    others = readings.wells[readings.wells["role"].isin([CONTROL, BLANK])]
    others = others.assign(expected=np.where(others["role"] == CONTROL, 1.0, 0.0), relative=np.nan)
    wells = pd.concat([treated, others], ignore_index=True)
    places = [place_of(well) for well in wells["well"]]
    wells = wells[[place is not None for place in places]].assign(
        row=[place[0] for place in places if place], column=[place[1] for place in places if place]
    )
    for (file, plate), group in wells.groupby(["file", "plate"], sort=False):
        controls = group.loc[group["role"] == CONTROL, "value"]
        middle = controls.median() if len(controls) else group["control"].median()
        if np.isfinite(middle) and middle > 0:
            group = group.assign(relative=group["relative"].fillna(group["value"] / middle))
        yield (str(file), str(plate)), group[group["relative"].notna()]


def _judged(wells: pd.DataFrame) -> tuple[dict[str, object], np.ndarray]:
    shape = (int(wells["row"].max()) + 1, int(wells["column"].max()) + 1)
    heat, expected = np.full(shape, np.nan), np.full(shape, np.nan)
    place = (wells["row"].to_numpy(int), wells["column"].to_numpy(int))
    heat[place] = wells["relative"].to_numpy(float)
    expected[place] = wells["expected"].to_numpy(float)
    controls = wells[wells["role"] == CONTROL]
    cv = _cv(controls["relative"].to_numpy(float))
    window = _z_prime(wells)
    drift, drift_words = _drift(controls)
    edge, edge_words = _edge(heat - expected)
    swapped = _swapped(wells, heat, expected)
    problems = [words for words in (drift_words, edge_words) if words]
    if cv > _CONTROL_CV:
        problems.append(f"control wells scatter by {cv:.0%} of their mean")
    if window < GOOD_WINDOW:
        problems.append(f"Z' is {window:.2f}, below {GOOD_WINDOW}")
    if swapped:
        problems.append(f"{swapped} look exchanged: the values of one fit the doses of the other")
    found = {
        "wells": len(wells), "controls": len(controls), "control_cv": cv, "z_prime": window,
        "drift": drift, "edge": edge, "swapped": swapped, "problems": "; ".join(problems),
    }  # fmt: skip
    return found, heat


def _cv(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / values.mean()) if len(values) >= 3 else float("nan")


def _z_prime(wells: pd.DataFrame) -> float:
    """Window between controls and blanks, or wells in which the curves expect nothing alive."""
    alive = wells.loc[wells["role"] == CONTROL, "relative"].to_numpy(float)
    blanks = (wells["role"] == BLANK) | (wells["expected"] < 0.05) & (wells["role"] != CONTROL)
    dead = wells.loc[blanks, "relative"].to_numpy(float)
    if min(len(alive), len(dead)) < 3 or alive.mean() == dead.mean():
        return float("nan")
    spread = alive.std(ddof=1) + dead.std(ddof=1)
    return float(1 - 3 * spread / abs(alive.mean() - dead.mean()))


def _drift(controls: pd.DataFrame) -> tuple[float, str]:
    """Relative change of the controls over the plate, along rows or columns."""
    worst, words = float("nan"), ""
    for axis in ("row", "column"):
        x, y = controls[axis].to_numpy(float), controls["relative"].to_numpy(float)
        if len(np.unique(x)) < _FEWEST:
            continue
        line = stats.linregress(x, y)
        change = line.slope * (x.max() - x.min()) / y.mean()
        if not np.isfinite(worst) or abs(change) > abs(worst):
            worst = float(change)
            words = ""
            if line.pvalue < _ALPHA and abs(change) > _DRIFT:
                words = f"controls drift by {change:+.0%} over the {axis}s"
    return worst, words


def _edge(difference: np.ndarray) -> tuple[float, str]:
    """Mean difference from what is expected at the edge less that inside."""
    rows, columns = (np.asarray(index) for index in np.indices(difference.shape))
    known = np.isfinite(difference)
    if not known.any():
        return float("nan"), ""
    edge = (
        (rows == rows[known].min()) | (rows == rows[known].max())
        | (columns == columns[known].min()) | (columns == columns[known].max())
    )  # fmt: skip
    outer, inner = difference[known & edge], difference[known & ~edge]
    if min(len(outer), len(inner)) < _FEWEST:
        return float("nan"), ""
    effect = float(outer.mean() - inner.mean())
    p = stats.ttest_ind(outer, inner, equal_var=False).pvalue
    told = p < _ALPHA and abs(effect) > _EDGE
    return effect, f"edge wells differ by {effect:+.2f} of the control" if told else ""


def _swapped(wells: pd.DataFrame, heat: np.ndarray, expected: np.ndarray) -> str:
    """Two rows, or columns, whose values fit each other's doses."""
    series = _series_on(wells)
    for name, axis in (("rows", 0), ("columns", 1)):
        pair = _exchanged(np.minimum(heat, CAP), expected, series, axis)
        if pair is not None:
            words = [row_name(at) if name == "rows" else str(at + 1) for at in pair]
            return f"{name} {words[0]} and {words[1]}"
    return ""


def _series_on(wells: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places of the wells of each dose series of a plate, doses rising."""
    dosed = wells[wells["dose"] > 0].sort_values("dose", kind="stable")
    return [
        (group["row"].to_numpy(int), group["column"].to_numpy(int))
        for _, group in dosed.groupby(["sample", "drug", "condition", "time"], dropna=False)
        if group["dose"].nunique() >= _FEWEST
    ]


def _disorder(heat: np.ndarray, series: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Sum of squares around what falls with the dose, over all series."""
    total = 0.0
    for place in series:
        values = heat[place]
        values = values[np.isfinite(values)]
        if len(values):
            falling = optimize.isotonic_regression(values, increasing=False).x
            total += float(((values - falling) ** 2).sum())
    return total


def _exchanged(
    heat: np.ndarray, expected: np.ndarray, series: list[tuple[np.ndarray, np.ndarray]], axis: int
) -> tuple[int, int] | None:
    """The two rows (or columns) that, exchanged, bring the plate into order; None if none do.

    Order is that of other plates' curves where there are any, and a response that falls with the
    dose on this plate: two rows of one dose each, exchanged, bend their own curves.
    """
    now = _disorder(heat, series)
    count = max(len(places[0]) for places in series) if series else 1
    unruly = np.sqrt(now / max(count * len(series), 1)) > _SWAP_SPREAD / 2
    best, found = 1.0, None
    lines = np.moveaxis(heat, axis, 0)
    wanted = np.moveaxis(expected, axis, 0)
    for one in range(len(lines)):
        for other in range(one + 1, len(lines)):
            both = np.isfinite(lines[[one, other]] + wanted[[one, other]]).all(axis=0)
            if both.sum() < _FEWEST:
                continue
            a, b, x, y = (
                lines[one, both],
                lines[other, both],
                wanted[one, both],
                wanted[other, both],
            )
            apart = ((a - x) ** 2).sum() + ((b - y) ** 2).sum()
            turned = ((a - y) ** 2).sum() + ((b - x) ** 2).sum()
            gain = turned / apart if apart > 2 * both.sum() * _SWAP_SPREAD**2 else 1.0
            if unruly and gain < 1:
                order = lines.copy()
                order[[one, other]] = order[[other, one]]
                gain = min(gain, _disorder(np.moveaxis(order, 0, axis), series) / now)
            if gain < min(best, _SWAP_GAIN):
                best, found = gain, (one, other)
    return found
