"""Clinical files: who each sample comes from, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.tables import Table
from sidestep.features.knowledge.statuses import (
    STATUS_COLUMN_TABLE,
    grade_meaning,
    read_status,
)
from sidestep.features.study.genes import require_rows
from sidestep.features.vocabulary.account import Account

#: Words of TCGA and cBioPortal clinical files for a value that is not there.
_ABSENT = (
    "[Not Available]",
    "[Not Applicable]",
    "[Not Evaluated]",
    "[Pending]",
    "[Discrepancy]",
    "[Null]",
    "[Unknown]",
)


def read_attributes(table: Table, key: str) -> pd.DataFrame:
    """Clinical attributes of samples (`key` SAMPLE_ID) or patients (PATIENT_ID), as text.

    Returns
    -------
    pandas.DataFrame
        Index: the key; columns: the other attributes; NaN where missing.

    Raises
    ------
    StudyError
        If the key column is absent, a key is missing, or one occurs twice.
    """
    column = table.find(key)
    if column is None:
        raise study_error(f"{table.name} has no {key} column; add it.", table.name)
    require_rows(table)
    text = table.text(table.columns)
    keys = text[column]
    if keys.isna().any():
        place = table.row(int(keys.isna().to_numpy().argmax()))
        message = f"{table.name}, {place} has no {key}; give it one."
        raise study_error(message, table.name, place, column)
    if keys.duplicated().any():
        at = int(keys.duplicated().to_numpy().argmax())
        name, twice = str(keys.iloc[at]), keys[keys.duplicated()].nunique()
        message = (
            f"{table.name} has {twice} duplicate {key}(s); the first is {name!r} "
            f"({table.row(at)}): keep one row each."
        )
        raise study_error(message, table.name, table.row(at, name), column)
    values = text.drop(columns=column).set_axis(pd.Index(keys.astype(str), dtype="str"))
    return values.mask(values.isin(_ABSENT))


def tell_statuses(
    file: str, attributes: pd.DataFrame, findings: Findings, account: Account
) -> dict[str, Mapping[str, str]]:
    """Name the words of HER2 attributes that decide nothing because they are not known.

    Returns
    -------
    dict
        Attribute -> what its bare 0, 1, 2 and 3 say (`knowledge.statuses.grade_meaning`).
    """
    grades: dict[str, Mapping[str, str]] = {}
    for column in attributes.columns:
        if str(column).upper() not in STATUS_COLUMN_TABLE.load():
            continue
        grades[str(column)] = grade_meaning(attributes[column], str(column))
        reading = read_status(attributes[column], str(column), grades[str(column)])
        account.match(file, {f"{column} {s}": n for s, n in reading.status.value_counts().items()})
        account.puzzle(file, {f"{column}: {word}": n for word, n in reading.unread.items()})
        if reading.unread:
            words = [f"{word!r} {n:,}" for word, n in reading.unread.items()]
            findings.warn(
                f"{file}, column {column}: {len(words)} word(s) are no HER2 status that is known "
                f"({some(words)}), so they decide nothing; write Positive, Negative or Equivocal.",
                file,
                column=str(column),
            )
        if reading.ambiguous:
            findings.warn(
                f"{file}, column {column}: its 0 and 1 may be scores of immunohistochemistry (both "
                "negative) or no and yes, so they decide nothing; write Positive and Negative, or "
                "call the column HER2_IHC_SCORE.",
                file,
                column=str(column),
            )
    return grades


def join_patients(
    samples: pd.DataFrame, donors: pd.Series, patients: pd.DataFrame, file: str, findings: Findings
) -> pd.DataFrame:
    """Samples' attributes with those of their patients; a sample's own value goes first."""
    joined = patients.reindex(donors.to_numpy()).set_axis(samples.index)
    shared = [column for column in patients.columns if column in samples.columns]
    if shared:
        findings.note(
            f"{file}: {some(shared)} also stand(s) in the sample file, whose values go first.", file
        )
    missing = [donor for donor in donors.unique() if donor not in patients.index]
    if missing:
        findings.warn(
            f"{file}: {len(missing)} patient(s) of the samples are not in it: {some(missing)}.",
            file,
        )
    filled = samples.assign(**{c: samples[c].fillna(joined[c]) for c in shared})
    return pd.concat([filled, joined.drop(columns=shared)], axis=1)
