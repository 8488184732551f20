"""Plates as pictures: the signal of each well relative to the control, where it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sidestep.features.assays.plates import Plates
from sidestep.features.assays.wells import row_name
from sidestep.training.assays.figures import save
from sidestep.training.assays.pages import file_names

#: Plates that get a picture; the table has all.
MOST_PLATES = 60


def draw_plates(plates: Plates, folder: Path) -> dict[str, str]:
    """Write a heat map of each plate; give the plates' names and their files' stems.

    The first 60 plates that have problems are drawn, then the others, up to 60 in all.
    """
    rows = plates.table.sort_values("problems", key=lambda words: words == "", kind="stable")
    shown = rows.head(MOST_PLATES)
    names = [f"{row['file']} {row['plate']}".strip() for _, row in shown.iterrows()]
    stems = file_names(names)
    for name, (_, row) in zip(names, shown.iterrows(), strict=True):
        heat = plates.maps[row["file"], row["plate"]]
        save(heat_map(heat, name, str(row["problems"])), folder / stems[name])
    return stems


def heat_map(heat: np.ndarray, name: str, problems: str) -> Figure:
    """One plate: rows A, B … down, columns 1, 2 … across; grey where no well is."""
    height, width = heat.shape
    figure = Figure(figsize=(1.6 + 0.36 * width, 1.5 + 0.34 * height), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("#D9D9D9")
    image = axes.imshow(np.ma.masked_invalid(heat), cmap="cividis", vmin=0.0, vmax=1.3)
    axes.set_xticks(range(width), [str(at + 1) for at in range(width)], fontsize="x-small")
    axes.set_yticks(range(height), [row_name(at) for at in range(height)], fontsize="x-small")
    axes.set_title(f"{name}\n{problems or 'no problem found'}"[:160], fontsize="small", wrap=True)
    figure.colorbar(image, ax=axes, label="signal over the control", shrink=0.8)
    return figure
