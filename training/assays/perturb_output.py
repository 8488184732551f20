"""Perturbed pathways on disk: tables, a picture a sample, and a page that shows them together.

The picture follows figure 3 of Zervantonakis et al., PNAS 2020 (DOI 10.1073/pnas.2000648117):
change of each pathway under each condition as bars, and of its members as a heat map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.features.files.study_writer import write_new_folder, write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.perturbation.changes import (
    GROUP,
    INHIBITED,
    PARADOXICAL,
    VERDICTS,
    Perturbation,
    response_attributes,
)
from sidestep.features.perturbation.treated_arrays import TreatedArrays
from sidestep.features.study.study import Study
from sidestep.models.versions import software_versions
from sidestep.training.assays.figures import COLOURS, GREY, save
from sidestep.training.assays.output import write_facts, write_table
from sidestep.training.assays.pages import file_names, html_list, html_table, page

#: Folder of the study whose clinical attributes say what stays on.
STUDY: Final = "study"
_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scipy")
#: Antibodies of a heat map: those that change most.
_MOST: Final = 30
_CAVEAT: Final = (
    "Array levels are relative: percent inhibition is of the signal that the antibody gives, "
    "background included."
)


def write_perturbation(found: Perturbation, arrays: TreatedArrays, out: Path) -> Path:
    """Write tables of pathways, antibodies, attributes and rescue, pictures, page and facts.

    The attributes are in the folder ``study``, too, as a study that `sidestep data merge` joins to
    one with molecular data, so that `train --clinical` can learn from them.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    notes = [*arrays.notes, *arrays.left_out.summary()]

    def fill(folder: Path) -> None:
        write_table(found.pathways, folder, "pathways")
        write_table(found.antibodies, folder, "antibodies")
        attributes = response_attributes(found.pathways)
        write_table(attributes, folder, "attributes")
        told = attributes.set_index("SAMPLE_ID").replace("", np.nan).dropna(axis=1, how="all")
        if told.shape[1]:
            study = Study.from_frames(
                clinical=told, study_id="perturbation", name="Pathways under drugs"
            )
            write_study(folder / STUDY, study_draft(study, "Pathways by sidestep perturb."))
        if len(found.rescue):
            write_table(found.rescue, folder, "rescue")
        samples = list(dict.fromkeys(found.pathways["sample"]))
        names = file_names([str(sample) for sample in samples])
        for sample in samples:
            save(sample_figure(found, sample), folder / names[sample])
        write_facts(_summary(found, arrays), folder, "perturb")
        parts = [html_list(notes)]
        parts += [f'<img src="{name}.svg" alt="pathways">' for name in names.values()]
        if len(found.rescue):
            parts += ["<h2>Rescue</h2>", html_table(found.rescue)]
        hidden = ["error", "freedom", "p"]
        parts += ["<h2>Pathways</h2>", html_table(found.pathways.drop(columns=hidden))]
        changed = found.antibodies[found.antibodies["q"] <= found.fdr]
        parts += ["<h2>Antibodies that change</h2>", html_table(changed.drop(columns=hidden))]
        parts.append(html_list([*(f"{k}: {v}" for k, v in VERDICTS.items()), _CAVEAT]))
        (folder / "index.html").write_text(
            page("Pathways under drug", parts), encoding="utf-8", newline="\n"
        )

    return write_new_folder(out, fill)


def sample_figure(found: Perturbation, sample: str) -> Figure:
    """Bars of the pathways and a heat map of the antibodies of a sample, a colour a treatment."""
    pathways = found.pathways[found.pathways["sample"] == sample]
    antibodies = found.antibodies[found.antibodies["sample"] == sample]
    treatments = list(dict.fromkeys(_treatment(row) for row in pathways.to_dict("records")))
    figure = Figure(figsize=(13, 6.5), layout="constrained")
    figure.suptitle(f"{sample}: log2 change against the matched control", fontsize="medium")
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1.0])
    _bars(left, pathways, treatments, found)
    _heat_map(right, antibodies, treatments)
    return figure


def _treatment(row: dict[Any, Any]) -> str:
    return " · ".join(str(row[key]) for key in GROUP[1:] if row[key])


def _bars(axes: Axes, part: pd.DataFrame, treatments: list[str], found: Perturbation) -> None:
    names = list(dict.fromkeys(part["pathway"]))
    width = 0.8 / max(len(treatments), 1)
    axes.axhline(0, color=GREY, lw=0.8)
    for row in part.to_dict("records"):
        at = treatments.index(_treatment(row))
        x = names.index(row["pathway"]) + (at - (len(treatments) - 1) / 2) * width
        colour = COLOURS[at % len(COLOURS)]
        axes.bar(x, row["log2_change"], width * 0.92, color=colour)
        if np.isfinite(row["log2_lower"]):
            axes.plot([x, x], [row["log2_lower"], row["log2_upper"]], color="black", lw=0.9)
        if row["q"] <= found.fdr:
            axes.text(x, 0, "*", ha="center", va="bottom" if row["log2_change"] < 0 else "top")
    for at, treatment in enumerate(treatments):
        axes.bar(0, 0, color=COLOURS[at % len(COLOURS)], label=treatment)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize="small")
    axes.set_ylabel(
        f"log2 change with {100 * found.level:g} % interval (*: q ≤ {found.fdr:g})",
        fontsize="small",
    )
    axes.legend(fontsize="x-small", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _heat_map(axes: Axes, part: pd.DataFrame, treatments: list[str]) -> None:
    named = part.assign(treatment=[_treatment(row) for row in part.to_dict("records")])
    grid = named.pivot_table(
        index="antibody", columns="treatment", values="log2_change", dropna=False
    ).reindex(columns=treatments)
    most = grid.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:_MOST]
    shown = grid.loc[sorted(most)]
    end = max(float(np.nanmax(np.abs(shown.to_numpy()), initial=0.0)), 0.5)
    image = axes.imshow(shown.to_numpy(), aspect="auto", cmap="RdBu_r", vmin=-end, vmax=end)
    axes.set_xticks(range(len(treatments)), treatments, rotation=40, ha="right", fontsize="x-small")
    axes.set_yticks(range(len(shown)), shown.index, fontsize="x-small")
    axes.figure.colorbar(image, ax=axes, label="log2 change (red: more)")


def account(found: Perturbation) -> list[str]:
    """What a person is told on the screen."""
    lines = []
    lower = found.pathways[found.pathways["verdict"] == INHIBITED]
    for row in lower.head(40).to_dict("records"):
        lines.append(
            f"{row['sample']} {_treatment(row)}: {row['pathway']} inhibited by "
            f"{row['percent_inhibition']:.0f} % ({row['inhibition_lower']:.0f} to "
            f"{row['inhibition_upper']:.0f}), q {row['q']:.2g}"
        )
    raised = found.antibodies[found.antibodies["verdict"] == PARADOXICAL]
    for row in raised.head(20).to_dict("records"):
        lines.append(f"{row['sample']} {_treatment(row)}: {row['antibody']} up: {row['reading']}")
    if len(found.rescue):
        for row in found.rescue[found.rescue["stays_on"]].head(20).to_dict("records"):
            lines.append(
                f"{row['sample']} {row['drug']}: {row['pathway']} stays on under "
                f"{row['condition']} ({row['inhibition']:.0f} % inhibition against "
                f"{row['inhibition_against']:.0f} % under {row['against']}, q {row['q']:.2g})"
            )
    counts = found.pathways["verdict"].value_counts()
    told = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts.get(name))
    lines.append(f"{len(found.pathways)} pathways under treatment: {told}")
    return lines


def _summary(found: Perturbation, arrays: TreatedArrays) -> dict[str, Any]:
    counts = found.pathways["verdict"].value_counts()
    return {
        "kind": "sidestep perturb",
        "inputs": dict(arrays.digests),
        "notes": [*arrays.notes, *arrays.left_out.summary(), _CAVEAT],
        "arrays": len(arrays.levels),
        "verdicts": {name: int(counts.get(name, 0)) for name in VERDICTS},
        "verdict_meanings": dict(VERDICTS),
        "against": found.against,
        "settings": {"fdr": found.fdr, "level": found.level},
        "software": software_versions(*_PACKAGES),
    }
