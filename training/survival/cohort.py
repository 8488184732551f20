"""Patients whose survival is compared: a group, and one sample of each with what is needed.

A group is HER2-positive, everybody, or a value of a clinical attribute; of it, the cohort has the
patients of whom expression and survival are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.groups import decided_by, her2_calls, her2_columns
from sidestep.features.study.filters import Attributes, Filter, choose
from sidestep.features.study.study import Study
from sidestep.training.survival.follow_up import Survival, read_survival

HER2, EVERYBODY = "her2", "all"
_SAMPLE_TYPE = "SAMPLE_TYPE"


@dataclass(frozen=True)
class Group:
    """Samples of patients to compare, and why they are in the group.

    Attributes
    ----------
    name : str
        As on a picture: ``"HER2-positive"``, ``"all"`` or ``"CLAUDIN_SUBTYPE=Her2"``.
    rule : str
        What put a sample in it, in words.
    samples : pandas.Index
        In the order of the study; never empty.
    """

    name: str
    rule: str
    samples: pd.Index


def choose_group(study: Study, wanted: str) -> Group:
    """Samples of a group.

    Parameters
    ----------
    study : Study
    wanted : str
        ``"her2"`` (see `features.groups.her2_high`), ``"all"``, or ``ATTRIBUTE=VALUE`` with a
        clinical attribute of the study; both regardless of case.

    Raises
    ------
    InputError
        If `wanted` is none of these, or nobody is in the group.
    """
    if wanted.casefold() == EVERYBODY:
        return Group("all", "every sample", study.samples)
    if wanted.casefold() == HER2:
        return _her2(study)
    attribute, equals, value = wanted.partition("=")
    if not (equals and attribute.strip() and value.strip()):
        raise InputError(
            f"there is no group {wanted!r}; give {HER2}, {EVERYBODY} or ATTRIBUTE=VALUE with a "
            "clinical attribute"
        )
    return _with_attribute(study, attribute.strip(), value.strip())


def _her2(study: Study) -> Group:
    calls = her2_calls(study)
    high = calls["high"]
    status = " or ".join(her2_columns(study))
    measured = (
        "ERBB2 copy number, or RNA among the top 1 % of a sample's genes, or RNA or protein far "
        "above the study's other samples"
    )
    rule = f"clinical {status}; where it decides nothing, {measured}" if status else measured
    if not high.any():
        raise InputError(
            f"no sample of study {study.study_id} is HER2-positive by {rule}; "
            f"choose the patients with --group ATTRIBUTE=VALUE, or take --group {EVERYBODY}"
        )
    return Group("HER2-positive", f"{rule} ({decided_by(calls)})", study.samples[high.to_numpy()])


def _with_attribute(study: Study, attribute: str, value: str) -> Group:
    known = Attributes(study.clinical, f"study {study.study_id}")
    chosen = choose(known, [Filter(attribute, "=", value)])
    (read,) = chosen.filters
    return Group(str(read), f"clinical {read.attribute} reads {read.value}", chosen.samples)


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
    members = choose_group(study, group)
    followed = members.samples[members.samples.isin(survival.months.index)]
    profiled = followed[followed.isin(study.expression.index)]
    samples = _one_a_patient(study, profiled)
    event = survival.event.loc[samples]
    counts = {
        "patients": int(study.donors.nunique()),
        "in_group": int(study.donors.loc[members.samples].nunique()),
        "with_survival": int(study.donors.loc[followed].nunique()),
        "with_expression": len(samples),
        "events": int(event.sum()),
        "further_samples_left_out": len(profiled) - len(samples),
    }
    _check_events(counts, members, survival)
    notes = list(survival.notes)
    if counts["further_samples_left_out"]:
        notes.append(
            f"{counts['further_samples_left_out']} sample(s) are left out because their patient "
            "has another (a primary tumour first, else the first of the study)."
        )
    return Cohort(
        study=study,
        group=members,
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
    firsts = best_first[~study.donors.loc[best_first].duplicated().to_numpy()]
    return samples[samples.isin(firsts)]


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
