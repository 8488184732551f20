"""Single cells become samples: counts summed by a column, as counts per million (pseudo-bulk).

Cells come as 10x's folder (matrix, barcodes, features), as AnnData (.h5ad) or MuData (.h5mu).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.files.h5ad import H5adMatrix
from sidestep.features.files.hdf5 import HdfFile
from sidestep.features.files.limits import row_limit
from sidestep.features.originals.attributes import attributes_part
from sidestep.features.originals.containers import open_table
from sidestep.features.originals.given import text_lines
from sidestep.features.originals.levels import SAMPLE_COLUMNS, Levels
from sidestep.features.originals.parts import Part, Source, part_of_levels
from sidestep.features.study.scales import HIGHEST_LOG

_MATRIX: Final = ("matrix.mtx", "matrix.mtx.gz")
_BARCODES: Final = ("barcodes.tsv", "barcodes.tsv.gz")
_FEATURES: Final = ("features.tsv", "features.tsv.gz", "genes.tsv", "genes.tsv.gz")
_HDF: Final = b"\x89HDF"
_RNA: Final = ("rna", "gex", "expression", "gene_expression")
_MILLION: Final = 1e6
_UNIT: Final = "CPM"
_BLOCK: Final = 2**20


@dataclass(frozen=True)
class Cells:
    """What is read of cells: sums, and what they are sums of.

    Attributes
    ----------
    genes : list of str
    names : list of str
        Sample of each row of the sums.
    sums : numpy.ndarray
        Samples x genes.
    numbers : numpy.ndarray
        Cells of each sample.
    told : tuple of str
    counts : bool
        Whether the sums are of counts; else they are levels as the file has them.
    """

    genes: list[str]
    names: list[str]
    sums: np.ndarray
    numbers: np.ndarray
    told: tuple[str, ...]
    counts: bool = True


def holds_cells(path: Path) -> bool:
    """Whether something is a folder of 10x's, or a file of AnnData or MuData."""
    if path.is_dir():
        return _one_of(path, _MATRIX) is not None
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError:
        return False
    return start.startswith((_HDF, b"MuData")) or path.suffix.lower() in (".h5ad", ".h5mu")


def read_cells(path: Path, by: str = "", cells: Path | None = None) -> list[Part]:
    """Parts of cells: expression of the samples that a column tells, and how many cells they had.

    Parameters
    ----------
    path : Path
        A folder of 10x's, or a ``.h5ad`` or ``.h5mu`` file.
    by : str
        Column of samples. Without it each row of an AnnData file is a sample, and all of 10x's
        cells are one.
    cells : Path, optional
        Table of cells by barcode, which has that column.

    Raises
    ------
    InputError
        If the column is not there, the numbers are neither counts nor their logarithms, or a file
        is broken.
    """
    if path.is_dir():
        found = _of_10x(path, _groups_of(cells, by) if cells is not None else None, by)
    else:
        found = _of_hdf(path, by, _groups_of(cells, by) if cells is not None else None)
    unit, values = "", found.sums
    if found.counts:
        totals = found.sums.sum(axis=1, keepdims=True)
        if (totals <= 0).any():
            empty = [found.names[at] for at in np.flatnonzero(totals[:, 0] <= 0)]
            raise InputError(f"{path}: sample(s) {some(empty)} have no counts; leave them out")
        unit, values = f"pseudo-bulk {_UNIT}", found.sums / totals * _MILLION
    features = pd.DataFrame({"Hugo_Symbol": found.genes}, dtype="str")
    levels = Levels(tuple(found.names), features, values.T, found.told)
    source = Source("expression", path, unit=unit)
    attributes = pd.DataFrame(
        {"N_CELLS": found.numbers.astype(str)}, index=pd.Index(found.names, dtype="str")
    )
    return [attributes_part(attributes, path.name), part_of_levels(source, levels, path.name)]


def _groups_of(table: Path, by: str) -> dict[str, str]:
    """Cell -> its sample, of a table of cells."""
    given = open_table(table)
    column = given.named(by) if by else given.named(*SAMPLE_COLUMNS)
    key = given.table.columns[0]
    if column is None or column == key:
        raise InputError(f"{table} has no column {by or 'of samples'}; it has {some(given.names)}")
    text = given.table.text([key, column]).dropna()
    return dict(zip(text[key].astype(str), text[column].astype(str), strict=True))


def _placed(groups: Sequence[str | None], path: Path) -> tuple[list[str], np.ndarray]:
    """Samples in the order in which they come, and the place of each cell's; -1 for none."""
    codes, names = pd.factorize(pd.Series(list(groups), dtype=object))
    if not len(names):
        raise InputError(f"{path}: no cell has a sample; name the column of samples")
    return [str(name) for name in names], np.asarray(codes)


def _of_hdf(path: Path, by: str, groups: dict[str, str] | None) -> Cells:
    file = HdfFile(path, path.name)
    try:
        with file.whole():
            group = _group_of(file, path)
            at = f"{group}/" if group else ""
            layer = "counts" if "counts" in file.keys(f"{at}layers") else None
            cells = file.names(f"{at}obs")
            if groups is None and by:
                groups = _groups_in(file, dict.fromkeys((f"{at}obs", "obs")), by)
    finally:
        file.close()
    samples = list(cells) if groups is None else [groups.get(cell) for cell in cells]
    names, places = _placed(samples, path)
    matrix = H5adMatrix(path, path.name, layer, group)
    try:
        sums, logs = _sums(matrix, names, places, path)
        if logs and len(names) == len(cells):
            # Samples, and no cells: whatever these levels are, the reader of studies tells.
            levels = matrix.take(np.arange(len(cells)))
            how = f"{path.name}: {len(cells):,} rows of X are samples, their levels as they are"
            single = np.ones(len(cells), int)
            return Cells(list(matrix.features), names, levels, single, (how,), counts=False)
    finally:
        matrix.file.close()
    numbers = np.bincount(places[places >= 0], minlength=len(names))
    what = f"layer {layer}" if layer else "X"
    how = f"{what}, natural logarithms of which are undone" if logs else what
    told = [
        f"{path.name}: {len(cells):,} rows of {what} are {len(names):,} samples"
        + (f" by {by}" if by else ""),
        f"{path.name}: sums of {how}, as counts per million",
    ]
    left = int((places < 0).sum())
    if left:
        told.append(f"{path.name}: {left:,} cell(s) without a sample are left out")
    return Cells(list(matrix.features), names, sums, numbers, tuple(told))


def _groups_in(file: HdfFile, tables: Iterable[str], by: str) -> dict[str, str]:
    """Cell -> its sample, of the first table of a file that has the column."""
    had: list[str] = []
    for key in tables:
        frame = file.frame(key)
        if by in frame:
            return {str(cell): str(name) for cell, name in frame[by].dropna().items()}
        had += map(str, frame.columns)
    raise InputError(f"{file.name}: obs has no column {by}; it has {some(had) or 'none'}")


def _group_of(file: HdfFile, path: Path) -> str:
    """Where RNA is in a MuData file; empty for AnnData."""
    names = file.keys("mod") if "mod" in file else []
    if not names:
        return ""
    found = [name for name in names if name.casefold() in _RNA] or (
        names if len(names) == 1 else []
    )
    if not found:
        raise InputError(f"{path} has no modality rna; it has {some(names)}")
    return f"mod/{found[0]}"


def _sums(
    matrix: H5adMatrix, names: list[str], places: np.ndarray, path: Path
) -> tuple[np.ndarray, bool]:
    """Sums of counts by sample, and whether logarithms were undone for them."""
    counts = np.zeros((len(names), len(matrix.features)))
    logs = np.zeros_like(counts)
    whole, highest = True, 0.0
    for _, start, block in matrix.blocks():
        rows = np.nan_to_num(block.T)
        if (rows < 0).any():
            raise InputError(
                f"{path} holds numbers below 0, which are no counts; give counts (a layer 'counts')"
            )
        of = places[start : start + len(rows)]
        kept = of >= 0
        np.add.at(counts, of[kept], rows[kept])
        np.add.at(logs, of[kept], np.expm1(np.minimum(rows[kept], HIGHEST_LOG)))
        whole = whole and bool((rows == np.rint(rows)).all())
        highest = max(highest, float(rows.max(initial=0.0)))
    if whole or highest > HIGHEST_LOG:
        return counts, False
    return logs, True


def _of_10x(folder: Path, groups: dict[str, str] | None, by: str) -> Cells:
    """Sums of a folder of 10x's: matrix.mtx is genes x cells, one entry a line."""
    parts = {
        what: _one_of(folder, names)
        for what, names in (("barcodes", _BARCODES), ("features", _FEATURES))
    }
    if missing := [what for what, found in parts.items() if found is None]:
        raise InputError(f"{folder} has no {' and no '.join(missing)}.tsv beside matrix.mtx")
    barcodes = _first_fields(parts["barcodes"], 0)
    genes = _first_fields(parts["features"], 1)
    if by and groups is None:
        raise InputError(
            f"{folder} says nothing of {by}; give the table of its cells: --cells FILE, with a "
            f"column {by}"
        )
    own: list[str | None] = (
        [folder.resolve().name] * len(barcodes)
        if groups is None
        else [groups.get(cell) for cell in barcodes]
    )
    names, places = _placed(own, folder)
    sums = np.zeros((len(names), len(genes)))
    path = _one_of(folder, _MATRIX)
    if path is not None:
        for rows, columns, values in _entries(path, len(genes), len(barcodes)):
            of = places[columns]
            kept = of >= 0
            np.add.at(sums, (of[kept], rows[kept]), values[kept])
    numbers = np.bincount(places[places >= 0], minlength=len(names))
    left = int((places < 0).sum())
    told = [f"{folder.name}: {len(barcodes):,} cells are {len(names):,} sample(s)",
            f"{folder.name}: sums of counts, as counts per million"]  # fmt: skip
    if left:
        told.append(f"{folder.name}: {left:,} cell(s) without a sample are left out")
    return Cells(genes, names, sums, numbers, tuple(told))


def _one_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _first_fields(path: Path | None, place: int) -> list[str]:
    """A field of each line; the last there is where a line has fewer."""
    if path is None:
        return []
    rows = [line.split("\t") for line in text_lines(path) if line.strip()]
    return [row[min(place, len(row) - 1)].strip() for row in rows]


def _entries(
    path: Path, genes: int, cells: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Genes, cells and counts of a Matrix Market file, some at a time."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            _check_shape(file, path, genes, cells)
            most = row_limit(path.stat().st_size) * 16
            done = 0
            while lines := file.readlines(_BLOCK):
                found = np.fromstring(b" ".join(lines).decode(), dtype=float, sep=" ")
                if len(found) != 3 * len(lines):
                    raise ValueError("a line has not three numbers")
                done += len(lines)
                if done > most:
                    raise ValueError("more entries than its size accounts for")
                rows, columns = found[0::3].astype(int) - 1, found[1::3].astype(int) - 1
                if (
                    rows.min() < 0
                    or rows.max() >= genes
                    or columns.min() < 0
                    or (columns.max() >= cells)
                ):
                    raise ValueError("an entry lies outside of the matrix")
                yield rows, columns, found[2::3]
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"{path} is not a whole matrix of 10x ({error}); copy or download it again"
        ) from error


def _check_shape(file: gzip.GzipFile | IO[bytes], path: Path, genes: int, cells: int) -> None:
    line = file.readline()
    if not line.startswith(b"%%MatrixMarket matrix coordinate"):
        raise ValueError("it does not begin as one")
    while line.startswith(b"%"):
        line = file.readline()
    shape = [int(cell) for cell in line.split()]
    if shape[:2] != [genes, cells]:
        raise InputError(
            f"{path} has {shape[0]:,} x {shape[1]:,} entries for {genes:,} features and {cells:,} "
            "barcodes; the files are not of one run"
        )
