"""Cells on disk: a study of what samples show, tables, gates as pictures, and clusters to score."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.features.cells.attributes import cell_attributes
from sidestep.features.cells.gates import GATED, GATES, GIVEN, Gate
from sidestep.features.cells.measures import MEASURED, STATUSES, CellResults
from sidestep.features.cells.pseudo_bulk import PseudoBulk
from sidestep.features.cells.shares import METHODS
from sidestep.features.cells.tables import CellTable
from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.study.study import Study
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import BLUE, COLOURS, GREY, LIGHT, ORANGE, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import html_list, html_table, page
from sidestep.training.assays.points_output import FOLDER

#: Folder of the study with the clusters as samples.
CLUSTERS: Final = "clusters"
_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy")
_COLUMNS, _MOST_GATES, _MOST_SHOWN = 5, 60, 60
_MOST_LINES = 24
_BINS = 120


def write_cells(
    found: CellResults,
    table: CellTable,
    bulk: PseudoBulk,
    out: Path,
    study_id: str,
    *,
    plots: bool = True,
) -> Path:
    """Write a study of the samples' attributes, its tables, and the clusters as a study to score.

    Parameters
    ----------
    found : CellResults
    table : CellTable
        What it was found in.
    bulk : PseudoBulk
    out : path
        A new or empty folder; in it ``cells/`` has tables, pictures, page and facts, and
        ``clusters/`` is a study.
    study_id : str
    plots : bool

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = _notes(found, table, bulk)
    study = Study.from_frames(
        clinical=cell_attributes(found), study_id=study_id, name=f"{study_id}: single cells"
    )

    def add(folder: Path) -> None:
        inside = folder / FOLDER
        inside.mkdir()
        write_table(found.shares, inside, "shares")
        write_table(found.markers, inside, "markers")
        write_table(gate_table(found), inside, "gates")
        write_table(found.clusters.table, inside, "clusters")
        write_table(found.overflow, inside, "overflow")
        write_table(table.left_out.table(), inside, "left_out")
        write_facts(_facts(found, table, bulk), inside, "cells")
        pictures = []
        if plots:
            save(gates_figure(found), inside / "gates")
            save(shares_figure(found), inside / "shares")
            pictures = [f'<img src="{n}.svg" alt="{n}">' for n in ("shares", "gates")]
        told = found.shares.drop(columns=["reason"])
        parts = [html_list(notes), *pictures, "<h2>Shares</h2>", html_table(told)]
        if len(found.clusters.table):
            parts += [
                f"<h2>Clusters, {found.clusters.origin}</h2>",
                html_table(found.clusters.table),
            ]
        parts += ["<h2>Markers</h2>", html_table(found.markers)]
        parts.append(html_list([f"{k}: {v}" for k, v in (STATUSES | GATES | METHODS).items()]))
        (inside / "index.html").write_text(page("Cells", parts), encoding="utf-8", newline="\n")
        if bulk.study is not None:
            said = " ".join(f"{note.rstrip('.')}." for note in bulk.notes)
            write_study(
                folder / CLUSTERS,
                study_draft(bulk.study, f"Clusters of cells by sidestep cells. {said}".strip()),
            )

    return write_study(out, study_draft(study, " ".join(f"{n.rstrip('.')}." for n in notes)), add)


def _notes(found: CellResults, table: CellTable, bulk: PseudoBulk) -> list[str]:
    return [*table.notes, *table.left_out.summary(), *found.notes, *bulk.notes]


def gate_table(found: CellResults) -> pd.DataFrame:
    """A row a marker: where its gate lies, and what speaks for it."""
    rows = []
    for gate in found.gates:
        row: dict[str, Any] = {
            "marker": gate.marker, "status": gate.status, "scale": gate.scale.name,
            "threshold": gate.scale.undo(gate.threshold), "cells": gate.cells,
            "low_mean": np.nan, "high_mean": np.nan, "high_weight": np.nan,
            "separation": np.nan, "mixture_gain": np.nan,
        }  # fmt: skip
        if gate.mixture is not None:
            row |= {
                "low_mean": gate.scale.undo(float(gate.mixture.means[0])),
                "high_mean": gate.scale.undo(float(gate.mixture.means[1])),
                "high_weight": float(gate.mixture.weights[1]),
                "separation": gate.mixture.separation, "mixture_gain": gate.mixture.gain,
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def gates_figure(found: CellResults) -> Figure:
    """A panel a marker: histogram of all cells, the two parts of the mixture, and the gate."""
    gates = found.gates[:_MOST_GATES]
    columns = min(_COLUMNS, max(len(gates), 2))
    rows = ceil(len(gates) / columns)
    figure = Figure(figsize=(2.6 * columns, 2.0 * rows + 0.4), layout="constrained")
    more = (
        f" (the first {len(gates)} of {len(found.gates)})" if len(gates) < len(found.gates) else ""
    )
    figure.suptitle(f"Gates: density of cells on the marker's scale{more}", fontsize="medium")
    for axes, gate in zip(
        np.atleast_1d(figure.subplots(rows, columns)).ravel(),
        [*gates, *[None] * columns],
        strict=False,
    ):
        if gate is None:
            axes.set_axis_off()
        else:
            _draw_gate(axes, gate, found.scaled[gate.marker].to_numpy(float))
    return figure


def _draw_gate(axes: Axes, gate: Gate, values: np.ndarray) -> None:
    known = values[np.isfinite(values)]
    axes.set_title(f"{gate.marker}: {gate.status}"[:38], fontsize="x-small")
    axes.tick_params(labelsize="xx-small")
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    if len(known):
        ends = np.quantile(known, [0.001, 0.999])
        ends = ends if ends[1] > ends[0] else ends + np.array([-0.5, 0.5])
        axes.hist(known, bins=_BINS, range=(ends[0], ends[1]), density=True, color=LIGHT)
        if gate.mixture is not None:
            at = np.linspace(ends[0], ends[1], 300)
            for part, colour in zip(gate.mixture.density(at), (BLUE, ORANGE), strict=True):
                axes.plot(at, part, color=colour, lw=1)
    if np.isfinite(gate.threshold):
        axes.axvline(gate.threshold, color="black", lw=0.9, ls="dashed")
    axes.set_xlabel(gate.scale.name, fontsize="xx-small")


def shares_figure(found: CellResults) -> Figure:
    """Shares of the states with their intervals, and what clusters each sample is made of."""
    told = found.shares[found.shares["status"] == MEASURED]
    states = list(dict.fromkeys(told["state"]))[:_MOST_SHOWN]
    samples = list(dict.fromkeys(found.markers["sample"]))
    figure = Figure(figsize=(13, max(3.5, 0.32 * len(states) + 1.5)), layout="constrained")
    left, right = figure.subplots(1, 2)
    for place, sample in enumerate(samples[:_MOST_SHOWN]):
        part = told[told["sample"] == sample].set_index("state").reindex(states)
        off = (place - (min(len(samples), _MOST_SHOWN) - 1) / 2) * 0.7 / max(len(samples), 1)
        at = np.arange(len(states)) + off
        colour = COLOURS[place % len(COLOURS)]
        left.hlines(at, part["lower"], part["upper"], color=colour, lw=1)
        left.plot(part["share"], at, "o", ms=3, color=colour, label=sample)
    left.set_yticks(range(len(states)), states, fontsize="x-small")
    left.set_xlim(0, 1)
    left.set_xlabel(f"share of the cells, {100 * found.options.level:g} % interval")
    if 1 < len(samples) <= 12:
        left.legend(fontsize="x-small", frameon=False)
    clusters = found.clusters.table
    if len(clusters):
        bottom = np.zeros(len(samples))
        wide = clusters.pivot(index="sample", columns="cluster", values="share").reindex(samples)
        for place, cluster in enumerate(dict.fromkeys(clusters["cluster"])):
            height = wide[cluster].fillna(0.0).to_numpy(float)
            right.bar(range(len(samples)), height, bottom=bottom, label=cluster,
                      color=COLOURS[place % len(COLOURS)])  # fmt: skip
            bottom += height
        right.set_xticks(range(len(samples)), samples, rotation=60, ha="right", fontsize="x-small")
        right.set_ylabel("share of the cells")
        right.legend(title="cluster", fontsize="x-small", frameon=False, bbox_to_anchor=(1, 1))
    else:
        right.text(0.5, 0.5, "no clusters", ha="center", color=GREY, transform=right.transAxes)
        right.set_axis_off()
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def account(found: CellResults, table: CellTable, bulk: PseudoBulk) -> list[str]:
    """What a person is told on the screen."""
    lines = _notes(found, table, bulk)
    for row in found.shares.head(_MOST_LINES).to_dict("records"):
        if row["status"] != MEASURED:
            lines.append(
                f"{row['sample']}: {row['state']} not told ({row['status']}: {row['reason']})"
            )
            continue
        lines.append(
            f"{row['sample']}: {100 * row['share']:.1f} % {row['state']} "
            f"({100 * row['lower']:.1f} to {100 * row['upper']:.1f}, by {row['method']}) of "
            f"{row['cells']} cells: {row['definition']}"
        )
    lines += _more(found.shares, "shares")
    for row in found.clusters.table.head(_MOST_LINES).to_dict("records"):
        marks = [f"{side} in {row[f'{side}_in']}" for side in ("high", "low") if row[f"{side}_in"]]
        lines.append(
            f"{row['sample']}: cluster {row['cluster']}, {100 * row['share']:.1f} % "
            f"({100 * row['lower']:.1f} to {100 * row['upper']:.1f}); "
            f"{', '.join(marks) or 'no marks'}"
        )
    lines += _more(found.clusters.table, "clusters")
    counts = pd.Series([gate.status for gate in found.gates]).value_counts()
    told = ", ".join(f"{counts[name]} {name}" for name in GATES if counts.get(name))
    lines.append(f"{len(found.gates)} markers: {told}")
    return lines


def _more(table: pd.DataFrame, name: str) -> list[str]:
    rest = len(table) - _MOST_LINES
    return [f"  and {rest} more, in {FOLDER}/{name}.csv"] if rest > 0 else []


def _facts(found: CellResults, table: CellTable, bulk: PseudoBulk) -> dict[str, Any]:
    options = found.options
    return {
        "kind": "sidestep cells",
        "of": "cells",
        "inputs": dict(table.digests),
        "notes": _notes(found, table, bulk),
        "cells": len(table.info),
        "gated": sum(gate.status in (GATED, GIVEN) for gate in found.gates),
        "clusters": found.clusters.origin,
        "meanings": STATUSES | GATES | METHODS,
        "settings": vars(options) | {"thresholds": dict(options.thresholds)},
        "software": software_versions(*_PACKAGES),
    }
