"""What label positions say of cells and samples: arrangement, dimers, and cells without dimers.

Cells are measured one by one and told together by sample and state: K and g of a group are those of
its cells weighted by the pairs that each could have, intervals come from the scatter between cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import t

from sidestep.features.assays.significance import false_discovery_rates
from sidestep.features.errors import InputError
from sidestep.features.points.correlation import (
    CORRECTIONS,
    STOYAN,
    TRANSLATION,
    correlation_of,
    pairs_within,
)
from sidestep.features.points.dimer_free import FEWEST_CELLS, DimerFree, find_dimer_free
from sidestep.features.points.dimers import DimerCounts, DimerDistance, dimer_fraction
from sidestep.features.points.envelopes import Envelope, envelope_test
from sidestep.features.points.labels import Labels
from sidestep.features.points.measured import (
    FEWEST_LABELS,
    MEASURED,
    MeasuredCell,
    PointOptions,
    bins_for,
    cells_of,
    counts_of,
    dimers_of,
    distances_for,
    measure,
)

PRESENT, ABSENT, UNTOLD = "present", "none shown", "not told"
#: Word on dimer-free cells -> what it means.
SUBPOPULATION: Final = {
    PRESENT: "a mixture with cells without dimers fits better (q at most the limit)",
    ABSENT: "no better fit with cells without dimers; the upper end of the share says how many "
    "there may be",
    UNTOLD: f"fewer than {FEWEST_CELLS} cells, or no dimers at all",
}
_ENVELOPE_STEPS: Final = 65
#: Neighbours of a label by chance up to which the envelope test reaches.
_TESTED_NEIGHBOURS: Final = 20


@dataclass(frozen=True)
class PointResults:
    """What was found.

    Attributes
    ----------
    cells : pandas.DataFrame
        A row a cell and kind of label.
    groups : pandas.DataFrame
        A row a sample, state (empty: all) and kind, or pair of kinds.
    curves : pandas.DataFrame
        A row a group and distance: K, L and g with both corrections, interval of g, and the
        envelope of L - r.
    dimers : dict of str to DimerDistance
        Kind -> distance of its dimers; only kinds that show one.
    bandwidth : float
        Half-width of the kernel of g, nm.
    options : PointOptions
    """

    cells: pd.DataFrame
    groups: pd.DataFrame
    curves: pd.DataFrame
    dimers: dict[str, DimerDistance]
    bandwidth: float
    options: PointOptions


def measure_patterns(labels: Labels, options: PointOptions | None = None) -> PointResults:
    """Measure arrangement and dimers of labels.

    Parameters
    ----------
    labels : Labels
    options : PointOptions, optional

    Returns
    -------
    PointResults

    Raises
    ------
    InputError
        If no cell has ten labels of a kind, or `largest` is beyond every window.
    """
    chosen = options or PointOptions()
    cells = list(cells_of(labels))
    usable = [cell for cell in cells if cell.row["status"] == MEASURED]
    if not usable:
        most = max(cells, key=lambda cell: len(cell.points)).row
        raise InputError(
            f"no cell has {FEWEST_LABELS} labels of a kind; the largest, {most['cell']}, has "
            f"{most['labels']} (of a table with a row a cell say --kind cells)"
        )
    r = distances_for(usable, chosen)
    usable = [cell for cell in usable if cell.row["status"] == MEASURED]
    # Noise of a mean over n cells is that of one cell at n**(-1/5) of the width.
    density = float(np.median([cell.row["density"] for cell in usable])) / 1e6
    half = STOYAN / np.sqrt(density) * len(usable) ** -0.2
    edges = bins_for(r, chosen)
    for cell in usable:
        measure(cell, r, half, edges)
    dimers = {}
    for kind in dict.fromkeys(cell.row["kind"] for cell in usable):
        found = dimers_of([c for c in usable if c.row["kind"] == kind], edges, chosen)
        if found is not None:
            dimers[kind] = found
    groups, curves = _groups(usable, r, half, dimers, edges, chosen)
    table = pd.DataFrame([cell.row for cell in cells])
    return PointResults(table, groups, curves, dimers, float(half), chosen)


def _groups(
    cells: list[MeasuredCell], r: np.ndarray, half: float,
    dimers: dict[str, DimerDistance], edges: np.ndarray, options: PointOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Rows of all groups, and their curves."""
    rows: list[dict[str, Any]] = []
    curves: list[pd.DataFrame] = []
    whole: dict[tuple[str, str], DimerFree] = {}
    for (sample, state, kind), members in _grouped(cells):
        told: dict[str, Any] = {"sample": sample, "state": state, "kind": kind, "against": ""}
        row = told | {
            "cells": len(members), "labels": int(sum(len(cell.points) for cell in members)),
        }  # fmt: skip
        curve = _curve(members, r, options.level).assign(**told)
        if options.simulations:
            envelope = _envelope(members, r, options)
            row |= _arrangement(envelope, min(len(members), options.tested))
            for name in ("observed", "lower", "upper"):
                at = np.interp(r, envelope.r, getattr(envelope, name), right=np.nan)
                curve[f"envelope_{name}"] = at
        if kind in dimers:
            counts = counts_of(members, edges, dimers[kind])
            row |= _dimer_facts(counts, dimers[kind], options)
            told_by = whole.get((sample, kind))
            if not state or told_by:
                shown = find_dimer_free(counts, dimers[kind], options.level, told_by)
                row |= _dimer_free_facts(shown)
                if shown is not None and not state:
                    whole[sample, kind] = shown
                    for cell, probability in zip(members, shown.probability, strict=True):
                        cell.row["dimer_free_probability"] = float(probability)
        rows.append(row)
        curves.append(curve)
    for (sample, state, kind, other), members in _crossed(cells, r, half):
        told = {"sample": sample, "state": state, "kind": kind, "against": other}
        count = int(sum(cell.row["labels"] for cell in members))
        rows.append(told | {"cells": len(members), "labels": count})
        curves.append(_curve(members, r, options.level).assign(**told))
    table = _judged(pd.DataFrame(rows), options)
    order = ["sample", "state", "kind", "against"]
    curve = pd.concat(curves, ignore_index=True)
    return table, curve[[*order, *(c for c in curve.columns if c not in order)]]


def _grouped(
    cells: list[MeasuredCell],
) -> Iterator[tuple[tuple[str, str, str], list[MeasuredCell]]]:
    """Cells by sample and kind, all states together and, where there are several, each."""
    by: dict[tuple[str, str, str], list[MeasuredCell]] = {}
    for cell in cells:
        sample, state, kind = (str(cell.row[key]) for key in ("sample", "state", "kind"))
        by.setdefault((sample, "", kind), []).append(cell)
        if state:
            by.setdefault((sample, state, kind), []).append(cell)
    for (sample, state, kind), members in by.items():
        if not state or len(members) < len(by[(sample, "", kind)]):
            yield (sample, state, kind), members


def _crossed(
    cells: list[MeasuredCell], r: np.ndarray, half: float
) -> Iterator[tuple[tuple[str, str, str, str], list[MeasuredCell]]]:
    """Labels of one kind around those of another, in cells that have both."""
    of = {(c.row["sample"], c.row["cell"], c.row["kind"]): c for c in cells}
    kinds = sorted({str(cell.row["kind"]) for cell in cells})
    found: dict[tuple[str, str, str, str], list[MeasuredCell]] = {}
    for (sample, name, kind), cell in of.items():
        for first, other in permutations(kinds, 2):
            partner = of.get((sample, name, other))
            if kind != first or partner is None or first > other:
                continue
            pairs = pairs_within(
                cell.points, cell.window, float(r[-1]) + half, others=partner.points
            )
            possible, area = len(cell.points) * len(partner.points), cell.window.area
            measured = correlation_of(pairs, r, half, possible, len(partner.points), area, "d")
            both = MeasuredCell(
                {"labels": len(cell.points) + len(partner.points)}, cell.points, cell.window,
                measured.k, measured.g, possible / area,
            )  # fmt: skip
            for state in dict.fromkeys(("", str(cell.row["state"]))):
                found.setdefault((sample, state, first, other), []).append(both)
    for key, members in found.items():
        if not key[1] or len(members) < len(found[(key[0], "", *key[2:])]):
            yield key, members


def _curve(cells: list[MeasuredCell], r: np.ndarray, level: float) -> pd.DataFrame:
    """Mean K and g over cells, and how far g may be off by the scatter between them."""
    weight = np.array([cell.weight for cell in cells])
    share = weight / weight.sum()
    columns: dict[str, np.ndarray] = {"r": r}
    for correction in CORRECTIONS:
        short = "trans" if correction == TRANSLATION else "iso"
        k = share @ np.array([cell.k[correction] for cell in cells])
        each = np.array([cell.g[correction] for cell in cells])
        g = share @ each
        columns |= {f"k_{short}": k, f"l_{short}": np.sqrt(k / np.pi), f"g_{short}": g}
        if correction == TRANSLATION and len(cells) >= 3:
            spread = np.sqrt(((share[:, None] * (each - g)) ** 2).sum(axis=0))
            off = t.ppf(0.5 + level / 2, len(cells) - 1) * spread
            columns |= {"g_lower": np.maximum(g - off, 0), "g_upper": g + off}
    return pd.DataFrame(columns)


def _envelope(cells: list[MeasuredCell], r: np.ndarray, options: PointOptions) -> Envelope:
    places = np.unique(np.linspace(0, len(cells) - 1, min(len(cells), options.tested)).astype(int))
    chosen = [(cells[place].points, cells[place].window) for place in places]
    # Longer distances of dense labels take long to simulate, and tell of the cell.
    density = np.median([len(points) / window.area for points, window in chosen])
    farthest = min(float(r[-1]), float(np.sqrt(_TESTED_NEIGHBOURS / (np.pi * density))))
    reach = np.linspace(0, farthest, _ENVELOPE_STEPS)
    return envelope_test(
        chosen, reach, simulations=options.simulations, alpha=options.fdr, seed=options.seed
    )


def _arrangement(envelope: Envelope, tested: int) -> dict[str, Any]:
    ends = {"above": envelope.above, "below": envelope.below}
    told = {
        f"{side}_{end}": (at[place] if at else np.nan)
        for side, at in ends.items()
        for place, end in enumerate(("from", "to"))
    }
    return {"arrangement": envelope.verdict, "p": envelope.p, **told, "cells_tested": tested,
            "tested_to": float(envelope.r[-1])}  # fmt: skip


def _dimer_facts(
    counts: DimerCounts, dimer: DimerDistance, options: PointOptions
) -> dict[str, Any]:
    mean, lower, upper, method = _mean_fraction(counts, dimer, options.level)
    return {
        "dimer_distance": dimer.distance, "dimer_spread": dimer.spread,
        "dimer_fraction": mean, "dimer_lower": lower, "dimer_upper": upper, "dimer_method": method,
    }  # fmt: skip


def _dimer_free_facts(shown: DimerFree | None) -> dict[str, Any]:
    if shown is None:
        return {}
    return {
        "dimer_free": shown.share, "dimer_free_lower": shown.lower,
        "dimer_free_upper": shown.upper, "dimer_free_p": shown.p,
        "dimerising_fraction": shown.dimerising,
    }  # fmt: skip


def _mean_fraction(
    counts: DimerCounts, dimer: DimerDistance, level: float
) -> tuple[float, float, float, str]:
    """Share of all labels in dimers, by the scatter between cells, of which there are three."""
    excess = 2 / dimer.share * (counts.window - dimer.ratio * counts.ring)
    total, cells = counts.labels.sum(), len(counts.labels)
    mean = float(excess.sum() / total)
    if cells < 3:
        whole = DimerCounts(*(np.array([part.sum()]) for part in
                              (counts.labels, counts.window, counts.ring)))  # fmt: skip
        _, low, high = dimer_fraction(whole, dimer, level)
        return float(np.clip(mean, 0, 1)), float(low[0]), float(high[0]), "pairs"
    spread = np.sqrt(((excess - mean * counts.labels) ** 2).sum() * cells / (cells - 1)) / total
    off = float(t.ppf(0.5 + level / 2, cells - 1) * spread)
    low_high = np.clip([mean, mean - off, mean + off], 0, 1)
    return float(low_high[0]), float(low_high[1]), float(low_high[2]), "cells"


def _judged(table: pd.DataFrame, options: PointOptions) -> pd.DataFrame:
    """False discovery rates over the groups, and what they let be said."""
    for p, q in (("p", "q"), ("dimer_free_p", "dimer_free_q")):
        if p in table:
            table[q] = false_discovery_rates(table[p].to_numpy(float))
    if "dimer_free_q" in table:
        known = table["dimer_free_q"].notna()
        words = np.where(table["dimer_free_q"] <= options.fdr, PRESENT, ABSENT)
        table["dimer_free_cells"] = np.where(known, words, UNTOLD)
    return table
