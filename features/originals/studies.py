"""A published file becomes a study folder, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from sidestep.features.files.by_sample import in_order
from sidestep.features.files.study_writer import require_free, write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.originals.screens import Read, Screen
from sidestep.features.originals.sources import read_published
from sidestep.features.study.responses import ResponseFile
from sidestep.features.study.study import Study


def import_published(source: Path, out: Path, study_id: str = "") -> tuple[Study, Read]:
    """Write a published file, or a folder of CTRPv2's, as a study.

    Parameters
    ----------
    source, out : Path
        `out` is new or empty.
    study_id : str
        By default the name of `out`.

    Returns
    -------
    study : Study
        As it is written.
    read : Read
        What was understood.

    Raises
    ------
    InputError
        If the source is none that is known, a cell is no number, or `out` cannot be written.
    """
    require_free(out)
    read = read_published(source)
    study = study_of(read, study_id or out.resolve().name)
    told = " ".join(f"{line.rstrip('.')}." for line in read.told)
    description = f"{read.what}, imported by sidestep data import from {source.name}. {told}"
    write_study(out, study_draft(study, description.strip()))
    return study, read


def study_of(read: Read, study_id: str) -> Study:
    """What was read of published files as a study in memory."""
    study = Study.from_frames(
        clinical=read.clinical, rppa=read.rppa, study_id=study_id, name=read.what
    )
    files = {
        screen.stable_id: _response(
            screen, read.what, list(in_order(screen.values.index, study.samples))
        )
        for screen in read.screens
    }
    return replace(study, response_files=files)


def _response(screen: Screen, what: str, samples: list[str]) -> ResponseFile:
    more = "resistant" if screen.higher_is_resistant else "sensitive"
    values: pd.DataFrame = screen.values.loc[samples].rename_axis("sample_id")
    return ResponseFile(
        stable_id=screen.stable_id,
        metric=screen.stable_id,
        profile_name=f"Drug response: {screen.stable_id}",
        description=f"Unit: {screen.unit}. Direction: higher value = more {more}. Source: {what}.",
        unit=screen.unit,
        higher_is_resistant=screen.higher_is_resistant,
        path=Path(),
        meta_path=Path(),
        columns={sample: sample for sample in samples},
        held=values,
    )
