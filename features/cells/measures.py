"""What cells say of a sample: shares of states, gates, bimodality, entropy, tails, clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.cells.clusters import Clusters, find_clusters
from sidestep.features.cells.gates import GATED, GIVEN, Gate, find_gate
from sidestep.features.cells.scales import LOG2, SCALES, at_the_end, scale_of
from sidestep.features.cells.shapes import bimodality_coefficient, entropy, mixture_gain
from sidestep.features.cells.shares import share_of
from sidestep.features.cells.states import HIGH, LOW, STATE_TABLE, StateMarker, column_of
from sidestep.features.cells.tables import CellTable
from sidestep.features.errors import InputError, some
from sidestep.features.identifiers import match_key

FEWEST_CELLS: Final = 30
MEASURED, TOO_FEW, UNMEASURED, UNGATED = (
    "measured", "too few cells", "not measured", "no gate",
)  # fmt: skip
#: Status of a share -> what it means.
STATUSES: Final = {
    MEASURED: "the share is told",
    TOO_FEW: f"fewer than {FEWEST_CELLS} cells with levels in the sample",
    UNMEASURED: "a marker that the state needs is no column",
    UNGATED: "a marker that the state needs does not part the cells, and no threshold is given",
}
#: Columns of a share, and what stands in them where it is not told.
_UNTOLD: Final = {
    "definition": "", "cells": 0, "share": np.nan, "lower": np.nan, "upper": np.nan,
    "method": "", "fields": 0, "status": MEASURED, "reason": "",
}  # fmt: skip
#: Cells of a sample that a gate is drawn from, at most.
_MOST_CELLS: Final = 20_000


@dataclass(frozen=True)
class CellOptions:
    """How cells are measured.

    Attributes
    ----------
    scale : str
        Of all markers; by its levels where empty.
    cofactor : float
        Of arcsinh.
    thresholds : mapping of str to float
        Marker -> threshold in the table's units, in place of a gate.
    clusters : int
        Clusters to part cells into where no column names them; 0: as many as the information
        criterion says, at most six; 1: none.
    level : float
        Of the intervals.
    seed : int
    """

    scale: str = ""
    cofactor: float = 5.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    clusters: int = 0
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.scale and self.scale not in SCALES:
            raise InputError(f"{self.scale!r} is no scale; choose {', '.join(SCALES)}")
        if not 0 < self.cofactor < np.inf:
            raise InputError(f"cofactor is {self.cofactor:g}; give a number above 0")


@dataclass(frozen=True)
class CellResults:
    """What was found.

    Attributes
    ----------
    shares : pandas.DataFrame
        A row a sample and state, or side of a marker.
    markers : pandas.DataFrame
        A row a sample and marker: spread, bimodality, entropy, tails.
    gates : list of Gate
        A marker each.
    scaled : pandas.DataFrame
        (n_cells, n_markers) levels on their scales.
    clusters : Clusters
    overflow : pandas.DataFrame
        Cells at the detector's end, by name.
    options : CellOptions
    notes : list of str
    """

    shares: pd.DataFrame
    markers: pd.DataFrame
    gates: list[Gate]
    scaled: pd.DataFrame
    clusters: Clusters
    overflow: pd.DataFrame
    options: CellOptions
    notes: list[str]


def measure_cells(table: CellTable, options: CellOptions | None = None) -> CellResults:
    """Measure what cells say of their samples.

    Parameters
    ----------
    table : CellTable
    options : CellOptions, optional

    Returns
    -------
    CellResults

    Raises
    ------
    InputError
        If a threshold is of a marker that is not there, or no sample has 30 cells.
    """
    chosen = options or CellOptions()
    given = _thresholds(table, chosen)
    counts = table.info["sample"].value_counts(sort=False)
    if counts.max() < FEWEST_CELLS:
        raise InputError(
            f"no sample has {FEWEST_CELLS} cells; the largest, {counts.idxmax()}, has "
            f"{counts.max()}"
        )
    places = {str(s): np.flatnonzero((table.info["sample"] == s).to_numpy()) for s in counts.index}
    rng = np.random.default_rng(chosen.seed)
    drawn = {sample: np.sort(rng.permutation(at)[:_MOST_CELLS]) for sample, at in places.items()}
    scaled, gates, overflow, notes = {}, [], [], list[str]()
    for marker in table.levels.columns:
        levels = table.levels[marker].to_numpy(float)
        scale = scale_of(levels, chosen.scale, chosen.cofactor)
        if scale.name == LOG2 and (levels <= 0).any():
            levels, note = _raised(levels, str(marker))
            notes.append(note)
        values = scale.apply(levels)
        end = at_the_end(levels)
        overflow.append(_overflow(table, str(marker), levels, end))
        known = [values[at][np.isfinite(values[at])] for at in drawn.values()]
        gates.append(find_gate(str(marker), known, scale, given.get(str(marker))))
        scaled[str(marker)] = values
    frame = pd.DataFrame(scaled)
    clusters = find_clusters(table, frame, places, chosen.clusters, chosen.level, chosen.seed)
    shares = _shares(table, frame, gates, places, chosen)
    ends = pd.concat(overflow, ignore_index=True)
    if len(ends):
        by = ends["marker"].value_counts(sort=False)
        notes.append(
            "cells at the detector's end, named in overflow.csv: "
            + some([f"{count} of {marker}" for marker, count in by.items()])
        )
    return CellResults(
        shares, _spreads(frame, gates, places, ends), gates, frame, clusters, ends, chosen, notes
    )


def _thresholds(table: CellTable, options: CellOptions) -> dict[str, float]:
    names = {match_key(str(name)): str(name) for name in table.levels.columns}
    found = {}
    for marker, threshold in options.thresholds.items():
        if match_key(marker) not in names:
            raise InputError(
                f"a threshold is given of {marker!r}, which is no marker; there are "
                f"{some([str(c) for c in table.levels.columns], 12)}"
            )
        found[names[match_key(marker)]] = threshold
    return found


def _raised(levels: np.ndarray, marker: str) -> tuple[np.ndarray, str]:
    """Levels without a logarithm at half of the least that has one."""
    if not (levels > 0).any():
        raise InputError(
            f"{marker} has no level above 0, of which log2 is taken; give --scale linear"
        )
    least = float(levels[levels > 0].min())
    low = levels <= 0
    note = f"{marker}: {low.sum()} cells at 0 or below are taken as half of the least level above 0"
    return np.where(low, least / 2, levels), note


def _overflow(table: CellTable, marker: str, levels: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    named = table.info.loc[end, ["sample", "field", "cell", "file", "line"]]
    return named.assign(marker=marker, level=levels[end])


def _sides(gate: Gate, values: np.ndarray) -> dict[str, np.ndarray]:
    return {HIGH: values >= gate.threshold, LOW: values < gate.threshold}


def _shares(
    table: CellTable, scaled: pd.DataFrame, gates: list[Gate], places: dict[str, np.ndarray],
    options: CellOptions,
) -> pd.DataFrame:  # fmt: skip
    """A row a sample and state, then a sample and side of each gated marker."""
    by = {gate.marker: gate for gate in gates}
    states: dict[str, tuple[tuple[StateMarker, str | None], ...]] = {}
    columns = [str(column) for column in scaled.columns]
    for state, markers in STATE_TABLE.load().items():
        states[state] = tuple((m, column_of(m.gene, columns, m.names)) for m in markers)
    for gate in gates:
        if gate.status in (GATED, GIVEN):
            marker = StateMarker(gate.marker, (), HIGH, True, "")
            states[f"{gate.marker} high"] = ((marker, gate.marker),)
    rows = []
    for state, told in states.items():
        if all(column is None for _, column in told):
            continue
        for sample, at in places.items():
            rows.append({"sample": sample, "state": state}
                        | _share(told, by, scaled, table, at, options))  # fmt: skip
    return pd.DataFrame(rows, columns=["sample", "state", *_UNTOLD])


def _share(
    markers: tuple[tuple[StateMarker, str | None], ...], gates: dict[str, Gate],
    scaled: pd.DataFrame, table: CellTable, at: np.ndarray, options: CellOptions,
) -> dict[str, Any]:  # fmt: skip
    """Share of a state in a sample."""
    row: dict[str, Any] = dict(_UNTOLD)
    inside, known = np.ones(len(at), bool), np.ones(len(at), bool)
    words = []
    for marker, column in markers:
        gate = gates.get(column or "")
        usable = gate is not None and gate.status in (GATED, GIVEN)
        if gate is None or not usable:
            if marker.needed:
                row["status"] = UNMEASURED if gate is None else UNGATED
                why = "is no column" if gate is None else gate.status
                row["reason"] = f"{marker.gene}: {why}"
                return row
            continue
        values = scaled[gate.marker].to_numpy(float)[at]
        known &= np.isfinite(values)
        inside &= _sides(gate, values)[marker.side]
        border = f"{gate.scale.undo(gate.threshold):.4g}"
        words.append(f"{gate.marker} {'at least' if marker.side == HIGH else 'below'} {border}")
    row["definition"], row["cells"] = " and ".join(words), int(known.sum())
    if known.sum() < FEWEST_CELLS:
        row["status"] = TOO_FEW
        row["reason"] = f"{known.sum()} cells with levels"
        return row
    fields = table.info["field"].to_numpy(str)[at][known]
    found = share_of(inside[known], fields, options.level)
    return row | vars(found)


def _spreads(
    scaled: pd.DataFrame, gates: list[Gate], places: dict[str, np.ndarray], ends: pd.DataFrame
) -> pd.DataFrame:
    """A row a sample and marker."""
    rows = []
    for gate in gates:
        values = scaled[gate.marker].to_numpy(float)
        finite = values[np.isfinite(values)]
        low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (np.nan, np.nan)
        over = ends[ends["marker"] == gate.marker]["sample"].value_counts()
        for sample, at in places.items():
            known = values[at][np.isfinite(values[at])]
            row: dict[str, Any] = {
                "sample": sample, "marker": gate.marker, "scale": gate.scale.name,
                "cells": len(known), "missing": len(at) - len(known),
                "overflow": int(over.get(sample, 0)), "gate": gate.status,
                "threshold": gate.scale.undo(gate.threshold),
            }  # fmt: skip
            if len(known) >= FEWEST_CELLS:
                row |= _spread(known, (float(low), float(high)))
            rows.append(row | {"status": MEASURED if len(known) >= FEWEST_CELLS else TOO_FEW})
    return pd.DataFrame(rows)


def _spread(known: np.ndarray, ends: tuple[float, float]) -> dict[str, float]:
    quantiles = np.quantile(known, [0.05, 0.5, 0.95])
    return {
        "mean": float(known.mean()), "sd": float(known.std(ddof=1)),
        "q05": float(quantiles[0]), "median": float(quantiles[1]), "q95": float(quantiles[2]),
        "bimodality": bimodality_coefficient(known), "mixture_gain": mixture_gain(known),
        "entropy": entropy(known, ends) if ends[1] > ends[0] else 0.0,
        "tail_low": float((known < ends[0]).mean()), "tail_high": float((known > ends[1]).mean()),
    }  # fmt: skip
