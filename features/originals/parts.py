"""What one file brings to a study, and what a user says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.study_writer import profile_lines
from sidestep.features.originals.containers import open_table
from sidestep.features.originals.given import Given
from sidestep.features.originals.levels import (
    ANTIBODY,
    COLUMNS,
    DRUG,
    SIGNATURE,
    Levels,
    gene_feature,
    read_levels,
    with_symbols,
)
from sidestep.features.study.meta import Meta
from sidestep.features.study.profiles import Profile
from sidestep.features.study.scales import HIGHEST_LOG
from sidestep.features.study.signatures import SIGNATURE_ASSAY
from sidestep.features.vocabulary.gene_names import split_names
from sidestep.features.vocabulary.response_units import unit_of

#: Kinds of data that a table may hold, as a user names them.
KINDS: Final = (
    "expression", "rppa", "copy_number", "signatures", "mutations", "fusions", "clinical",
    "responses",
)  # fmt: skip
DIRECTIONS: Final = {"high-is-resistant": True, "high-is-sensitive": False}
_MILLION: Final = 1e6
_NO_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Source:
    """A file, and what is said of it.

    Attributes
    ----------
    kind : str
        One of `KINDS`; empty where the file's content is to tell.
    path : pathlib.Path
    unit : str
        Unit or scale of its numbers, in words.
    lie : {"", "columns", "rows"}
        Where its samples are.
    name : str
        Identifier of a response.
    higher_is_resistant : bool or None
        Direction of a response.
    sequenced : tuple of str or None
        Samples whose mutations were tested; `ALL` for every sample of the study.
    probes : pathlib.Path or None
        Table from the features' names in the file to gene symbols.
    columns : mapping of str to str
        Name of a column in a study -> that in the file.
    exact : bool
        Whether names, numbers and columns are to stay as they are, as those of an exported study.
    meta : mapping of str to str
        Lines of its meta file, which go before what is made of the unit.
    panels : mapping of str to tuple of str
        Gene panel -> its genes.
    panel_of : mapping of str to str
        Sample -> its panel.
    """

    kind: str
    path: Path
    unit: str = ""
    lie: str = ""
    name: str = ""
    higher_is_resistant: bool | None = None
    sequenced: tuple[str, ...] | None = None
    probes: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    panels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    panel_of: Mapping[str, str] = field(default_factory=dict)


#: `Source.sequenced` where every sample was tested.
ALL: Final = ("*",)


@dataclass(frozen=True)
class Part:
    """What a file brings to a study.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    file : str
        Its file, for messages.
    name : str
        Middle of the data file's name in the study.
    samples : tuple of str
        As the file names them.
    table : pandas.DataFrame
        Of levels, what names the features; else the table itself, whose column `sample_column`
        names samples.
    meta : mapping of str to str
        Lines of its meta file.
    values : numpy.ndarray or None
        Features x samples.
    sample_column : str
    sequenced : tuple of str or None
        See `Source`.
    panels : mapping of str to tuple of str
        Gene panel -> its genes.
    panel_of : mapping of str to str
        Sample -> its panel.
    told : tuple of str
        What was understood, a sentence each.
    """

    kind: str
    file: str
    name: str
    samples: tuple[str, ...]
    table: pd.DataFrame
    meta: Mapping[str, str]
    values: np.ndarray | None = None
    sample_column: str = ""
    sequenced: tuple[str, ...] | None = None
    panels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    panel_of: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def levels_part(source: Source, given: Given, known: tuple[str, ...] = ()) -> Part:
    """A part of a table of expression, proteins, copy number or responses.

    Raises
    ------
    InputError
        As `features.originals.levels.read_levels`, or if its unit or direction is not known.
    """
    features = {"rppa": ANTIBODY, "responses": DRUG, "signatures": SIGNATURE}
    feature = features.get(source.kind) or gene_feature()
    if source.probes is None:
        levels = read_levels(given, feature, source.lie, known)
    else:
        levels = with_symbols(
            read_levels(given, feature, source.lie or COLUMNS, known), open_table(source.probes)
        )
    return part_of_levels(source, levels, given.file)


def part_of_levels(source: Source, levels: Levels, file: str) -> Part:
    """A part of levels that were read.

    Raises
    ------
    InputError
        If the unit or direction is not known.
    """
    if source.exact:
        meta = dict(source.meta)
    else:
        if source.kind in ("expression", "copy_number"):
            levels = _split(levels)
        prepare, describe = _DESCRIBE[source.kind]
        levels = prepare(source, levels, file)
        meta = describe(source, levels, file) | dict(source.meta)
    return Part(
        source.kind,
        file,
        _file_name(source, meta),
        levels.samples,
        levels.features,
        meta,
        values=levels.values,
        told=levels.told,
    )


def _split(levels: Levels) -> Levels:
    """Levels of genes whose symbols and Entrez identifiers stand in columns of their own."""
    named = levels.features
    symbols, numbers = split_names(named["Hugo_Symbol"])
    if symbols is named["Hugo_Symbol"]:
        return levels
    beside = named.get("Entrez_Gene_Id", pd.Series(pd.NA, index=named.index))
    given = pd.to_numeric(beside, errors="coerce").astype("Int64")
    parts = {"Hugo_Symbol": symbols, "Entrez_Gene_Id": given.fillna(numbers)}
    rest = named.drop(columns=list(parts), errors="ignore")
    return replace(levels, features=pd.concat([pd.DataFrame(parts), rest], axis=1))


def _file_name(source: Source, meta: Mapping[str, str]) -> str:
    names = {
        "expression": "mrna", "rppa": "rppa", "copy_number": "cna", "signatures": "signatures"
    }  # fmt: skip
    name = source.name if source.exact else ""
    return names.get(source.kind) or f"treatment_{name or meta['stable_id']}"


def _as_it_is(source: Source, levels: Levels, file: str) -> Levels:
    return levels


def _expression_levels(source: Source, levels: Levels, file: str) -> Levels:
    """Levels of expression; counts become counts per million."""
    values = levels.values
    known = values[np.isfinite(values)]
    whole = bool(len(known)) and known.max() > HIGHEST_LOG and bool((known == np.rint(known)).all())
    counts = _profile(_expression_meta(source, levels, file), "expression").unit == "counts"
    if whole and not source.unit:
        raise InputError(
            f"{file} holds whole numbers up to {known.max():,.0f}, which look like counts; say "
            "--unit counts, and they become counts per million, or name their unit (TPM, FPKM, "
            "intensity)"
        )
    if not counts or not whole:
        return levels
    totals = np.nansum(values, axis=0)
    if (totals <= 0).any():
        sample = levels.samples[int((totals <= 0).argmax())]
        raise InputError(f"{file}: sample {sample} has no counts; leave it out")
    told = (*levels.told, f"{file}: counts are made counts per million of each sample")
    return Levels(levels.samples, levels.features, values / totals * _MILLION, told)


def _profile(meta: Mapping[str, str], name: str) -> Profile:
    return Profile.of(Meta(f"meta_{name}.txt", Path(), meta, ""))


def _description(unit: str, otherwise: str, file: str) -> str:
    """What a profile's meta file says; no word of a file's name may speak against a unit."""
    return f"{unit}; imported." if unit else f"{otherwise}; imported from {file}."


def _expression_meta(source: Source, levels: Levels, file: str) -> dict[str, str]:
    unit = source.unit.strip()
    made = profile_lines(
        "MRNA_EXPRESSION",
        "CONTINUOUS",
        "mrna",
        f"mRNA expression ({unit})" if unit else "mRNA expression",
        _description(unit, "Unit not named", file),
    )
    profile = _profile(made, "mrna")
    if profile.scale == "z-score":
        return made | {"datatype": "Z-SCORE"}
    if unit and not (profile.unit or profile.scale or profile.platform):
        raise InputError(
            f"unit {unit!r} of {file} is not known; write TPM, FPKM, RPKM, CPM, counts, "
            "log2(TPM+1), ln(CPM+1), log10(TPM+1), microarray log2 or z-score"
        )
    return made


def _rppa_meta(source: Source, levels: Levels, file: str) -> dict[str, str]:
    unit = source.unit.strip() or "log2"
    made = profile_lines(
        "PROTEIN_LEVEL", "LOG2-VALUE", "rppa", f"Protein levels by RPPA ({unit})",
        _description(source.unit.strip(), unit, file),
    )  # fmt: skip
    scored = _profile(made, "rppa").scale == "z-score"
    return made | ({"datatype": "Z-SCORE"} if scored else {})


def _copy_number_meta(source: Source, levels: Levels, file: str) -> dict[str, str]:
    unit = source.unit.strip()
    values = levels.values[np.isfinite(levels.values)]
    calls = bool(len(values)) and bool(np.isin(values, (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0)).all())
    discrete = unit.casefold() in ("calls", "gistic") or (not unit and calls)
    return profile_lines(
        "COPY_NUMBER_ALTERATION",
        "DISCRETE" if discrete else "LOG2-VALUE" if not unit or "log2" in unit else "CONTINUOUS",
        "gistic" if discrete else "copy_number",
        f"Copy number ({unit})" if unit else "Copy number",
        _description(unit, "Unit not named", file),
    )


def _signature_meta(source: Source, levels: Levels, file: str) -> dict[str, str]:
    return profile_lines(
        "GENERIC_ASSAY",
        "LIMIT-VALUE",
        "expression_signatures",
        "Expression signatures",
        f"{source.unit or 'Scores'}; imported from {file}.",
    ) | {
        "generic_assay_type": SIGNATURE_ASSAY,
        "show_profile_in_analysis_tab": "true",
        "generic_entity_meta_properties": "NAME,DESCRIPTION",
    }


def _response_meta(source: Source, levels: Levels, file: str) -> dict[str, str]:
    unit = source.unit.strip()
    known = unit_of([unit, source.name]) if unit or source.name else None
    direction = source.higher_is_resistant
    if direction is None and known is not None:
        direction = known.higher_is_resistant
    if direction is None:
        raise InputError(
            f"the responses of {file} need a direction; say --direction high-is-resistant (as of "
            "IC50 or AUC) or --direction high-is-sensitive (as of -log10 of it, or activity area)"
        )
    unit = unit or (known.unit if known is not None else source.name) or "as given"
    stable_id = _NO_IDENTIFIER.sub("_", source.name).strip("_") or "response"
    more = "resistant" if direction else "sensitive"
    return profile_lines(
        "GENERIC_ASSAY",
        "LIMIT-VALUE",
        stable_id,
        f"Drug response: {stable_id}",
        f"Unit: {unit}. Direction: higher value = more {more}. Imported from {file}.",
    ) | {
        "generic_assay_type": "TREATMENT_RESPONSE",
        "show_profile_in_analysis_tab": "true",
        "value_sort_order": "ASC" if direction else "DESC",
        "pivot_threshold_value": f"{np.nanmedian(levels.values):.5g}",
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }


_Prepare = Callable[[Source, Levels, str], Levels]
_Meta = Callable[[Source, Levels, str], dict[str, str]]
_DESCRIBE: Final[Mapping[str, tuple[_Prepare, _Meta]]] = {
    "expression": (_expression_levels, _expression_meta),
    "rppa": (_as_it_is, _rppa_meta),
    "copy_number": (_as_it_is, _copy_number_meta),
    "responses": (_as_it_is, _response_meta),
    "signatures": (_as_it_is, _signature_meta),
}
