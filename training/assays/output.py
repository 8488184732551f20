"""Fitted plates on disk: a study to learn from; curves, plots and what was left out beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.assays.curves import ALL_ALIVE, ALL_DEAD, STATUSES, Curves
from sidestep.features.assays.plates import Plates
from sidestep.features.assays.readings import Readings
from sidestep.features.assays.responses import WITHHELD, study_of
from sidestep.features.assays.significance import VERDICTS
from sidestep.features.files.spreadsheets import for_spreadsheets
from sidestep.features.files.study_writer import write_study
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import draw_drug
from sidestep.training.assays.heat_maps import draw_plates
from sidestep.training.assays.pages import file_names, html_list, html_table, page

#: Folder of the study that holds what is no part of its format.
FOLDER: Final = "fit"
_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
_SHOWN = (
    "sample", "condition", "time", "replicate", "plate", "status", "reason", "n_points",
    "ic50_limit", "ic50", "ic50_lower", "ic50_upper", "dose_unit", "gi50_limit", "gi50",
    "gr50_limit", "gr50", "auc", "auc_lower", "auc_upper", "activity_area", "emax", "gr_aoc",
    "gr_max", "slope", "r2", "verdict", "verdict_reason", "q",
)  # fmt: skip


def write_fit(
    curves: Curves,
    readings: Readings,
    plates: Plates,
    out: Path,
    study_id: str,
    *,
    plots: bool = True,
) -> Path:
    """Write a study of the curves, whole or not at all.

    Parameters
    ----------
    curves : Curves
    readings : Readings
        What they were read from.
    plates : Plates
        What is wrong with the plates.
    out : path
        A new or empty folder.
    study_id : str
    plots : bool
        Whether each drug gets a page with pictures.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = [*readings.notes, *readings.left_out.summary()]

    def add(folder: Path) -> None:
        inside = folder / FOLDER
        inside.mkdir()
        write_table(curves.table, inside, "curves")
        write_table(readings.left_out.table(), inside, "left_out")
        write_table(plates.table, inside, "plates")
        write_facts(summary(curves, readings), inside, "fit")
        if plots:
            _write_pages(curves, plates, notes, inside)

    return write_study(out, study_of(curves, study_id, f"{study_id}: fitted plates", notes), add)


def summary(curves: Curves, readings: Readings) -> dict[str, Any]:
    """Counts, settings and where the numbers come from, as plain values."""
    options, table = curves.options, curves.table
    counts = table["status"].value_counts()
    return {
        "kind": "sidestep fit",
        "inputs": dict(readings.digests),
        "values": readings.kind,
        "notes": [*readings.notes, *readings.left_out.summary()],
        "curves": len(table),
        "statuses": {name: int(counts.get(name, 0)) for name in STATUSES},
        "status_meanings": dict(STATUSES),
        "verdict_meanings": dict(VERDICTS),
        "withheld_from_responses": list(WITHHELD),
        "settings": {
            "parameters": options.parameters,
            "robust": options.robust,
            "apart": list(options.apart),
            "activity_area_doses": list(options.area),
            "time_course": options.time_course,
            "level": options.level,
            "alpha": options.alpha,
        },
        "software": software_versions(*_PACKAGES),
    }


def account(curves: Curves, readings: Readings, plates: Plates) -> list[str]:
    """What a person is told on the screen."""
    table = curves.table
    lines = [*readings.notes, *readings.left_out.summary()]
    counts = table["status"].value_counts()
    lines.append(
        f"{len(table)} curves of {table['sample'].nunique()} samples and {table['drug'].nunique()} "
        "drugs: " + ", ".join(f"{counts[s]} {s}" for s in STATUSES if counts.get(s))
    )
    flat = table.loc[table["status"] == "flat"]
    for words, meaning in ((ALL_DEAD, "below the doses"), (ALL_ALIVE, "above the doses")):
        same = flat[flat["reason"].str.contains(words)]
        if len(same):
            first = same.iloc[0]
            lines.append(
                f"{len(same)} flat: {words} at every dose, IC50 {meaning}, such as "
                f"{first['sample']}, {first['drug']}"
            )
    verdicts = table["verdict"].value_counts()
    lines.append(
        "effect of the drug: "
        + ", ".join(f"{verdicts[v]} {v}" for v in VERDICTS if verdicts.get(v))
    )
    lines += plates.problems()
    withheld = table[table["status"].isin(WITHHELD)]
    for _, row in withheld.head(10).iterrows():
        lines.append(f"  not learned from: {row['sample']}, {row['drug']}: {row['reason']}")
    if len(withheld) > 10:
        lines.append(f"  and {len(withheld) - 10} more, with their reasons in {FOLDER}/curves.csv")
    return lines


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write ``<name>.parquet`` for programs and ``<name>.csv`` for spreadsheets."""
    table.to_parquet(folder / f"{name}.parquet", index=False)
    for_spreadsheets(table).to_csv(
        folder / f"{name}.csv",
        index=False,
        encoding="utf-8",
        lineterminator="\n",
        float_format="%.6g",
    )


def write_facts(facts: dict[str, Any], folder: Path, name: str) -> None:
    """Write ``<name>.json``, the same bytes for the same facts."""
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_pages(curves: Curves, plates: Plates, notes: list[str], folder: Path) -> None:
    table = curves.table
    drugs = list(dict.fromkeys(table["drug"]))
    names = file_names(drugs)
    pages = folder / "drugs"
    pages.mkdir()
    overview = []
    for drug in drugs:
        rows = np.flatnonzero((table["drug"] == drug).to_numpy())
        draw_drug(curves, rows, pages / names[drug])
        part = table.iloc[rows]
        shown = part[[column for column in _SHOWN if column in part and _says(part[column])]]
        parts = [
            f'<p><a href="../index.html">all drugs</a> · <a href="{names[drug]}.png">PNG</a> · '
            f'<a href="{names[drug]}.svg">SVG</a></p>',
            f'<img src="{names[drug]}.svg" alt="curves">',
            html_table(shown),
        ]
        text = page(drug, parts)
        (pages / f"{names[drug]}.html").write_text(text, encoding="utf-8", newline="\n")
        counts = part["status"].value_counts()
        overview.append(
            {"drug": drug, "curves": len(part), **{s: int(counts.get(s, 0)) for s in STATUSES}}
        )
    links = {drug: f"drugs/{names[drug]}.html" for drug in drugs}
    meanings = [f"{name}: {meaning}" for name, meaning in STATUSES.items()]
    parts = [html_list(notes), html_table(pd.DataFrame(overview), links), html_list(meanings)]
    if len(plates.table):
        maps = folder / "plates"
        maps.mkdir()
        stems = draw_plates(plates, maps)
        parts += ["<h2>Plates</h2>", html_table(plates.table.drop(columns="file"))]
        parts += [f'<img src="plates/{stem}.svg" alt="heat map">' for stem in stems.values()]
    (folder / "index.html").write_text(page("Curves", parts), encoding="utf-8", newline="\n")


def _says(column: pd.Series) -> bool:
    """Whether a column holds anything."""
    return bool((column.notna() & (column.astype("str") != "")).any())
