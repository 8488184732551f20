"""Shifts on disk: the table, a forest plot, the curves, and a page that shows them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from sidestep.features.assays.readings import Readings
from sidestep.features.assays.shifts import (
    NO_CHANGE,
    PROTECTED,
    SENSITISED,
    UNTOLD,
    VERDICTS,
    Shifts,
)
from sidestep.features.files.study_writer import write_new_folder
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import BLUE, GREY, ORANGE, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import html_list, html_table, page

_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
_COLOUR: Final = {PROTECTED: ORANGE, SENSITISED: BLUE, NO_CHANGE: GREY, UNTOLD: GREY}
#: Comparisons of one picture, those with the smallest q; the table has all.
_MOST: Final = 60
_CAVEAT: Final = (
    "Fold changes are of doses in culture medium; plasma concentrations are means of patients, and "
    "total ones count what is bound to protein."
)


def write_shifts(shifts: Shifts, readings: Readings, out: Path) -> Path:
    """Write ``shifts.csv`` and ``.parquet``, ``curves.csv``, forest plot, page and ``shift.json``.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = [*readings.notes, *readings.left_out.summary()]

    def fill(folder: Path) -> None:
        write_table(shifts.table, folder, "shifts")
        write_table(shifts.curves.table, folder, "curves")
        for part, stem in _pictures(shifts):
            save(forest(part, shifts), folder / stem)
        write_facts(_summary(shifts, readings), folder, "shift")
        meanings = [f"{name}: {meaning}" for name, meaning in VERDICTS.items()]
        images = [f'<img src="{stem}.svg" alt="forest plot">' for _, stem in _pictures(shifts)]
        parts = [
            html_list(notes),
            *images,
            html_table(shifts.table),
            html_list([*meanings, _CAVEAT]),
        ]
        (folder / "index.html").write_text(page("Shifts", parts), encoding="utf-8", newline="\n")

    return write_new_folder(out, fill)


def _pictures(shifts: Shifts) -> list[tuple[pd.DataFrame, str]]:
    """One forest plot where the comparisons fit on it, else one of those with the smallest q."""
    told = shifts.table[shifts.table["fold_change"].notna()]
    if told.empty:
        return []
    return [(told.sort_values("q", kind="stable").head(_MOST), "forest")]


def forest(part: pd.DataFrame, shifts: Shifts) -> Figure:
    """Fold change of IC50 with its interval, a row a comparison, the largest above."""
    shown = part.sort_values("fold_change", kind="stable", ignore_index=True)
    figure = Figure(figsize=(9.5, 1.7 + 0.26 * max(len(shown), 2)), layout="constrained")
    axes, side = figure.subplots(1, 2, sharey=True, width_ratios=[2.0, 1.3])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvline(1.0, color=GREY, lw=0.8, ls="--")
    axes.spines[["top", "right", "left"]].set_visible(False)
    for at, (_, row) in enumerate(shown.iterrows()):
        colour = _COLOUR[row["verdict"]]
        ends = row[["fold_change_lower", "fold_change_upper"]].to_numpy(float)
        if np.isfinite(ends).all():
            axes.plot(ends, [at, at], color=colour, lw=1.7)
        marker = {">": ">", "<": "<"}.get(row["fold_change_limit"], "o")
        face = "white" if row["verdict"] == NO_CHANGE else colour
        axes.plot(row["fold_change"], at, marker, ms=5.5, mec=colour, mfc=face, mew=1.3)
    axes.set_yticks(range(len(shown)), [_name(row, shifts) for _, row in shown.iterrows()])
    axes.tick_params(axis="y", length=0, labelsize="small")
    axes.set_ylim(-0.7, max(len(shown), 2) + 0.3)
    axes.set_xlabel(
        f"IC50 over that of {shifts.against or 'the reference'}, with "
        f"{100 * shifts.curves.options.level:g} % interval\n"
        f"orange: protected, blue: sensitised (q ≤ {shifts.fdr:g}); arrow: beyond the doses",
        fontsize="small",
    )
    _write_numbers(side, shown)
    return figure


def _name(row: pd.Series, shifts: Shifts) -> str:
    parts = [row["sample"], row["drug"], row["condition"]]
    if np.isfinite(row["time"]) and shifts.table["time"].nunique() > 1:
        parts.append(f"{row['time']:g} h")
    return " · ".join(part for part in parts if part)


def _write_numbers(axes: Axes, shown: pd.DataFrame) -> None:
    axes.set_axis_off()
    columns = ((0.0, "fold change"), (0.42, "q"), (0.62, "AUC"), (0.8, "plasma"))
    for x, title in columns:
        axes.text(x, len(shown) - 0.3, title, fontsize="x-small", color=GREY)
    for at, (_, row) in enumerate(shown.iterrows()):
        interval = ""
        if np.isfinite(row["fold_change_lower"]):
            interval = f" ({row['fold_change_lower']:.2g} to {row['fold_change_upper']:.2g})"
        plasma = f"{row['plasma']:.2g} µM" if np.isfinite(row["plasma"]) else ""
        texts = (
            f"{row['fold_change_limit']}{row['fold_change']:.2g}{interval}", f"{row['q']:.2g}",
            f"{row['auc_difference']:+.2f}", plasma,
        )  # fmt: skip
        for (x, _), text in zip(columns, texts, strict=True):
            axes.text(x, at, text, va="center", fontsize="x-small")


def account(shifts: Shifts) -> list[str]:
    """What a person is told on the screen."""
    table = shifts.table.sort_values("fold_change", kind="stable", ascending=False)
    lines = []
    for _, row in table.head(40).iterrows():
        name = " ".join(part for part in (row["sample"], row["drug"], row["condition"]) if part)
        if not np.isfinite(row["fold_change"]):
            lines.append(f"{name}: {row['verdict']} ({row['reason']})")
            continue
        interval = ""
        if np.isfinite(row["fold_change_lower"]):
            interval = f" ({row['fold_change_lower']:.2g} to {row['fold_change_upper']:.2g})"
        lines.append(
            f"{name}: IC50 {row['fold_change_limit']}{row['fold_change']:.2g}-fold{interval}, AUC "
            f"{row['auc_difference']:+.2f}, q {row['q']:.2g}: {row['verdict']}"
        )
    if len(table) > 40:
        lines.append(f"and {len(table) - 40} more in the table")
    counts = table["verdict"].value_counts()
    told = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts.get(name))
    lines.append(f"{len(table)} comparisons with {shifts.against or 'the reference'}: {told}")
    return lines


def _summary(shifts: Shifts, readings: Readings) -> dict[str, Any]:
    counts = shifts.table["verdict"].value_counts()
    options = shifts.curves.options
    return {
        "kind": "sidestep shift",
        "inputs": dict(readings.digests),
        "notes": [*readings.notes, *readings.left_out.summary(), _CAVEAT],
        "between": shifts.between,
        "against": shifts.against,
        "comparisons": len(shifts.table),
        "verdicts": {name: int(counts.get(name, 0)) for name in VERDICTS},
        "verdict_meanings": dict(VERDICTS),
        "settings": {
            "fdr": shifts.fdr,
            "level": options.level,
            "parameters": options.parameters,
            "robust": options.robust,
        },
        "software": software_versions(*_PACKAGES),
    }
