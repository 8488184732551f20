"""Synergy on disk: tables, a picture a pair and sample, and a page that shows them together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.features.files.study_writer import write_new_folder
from sidestep.features.synergy.matrices import KEYS, Matrices
from sidestep.features.synergy.verdicts import VERDICTS, Synergy
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import GREY, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import file_names, html_list, html_table, page

_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
#: Pairs that are drawn, those with the smallest q; the table has all.
_MOST: Final = 60
_CAVEAT: Final = (
    "Excess is a mean over the doses of the matrix in culture: another choice of doses gives "
    "another mean, and killing more in a dish does not say that a patient tolerates both."
)
_MODEL_NAMES: Final = {"bliss": "Bliss", "hsa": "HSA", "loewe": "Loewe", "zip": "ZIP"}


def write_synergy(synergy: Synergy, matrices: Matrices, out: Path, *, plots: bool = True) -> Path:
    """Write ``synergy.csv`` and ``surfaces.csv`` (and ``.parquet``), pictures, page and facts.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = [*matrices.notes, *matrices.left_out.summary()]

    def fill(folder: Path) -> None:
        write_table(synergy.table, folder, "synergy")
        write_table(synergy.surfaces, folder, "surfaces")
        links = _draw(synergy, folder) if plots else {}
        write_facts(_summary(synergy, matrices), folder, "synergy")
        meanings = [f"{name}: {meaning}" for name, meaning in VERDICTS.items()]
        shown = synergy.table.drop(columns=["p"])
        shown.insert(0, "pair", [title(row) for row in synergy.table.to_dict("records")])
        parts = [
            html_list(notes),
            html_table(shown.drop(columns=list(KEYS)), links),
            html_list([*meanings, _CAVEAT]),
        ]
        (folder / "index.html").write_text(page("Synergy", parts), encoding="utf-8", newline="\n")

    return write_new_folder(out, fill)


def title(row: Mapping[Any, Any]) -> str:
    """Pair, sample, condition and time of a row in words."""
    time = f"{row['time']:g} h" if np.isfinite(row["time"]) else ""
    parts = (f"{row['drug1']} + {row['drug2']}", row["sample"], row["condition"], time)
    return " · ".join(part for part in parts if part)


def _draw(synergy: Synergy, folder: Path) -> dict[str, str]:
    """Draw the pairs with the smallest q; title -> picture."""
    pictures = folder / "pairs"
    pictures.mkdir()
    drawn = synergy.table[synergy.table["combinations"] > 0]
    drawn = drawn.sort_values("q", kind="stable", na_position="last").head(_MOST)
    rows = drawn.to_dict("records")
    names = file_names([title(row) for row in rows])
    surfaces = dict(tuple(synergy.surfaces.fillna({"time": -1.0}).groupby(list(KEYS))))
    for row in rows:
        key = tuple(row[k] if k != "time" or np.isfinite(row[k]) else -1.0 for k in KEYS)
        save(pair_figure(row, surfaces[key], synergy.options.model), pictures / names[title(row)])
    return {name: f"pairs/{stem}.svg" for name, stem in names.items()}


def pair_figure(row: Mapping[Any, Any], surface: pd.DataFrame, model: str) -> Figure:
    """Inhibition as a heat map, excess as contours, and the excess as a surface."""
    figure = Figure(figsize=(13, 4.3), layout="constrained")
    figure.suptitle(f"{title(row)}: {row['verdict']} ({row['reason']})", fontsize="medium")
    inhibition = _grid(surface, "inhibition")
    excess = _grid(surface, model)
    _heat(figure.add_subplot(1, 3, 1), inhibition, row, "percent inhibition", "viridis", (0, 100))
    most = max(float(np.nanmax(np.abs(excess.to_numpy()), initial=0.0)), 10.0)
    label = f"{_MODEL_NAMES[model]} excess, points (red: more is killed)"
    axes = figure.add_subplot(1, 3, 2)
    _heat(axes, excess, row, label, "RdBu_r", (-most, most))
    if min(excess.shape) >= 2 and excess.notna().all(axis=None) and np.ptp(excess.to_numpy()) > 0:
        lines = axes.contour(excess.to_numpy(), levels=7, colors=GREY, linewidths=0.8)
        axes.clabel(lines, fontsize="x-small")
        _relief(figure, excess, row, most)
    return figure


def _grid(surface: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column with doses of drug 1 down and of drug 2 across."""
    return surface.pivot_table(index="dose1", columns="dose2", values=column, dropna=False)


def _heat(
    axes: Axes, grid: pd.DataFrame, row: Mapping[Any, Any], label: str, colours: str,
    ends: tuple[float, float],
) -> None:  # fmt: skip
    image = axes.imshow(
        grid.to_numpy(), origin="lower", aspect="auto", cmap=colours, vmin=ends[0], vmax=ends[1]
    )
    axes.set_xticks(range(grid.shape[1]), [f"{d:.3g}" for d in grid.columns], rotation=60)
    axes.set_yticks(range(grid.shape[0]), [f"{d:.3g}" for d in grid.index])
    axes.tick_params(labelsize="x-small")
    axes.set_xlabel(f"{row['drug2']}, {row['unit2']}", fontsize="small")
    axes.set_ylabel(f"{row['drug1']}, {row['unit1']}", fontsize="small")
    axes.figure.colorbar(image, ax=axes, label=label)


def _relief(figure: Figure, excess: pd.DataFrame, row: Mapping[Any, Any], most: float) -> None:
    axes: Any = figure.add_subplot(1, 3, 3, projection="3d")
    across, down = np.meshgrid(np.log10(excess.columns), np.log10(excess.index))
    axes.plot_surface(across, down, excess.to_numpy(), cmap="RdBu_r", vmin=-most, vmax=most)
    axes.set_zlim(-most, most)
    axes.set_xlabel(f"log10 {row['drug2']}", fontsize="x-small")
    axes.set_ylabel(f"log10 {row['drug1']}", fontsize="x-small")
    axes.set_zlabel("excess, points", fontsize="x-small")
    axes.tick_params(labelsize="xx-small")


def account(synergy: Synergy) -> list[str]:
    """What a person is told on the screen."""
    model = synergy.options.model
    table = synergy.table.sort_values(model, kind="stable", ascending=False)
    lines = [
        f"{title(row)}: {row['verdict']}, {row['reason']}"
        for row in table.head(40).to_dict("records")
    ]
    if len(table) > 40:
        lines.append(f"and {len(table) - 40} more in the table")
    counts = table["verdict"].value_counts()
    told = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts.get(name))
    lines.append(f"{len(table)} pairs in samples, by {_MODEL_NAMES[model]}: {told}")
    return lines


def _summary(synergy: Synergy, matrices: Matrices) -> dict[str, Any]:
    counts = synergy.table["verdict"].value_counts()
    options = synergy.options
    return {
        "kind": "sidestep synergy",
        "inputs": dict(matrices.digests),
        "notes": [*matrices.notes, *matrices.left_out.summary(), _CAVEAT],
        "pairs": len(synergy.table),
        "verdicts": {name: int(counts.get(name, 0)) for name in VERDICTS},
        "verdict_meanings": dict(VERDICTS),
        "settings": {
            "model": options.model, "models": list(options.models), "draws": options.draws,
            "fdr": options.fdr, "margin": options.margin, "level": options.level,
            "seed": options.seed,
        },
        "software": software_versions(*_PACKAGES),
    }  # fmt: skip
