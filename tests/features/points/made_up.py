"""Label positions whose truth is known. Simulated: no label was ever seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.points.windows import Window

#: A field of 2.5 by 2.5 micrometres.
FIELD = Window.rectangle(0, 2500, 0, 2500)


def planted(
    labels: int,
    share: float,
    rng: np.random.Generator,
    *,
    window: Window = FIELD,
    distance: float = 20.0,
    spread: float = 2.0,
) -> np.ndarray:
    """Labels at random, a share of them with a partner at the distance of a dimer."""
    pairs = round(labels * share / 2)
    points = window.draw(labels - pairs, rng)
    angle = rng.uniform(0, 2 * np.pi, pairs)
    moved = rng.normal(distance, spread, pairs)[:, None] * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    partners = points[:pairs] + moved
    partners = np.where(window.holds(partners)[:, None], partners, points[:pairs] - moved)
    return np.concatenate([points, partners])


def cells_of(
    shares: Sequence[float], labels: int, seed: int, states: Sequence[str] = ()
) -> pd.DataFrame:
    """A table of cells, each with its share of labels in dimers."""
    rng = np.random.default_rng(seed)
    parts = []
    for place, share in enumerate(shares):
        x, y = planted(labels, share, rng).T
        told = {"cell_line": "SKBR3", "cell": f"c{place}", "x_nm": x, "y_nm": y}
        parts.append(pd.DataFrame(told | ({"state": states[place]} if states else {})))
    return pd.concat(parts, ignore_index=True)


def with_free_cells(cells: int, free: int, labels: int, seed: int) -> pd.DataFrame:
    """Cells of which the first rest without dimers, and the others have 30 % of labels in them."""
    rng = np.random.default_rng(seed)
    shares = [0.0] * free + rng.beta(6, 14, cells - free).tolist()
    return cells_of(shares, labels, seed, ["resting"] * free + ["ruffled"] * (cells - free))


def written(folder: Path, table: pd.DataFrame, name: str = "labels.csv") -> Path:
    """The table as a file."""
    path = folder / name
    table.to_csv(path, index=False)
    return path
