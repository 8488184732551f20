"""Pairs of biopsies on disk: tests, changes, evidence, pictures, and a page with all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.features.files.study_writer import write_new_folder
from sidestep.features.pairs.changes import ALL, DIFFERENCE, VERDICTS, PairChanges
from sidestep.features.pairs.facts import (
    AGREES,
    CONTRADICTS,
    LEAST_SD,
    cohort_evidence,
    fact_features,
    patient_evidence,
)
from sidestep.features.pairs.pairing import NO_RESPONSE, RESPONSE
from sidestep.features.study.study import Study
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import BLUE, GREY, ORANGE, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import html_list, html_table, page

_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
_COLOUR: Final = {RESPONSE: BLUE, NO_RESPONSE: ORANGE, ALL: GREY, DIFFERENCE: GREY}
#: Features of a picture, and tests on the page: those with the smallest p; the tables have all.
_MOST: Final = 30
_MOST_PANELS: Final = 12
_SIMULATED: Final = "Simulated data"
CAVEAT: Final = (
    "Two biopsies differ by where they were taken and how pure they are, too; a change is no "
    "effect of the drug unless others were followed without it. Research use only."
)


def write_pairs(found: PairChanges, study: Study, out: Path) -> Path:
    """Write tests, changes, pairs and evidence, pictures, page and facts.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    patients, cohort = patient_evidence(found), cohort_evidence(found)
    notes = notes_of(found, study)

    def fill(folder: Path) -> None:
        write_table(found.tests, folder, "tests")
        write_table(pd.concat([found.features, found.changes], axis=1), folder, "changes")
        write_table(found.pairing.table, folder, "pairs")
        write_table(patients, folder, "patient_evidence")
        write_table(cohort, folder, "cohort_evidence")
        save(forest(found, study), folder / "changes")
        images = ['<img src="changes.svg" alt="forest plot of changes">']
        if fact_features(found):
            save(panels(found, study), folder / "facts")
            images.append('<img src="facts.svg" alt="levels before and after">')
        write_facts(_summary(found, study), folder, "pairs")
        first = found.tests.sort_values("p", kind="stable").head(_MOST)
        parts = [
            html_list(notes),
            *images,
            "<h2>What was published, here</h2>",
            html_table(cohort),
            "<h2>Patients who show it</h2>",
            html_table(patients),
            f"<h2>The {len(first)} tests with the smallest p</h2>",
            html_table(first),
            html_list([f"{name}: {meaning}" for name, meaning in VERDICTS.items()]),
        ]
        (folder / "index.html").write_text(
            page("Before and after treatment", parts), encoding="utf-8", newline="\n"
        )

    return write_new_folder(out, fill)


def notes_of(found: PairChanges, study: Study) -> list[str]:
    """What a reader has to know first."""
    pairing = found.pairing
    counts = pairing.table["group"].value_counts()
    told = [f"{counts[name]} {name}" for name in (RESPONSE, NO_RESPONSE) if counts.get(name)]
    groups = f" ({', '.join(told)})" if told else ""
    return [
        *(["Simulated data: no sample is real."] if study.simulated else []),
        f"{len(pairing.table)} patients{groups}, before: {pairing.before}, after: {pairing.after}",
        *([pairing.response] if pairing.response else []),
        *pairing.notes,
        f"A patient shows a published change from {LEAST_SD:g} standard deviation of the first "
        "biopsies on.",
        CAVEAT,
    ]


def forest(found: PairChanges, study: Study) -> Figure:
    """Mean change with its interval, a row a feature, a colour a group; the smallest p above."""
    shown = found.tests[found.tests["group"] != DIFFERENCE]
    grouped = shown["group"].isin((RESPONSE, NO_RESPONSE)).any()
    shown = shown[shown["group"] != ALL] if grouped else shown
    order = found.tests.groupby("feature", sort=False)["p"].min().sort_values(kind="stable")
    names = [str(name) for name in order.dropna().index[:_MOST]][::-1]
    figure = Figure(figsize=(9.0, 1.6 + 0.3 * max(len(names), 2)), layout="constrained")
    if study.simulated:
        figure.suptitle(_SIMULATED, fontsize="small")
    axes = figure.subplots()
    axes.axvline(0.0, color=GREY, lw=0.8, ls="--")
    groups = list(dict.fromkeys(shown["group"]))
    sd = dict(zip(found.features["feature"], found.features["sd_before"], strict=True))
    for row in shown[shown["feature"].isin(names)].to_dict("records"):
        y = names.index(row["feature"]) + 0.2 * (groups.index(row["group"]) - len(groups) / 2 + 0.5)
        colour, unit = _COLOUR[row["group"]], sd[row["feature"]]
        axes.plot(np.array([row["lower"], row["upper"]]) / unit, [y, y], color=colour, lw=1.6)
        face = colour if row["q"] <= found.fdr else "white"
        axes.plot(row["change_sd"], y, "o", ms=5, mec=colour, mfc=face)
    for group in groups:
        axes.plot([], [], "o-", color=_COLOUR[group], label=group)
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set_xlabel(
        f"change in standard deviations of the first biopsies, with {100 * found.level:g} % "
        f"interval (filled: q ≤ {found.fdr:g})",
        fontsize="small",
    )
    axes.legend(fontsize="x-small", frameon=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def panels(found: PairChanges, study: Study) -> Figure:
    """Levels before and after of the genes that something was published of, a line a patient."""
    names = list(fact_features(found))[:_MOST_PANELS]
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.7 * columns, 2.4 * rows + 0.4), layout="constrained")
    said = "blue: response, orange: no response, grey: not told"
    made_up = f"{_SIMULATED}; " if study.simulated else ""
    figure.suptitle(f"{made_up}{said}", fontsize="small")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(grid, names, strict=False):
        _lines(axes, found, study, name)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    return figure


def _lines(axes: Axes, found: PairChanges, study: Study, name: str) -> None:
    modality, _, measured = name.partition(":")
    held = {"signature": study.signatures, "rppa": study.rppa, "expression": study.expression}
    table = held[modality]
    if table is None:
        return
    for pair in found.pairing.table.to_dict("records"):
        levels = table[measured].reindex([pair["before"], pair["after"]]).to_numpy(float)
        axes.plot([0, 1], levels, "o-", ms=2.5, lw=0.9, color=_COLOUR.get(pair["group"], GREY))
    axes.set_xticks([0, 1], ["before", "after"], fontsize="x-small")
    axes.set_xlim(-0.2, 1.2)
    axes.tick_params(axis="y", labelsize="x-small")
    axes.set_title(name, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)


def account(found: PairChanges, study: Study) -> list[str]:
    """What a person is told on the screen."""
    lines = notes_of(found, study)
    for group, part in found.tests.groupby("group", sort=False):
        counts = part["verdict"].value_counts()
        told = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts.get(name))
        lines.append(f"{group}: {len(part)} levels and scores, {told}")
    for row in cohort_evidence(found).to_dict("records"):
        if row["verdict"] in (AGREES, CONTRADICTS):
            lines.append(
                f"{row['feature']} {row['seen']} ({row['group']}): {row['change_sd']:+.2f} sd, "
                f"q {row['q']:.2g}; {row['verdict']} with {row['source']}"
            )
    shown = patient_evidence(found)
    for gene, part in shown.groupby("gene", sort=False):
        patients = part["patient"].nunique()
        first = part.iloc[0]
        lines.append(f"{gene} {first['shown']} in {patients} patient(s), as with "
                     f"{first['speaks_for']} in {first['source']}")  # fmt: skip
    return lines


def _summary(found: PairChanges, study: Study) -> dict[str, Any]:
    counts = found.tests["group"].str.cat(found.tests["verdict"], ": ").value_counts(sort=False)
    return {
        "kind": "sidestep pairs",
        "study": study.study_id,
        "simulated": study.simulated,
        "inputs": dict(study.digests),
        "notes": notes_of(found, study),
        "before": found.pairing.before,
        "after": found.pairing.after,
        "response": found.pairing.response,
        "patients": len(found.pairing.table),
        "verdicts": {str(name): int(count) for name, count in counts.items()},
        "verdict_meanings": dict(VERDICTS),
        "settings": {"fdr": found.fdr, "level": found.level, "least_sd": LEAST_SD},
        "software": software_versions(*_PACKAGES),
    }
