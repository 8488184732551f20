"""Clinical tables: a row a sample, and what each column is called in a study."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.originals.given import ROW_NAMES, Given
from sidestep.features.originals.levels import SAMPLE_COLUMNS
from sidestep.features.originals.parts import Part, Source

SAMPLE_ID, PATIENT_ID = "SAMPLE_ID", "PATIENT_ID"
_PATIENT_COLUMNS: Final = (PATIENT_ID, "Patient", "Donor", "Donor_ID", "Subject", "Participant_ID")
_SEPARATORS: Final = re.compile(r"[^0-9A-Z]+")


def clinical_part(source: Source, given: Given) -> Part:
    """A part of a clinical table.

    Names of columns are written as cBioPortal has them (``HER2 status`` is ``HER2_STATUS``); one of
    patients alone has a sample a patient.

    Raises
    ------
    InputError
        If a row names no sample, or two name one.
    """
    table = given.table
    label = source.columns.get(SAMPLE_ID) or given.named(*SAMPLE_COLUMNS) or table.columns[0]
    text = table.text(table.columns)
    if label not in text:
        raise InputError(f"{given.path} has no column {label}; it has {some(list(text.columns))}")
    names = text[label]
    if names.isna().any():
        place = table.row(int(names.isna().to_numpy().argmax()))
        raise InputError(f"{given.path}, {place} has no {label}; name the row's sample")
    if names.duplicated().any():
        twice = list(names[names.duplicated()].unique())
        raise InputError(
            f"{given.path} has {len(twice)} sample(s) more than once in {label}: {some(twice)}; "
            "keep a row each"
        )
    attributes = text.drop(columns=label).set_axis(names.astype("str"))
    if source.exact:
        samples = tuple(map(str, attributes.index))
        return Part("clinical", given.file, "clinical_sample", samples, attributes, {})
    return attributes_part(attributes, given.file)


def attributes_part(attributes: pd.DataFrame, file: str) -> Part:
    """A part of attributes, whose index names samples."""
    patient = next(
        (
            column
            for name in _PATIENT_COLUMNS
            for column in attributes.columns
            if attribute_name(str(column)) == attribute_name(name)
        ),
        None,
    )
    named: dict[str, str] = {} if patient is None else {str(patient): PATIENT_ID}
    for column in map(str, attributes.columns):
        new = name = attribute_name(column) or "ATTRIBUTE"
        number = 1
        while column not in named and new in (*named.values(), SAMPLE_ID, PATIENT_ID):
            number += 1
            new = f"{name}_{number}"
        named.setdefault(column, new)
    index = attribute_name(ROW_NAMES)
    table = attributes.rename(columns=named).drop(columns=index, errors="ignore")
    samples = tuple(map(str, table.index))
    told = (f"{file}: {table.shape[1]} attributes of {len(samples):,} samples",)
    return Part("clinical", file, "clinical_sample", samples, table, {}, told=told)


def attribute_name(column: str) -> str:
    """Name of an attribute as cBioPortal has it: capitals, digits and underscores.

    >>> attribute_name("HER2 status (IHC)")
    'HER2_STATUS_IHC'
    """
    return _SEPARATORS.sub("_", column.upper()).strip("_")
