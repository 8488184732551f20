"""MuData files that `data export` wrote, as the parts of their study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.h5ad import H5adMatrix
from sidestep.features.files.hdf5 import HdfFile
from sidestep.features.originals.calls import SAMPLE_COLUMN_OF
from sidestep.features.originals.parts import Part

#: Where a file says what only Sidestep reads.
OURS: Final = "sidestep"
_META: Final = "meta_"


def is_exported(path: Path) -> bool:
    """Whether `data export` wrote a file."""
    file = HdfFile(path, path.name)
    try:
        return f"uns/{OURS}/study" in file
    finally:
        file.close()


def read_exported(path: Path) -> tuple[list[Part], dict[str, str]]:
    """Parts of an exported study, and the lines of its ``meta_study.txt``.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    file = HdfFile(path, path.name)
    try:
        with file.whole():
            own: dict[str, Any] = file.element(f"uns/{OURS}")
            obs = file.frame("obs")
            names = file.keys("mod")
            samples = tuple(map(str, obs.index))
            parts = [Part("clinical", path.name, "clinical_sample", samples, obs, {})]
            parts += [_levels(path, name) for name in names]
            parts += [_calls(path, kind, own) for kind in ("mutations", "fusions") if kind in own]
            return parts, {str(key): str(value) for key, value in own["study"].items()}
    finally:
        file.close()


def _levels(path: Path, name: str) -> Part:
    matrix = H5adMatrix(path, path.name, None, f"mod/{name}")
    try:
        with matrix.file.whole():
            facts: dict[str, Any] = matrix.file.element(f"mod/{name}/uns")
            table = matrix.file.frame(f"mod/{name}/var")
            values = matrix.take(np.arange(len(matrix.samples)))
            table = table.rename_axis(facts["names"]).reset_index()
            return Part(
                facts["kind"],
                path.name,
                facts["name"],
                tuple(matrix.samples),
                table,
                _lines(facts),
                values=values.T,
            )
    finally:
        matrix.file.close()


def _lines(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        key.removeprefix(_META): str(value) for key, value in facts.items() if key.startswith(_META)
    }


def _calls(path: Path, kind: str, own: Mapping[str, Any]) -> Part:
    table: pd.DataFrame = own[kind]["table"].reset_index(drop=True)
    column = SAMPLE_COLUMN_OF[kind]
    if column not in table:
        raise InputError(f"{path} has no column {column} of {kind}; export the study again")
    meta = {str(key): str(value) for key, value in own[kind]["meta"].items()}
    name = "mutations" if kind == "mutations" else "sv"
    samples = tuple(map(str, table[column].dropna().unique()))
    if kind == "fusions":
        return Part(kind, path.name, name, samples, table, meta, sample_column=column)
    return Part(
        kind, path.name, name, samples, table, meta, sample_column=column,
        sequenced=tuple(own["sequenced"]),
        panels={panel: tuple(genes) for panel, genes in own["panels"].items()},
        panel_of={str(sample): str(panel) for sample, panel in own["panel_of"]["panel"].items()},
    )  # fmt: skip
