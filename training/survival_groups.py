"""Within which patients is survival compared?"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from features.errors import InputError
from features.her2 import STATUS_COLUMNS, her2_high
from features.problems import some
from features.study import Study

HER2, EVERYBODY = "her2", "all"
_MOST_VALUES = 8


@dataclass(frozen=True)
class Group:
    """Samples to compare.

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
        ``"her2"`` (see `features.her2.her2_high`), ``"all"``, or ``ATTRIBUTE=VALUE`` with a
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
    high = her2_high(study)
    status = next((column for column in STATUS_COLUMNS if column in study.clinical), None)
    measured = "ERBB2 copy number, RNA or protein far above the study's other samples"
    rule = (
        measured if status is None else f"clinical {status}; where it decides nothing, {measured}"
    )
    if not high.any():
        raise InputError(
            f"no sample of study {study.study_id} is HER2-positive by {rule}; "
            f"choose the patients with --group ATTRIBUTE=VALUE, or take --group {EVERYBODY}"
        )
    return Group("HER2-positive", rule, study.samples[high.to_numpy()])


def _with_attribute(study: Study, attribute: str, value: str) -> Group:
    by_case = {str(column).casefold(): str(column) for column in study.clinical.columns}
    column = by_case.get(attribute.casefold())
    if column is None:
        near = get_close_matches(attribute.casefold(), by_case, n=3, cutoff=0.5)
        shown = [by_case[name] for name in near] or list(by_case.values())
        there = f"it has {some(shown)}" if shown else "it has none at all"
        raise InputError(f"study {study.study_id} has no clinical attribute {attribute!r}; {there}")
    cells = study.clinical[column].str.strip()
    inside = (cells.str.casefold() == value.casefold()).to_numpy(bool)
    if not inside.any():
        counts = cells.value_counts()
        values = some([f"{name} ({n})" for name, n in counts.items()], _MOST_VALUES)
        raise InputError(
            f"no sample of study {study.study_id} has {column}={value}; "
            f"{column} reads {values or 'NA throughout'}"
        )
    spelled = str(cells[inside].iloc[0])
    return Group(f"{column}={spelled}", f"clinical {column} reads {spelled}", study.samples[inside])
