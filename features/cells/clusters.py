"""Clusters of cells, named by the table or found, with their size in each sample."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.cells.shapes import evenness
from sidestep.features.cells.shares import share_of
from sidestep.features.cells.tables import CellTable

GIVEN, FOUND, NONE = "named by the table", "found by a mixture of normal distributions", "none"
_MOST_CLUSTERS: Final = 6
_MOST_CELLS: Final = 10_000
_MOST_MARKERS: Final = 40
#: A marker is high or low in a cluster from this many standard deviations of all cells on.
_MARKED: Final = 0.75


@dataclass(frozen=True)
class Clusters:
    """Clusters of cells.

    Attributes
    ----------
    of : numpy.ndarray
        Name of each cell's cluster; empty where it has none.
    table : pandas.DataFrame
        A row a sample and cluster: cells, share with interval, and the markers that it is high and
        low in.
    evenness : dict of str to float
        Sample -> entropy of its composition, 0 (one cluster) to 1 (all alike).
    origin : str
    """

    of: np.ndarray
    table: pd.DataFrame
    evenness: dict[str, float]
    origin: str


def find_clusters(
    table: CellTable, scaled: pd.DataFrame, places: dict[str, np.ndarray], wanted: int,
    level: float, seed: int,
) -> Clusters:  # fmt: skip
    """Clusters that the table names, else of a mixture over the standardised markers.

    Parameters
    ----------
    table : CellTable
    scaled : pandas.DataFrame
        (n_cells, n_markers) levels on their scales.
    places : dict of str to numpy.ndarray
        Sample -> its cells.
    wanted : int
        Clusters to find where none are named; 0: up to six by the information criterion; 1: none.
    level : float
        Of the intervals.
    seed : int
    """
    standard = _standard(scaled)
    named = table.info["cluster"].to_numpy(str)
    if (named != "").any():
        of, origin = named, GIVEN
    elif wanted == 1 or standard.shape[1] < 2 or len(standard) < 100:
        of, origin = np.full(len(scaled), "", dtype="U1"), NONE
    else:
        of, origin = _found(standard.to_numpy(float), places, wanted, seed), FOUND
    names = sorted(set(of) - {""}, key=_natural)
    if len(names) < 2 and origin == FOUND:
        of, origin, names = np.full(len(scaled), "", dtype="U1"), NONE, []
    fields = table.info["field"].to_numpy(str)
    rows: list[dict[str, Any]] = []
    even = {}
    marked = {name: _marked(standard[of == name]) for name in names}
    for sample, at in places.items():
        counts = np.array([np.count_nonzero(of[at] == name) for name in names])
        even[sample] = evenness(counts) if len(names) else np.nan
        for name, count in zip(names, counts.tolist(), strict=True):
            share = share_of(of[at] == name, fields[at], level)
            rows.append({"sample": sample, "cluster": name, "cells": count} | vars(share)
                        | marked[name])  # fmt: skip
    columns = ["sample", "cluster", "cells", "share", "lower", "upper", "method", "fields",
               "high_in", "low_in"]  # fmt: skip
    return Clusters(of, pd.DataFrame(rows, columns=columns), even, origin)


def _standard(scaled: pd.DataFrame) -> pd.DataFrame:
    """Markers in standard deviations of all cells; those that are constant or mostly missing go."""
    usable = scaled.columns[scaled.notna().mean() > 0.5]
    spread = scaled[usable].std()
    usable = usable[(spread > 0).to_numpy()]
    widest = spread[usable].sort_values(ascending=False, kind="stable").index[:_MOST_MARKERS]
    chosen = scaled[[column for column in usable if column in set(widest)]]
    return ((chosen - chosen.mean()) / chosen.std()).fillna(0.0).clip(-5, 5)


def _found(
    standard: np.ndarray, places: dict[str, np.ndarray], wanted: int, seed: int
) -> np.ndarray:
    """Clusters numbered from the largest on."""
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(seed)
    each = max(_MOST_CELLS // len(places), 50)
    drawn = np.concatenate([np.sort(rng.permutation(at)[:each]) for at in places.values()])
    sizes = [wanted] if wanted else range(1, _MOST_CLUSTERS + 1)
    fits = [
        GaussianMixture(
            size, covariance_type="diag", reg_covar=1e-3, n_init=2, random_state=seed
        ).fit(standard[drawn])
        for size in sizes
    ]
    best = min(fits, key=lambda fit: fit.bic(standard[drawn]))
    label = best.predict(standard)
    order = np.argsort(-np.bincount(label, minlength=best.n_components), kind="stable")
    name = np.empty(best.n_components, dtype=object)
    name[order] = [str(number) for number in range(1, best.n_components + 1)]
    return np.asarray(name[label], dtype=str)


def _marked(standard: pd.DataFrame) -> dict[str, str]:
    middle = standard.mean()
    by = middle.sort_values(kind="stable")
    return {
        "high_in": "; ".join(map(str, by[by >= _MARKED].index[::-1][:5])),
        "low_in": "; ".join(map(str, by[by <= -_MARKED].index[:5])),
    }


def _natural(name: str) -> tuple[Any, ...]:
    return tuple(
        (0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.findall(r"\d+|\D+", name)
    )
