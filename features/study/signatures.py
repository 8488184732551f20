"""Signatures of gene expression: scores that a study's makers computed, a number a sample.

cBioPortal keeps them as GENERIC_ASSAY of type GENE_EXPRESSION_SIGNATURE, signatures x samples, each
under its `ENTITY_STABLE_ID`. The genes behind a score are its makers' and mostly not in the study.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.study_writer import DataFile
from sidestep.features.files.tables import Table
from sidestep.features.identifiers import Samples, match_key
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.study.genes import drop_unprofiled, require_rows, sample_columns
from sidestep.features.study.meta import Meta
from sidestep.features.study.profiles import Profile
from sidestep.features.vocabulary.account import Account

#: `generic_assay_type` of signatures.
SIGNATURE_ASSAY = "GENE_EXPRESSION_SIGNATURE"
#: Kind of scores that their study standardised over its cohort, and of others.
STANDARDISED, AS_GIVEN = "z-score", "score"
_ENTITY, _NAME = "ENTITY_STABLE_ID", "NAME"


def is_signature_file(meta: Meta) -> bool:
    """Whether a meta file is that of signatures with a number a sample."""
    return (
        meta.kind == "GENERIC_ASSAY"
        and meta.fields.get("generic_assay_type", "").upper() == SIGNATURE_ASSAY
        and meta.datatype not in ("CATEGORICAL", "BINARY")
        and meta.fields.get("patient_level", "").casefold() != "true"
    )


def kind_of_scores(meta: Meta) -> str:
    """`STANDARDISED` if the words of a meta file say so, else `AS_GIVEN`."""
    return STANDARDISED if Profile.of(meta).scale == STANDARDISED else AS_GIVEN


def read_signatures(table: Table, meta: Meta, samples: Samples, findings: Findings) -> pd.DataFrame:
    """Signatures of a file, (n_samples, n_signatures); NaN where missing.

    Parameters
    ----------
    table : Table
        Rows are signatures; ``>8`` and ``<0.1`` are read as 8 and 0.1.
    meta : Meta
        Of the file.
    samples : Samples
    findings : Findings

    Raises
    ------
    StudyError
        If the file has neither an ENTITY_STABLE_ID nor a NAME column, no rows or no sample, a
        signature without a name or twice, or a cell that is no number.
    """
    label = table.find(_ENTITY, _NAME)
    if label is None:
        message = (
            f"{table.name} has neither an {_ENTITY} nor a {_NAME} column; add the signatures' "
            "identifiers."
        )
        raise study_error(message, table.name)
    require_rows(table)
    described = meta.fields.get("generic_entity_meta_properties", "").split(",")
    columns = sample_columns(table, samples, findings, described)
    sample_of = samples.resolve(columns, table.name)
    text, values = table.split([label], columns, label, limits=True)
    names = text[label]
    if names.isna().any():
        place = table.row(int(names.isna().to_numpy().argmax()))
        raise study_error(f"{table.name}, {place} names no signature.", table.name, place, label)
    _refuse_repeated(names, table)
    values = values.rename(columns=sample_of).set_axis(pd.Index(list(names), dtype="str"))
    return drop_unprofiled(values, table.name, findings).T


def _refuse_repeated(names: pd.Series, table: Table) -> None:
    """Refuse a signature that stands twice: of two scores of one name neither can be believed."""
    again = names.map(match_key).duplicated().to_numpy()
    if again.any():
        at = int(again.argmax())
        place = table.row(at, str(names.iloc[at]))
        message = (
            f"{table.name}, {place}: signature {names.iloc[at]!r} has an earlier row of the same "
            f"name; give each row an {_ENTITY} of its own."
        )
        raise study_error(message, table.name, place)


def with_signatures(
    held: pd.DataFrame | None, found: pd.DataFrame, file: str, findings: Findings
) -> pd.DataFrame:
    """Signatures of several files side by side; of one name the first file's are kept."""
    if held is None:
        return found
    taken = {match_key(name) for name in held.columns}
    again = [name for name in found.columns if match_key(name) in taken]
    if again:
        findings.warn(
            f"{file}: {len(again)} signature(s) are those of an earlier file, which are used: "
            f"{some(again)}.",
            file,
        )
    return pd.concat([held, found.drop(columns=again)], axis=1)


def account_for(names: Sequence[str], file: str, account: Account) -> None:
    """Count which signatures Sidestep knows by name, and name the others."""
    known = [name for name in names if find_signature(name) is not None]
    account.match(file, {"name in the table of signatures": len(known)})
    unknown = [name for name in names if find_signature(name) is None]
    account.puzzle(file, dict.fromkeys(unknown, 1))


def signature_file(values: pd.DataFrame, name: str, words: str, digits: int = 5) -> DataFile:
    """File of signatures of a study folder.

    Parameters
    ----------
    values : DataFrame of shape (n_samples, n_signatures)
    name, words : str
        `profile_name` and `profile_description`.
    digits : int
        Significant digits.
    """
    table = values.T
    names = table.index
    for place, column in enumerate((_ENTITY, _NAME, "DESCRIPTION")):
        table.insert(place, column, names)
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": SIGNATURE_ASSAY,
        "datatype": "LIMIT-VALUE",
        "stable_id": "expression_signatures",
        "show_profile_in_analysis_tab": "true",
        "profile_name": name,
        "profile_description": words,
        "generic_entity_meta_properties": f"{_NAME},DESCRIPTION",
    }
    return DataFile("signatures", table, meta, digits=digits)


def match_signatures(wanted: Sequence[str], available: Sequence[str]) -> np.ndarray:
    """Place of each wanted signature among those available, -1 where it is none of them.

    Case and punctuation do not count.

    Examples
    --------
    >>> match_signatures(["Mod7_ERBB2", "STMN1_dat"], ["MOD7-ERBB2"]).tolist()
    [0, -1]
    """
    places = {match_key(name): place for place, name in reversed(list(enumerate(available)))}
    return np.array([places.get(match_key(name), -1) for name in wanted], dtype=np.int64)
