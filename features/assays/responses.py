"""Curves as drug responses of a cBioPortal study: one file a metric and condition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.curves import Curves
from sidestep.features.assays.doses import MASS, MOLAR
from sidestep.features.files.study_writer import CaseList, DataFile, StudyDraft
from sidestep.features.study.responses import ERRORS, OF_ERRORS

#: Curves of these statuses tell nothing to learn from, and are in the table of curves only.
WITHHELD: Final = ("no control", "too few doses", "noisy control", "non-monotone")


@dataclass(frozen=True)
class Metric:
    """A number of a curve as a response of a study.

    Attributes
    ----------
    name : str
        Column of the table of curves; middle of the file's name.
    title, unit : str
    order : str
        ``ASC``: low is sensitive; ``DESC``: high is sensitive.
    is_dose : bool
        Whether it is a dose, which is written as -log10 of molar (of g/ml by weight).
    """

    name: str
    title: str
    unit: str
    order: str
    is_dose: bool = False


METRICS: Final = (
    Metric("ic50", "IC50", "half the control's signal", "DESC", True),
    Metric("gi50", "GI50", "half the control's growth since time 0", "DESC", True),
    Metric("gr50", "GR50", "half the control's growth rate", "DESC", True),
    Metric("auc", "AUC", "area under the fitted dose-response curve over the width of the doses "
           "tested, fraction (1 = no effect)", "ASC"),
    Metric("activity_area", "activity area", "activity area above the fitted curve over the width "
           "of a fixed range of doses, fraction (0 = no effect)", "DESC"),
    Metric("emax", "Emax", "fitted relative viability at the highest dose", "ASC"),
    Metric("gr_aoc", "GR_AOC", "area over the GR curve, dimensionless", "DESC"),
    Metric("gr_max", "GRmax", "growth rate at the two highest doses, the lower one", "ASC"),
    Metric("gr_inf", "GRinf", "growth rate at infinite dose", "ASC"),
)  # fmt: skip


def study_of(curves: Curves, study_id: str, name: str, notes: list[str]) -> StudyDraft:
    """A study whose responses are the curves' metrics, each condition a response of its own.

    Parameters
    ----------
    curves : Curves
    study_id, name : str
    notes : list of str
        What the reader decided; they go into the study's description.

    Returns
    -------
    StudyDraft
        Samples that have a value, and the responses; a dose beyond those tested is written as a
        limit (``<5``: it takes more than 10 micromolar).
    """
    table = curves.table[~curves.table["status"].isin(WITHHELD)]
    samples = sorted(set(curves.table["sample"]))
    files = [_clinical(samples)]
    for metric in METRICS:
        if metric.name not in table:
            continue
        for group, part in _parts(table):
            files += _response(metric, group, part, samples, curves.options.area)
    text = " ".join(note.rstrip(".") + "." for note in notes)
    study = {
        "type_of_cancer": "mixed",
        "cancer_study_identifier": study_id,
        "name": name,
        "description": f"Drug responses fitted by sidestep fit. {text}".strip(),
    }
    everyone = CaseList("all", "all", "All samples", "all_cases_in_study", samples)
    return StudyDraft(study, files, [everyone])


@dataclass(frozen=True)
class _Group:
    """What a response file holds beside its metric."""

    suffix: str
    words: str
    unit: str


def _parts(table: pd.DataFrame) -> Iterator[tuple[_Group, pd.DataFrame]]:
    """Curves by condition, time and unit; a suffix where there are several."""
    several = {key: table[key].nunique(dropna=False) > 1 for key in ("condition", "time")}
    for (condition, time, unit), part in table.groupby(
        ["condition", "time", "dose_unit"], sort=True, dropna=False
    ):
        suffix, words = "", ""
        if condition and (several["condition"] or condition):
            suffix += f"_{_slug(str(condition))}"
            words += f"; condition {condition}"
        if several["time"] and time == time:
            suffix += f"_{time:g}h"
            words += f"; {time:g} h"
        if unit == MASS:
            suffix += "_by_weight"
        yield _Group(suffix, words, str(unit)), part


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_") or "other"


def _response(
    metric: Metric, group: _Group, part: pd.DataFrame, samples: list[str],
    area: tuple[float, float],
) -> list[DataFile]:  # fmt: skip
    """One response file, and one of its standard errors; neither where no curve has the metric."""
    known = part[part[metric.name].notna()]
    if known.empty:
        return []
    values = known[metric.name].to_numpy(float)
    limits = pd.Series("", index=known.index, dtype="str")
    unit = metric.unit
    if metric.is_dose:
        values = 6 - np.log10(values)
        base = "molar" if group.unit == MOLAR else "g/ml"
        unit = f"-log10 of {metric.title} in {base}"
        limits = known[f"{metric.name}_limit"].map({">": "<", "<": ">", "": ""})
    elif metric.name == "activity_area":
        unit = f"{metric.unit}, {area[0]:g} to {area[1]:g} {group.unit}"
    frame = pd.DataFrame(
        {"sample": known["sample"], "drug": known["drug"], "value": values, "limit": limits}
    )
    middle = frame.groupby(["drug", "sample"], sort=True).agg(
        value=("value", "median"), limit=("limit", _shared)
    )
    cells = middle["limit"] + middle["value"].map("{:.5g}".format)
    table = _by_drug(cells, samples, f"{metric.title} fitted by sidestep fit")
    direction = "sensitive" if metric.order == "DESC" else "resistant"
    stable_id = f"{metric.name}{group.suffix}"
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": "TREATMENT_RESPONSE",
        "datatype": "LIMIT-VALUE",
        "stable_id": f"fit_{stable_id}",
        "profile_name": f"Drug response: {metric.title}{group.words}",
        "profile_description": f"Unit: {unit}. Direction: higher value = more {direction}. "
        f"Source: sidestep fit{group.words}.",
        "show_profile_in_analysis_tab": "true",
        "pivot_threshold_value": f"{np.median(values):.5g}",
        "value_sort_order": metric.order,
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }
    files = [DataFile(f"treatment_{stable_id}", table, meta)]
    errors = known.get(f"{metric.name}_se")
    if errors is None or not errors.notna().any():
        return files
    squares = frame.assign(square=errors.to_numpy(float) ** 2).groupby(["drug", "sample"])["square"]
    of_mean = np.sqrt(squares.sum(min_count=1)) / squares.count()
    named = of_mean.dropna().map("{:.4g}".format)
    table = _by_drug(named, samples, f"Standard error of {metric.title} fitted by sidestep fit")
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": ERRORS,
        "datatype": "LIMIT-VALUE",
        "stable_id": f"{meta['stable_id']}{OF_ERRORS}",
        "profile_name": f"Standard errors of {metric.title}{group.words}",
        "profile_description": f"Standard errors of {meta['stable_id']}, in its unit: those of "
        "wells around the curve, which know nothing of what differs between plates.",
        "show_profile_in_analysis_tab": "false",
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }
    return [*files, DataFile(f"treatment_{stable_id}{OF_ERRORS}", table, meta)]


def _by_drug(cells: pd.Series, samples: list[str], description: str) -> pd.DataFrame:
    """Cells of drugs and samples as a table of drugs x samples, as a study has it."""
    table = cells.unstack("sample").reindex(columns=samples)
    table.insert(0, "ENTITY_STABLE_ID", table.index)
    table.insert(1, "NAME", table.index)
    table.insert(2, "DESCRIPTION", description)
    table.insert(3, "URL", "NA")
    return table


def _shared(limits: pd.Series) -> str:
    """The limit that all curves of a sample and drug share; else none."""
    distinct = set(limits)
    return str(limits.iloc[0]) if len(distinct) == 1 else ""


def _clinical(samples: list[str]) -> DataFile:
    """Each sample its own donor: who they are is not told by plates."""
    table = pd.DataFrame({"PATIENT_ID": samples, "SAMPLE_ID": samples})
    preamble = [
        "#Patient Identifier\tSample Identifier",
        "#Donor, as the sample: plates do not tell\tSample of the plates",
        "#STRING\tSTRING",
        "#1\t1",
    ]
    meta = {"genetic_alteration_type": "CLINICAL", "datatype": "SAMPLE_ATTRIBUTES"}
    return DataFile("clinical_sample", table, meta, preamble)
