"""A study as a folder of CSV files, with a mapping file that makes the study of them again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Final

import pandas as pd

from sidestep.features.exports.tables import StudyTables, study_tables
from sidestep.features.files.study_writer import as_text, write_new_folder
from sidestep.features.originals.mapping import MAPPING
from sidestep.features.originals.parts import Part
from sidestep.features.study.study import Study

_INFO: Final = {
    "cancer_study_identifier": "id",
    "name": "name",
    "description": "description",
    "type_of_cancer": "type_of_cancer",
    "simulated": "simulated",
}


def write_csv_folder(study: Study, out: str | Path) -> Path:
    """Write a study as CSV files and ``study.toml``, whole or not at all.

    ``sidestep data import OUT/study.toml NEW`` makes the study again: every number, call, case
    list, panel, unit and direction. Levels have a row a gene, antibody or drug.

    Parameters
    ----------
    study : Study
    out : path
        New or empty.

    Raises
    ------
    InputError
        If `out` holds files, or cannot be written.
    """
    tables = study_tables(study)
    return write_new_folder(out, lambda folder: _fill(folder, tables))


def _fill(folder: Path, tables: StudyTables) -> None:
    lines = ["# Makes the study again: sidestep data import study.toml NEW"]
    lines += [
        f"{_INFO[key]} = {_quoted(value)}" for key, value in tables.info.items() if key in _INFO
    ]
    for part in tables.parts:
        name = f"{part.name}.csv"
        _write(folder / name, _whole_table(part))
        lines += ["", f"[[{part.kind}]]", f"file = {_quoted(name)}", "exact = true"]
        lines += _tested(folder, part)
        if part.values is not None:
            lines.append('samples = "columns"')
        if part.kind == "responses":
            lines.append(f"name = {_quoted(part.name.removeprefix('treatment_'))}")
        if part.meta:
            lines += [f"[{part.kind}.meta]", *(f"{k} = {_quoted(v)}" for k, v in part.meta.items())]
    (folder / MAPPING).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _whole_table(part: Part) -> pd.DataFrame:
    if part.kind == "clinical":
        return part.table.rename_axis("SAMPLE_ID").reset_index()
    if part.values is None:
        return part.table
    levels = pd.DataFrame(part.values, columns=list(part.samples))
    return pd.concat([part.table, levels], axis=1)


def _tested(folder: Path, part: Part) -> list[str]:
    """Tables of the samples tested and of the panels, and the lines that name them."""
    if part.kind != "mutations":
        return []
    lines = []
    _write(folder / "sequenced.csv", pd.DataFrame({"SAMPLE_ID": list(part.sequenced or ())}))
    lines.append('sequenced = "sequenced.csv"')
    if part.panels:
        rows = [(panel, gene) for panel, genes in part.panels.items() for gene in genes]
        _write(folder / "panels.csv", pd.DataFrame(rows, columns=["PANEL", "Hugo_Symbol"]))
        of = pd.DataFrame(list(part.panel_of.items()), columns=["SAMPLE_ID", "PANEL"])
        _write(folder / "panel_of.csv", of)
        lines += ['panels = "panels.csv"', 'panel_of = "panel_of.csv"']
    return lines


def _write(path: Path, table: pd.DataFrame) -> None:
    """A CSV file; only what needs quotes has them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(map(str, table.columns))
        for rows in as_text(table):
            write.writerows(rows)


def _quoted(text: str) -> str:
    """A word of TOML, whose basic strings are quoted as JSON's."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
