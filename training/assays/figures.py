"""Curves of a drug as one picture: a panel a curve, all drawn together.

A page of a hundred panels is one pair of axes with a collection of lines and one of points, which
takes a second where a hundred pairs of axes take a minute. Colours are those of Okabe and Ito.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from sidestep.features.assays.curves import Curves
from sidestep.features.assays.hill import hill

BLUE, ORANGE, GREY, LIGHT = "#0072B2", "#D55E00", "#7F7F7F", "#D9D9D9"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", GREY)
_COLOUR = {"fitted": BLUE, "extrapolated": BLUE, "flat": GREY}
_COLUMNS = 6
#: Panels of one picture; the table of the page has all curves.
MOST_PANELS = 120
_TOP = 1.3
_GAP = 0.34
_DPI = 110
_STEPS = 60


def draw_drug(curves: Curves, rows: np.ndarray, stem: Path) -> None:
    """Write ``<stem>.png`` and ``<stem>.svg`` of a drug's curves, the same bytes each time.

    Parameters
    ----------
    curves : Curves
    rows : numpy.ndarray
        Rows of the drug in the table of curves; the first 120 are drawn.
    stem : path
        Without ending.
    """
    save(drug_figure(curves, rows), stem)


def save(figure: Figure, stem: Path) -> None:
    """Write ``<stem>.png`` and ``<stem>.svg``, the same bytes of the same figure."""
    with rc_context({"svg.hashsalt": "sidestep", "text.parse_math": False, "svg.fonttype": "none"}):
        png, svg = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "svg"))
        figure.savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})


def drug_figure(curves: Curves, rows: np.ndarray) -> Figure:
    """Panels of a drug's curves: points, curve, half effect, and the IC50 with its interval."""
    shown = rows[:MOST_PANELS]
    columns = min(_COLUMNS, max(len(shown), 2))
    height = ceil(len(shown) / columns)
    figure = Figure(figsize=(0.5 + 2.0 * columns, 0.9 + 1.75 * height))
    axes = figure.add_axes((0.01, 0.01, 0.98, 1 - 0.6 / (0.9 + 1.75 * height)))
    axes.set_axis_off()
    axes.set_xlim(-0.15, columns * (1 + _GAP))
    axes.set_ylim(-height * (1 + _GAP) + 0.1, 0.25)
    series, table = curves.series, curves.table
    low, high = float(np.nanmin(series.lowest[shown])), float(np.nanmax(series.highest[shown]))
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    _draw_panels(axes, curves, shown, columns, (low, high))
    first = table.iloc[int(shown[0])]
    more = f", {len(shown)} of {len(rows)} curves" if len(rows) > len(shown) else ""
    figure.text(
        0.01, 1 - 0.15 / (0.9 + 1.75 * height),
        f"{first['drug']}: relative viability, 0 to {_TOP:g}, against dose, "
        f"{10**low:.3g} to {10**high:.3g} {first['dose_unit']} (log scale){more}\n"
        "dashed: half the control; dot: IC50 with its interval; hollow: outlier",
        va="top", fontsize="small",
    )  # fmt: skip
    return figure


def _draw_panels(
    axes: Axes, curves: Curves, shown: np.ndarray, columns: int, ends: tuple[float, float]
) -> None:
    series, table = curves.series, curves.table
    frames, halves, lines, colours = [], [], [], []
    points: dict[bool, list[np.ndarray]] = {True: [], False: []}
    grid = np.linspace(0, 1, _STEPS)
    doses = ends[0] + grid * (ends[1] - ends[0])
    fitted = hill(curves.fits.theta[shown], np.broadcast_to(doses, (len(shown), _STEPS)))
    weights = curves.fits.weights
    for place, row in enumerate(shown):
        left = (place % columns) * (1 + _GAP)
        bottom = -(place // columns + 1) * (1 + _GAP) + _GAP
        curve = table.iloc[int(row)]

        def up(values: np.ndarray | float, bottom: float = bottom) -> np.ndarray:
            return bottom + np.clip(values, 0, _TOP) / _TOP

        frames.append([(left, bottom + 1), (left, bottom), (left + 1, bottom)])
        halves.append([(left, float(up(0.5))), (left + 1, float(up(0.5)))])
        if np.isfinite(curve["auc"]):
            lines.append(np.column_stack([left + grid, up(fitted[place])]))
            colours.append(_COLOUR.get(curve["status"], ORANGE))
        known = np.isfinite(series["relative"][row]) & np.isfinite(series.log_doses[row])
        across = left + (series.log_doses[row] - ends[0]) / (ends[1] - ends[0])
        for outlier in (True, False):
            used = known & ((weights[row] < 0.05) == outlier)
            points[outlier].append(
                np.column_stack([across[used], up(series["relative"][row][used])])
            )
        _draw_ic50(axes, curve, left, float(up(0.5)), ends)
        names = [curve["sample"], curve["condition"], _time(curve), *_apart(curve, curves)]
        axes.text(
            left,
            bottom + 1.03,
            " · ".join(filter(None, names))[:34],
            fontsize="xx-small",
            weight="bold",
        )
        axes.text(left, bottom - 0.03, _words(curve), fontsize=5.5, color=GREY, va="top")
    axes.add_collection(LineCollection(frames, colors=GREY, linewidths=0.7))
    axes.add_collection(LineCollection(halves, colors=LIGHT, linewidths=0.7, linestyles="dashed"))
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.3))
    for outlier, face in ((False, GREY), (True, "white")):
        at = np.concatenate(points[outlier]) if points[outlier] else np.empty((0, 2))
        axes.scatter(at[:, 0], at[:, 1], s=7, c=face, edgecolors=GREY, linewidths=0.6, zorder=3)


def _draw_ic50(
    axes: Axes, curve: pd.Series, left: float, half: float, ends: tuple[float, float]
) -> None:
    if not np.isfinite(curve["ic50"]) or curve["ic50_limit"]:
        return
    across = [
        left + float(np.clip((np.log10(curve[name]) - ends[0]) / (ends[1] - ends[0]), 0, 1))
        for name in ("ic50_lower", "ic50", "ic50_upper")
        if np.isfinite(curve[name]) and curve[name] > 0
    ]
    if len(across) == 3:
        axes.plot([across[0], across[2]], [half, half], color=ORANGE, lw=1.2, zorder=4)
        axes.plot(across[1], half, "o", ms=3.2, color=ORANGE, zorder=5)


def _time(curve: pd.Series) -> str:
    return f"{curve['time']:g} h" if np.isfinite(curve["time"]) else ""


def _apart(curve: pd.Series, curves: Curves) -> list[str]:
    return [f"{name} {curve[name]}" for name in curves.options.apart if curve[name]]


def _words(curve: pd.Series) -> str:
    """Status, IC50 and AUC of a curve on one line."""
    if not np.isfinite(curve["auc"]):
        return str(curve["status"])
    dose = f"{curve['ic50_limit']}{curve['ic50']:.3g} {curve['dose_unit']}"
    return f"{curve['status']}; IC50 {dose}; AUC {curve['auc']:.2f}"
