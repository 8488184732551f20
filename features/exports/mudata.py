"""A study as one MuData file: its modalities and screens as matrices, its calls beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.exports.tables import study_tables
from sidestep.features.files.mudata import Modality, write_mudata
from sidestep.features.files.whole import reason_of, whole_file
from sidestep.features.originals.mudata import OURS
from sidestep.features.originals.parts import Part
from sidestep.features.study.study import Study


def write_h5mu(study: Study, out: str | Path) -> Path:
    """Write a study as a ``.h5mu`` file, whole or not at all.

    ``sidestep data import OUT NEW`` makes the study again. ``mod/expression``, ``mod/rppa``,
    ``mod/copy_number`` and a modality a screen hold the numbers, ``obs`` the clinical attributes,
    and ``uns/sidestep`` calls, fusions, samples tested, panels, units and directions.

    Parameters
    ----------
    study : Study
    out : path
        Ends in ``.h5mu``; must not exist.

    Raises
    ------
    InputError
        If `out` exists, has another ending or cannot be written, or h5py is not installed.
    """
    path = Path(out)
    if path.suffix.lower() != ".h5mu":
        raise InputError(f"{path} does not end in .h5mu; name such a file")
    if path.exists():
        raise InputError(f"{path} exists already; name another file, or remove it first")
    tables = study_tables(study)
    modalities = {_name(part): _modality(part) for part in tables.parts if part.values is not None}
    clinical = next(part for part in tables.parts if part.kind == "clinical")
    own: dict[str, Any] = {"study": dict(tables.info)}
    for part in tables.parts:
        if part.sample_column:
            own[part.kind] = {"table": part.table.astype("str"), "meta": dict(part.meta)}
        if part.kind == "mutations":
            own |= _tested(part)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as new:
            write_mudata(new, modalities, clinical.table, {OURS: own})
    except OSError as failure:
        raise InputError(
            f"cannot write {path} ({reason_of(failure)}): make room or name another file"
        ) from failure
    return path


def _name(part: Part) -> str:
    return part.name if part.kind == "responses" else part.kind


def _modality(part: Part) -> Modality:
    if part.values is None:
        raise InputError(f"{part.name} holds no numbers")
    names = part.table.iloc[:, 0].astype("str")
    features = part.table.iloc[:, 1:].astype("str").set_axis(pd.Index(names, dtype="str"))
    facts = {f"meta_{key}": value for key, value in part.meta.items()}
    facts |= {"kind": part.kind, "name": part.name, "names": str(part.table.columns[0])}
    return Modality(part.samples, features, part.values.T, facts)


def _tested(part: Part) -> dict[str, Any]:
    return {
        "sequenced": list(part.sequenced or ()),
        "panels": {panel: list(genes) for panel, genes in part.panels.items()},
        "panel_of": pd.DataFrame(
            {"panel": list(part.panel_of.values())},
            index=pd.Index(list(part.panel_of), dtype="str"),
        ),
    }
