"""Who is compared? One sample a patient, with expression and survival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.errors import InputError
from features.study import Study
from training.survival import Survival, read_survival
from training.survival_groups import Group, choose_group

_SAMPLE_TYPE = "SAMPLE_TYPE"


@dataclass(frozen=True)
class Cohort:
    """Patients of a group of whom expression and survival are known.

    Attributes
    ----------
    study : Study
    group : Group
    survival : Survival
        Of the patients compared only, in the order of `expression`.
    expression : pandas.DataFrame
        One sample a patient x genes, NaN where missing.
    counts : mapping of str to int
        Patients of the study, in the group, with survival, with expression as well; samples left
        out because their patient has another; events.
    notes : tuple of str
        What was left out, and why.
    """

    study: Study
    group: Group
    survival: Survival
    expression: pd.DataFrame
    counts: Mapping[str, int]
    notes: tuple[str, ...]


def gather_cohort(study: Study, group: str, endpoint: str | None = None) -> Cohort:
    """Patients of a study to compare.

    A patient with several samples counts once: with the first primary tumour if `SAMPLE_TYPE`
    names one, else with the first sample.

    Parameters
    ----------
    study : Study
    group : str
        As `choose_group` takes it.
    endpoint : str, optional
        As `read_survival` takes it.

    Raises
    ------
    InputError
        If the study has no expression or no such survival, if nobody is in the group, or if in
        it nobody has both, or no event came.
    """
    if study.expression is None:
        raise InputError(
            f"study {study.study_id} has no expression, which a survival screen is about; "
            "add an MRNA_EXPRESSION file with its meta file"
        )
    survival = read_survival(study, endpoint)
    chosen = choose_group(study, group)
    followed = chosen.samples[chosen.samples.isin(survival.months.index)]
    profiled = followed[followed.isin(study.expression.index)]
    samples = _one_a_patient(study, profiled)
    event = survival.event.loc[samples]
    counts = {
        "patients": int(study.donors.nunique()),
        "in_group": int(study.donors.loc[chosen.samples].nunique()),
        "with_survival": int(study.donors.loc[followed].nunique()),
        "with_expression": len(samples),
        "events": int(event.sum()),
        "further_samples_left_out": len(profiled) - len(samples),
    }
    _check_events(counts, chosen, survival)
    notes = list(survival.notes)
    if counts["further_samples_left_out"]:
        notes.append(
            f"{counts['further_samples_left_out']} sample(s) are left out because their patient "
            "has another (a primary tumour first, else the first of the study)."
        )
    return Cohort(
        study=study,
        group=chosen,
        survival=Survival(survival.endpoint, survival.months.loc[samples], event, survival.notes),
        expression=study.expression.loc[samples],
        counts=counts,
        notes=tuple(notes),
    )


def _one_a_patient(study: Study, samples: pd.Index) -> pd.Index:
    """One sample of each patient, in the order of the study."""
    primary = pd.Series(False, index=samples)
    if _SAMPLE_TYPE in study.clinical:
        kind = study.clinical.loc[samples, _SAMPLE_TYPE].str.casefold()
        primary = kind.str.contains("primary", na=False)
    best_first = samples[primary.to_numpy(bool)].append(samples[~primary.to_numpy(bool)])
    chosen = best_first[~study.donors.loc[best_first].duplicated().to_numpy()]
    return samples[samples.isin(chosen)]


def _check_events(counts: Mapping[str, int], group: Group, survival: Survival) -> None:
    if not counts["with_expression"]:
        raise InputError(
            f"none of the {counts['in_group']} patients of group {group.name} has both "
            f"{survival.name} ({counts['with_survival']} have it) and expression; "
            "choose another --group or --endpoint"
        )
    if not counts["events"]:
        raise InputError(
            f"none of the {counts['with_expression']} patients of group {group.name} has an event "
            f"in {survival.name}, so nothing can be compared; choose another --group or --endpoint"
        )
