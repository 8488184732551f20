"""Clusters as samples of a study that `sidestep score` reads, each with its size.

RNA counts of a cluster's cells are summed and written as log2 of counts a million and one; levels
of markers are averaged on their log scale and written as protein levels. A cluster is a sample of
its own whose donor is the sample it is part of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.cells.measures import CellResults
from sidestep.features.cells.scales import LINEAR
from sidestep.features.cells.states import canonical_marker
from sidestep.features.cells.tables import CellTable
from sidestep.features.errors import some, study_error
from sidestep.features.files.h5ad import H5adMatrix
from sidestep.features.study.study import Study

#: Cells that a cluster needs to be a sample.
FEWEST_CELLS: Final = 20
#: Largest level that is taken for log(1 + counts), not for counts.
_LARGEST_LOG: Final = 20.0


@dataclass(frozen=True)
class PseudoBulk:
    """Clusters as samples.

    Attributes
    ----------
    study : Study or None
        None where no cluster has 20 cells, or no column is a protein or gene.
    notes : list of str
    """

    study: Study | None
    notes: list[str]


def pseudo_bulk(table: CellTable, found: CellResults, study_id: str) -> PseudoBulk:
    """Make samples of clusters, beside each whole sample.

    Parameters
    ----------
    table : CellTable
    found : CellResults
    study_id : str

    Raises
    ------
    StudyError
        If the counts of an ``.h5ad`` are negative.
    """
    groups, clinical, notes = _groups(table, found)
    if clinical.empty:
        return PseudoBulk(None, notes)
    if table.counts:
        levels, note = _expression(table, groups, list(clinical.index))
        return PseudoBulk(
            Study.from_frames(
                expression=levels,
                clinical=clinical,
                study_id=study_id,
                name=f"{study_id}: clusters",
            ),
            [*notes, note],
        )
    proteins = _proteins(found, groups, list(clinical.index))
    if proteins.empty:
        return PseudoBulk(None, [*notes, "no marker is a known protein: no study of clusters"])
    notes.append(
        f"levels of {proteins.shape[1]} markers are written as protein levels; they come from "
        "another instrument than arrays, which `sidestep check --model` tests"
    )
    study = Study.from_frames(
        rppa=proteins, clinical=clinical, study_id=study_id, name=f"{study_id}: clusters"
    )
    return PseudoBulk(study, notes)


def _groups(
    table: CellTable, found: CellResults
) -> tuple[dict[str, np.ndarray], pd.DataFrame, list[str]]:
    """Name of a new sample -> its cells; what is known of it; clusters left out."""
    groups: dict[str, np.ndarray] = {}
    rows, small = [], []
    sample_of = table.info["sample"].to_numpy(str)
    shares = found.clusters.table.set_index(["sample", "cluster"])
    for sample in dict.fromkeys(sample_of):
        whole = np.flatnonzero(sample_of == sample)
        names = sorted(set(found.clusters.of[whole]) - {""})
        for cluster in ["", *names]:
            at = whole if not cluster else whole[found.clusters.of[whole] == cluster]
            if len(at) < FEWEST_CELLS:
                small.append(f"{sample} {cluster}".strip())
                continue
            name = f"{sample}_{_slug(cluster)}" if cluster else str(sample)
            while name in groups:
                name += "_"
            groups[name] = at
            row = {"SAMPLE_ID": name, "PATIENT_ID": sample, "CELLS": str(len(at)),
                   "CLUSTER": cluster or "all cells"}  # fmt: skip
            if cluster:
                told = shares.loc[(sample, cluster)]
                row |= {
                    "CELL_SHARE": f"{told['share']:.4g}",
                    "CELL_SHARE_RANGE": f"{told['lower']:.3g} to {told['upper']:.3g}",
                    "HIGH_IN": told["high_in"] or np.nan, "LOW_IN": told["low_in"] or np.nan,
                }  # fmt: skip
            else:
                row["CELL_SHARE"] = "1"
            rows.append(row)
    notes = []
    if small:
        notes.append(f"too few cells to be a sample (under {FEWEST_CELLS}): {some(small)}")
    clinical = pd.DataFrame(rows)
    return groups, clinical.set_index("SAMPLE_ID") if len(clinical) else clinical, notes


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-") or "cluster"


def _proteins(found: CellResults, groups: dict[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    """Mean levels on a log scale, by canonical antibody; linear markers are as they were given."""
    columns: dict[str, np.ndarray] = {}
    scaled = found.scaled
    for gate in found.gates:
        canonical = canonical_marker(gate.marker)
        gene = canonical.partition("_")[0]
        if not re.fullmatch(r"[A-Z][A-Z0-9-]*", gene) or canonical in columns:
            continue
        values = scaled[gate.marker].to_numpy(float)
        # arcsinh of a large level is ln(2 level / cofactor): a log2 but for factor and shift.
        factor = 1.0 if gate.scale.name in (LINEAR, "log2") else 1 / np.log(2)
        columns[canonical] = factor * np.array([_mean(values[groups[name]]) for name in names])
    frame = pd.DataFrame(columns, index=names)
    return frame.dropna(axis=1, how="all")


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _expression(
    table: CellTable, groups: dict[str, np.ndarray], names: list[str]
) -> tuple[pd.DataFrame, str]:
    """log2 of counts a million and one, of each group's summed counts."""
    member = np.zeros((len(names), len(table.info)))
    for row, name in enumerate(names):
        member[row, groups[name]] = 1.0
    totals: dict[str, np.ndarray] = {}
    logs = []
    for counts in table.counts:
        matrix = H5adMatrix(counts.path, counts.path.name, counts.layer)
        sums = np.zeros((len(names), len(matrix.features)))
        logged = _is_log(matrix)
        logs.append(logged)
        for _, start, block in matrix.blocks():
            if np.nanmin(block, initial=0.0) < 0:
                raise study_error(
                    f"{counts.path.name} has negative values, which are no counts; name the layer "
                    "of counts with --layer.", counts.path.name
                )  # fmt: skip
            first = counts.first + start
            # Counts of cells that were scaled to one depth weigh all cells alike.
            values = np.expm1(block) if logged else block
            sums += member[:, first : first + block.shape[1]] @ np.nan_to_num(values.T)
        for gene, column in zip(matrix.features, sums.T, strict=True):
            totals[str(gene)] = totals.get(str(gene), np.zeros(len(names))) + column
    frame = pd.DataFrame(totals, index=names)
    depth = frame.sum(axis=1)
    share = frame.div(depth.where(depth > 0), axis=0)
    levels = pd.DataFrame(np.log2(1e6 * share.to_numpy(float) + 1), names, frame.columns)
    what = "log(1 + counts), which are undone" if all(logs) else "counts"
    return levels, f"expression of clusters is summed over cells from {what}, as log2 of a million"


def _is_log(matrix: H5adMatrix) -> bool:
    """Whether the first cells hold logarithms: small values that are not whole numbers."""
    _, _, block = next(matrix.blocks())
    part = block[:, :500]
    known = part[np.isfinite(part)]
    return bool(known.max(initial=0.0) <= _LARGEST_LOG and (known % 1 != 0).any())
