"""DepMap's releases: which rows are a model's, and what the models are called.

Tables are keyed by model (``ACH-000017``), by sequencing with the model beside it, or by profile
(``PR-…``). A model that was sequenced several times has one default entry, which is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.identifiers import match_key
from sidestep.features.originals.given import Given
from sidestep.features.originals.lines import sample_names

_MODEL: Final = re.compile(r"^ACH-\d{6}$")
_PROFILE: Final = re.compile(r"^PR-\w+$")
#: Columns that say whether a row stands for its model, the one of models first.
DEFAULT_COLUMNS: Final = ("IsDefaultEntryForModel", "is_default_entry", "IsDefaultEntry")
_YES: Final = frozenset({"yes", "true", "1"})
_MODEL_COLUMNS: Final = ("ModelID", "DepMap_ID", "ARXSPAN_ID")
_NAMES: Final = (
    "StrippedCellLineName",
    "stripped_cell_line_name",
    "CellLineName",
    "cell_line_name",
)
_APART: Final = ("OncotreeLineage", "lineage", "primary_disease", "ModelID", "DepMap_ID")
#: Attribute of a study -> columns of Model.csv and sample_info.csv, the newer first.
_ATTRIBUTES: Final = {
    "PATIENT_ID": ("PatientID", "patient_id"),
    "CELL_LINE_NAME": ("CellLineName", "cell_line_name"),
    "CCLE_NAME": ("CCLEName", "CCLE_Name"),
    "SANGER_MODEL_ID": ("SangerModelID", "Sanger_Model_ID"),
    "COSMIC_ID": ("COSMICID",),
    "RRID": ("RRID",),
    "LINEAGE": ("OncotreeLineage", "lineage"),
    "PRIMARY_DISEASE": ("OncotreePrimaryDisease", "primary_disease"),
    "SUBTYPE": ("OncotreeSubtype", "lineage_molecular_subtype", "Subtype"),
    "ONCOTREE_CODE": ("OncotreeCode",),
    "SEX": ("Sex", "sex"),
    "PRIMARY_OR_METASTASIS": ("PrimaryOrMetastasis", "primary_or_metastasis"),
}


def is_model_table(given: Given) -> bool:
    """Whether a table is DepMap's of models (``Model.csv``, ``sample_info.csv``)."""
    return given.named(*_MODEL_COLUMNS) is not None and given.named(*_NAMES) is not None


def is_profile_table(given: Given) -> bool:
    """Whether a table says which model a profile is of (``OmicsProfiles.csv``)."""
    return (
        given.named("ProfileID") is not None
        and given.named("ModelID") is not None
        and len(given.names) < 100
    )  # of expression, some releases have a profile, a model and then every gene


def are_models(names: list[str]) -> bool:
    """Whether names are DepMap's of models."""
    return bool(names) and sum(map(bool, map(_MODEL.match, names))) > len(names) / 2


def are_profiles(names: list[str]) -> bool:
    """Whether names are DepMap's of profiles."""
    return bool(names) and sum(map(bool, map(_PROFILE.match, names))) > len(names) / 2


def read_models(given: Given) -> tuple[pd.DataFrame, dict[str, str]]:
    """Clinical attributes of models, by sample, and the sample that each model is.

    A sample is called by the line's letters and digits; lines of one such name keep their lineage.

    Raises
    ------
    InputError
        If a model has two rows.
    """
    key, name = given.named(*_MODEL_COLUMNS), given.named(*_NAMES)
    if key is None or name is None:
        raise InputError(f"{given.path} names no models; give DepMap's Model.csv")
    text = given.table.text(given.table.columns)
    text = text[text[key].notna()]
    if text[key].duplicated().any():
        twice = list(text.loc[text[key].duplicated(), key].unique())
        raise InputError(f"{given.path} has {some(twice)} twice; keep one row of each model")
    text = text.set_index(key)
    apart = next(c for c in (*(given.named(n) for n in _APART), key) if c is not None)
    lineage = pd.Series(text.index, index=text.index) if apart == key else text[apart]
    own = text[name].fillna(pd.Series(text.index, index=text.index))
    lines = pd.DataFrame({
        "name": own, "apart": lineage.fillna("").map(lambda cell: match_key(str(cell)))
    })  # fmt: skip
    names, _ = sample_names(lines)
    taken = pd.Series(names)
    again = taken.duplicated(keep=False)
    names |= {str(model): str(model) for model in taken.index[again]}
    found = {
        attribute: text[column]
        for attribute, columns in _ATTRIBUTES.items()
        if (column := given.named(*columns)) is not None and column in text
    }
    table = pd.DataFrame({"DEPMAP_ID": pd.Series(text.index, index=text.index), **found})
    table["SAMPLE_TYPE"] = "Cell Line"
    return table.set_axis([names[str(model)] for model in text.index]), names


def default_rows(given: Given) -> tuple[Given, list[str]]:
    """A table with the default entry of each model alone, and what is to be told of it."""
    column = given.named(*DEFAULT_COLUMNS)
    if column is None:
        return given, []
    said = given.table.text([column])[column].fillna("").str.casefold().isin(_YES).to_numpy()
    if said.all():
        return given, []
    if not said.any():
        raise InputError(f"{given.path}: no row is a default entry ({column}); give the whole file")
    rows = given.table.body.split(b"\n")
    places = np.flatnonzero(said)
    table = type(given.table)(
        given.table.name,
        given.table.columns,
        b"\n".join(rows[place] for place in places),
        given.table.lines[places],
    )
    told = f"{given.file}: {int((~said).sum()):,} row(s) that are no default entry are left out"
    return Given(given.path, table, given.names, given.above), [told]


def models_of(names: list[str], profiles: Mapping[str, str]) -> dict[str, str]:
    """Model of each name that is one or whose profile is known; a name is itself otherwise."""
    return {name: profiles.get(name, name) for name in names}


def read_profiles(given: Given) -> dict[str, str]:
    """Profile -> model."""
    key, model = given.named("ProfileID"), given.named("ModelID")
    if key is None or model is None:
        return {}
    text = given.table.text([key, model]).dropna()
    return dict(zip(text[key].astype(str), text[model].astype(str), strict=True))


def copy_number_unit(values: np.ndarray) -> str:
    """Whether DepMap's relative copy number is a ratio or its logarithm, by its highest values.

    ``log2(x + 1)`` is what most releases have; from 25Q2 on it may be the ratio itself.
    """
    known = values[np.isfinite(values)]
    highest = float(known.max()) if len(known) else 0.0
    return "copy ratio" if highest > _HIGHEST_LOG else "log2(copy ratio + 1)"


#: log2(ratio + 1) of 90 copies of a gene.
_HIGHEST_LOG: Final = 6.5
