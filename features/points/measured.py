"""Cells measured one by one: K, g and the pairs that tell of dimers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.spatial import cKDTree

from sidestep.features.errors import InputError
from sidestep.features.points.correlation import TRANSLATION, correlation_of, pairs_within
from sidestep.features.points.dimers import (
    RING,
    DimerCounts,
    DimerDistance,
    count_pairs,
    dimer_fraction,
    find_distance,
)
from sidestep.features.points.labels import Labels
from sidestep.features.points.windows import Window

FEWEST_LABELS: Final = 10
MEASURED, TOO_FEW, TOO_SMALL = "measured", "too few labels", "window too small"
#: Status of a cell -> what it means.
STATUSES: Final = {
    MEASURED: "labels and window tell K, g and the share in dimers",
    TOO_FEW: f"fewer than {FEWEST_LABELS} labels of the kind",
    TOO_SMALL: "the shorter side of the window is less than twice the largest distance",
}
#: Outer end (nm) of the ring that a peak is held against where no distance of dimers is given: a
#: peak beyond a third of it is none of dimers.
_REACH: Final = 200.0
#: Distance up to which pairs are needed, over that of dimers where it is given.
_BEYOND: Final = 5.0
_STEPS: Final = 256
_BINS: Final = 4096
#: Neighbours of a label by chance up to which curves reach.
_MOST_NEIGHBOURS: Final = 60
#: Pairs of a cell that memory has room for, and labels from which on they are counted before.
_MOST_PAIRS, _MANY_LABELS = 30_000_000, 5_000


@dataclass(frozen=True)
class PointOptions:
    """How label positions are measured.

    Attributes
    ----------
    largest : float
        Largest distance of K and g, nm; 0: a quarter of the shorter side of the windows, or where
        a label has 60 neighbours by chance.
    dimer : float
        Distance of the labels of a dimer, nm; 0: found, where a short distance stands out.
    simulations : int
        Of random labels for a group's envelope; 0 for none.
    tested : int
        Cells of a group that the envelope test takes, evenly over the group.
    fdr : float
        Up to which q a group is not random, and cells without dimers count as present.
    level : float
    seed : int
    """

    largest: float = 0.0
    dimer: float = 0.0
    simulations: int = 199
    tested: int = 5
    fdr: float = 0.05
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in ("largest", "dimer"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(
                    f"{name} is {getattr(self, name):g}; give nanometres, 0 to find it"
                )


@dataclass
class MeasuredCell:
    """A cell's labels of a kind (or of two), and what its pairs say.

    Attributes
    ----------
    row : dict
        Its row of the table of cells.
    points : numpy.ndarray
    window : Window
    k, g : dict of str to numpy.ndarray
        Correction -> curve.
    weight : float
        Pairs that it could have a unit area, by which groups weight it.
    pairs : numpy.ndarray or None
        Pairs a bin of distances, corrected for edges.
    """

    row: dict[str, Any]
    points: np.ndarray
    window: Window
    k: dict[str, np.ndarray]
    g: dict[str, np.ndarray]
    weight: float = 0.0
    pairs: np.ndarray | None = None


def cells_of(labels: Labels) -> Iterator[MeasuredCell]:
    """Labels a cell and kind, in the order of the files."""
    for (sample, cell, kind), group in labels.table.groupby(["sample", "cell", "kind"], sort=False):
        window = labels.windows.get((str(sample), str(cell)))
        row = {
            "sample": sample, "cell": cell, "state": group["state"].iloc[0], "kind": kind,
            "status": MEASURED, "labels": len(group),
            "area": window.area / 1e6 if window else np.nan,
            "density": len(group) / window.area * 1e6 if window else np.nan,
            "dimer_fraction": np.nan, "dimer_lower": np.nan, "dimer_upper": np.nan,
            "pairs": np.nan, "pairs_by_chance": np.nan, "dimer_free_probability": np.nan,
        }  # fmt: skip
        if window is None or len(group) < FEWEST_LABELS:
            row["status"] = TOO_FEW
        points = group[["x", "y"]].to_numpy(float)
        yield MeasuredCell(row, points, window or Window.rectangle(0, 1, 0, 1), {}, {})


def distances_for(cells: Sequence[MeasuredCell], options: PointOptions) -> np.ndarray:
    """Distances of the curves; cells too small for them get their status."""
    sides = np.array([cell.window.sides.min() for cell in cells])
    # One small cell is not to shorten the curves of all others.
    density = float(np.median([cell.row["density"] for cell in cells])) / 1e6
    crowded = float(np.sqrt(_MOST_NEIGHBOURS / (np.pi * density)))
    needed = _BEYOND * options.dimer
    if options.largest and options.largest < needed:
        raise InputError(
            f"dimers at {options.dimer:g} nm need pairs up to {needed:g} nm, and the largest "
            f"distance is {options.largest:g}; give at least that, or none"
        )
    largest = options.largest or max(min(float(np.quantile(sides, 0.05)) / 4, crowded), needed)
    for cell, side in zip(cells, sides, strict=True):
        if side < 2 * largest:
            cell.row["status"] = TOO_SMALL
    if all(cell.row["status"] == TOO_SMALL for cell in cells):
        raise InputError(
            f"the largest distance, {largest:g} nm, is more than half of every window; give "
            f"at most {sides.max() / 2:g}"
        )
    return np.linspace(0, largest, _STEPS + 1)


def bins_for(r: np.ndarray, options: PointOptions) -> np.ndarray:
    """Edges of the bins in which the pairs of dimers are looked for."""
    wanted = max(_REACH, 2 * RING[1] * options.dimer)
    return np.linspace(0, min(float(r[-1]), wanted), _BINS + 1)


def measure(cell: MeasuredCell, r: np.ndarray, half: float, edges: np.ndarray) -> None:
    """Fill in a cell's curves and pairs.

    Raises
    ------
    InputError
        If it has more pairs than memory has room for.
    """
    if len(cell.points) > _MANY_LABELS:
        tree = cKDTree(cell.points)
        count = (tree.count_neighbors(tree, float(r[-1]) + half) - len(cell.points)) // 2
        if count > _MOST_PAIRS:
            raise InputError(
                f"cell {cell.row['cell']} has {count:,} pairs of labels up to {r[-1]:g} nm; give a "
                "smaller --largest"
            )
    found = pairs_within(cell.points, cell.window, float(r[-1]) + half)
    count, area = len(cell.points), cell.window.area
    measured = correlation_of(found, r, half, count * (count - 1), count, area, "d")
    cell.k, cell.g = measured.k, measured.g
    cell.weight = count * (count - 1) / area
    once = found.weights[TRANSLATION] / 2
    place = (found.distances / edges[1]).astype(int)
    near = place < len(edges) - 1
    cell.pairs = np.bincount(place[near], once[near], minlength=len(edges) - 1)


def dimers_of(
    cells: Sequence[MeasuredCell], edges: np.ndarray, options: PointOptions
) -> DimerDistance | None:
    """Distance of the dimers of all cells of a kind; their rows are filled in."""
    middle = (edges[:-1] + edges[1:]) / 2
    pairs = np.array([cell.pairs for cell in cells])
    found = find_distance(middle, pairs.sum(axis=0), float(edges[-1]), options.dimer or None)
    if found is None:
        return None
    counts = counts_of(cells, edges, found)
    estimate, lower, upper = dimer_fraction(counts, found, options.level)
    chance = found.ratio * counts.ring
    for place, cell in enumerate(cells):
        cell.row |= {
            "dimer_fraction": float(np.clip(estimate[place], 0, 1)),
            "dimer_lower": lower[place], "dimer_upper": upper[place],
            "pairs": counts.window[place], "pairs_by_chance": chance[place],
        }  # fmt: skip
    return found


def counts_of(
    cells: Sequence[MeasuredCell], edges: np.ndarray, dimer: DimerDistance
) -> DimerCounts:
    """Pairs of cells in the window of a distance and in its ring."""
    middle = (edges[:-1] + edges[1:]) / 2
    pairs = [(middle, cell.pairs) for cell in cells if cell.pairs is not None]
    return count_pairs(pairs, [len(cell.points) for cell in cells], dimer)
