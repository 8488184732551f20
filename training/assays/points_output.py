"""Label positions on disk: a study of what samples show, with tables, plots and page beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.points.attributes import dimer_attributes
from sidestep.features.points.envelopes import ARRANGEMENTS
from sidestep.features.points.labels import Labels
from sidestep.features.points.measured import STATUSES
from sidestep.features.points.patterns import PRESENT, SUBPOPULATION, PointResults
from sidestep.features.study.study import Study
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import BLUE, COLOURS, GREY, LIGHT, ORANGE, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import file_names, html_list, html_table, page

#: Folder of the study that holds what is no part of its format.
FOLDER: Final = "cells"
_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
_CAVEAT: Final = (
    "A label is not a receptor: of a dimer with one label only, its label counts as a monomer, so "
    "the share of receptors in dimers is higher than that of labels."
)
_HIDDEN: Final = ("p", "dimer_free_p", "dimer_spread", "dimer_method", "cells_tested", "tested_to")


def write_points(
    found: PointResults, labels: Labels, out: Path, study_id: str, *, plots: bool = True
) -> Path:
    """Write a study of the samples' attributes, and in ``cells/`` tables, pictures, page and facts.

    Parameters
    ----------
    found : PointResults
    labels : Labels
        What it was found in.
    out : path
        A new or empty folder.
    study_id : str
    plots : bool
        Whether each sample and kind of label gets a picture.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = [*labels.notes, *labels.left_out.summary()]
    study = Study.from_frames(
        clinical=dimer_attributes(found.groups),
        study_id=study_id,
        name=f"{study_id}: labels of cells",
    )

    def add(folder: Path) -> None:
        inside = folder / FOLDER
        inside.mkdir()
        for name in ("cells", "groups", "curves"):
            write_table(getattr(found, name), inside, name)
        write_table(labels.left_out.table(), inside, "left_out")
        write_facts(_facts(found, labels), inside, "cells")
        stems = _draw(found, inside) if plots else {}
        shown = found.groups.drop(columns=[c for c in _HIDDEN if c in found.groups])
        parts = [html_list(notes), html_table(shown)]
        parts += [f'<img src="{stem}.svg" alt="{stem}">' for stem in stems]
        meanings = {**ARRANGEMENTS, **STATUSES, **SUBPOPULATION}
        parts.append(html_list([*(f"{k}: {v}" for k, v in meanings.items()), _CAVEAT]))
        (inside / "index.html").write_text(
            page("Labels on cells", parts), encoding="utf-8", newline="\n"
        )

    return write_study(out, study_draft(study, " ".join(f"{n.rstrip('.')}." for n in notes)), add)


def _draw(found: PointResults, folder: Path) -> list[str]:
    """A picture a sample and kind of label; their names without ending."""
    whole = found.groups[(found.groups["state"] == "") & (found.groups["against"] == "")]
    titles = [
        " ".join(filter(None, pair)) for pair in zip(whole["sample"], whole["kind"], strict=True)
    ]
    names = file_names(titles)
    for title, row in zip(titles, whole.to_dict("records"), strict=True):
        save(sample_figure(found, str(row["sample"]), str(row["kind"])), folder / names[title])
    return list(names.values())


def sample_figure(found: PointResults, sample: str, kind: str) -> Figure:
    """g(r) by state, L(r) - r in its envelope, and the share in dimers of the cells."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    figure.suptitle(" · ".join(filter(None, (sample, kind))), fontsize="medium")
    left, middle, right = figure.subplots(1, 3)
    curves = found.curves[(found.curves["sample"] == sample) & (found.curves["kind"] == kind)]
    _draw_g(left, curves, found, kind)
    _draw_envelope(middle, curves[(curves["state"] == "") & (curves["against"] == "")], found)
    cells = found.cells[(found.cells["sample"] == sample) & (found.cells["kind"] == kind)]
    _draw_cells(right, cells, found)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_g(axes: Axes, curves: pd.DataFrame, found: PointResults, kind: str) -> None:
    axes.axhline(1, color=GREY, lw=0.8, ls="dashed")
    for place, ((state, against), part) in enumerate(
        curves.groupby(["state", "against"], sort=False)
    ):
        colour = COLOURS[place % len(COLOURS)]
        part = part[part["r"] > found.bandwidth / 2]  # nearer to 0 the kernel says little
        words = str(state or "all cells") + (f" around {against}" if against else "")
        axes.plot(part["r"], part["g_trans"], color=colour, lw=1.2, label=words)
        if "g_lower" in part and not state:
            axes.fill_between(part["r"], part["g_lower"], part["g_upper"], color=colour, alpha=0.2)
    highest = curves.loc[curves["r"] > found.bandwidth / 2, "g_trans"].max()
    axes.set_ylim(0, max(1.2 * float(np.nan_to_num(highest, nan=1.0)), 1.5))
    if kind in found.dimers:
        dimer = found.dimers[kind]
        axes.axvspan(dimer.low, dimer.high, color=LIGHT, zorder=0)
        axes.text(dimer.high, axes.get_ylim()[1], f" {dimer.distance:.3g} nm", va="top",
                  fontsize="small")  # fmt: skip
    axes.set_xlabel("distance r, nm")
    axes.set_ylabel("pair correlation g(r); 1 = random")
    axes.legend(fontsize="x-small", frameon=False)


def _draw_envelope(axes: Axes, part: pd.DataFrame, found: PointResults) -> None:
    axes.set_xlabel("distance r, nm")
    axes.set_ylabel("L(r) - r, nm")
    if "envelope_observed" not in part or part["envelope_observed"].isna().all():
        axes.plot(part["r"], part["l_trans"] - part["r"], color=BLUE, lw=1.2)
        return
    axes.fill_between(part["r"], part["envelope_lower"], part["envelope_upper"], color=LIGHT,
                      label=f"{100 * (1 - found.options.fdr):g} % of random labels")  # fmt: skip
    axes.plot(part["r"], part["envelope_observed"], color=BLUE, lw=1.2, label="observed")
    axes.legend(fontsize="x-small", frameon=False)


def _draw_cells(axes: Axes, cells: pd.DataFrame, found: PointResults) -> None:
    """Cells by their share in dimers, those without in another colour."""
    known = cells[cells["dimer_fraction"].notna()].sort_values("dimer_fraction", kind="stable")
    at = np.arange(len(known))
    free = (known["dimer_free_probability"] > 0.5).to_numpy()
    for chosen, colour, words in ((~free, BLUE, "dimerising"), (free, ORANGE, "dimer-free")):
        part = known[chosen]
        axes.vlines(
            at[chosen], part["dimer_lower"], part["dimer_upper"], color=colour, lw=0.6, alpha=0.6
        )
        axes.plot(at[chosen], part["dimer_fraction"], ".", ms=4, color=colour, label=words)
    axes.set_ylim(0, 1)
    axes.set_xlabel("cells, by share")
    axes.set_ylabel(f"labels in dimers, {100 * found.options.level:g} % interval")
    if free.any():
        axes.legend(fontsize="x-small", frameon=False)


def account(found: PointResults, labels: Labels) -> list[str]:
    """What a person is told on the screen."""
    lines = [*labels.notes, *labels.left_out.summary()]
    for row in found.groups[found.groups["against"] == ""].head(60).to_dict("records"):
        name = " · ".join(filter(None, (row["sample"], row["kind"], row["state"])))
        parts = [f"{row['cells']} cells, {row['labels']} labels"]
        if isinstance(row.get("arrangement"), str):
            parts.append(f"{row['arrangement']} (q {row['q']:.2g})")
        if pd.notna(row.get("dimer_fraction")):
            parts.append(
                f"{100 * row['dimer_fraction']:.1f} % of labels in dimers "
                f"({100 * row['dimer_lower']:.1f} to {100 * row['dimer_upper']:.1f}) at "
                f"{row['dimer_distance']:.3g} nm"
            )
        if pd.notna(row.get("dimer_free")):
            shown = "" if row["dimer_free_cells"] == PRESENT else ", which may be none"
            parts.append(
                f"{100 * row['dimer_free']:.1f} % of cells without dimers "
                f"({100 * row['dimer_free_lower']:.1f} to {100 * row['dimer_free_upper']:.1f}"
                f"{shown})"
            )
        lines.append(f"{name}: {'; '.join(parts)}")
    counts = found.cells["status"].value_counts()
    told = ", ".join(f"{counts[name]} {name}" for name in STATUSES if counts.get(name))
    lines.append(f"{len(found.cells)} cells: {told}")
    if not found.dimers:
        lines.append(
            "no short distance stands out, so no dimers are told; --dimer names the distance"
        )
    return lines


def _facts(found: PointResults, labels: Labels) -> dict[str, Any]:
    counts = found.cells["status"].value_counts()
    return {
        "kind": "sidestep cells",
        "of": "labels",
        "inputs": dict(labels.digests),
        "notes": [*labels.notes, *labels.left_out.summary(), _CAVEAT],
        "windows": "given" if labels.told else "the labels' own",
        "statuses": {name: int(counts.get(name, 0)) for name in STATUSES},
        "meanings": {**ARRANGEMENTS, **STATUSES, **SUBPOPULATION},
        "dimers": {kind: vars(dimer) for kind, dimer in found.dimers.items()},
        "settings": vars(found.options) | {"bandwidth": found.bandwidth},
        "software": software_versions(*_PACKAGES),
    }
