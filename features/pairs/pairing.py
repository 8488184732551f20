"""Which sample of a patient was taken before treatment, and which after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.study.filters import Attributes, Filter, choose, parse_filters
from sidestep.features.study.responses import fitting_responses
from sidestep.features.study.study import Study

#: Group of a patient by the response that was named.
RESPONSE, NO_RESPONSE, UNTOLD = "response", "no response", ""
FEWEST_PAIRS: Final = 3
_SIGNS: Final = "=<>"


@dataclass(frozen=True)
class Pairing:
    """Pairs of samples, one a patient.

    Attributes
    ----------
    table : pandas.DataFrame
        ``patient``, ``before``, ``after`` (samples) and ``group``: `RESPONSE`, `NO_RESPONSE`, or
        `UNTOLD`.
    before, after : str
        What says which sample is which, as the study spells it.
    response : str
        How patients were grouped, in a sentence; empty where no response was named.
    notes : tuple of str
        Who was left out, and why.
    """

    table: pd.DataFrame
    before: str
    after: str
    response: str = ""
    notes: tuple[str, ...] = ()


def find_pairs(
    study: Study, before: str, after: str, response: str = "", responders: Sequence[str] = ()
) -> Pairing:
    """Pair the samples of each patient.

    Parameters
    ----------
    study : Study
        ``PATIENT_ID`` of its clinical data says whose each sample is.
    before, after : str
        Which samples were taken before, and after: ``TIMEPOINT=baseline``, as
        `features.study.filters` reads it, or a value alone, such as ``baseline``, that one clinical
        attribute has.
    response : str
        Clinical attribute, or response of 0 and 1, that tells who responded.
    responders : sequence of str
        Words of the attribute that mean response.

    Raises
    ------
    InputError
        If there is no such attribute or value, a sample is both, fewer than three patients have
        both, or the response is none of two outcomes.
    """
    attributes = Attributes(study.clinical, f"study {study.study_id}")
    first, second = (_chosen(attributes, text) for text in (before, after))
    both = first[1].intersection(second[1])
    if len(both):
        raise InputError(
            f"{len(both)} sample(s) are both before ({first[0]}) and after ({second[0]}): "
            f"{some(list(both))}; give values that leave each sample one"
        )
    table, notes = _paired(study, first[1], second[1])
    if len(table) < FEWEST_PAIRS:
        raise InputError(
            f"{len(table)} patient(s) of study {study.study_id} have a sample before ({first[0]}: "
            f"{len(first[1])} samples) and one after ({second[0]}: {len(second[1])}), and "
            f"{FEWEST_PAIRS} are needed; samples of one patient share their PATIENT_ID"
        )
    told = ""
    if responders and not response:
        raise InputError(
            "--responder tells which words of an attribute mean response; name the attribute with "
            "--response"
        )
    if response:
        if not fitting_responses(response, study.response_files):
            attributes.column(response)  # says what there is, where there is none of that name
        groups, told = _groups(study, response, responders)
        table["group"] = [
            next((groups[name] for name in pair if name in groups), UNTOLD)
            for pair in zip(table["before"], table["after"], strict=True)
        ]
    return Pairing(table, str(first[0]), str(second[0]), told, tuple(notes))


def _chosen(attributes: Attributes, text: str) -> tuple[Filter, pd.Index]:
    """The filter that a text means, and its samples."""
    if any(sign in text for sign in _SIGNS):
        filters = parse_filters(text)
    else:
        named = [
            str(column)
            for column in attributes.table.columns
            if text.strip().casefold()
            in set(attributes.values(str(column)).dropna().str.casefold())
        ]
        if len(named) != 1:
            found = f"{', '.join(named)} have it" if named else "none has it"
            raise InputError(
                f"{text!r} alone must be a value of one clinical attribute, and {found}; write "
                f"ATTRIBUTE={text}"
            )
        filters = (Filter(named[0], "=", text.strip()),)
    chosen = choose(attributes, filters)
    return chosen.filters[0], chosen.samples


def _paired(study: Study, before: pd.Index, after: pd.Index) -> tuple[pd.DataFrame, list[str]]:
    """A row a patient who has both; of several samples the first counts."""
    rows, alone, several = [], [], []
    sides = [
        {donor: list(part.index) for donor, part in study.donors.loc[chosen].groupby(
            study.donors.loc[chosen], sort=False)}
        for chosen in (before, after)
    ]  # fmt: skip
    for patient in dict.fromkeys([*sides[0], *sides[1]]):
        ours = [side.get(patient, []) for side in sides]
        if not all(ours):
            alone.append(str(patient))
            continue
        if max(map(len, ours)) > 1:
            several.append(str(patient))
        rows.append((str(patient), ours[0][0], ours[1][0], UNTOLD))
    notes = []
    if alone:
        notes.append(f"{len(alone)} patient(s) have one of the two only: {some(alone)}")
    if several:
        notes.append(
            f"{len(several)} patient(s) have several samples of a kind, of which the first counts: "
            f"{some(several)}"
        )
    return pd.DataFrame(rows, columns=["patient", "before", "after", "group"]), notes


def _groups(study: Study, name: str, responders: Sequence[str]) -> tuple[dict[str, str], str]:
    """Sample -> its group, and how words were grouped."""
    found = study.response(name, responders)
    if found.kind != "binary" or found.values.shape[1] != 1:
        raise InputError(
            f"{name} does not tell who responded; name a clinical attribute with --responder, or a "
            "response of 0 and 1"
        )
    good = 0.0 if found.higher_is_resistant else 1.0
    outcome = found.values.iloc[:, 0].dropna()
    groups = {
        str(sample): RESPONSE if value == good else NO_RESPONSE for sample, value in outcome.items()
    }
    return groups, found.grouping or f"{name}: {found.event} is 1"
