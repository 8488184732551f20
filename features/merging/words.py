"""What do the words of several studies mean? Drugs, antibodies and lineages, matched and told.

Each table has a row a study and word: what it was taken for, by what, and what was not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.study.antibodies import parse_antibody
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.lineages import (
    LINEAGE_ATTRIBUTES,
    find_lineage,
    sample_lineages,
)

#: How a word was matched.
NAME, SYNONYM, REPLICATE, UNKNOWN = (
    "name", "synonym", "name without the identifier of a replicate", "not in the table",
)  # fmt: skip
_LINEAGE: Final = "LINEAGE"


def drug_rows(response: str, study_id: str, columns: Sequence[str]) -> pd.DataFrame:
    """Drugs of one study's screen: `response, study, name, drug, matched_by`."""
    rows = []
    for name in columns:
        drug = find_drug(name)
        if drug is None:
            rows.append((response, study_id, name, "", UNKNOWN))
            continue
        key = match_key(name)
        if key == match_key(drug.name):
            way = NAME
        else:
            way = SYNONYM if key in map(match_key, drug.synonyms) else REPLICATE
        rows.append((response, study_id, name, drug.name, way))
    return pd.DataFrame(rows, columns=["response", "study", "name", "drug", "matched_by"])


def same_drugs(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """Columns of a screen under the names that another copy of it gives the same drugs.

    A column of the same name is that one; else the one column of the same drug, if there is
    one in either.

    Examples
    --------
    >>> same_drugs(["Afatinib", "Docetaxel"], ["BIBW2992", "Docetaxel", "Foretinib"])
    {'BIBW2992': 'Afatinib'}
    """
    free_old = _by_drug([name for name in old if name not in set(new)])
    free_new = _by_drug([name for name in new if name not in set(old)])
    return {
        names[0]: free_old[drug][0]
        for drug, names in free_new.items()
        if len(names) == 1 and len(free_old.get(drug, ())) == 1
    }


def replicates(columns: Sequence[str]) -> dict[str, list[str]]:
    """Drug -> its columns, where a screen has several of one drug that the drug table knows."""
    return {drug: names for drug, names in _by_drug(columns).items() if len(names) > 1}


def _by_drug(columns: Sequence[str]) -> dict[str, list[str]]:
    """Drug -> columns; a drug that the table does not know is its own spelling."""
    found: dict[str, list[str]] = {}
    for name in columns:
        drug = find_drug(name)
        found.setdefault(match_key(name) if drug is None else drug.name, []).append(name)
    return found


def antibody_rows(studies: Sequence[Study], kept: Sequence[str]) -> pd.DataFrame:
    """Antibodies of every study: `study, name, antibody, genes, matched_by, in_merged`."""
    rows = []
    held = set(kept)
    for study in studies:
        for antibody, row in zip(
            study.antibodies.index, study.antibodies.to_dict("records"), strict=True
        ):
            source = str(row["source"])
            known = any(parse_antibody(one).known for one in source.split(";"))
            way = ("name" if antibody in source else "synonym") if known else UNKNOWN
            there = "yes" if antibody in held else "no"
            rows.append((study.study_id, source, antibody, row["genes"], way, there))
    columns = ["study", "name", "antibody", "genes", "matched_by", "in_merged"]
    return pd.DataFrame(rows, columns=columns)


def lineage_rows(studies: Sequence[Study]) -> pd.DataFrame:
    """Words for lineages: `study, attribute, word, samples, lineage, oncotree, matched_by`."""
    rows = []
    for study in studies:
        for attribute in _lineage_attributes(study.clinical):
            for word, count in study.clinical[attribute].value_counts(sort=False).items():
                lineage = find_lineage(word)
                rows.append(
                    (study.study_id, attribute, word, count,
                     "" if lineage is None else lineage.name,
                     "" if lineage is None else lineage.oncotree,
                     UNKNOWN if lineage is None else NAME)
                )  # fmt: skip
    columns = ["study", "attribute", "word", "samples", "lineage", "oncotree", "matched_by"]
    return pd.DataFrame(rows, columns=columns)


def lineage_words(column: pd.Series) -> pd.Series:
    """Words for lineages, each as the lineage that it means; unknown ones in lower case."""

    def meaning(word: object) -> str:
        lineage = find_lineage(word)
        return str(word).strip().casefold() if lineage is None else lineage.name

    return column.map(meaning, na_action="ignore")


def is_lineage(attribute: str) -> bool:
    """Whether a clinical attribute says where a sample comes from, whatever its words."""
    return attribute.upper() in (_LINEAGE, "PRIMARY_SITE")


def with_lineages(clinical: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """A clinical table whose samples without a LINEAGE have that of their other attributes.

    In the word that others of the lineage have; nothing is overwritten.

    Returns
    -------
    clinical : DataFrame
    filled : int
    """
    known = pd.Series(sample_lineages(clinical), dtype="str").reindex(clinical.index)
    held = (
        clinical[_LINEAGE] if _LINEAGE in clinical else pd.Series(index=clinical.index, dtype="str")
    )
    new = held.isna() & known.notna()
    if not new.any():
        return clinical, 0
    words: dict[str, str] = {}
    for word in held.value_counts().index:
        if (lineage := find_lineage(word)) is not None:
            words.setdefault(lineage.name, str(word))
    filled = held.where(~new, known.map(lambda name: words.get(name, name), na_action="ignore"))
    return clinical.assign(**{_LINEAGE: filled}), int(new.sum())


def _lineage_attributes(clinical: pd.DataFrame) -> list[str]:
    return [str(name) for name in clinical.columns if str(name).upper() in LINEAGE_ATTRIBUTES]
