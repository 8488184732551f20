"""Drug response: how each line responded to each drug, and which way is resistant.

A study says of each response file what it holds (`ResponseFile`); the values are read when they
are asked for. A response is found by its identifier or metric, a drug of it by any of its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, InputError, study_error
from sidestep.features.files.tables import Table, read_table
from sidestep.features.identifiers import Samples, match_key
from sidestep.features.knowledge.drugs import find_drug, nearest_drugs
from sidestep.features.study.genes import drop_unprofiled, require_rows, sample_columns
from sidestep.features.study.meta import Meta
from sidestep.features.vocabulary.response_units import (
    ResponseUnit,
    doubtful_values,
    is_linear_concentration,
    unit_of,
)
from sidestep.features.vocabulary.response_words import RESPONSE, describe_grouping, group_words

#: Kinds of responses: a number in a unit, or one of two outcomes.
CONTINUOUS, BINARY = "continuous", "binary"
#: Generic assay types of responses, and of their standard errors.
RESPONSES, ERRORS = "TREATMENT_RESPONSE", "RESPONSE_ERROR"
#: What the stable_id of errors ends with, behind that of their response.
OF_ERRORS = "_se"
_DIRECTIONS = {"ASC": True, "DESC": False}
_UNIT = re.compile(r"\bUnit:\s*(.+?)\s*\.(?:\s|$)")
# An area may name the concentrations that it is over.
_AREA = re.compile(r"\b(?:auc|aac|aoc|area|actarea)\b", re.IGNORECASE)
_METRIC = re.compile(r"^data_(?:drug_)?(?:treatment_)?|\.txt(?:\.gz)?$")


@dataclass(frozen=True)
class ResponseFile:
    """What a study says about one drug-response file; the values are read on demand.

    Attributes
    ----------
    stable_id, metric, profile_name, description, unit : str
        `metric` is the file's (``gi50`` for ``data_treatment_gi50.txt``); `unit` is the
        description's ``Unit: … .`` part, else the profile name.
    higher_is_resistant : bool or None
        From `value_sort_order`; None where the meta file gives no direction.
    path, meta_path : pathlib.Path
        Data file and meta file.
    columns : mapping of str to str
        Column of the data file -> sample of the study.
    limits : bool
        Whether cells such as ``>8`` are allowed (datatype LIMIT-VALUE).
    held : pandas.DataFrame or None
        The values, samples x drugs, where they came in memory; the paths then name no file.
    errors : ResponseFile or None
        The file of the values' standard errors, of generic assay type RESPONSE_ERROR.
    """

    stable_id: str
    metric: str
    profile_name: str
    description: str
    unit: str
    higher_is_resistant: bool | None
    path: Path
    meta_path: Path
    columns: Mapping[str, str] = field(repr=False)
    limits: bool = False
    held: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    errors: ResponseFile | None = field(default=None, repr=False)

    @property
    def known_unit(self) -> ResponseUnit | None:
        """Unit that its words tell, if Sidestep knows it."""
        return unit_of([self.unit, self.profile_name, self.metric, self.stable_id])


@dataclass(frozen=True)
class Response:
    """Response of samples to drugs in one metric.

    Attributes
    ----------
    stable_id, metric, unit : str
        As in `ResponseFile`.
    higher_is_resistant : bool
        Whether a higher value means a more resistant line.
    values : pandas.DataFrame
        Samples x drugs, float64, NaN where not tested; samples with at least one value. Of a
        binary response 1 where the event came about, else 0.
    kind : {"continuous", "binary"}
    event : str
        What a 1 of a binary response means, such as ``pCR``; empty of a continuous one.
    grouping : str
        How the words of a clinical attribute were grouped, in a sentence; else empty.
    errors : pandas.DataFrame or None
        Standard errors of `values`, in their shape and unit, NaN where none is known; None where
        the study tells none.
    """

    stable_id: str
    metric: str
    unit: str
    higher_is_resistant: bool
    values: pd.DataFrame
    kind: str = CONTINUOUS
    event: str = ""
    grouping: str = ""
    errors: pd.DataFrame | None = None

    def drug(self, name: str) -> str:
        """Drug of this response that `name` means; see `drug_column`."""
        return drug_column(name, list(self.values.columns), f"response {self.stable_id}")


def assay_type(meta: Meta) -> str:
    """Type of a generic assay, in capitals."""
    return meta.fields.get("generic_assay_type", "").upper()


def describe_response(meta: Meta, path: Path, columns: Mapping[str, str]) -> ResponseFile:
    """A response file from its meta lines, and the samples that its columns mean."""
    description = meta.fields.get("profile_description", "")
    profile = meta.fields.get("profile_name", meta.stable_id)
    unit = _UNIT.search(description)
    return ResponseFile(
        stable_id=meta.stable_id,
        metric=_METRIC.sub("", path.name),
        profile_name=profile,
        description=description,
        unit=unit.group(1) if unit else profile,
        higher_is_resistant=_DIRECTIONS.get(meta.fields.get("value_sort_order", "").upper()),
        path=path,
        meta_path=meta.path,
        columns=dict(columns),
        limits=meta.datatype == "LIMIT-VALUE",
    )


def response_columns(
    table: Table, meta: Meta, samples: Samples, findings: Findings
) -> dict[str, str]:
    """Sample columns of a response file, and the sample that each means.

    Raises
    ------
    StudyError
        If the file has no drug column, no rows or no sample.
    """
    if table.find("NAME", "ENTITY_STABLE_ID") is None:
        message = (
            f"{table.name} has neither a NAME nor an ENTITY_STABLE_ID column; add the drugs' names."
        )
        raise study_error(message, table.name)
    require_rows(table)
    described = meta.fields.get("generic_entity_meta_properties", "").split(",")
    return samples.resolve(sample_columns(table, samples, findings, described), table.name)


def read_response(
    file: ResponseFile, samples: Sequence[str], findings: Findings | None = None
) -> Response:
    """Values of one response for the given samples, in their order.

    Concentrations become their natural logarithm, and the unit says so: an IC50 spreads over
    decades, and its few highest values would decide what is learned.

    Raises
    ------
    StudyError
        If the meta file gives no direction, a cell is no number, or drugs cannot be told apart.
    """
    if file.higher_is_resistant is None:
        message = (
            f"{file.meta_path.name} gives response {file.stable_id} no direction; add the line "
            "'value_sort_order: ASC' if a low value means sensitive, or 'value_sort_order: DESC' "
            "if a high value does."
        )
        raise study_error(message, file.meta_path.name)
    values = read_values(file, Findings() if findings is None else findings)
    order = [sample for sample in samples if sample in values.index]
    higher, kept = file.higher_is_resistant, values.loc[order]
    errors = None if file.errors is None else _read_errors(file.errors).reindex_like(kept)
    if _is_concentration(file, values):
        unit = f"natural log of {file.unit}"
        logs = kept.map(np.log)
        of_logs = None if errors is None else errors / kept
        return Response(file.stable_id, file.metric, unit, higher, logs, errors=of_logs)
    if not _is_binary(kept):
        return Response(file.stable_id, file.metric, file.unit, higher, kept, errors=errors)
    event = "resistance" if higher else "response"
    return Response(
        file.stable_id, file.metric, log_odds_of(event), higher, kept, kind=BINARY, event=event
    )


def clinical_response(
    clinical: pd.DataFrame, name: str, responders: Sequence[str]
) -> Response | None:
    """Response that a clinical attribute tells, under the attribute's name.

    Parameters
    ----------
    clinical : DataFrame
        Samples x attributes, as text.
    name : str
        Of the attribute, whatever its case.
    responders : sequence of str
        Words that mean response (`features.vocabulary.response_words.group_words`).

    Returns
    -------
    Response or None
        Binary; None where there is no such attribute.

    Raises
    ------
    InputError
        If the words cannot be grouped.
    """
    by_case = {str(column).casefold(): str(column) for column in clinical.columns}
    attribute = by_case.get(name.strip().casefold())
    if attribute is None:
        return None
    grouping = group_words(attribute, clinical[attribute], responders)
    event = " or ".join(word for word, said in grouping.words.items() if said == RESPONSE)
    return Response(
        stable_id=attribute,
        metric=attribute,
        unit=log_odds_of(event),
        higher_is_resistant=False,
        values=grouping.values.rename(attribute).to_frame(),
        kind=BINARY,
        event=event,
        grouping=describe_grouping(attribute, grouping),
    )


def log_odds_of(event: str) -> str:
    """Unit in which a binary response is predicted."""
    return f"log-odds of {event}"


def _is_concentration(file: ResponseFile, values: pd.DataFrame) -> bool:
    words = f"{file.unit} {file.profile_name} {file.metric} {file.stable_id}".replace("_", " ")
    unit = None if _AREA.search(words) else file.known_unit
    return unit is not None and is_linear_concentration(unit, values.to_numpy(float))


def _is_binary(values: pd.DataFrame) -> bool:
    """Whether all values are 0 or 1, and both occur."""
    found = set(np.unique(values.to_numpy(float)[values.notna().to_numpy()]).tolist())
    return found == {0.0, 1.0}


def _read_errors(file: ResponseFile) -> pd.DataFrame:
    """Standard errors of a response, samples x drugs."""
    if file.held is not None:
        return file.held
    errors, table = _read(file)
    below = (errors < 0).to_numpy()
    if below.any():
        row, column = (int(places[0]) for places in below.nonzero())
        sample, drug = str(errors.index[row]), str(errors.columns[column])
        below_zero = errors.to_numpy(float)[row, column]
        raise study_error(
            f"{table.name}, row {drug!r}, sample {sample!r}: {below_zero:g} is no "
            "standard error; give numbers of 0 or more, or leave the cell empty.", table.name
        )  # fmt: skip
    return errors


def read_values(file: ResponseFile, findings: Findings) -> pd.DataFrame:
    """Samples x drugs of a response file, whatever its direction."""
    if file.held is not None:
        return file.held
    values, table = _read(file, findings)
    doubt = "" if file.known_unit is None else doubtful_values(file.known_unit, values.to_numpy())
    if doubt:
        findings.warn(f"{table.name}: response {file.stable_id}: {doubt}.", table.name)
    if _is_concentration(file, values):
        findings.note(
            f"{table.name}: response {file.stable_id} holds concentrations; what is learned and "
            "told of it is their natural logarithm.",
            table.name,
        )
    return values


def _read(file: ResponseFile, findings: Findings | None = None) -> tuple[pd.DataFrame, Table]:
    """Samples x drugs of a file, and its table."""
    findings = Findings() if findings is None else findings
    table, _ = read_table(file.path, file.path.name)
    columns = [column for column in table.columns if column in file.columns]
    name, entity = table.find("NAME"), table.find("ENTITY_STABLE_ID")
    labels = [column for column in (name, entity) if column is not None]
    text, values = table.split(labels, columns, labels[0], limits=file.limits)
    drugs = _drug_names(table, text, name, entity)
    if file.limits:
        _note_limits(table, columns, findings)
    values = drop_unprofiled(values.rename(columns=dict(file.columns)), table.name, findings)
    return values.set_axis(drugs).T, table


def held_in_memory(file: ResponseFile) -> ResponseFile:
    """The same response with its values and their errors in memory."""
    errors = file.errors
    if errors is not None:
        errors = replace(errors, held=_read_errors(errors))
    return replace(file, held=read_values(file, Findings()), errors=errors)


def _note_limits(table: Table, columns: Sequence[str], findings: Findings) -> None:
    if b">" in table.body or b"<" in table.body:
        limits = table.text(columns).apply(lambda cells: cells.str.match("[<>]")).sum().sum()
        if limits:
            findings.note(
                f"{table.name}: {int(limits)} value(s) with '<' or '>' are read as the limit "
                "itself.",
                table.name,
            )


def _drug_names(table: Table, text: pd.DataFrame, name: str | None, entity: str | None) -> pd.Index:
    first = text[name if name is not None else entity]
    if name is not None and entity is not None:
        first = first.fillna(text[entity])
        first = first.mask(first.duplicated(keep=False), text[entity].fillna(first))
    if first.isna().any():
        place = table.row(int(first.isna().to_numpy().argmax()))
        raise study_error(f"{table.name}, {place} has no drug name; add it.", table.name, place)
    if first.duplicated().any():
        at = int(first.duplicated().to_numpy().argmax())
        place = table.row(at, str(first.iloc[at]))
        message = (
            f"{table.name}, {place}: drug {first.iloc[at]!r} has an earlier row of the same name; "
            "give each row an ENTITY_STABLE_ID of its own."
        )
        raise study_error(message, table.name, place)
    return pd.Index(first.astype(str), dtype="str")


def choose_response(name: str, files: Mapping[str, ResponseFile]) -> ResponseFile:
    """Response that `name` means: a stable_id, a metric, or an unambiguous part of either.

    Raises
    ------
    InputError
        If none or several fit; it lists what there is.
    """
    if not files:
        raise InputError(
            f"the study has no drug response, so {name!r} cannot be read; add a "
            "data_treatment_….txt with its meta file."
        )
    known = ", ".join(f"{file.stable_id} ({file.metric})" for file in files.values())
    fits = fitting_responses(name, files)
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise InputError(f"response {name!r} is not in the study; it has {known}.")
    could = ", ".join(file.stable_id for file in fits)
    raise InputError(
        f"response {name!r} fits {len(fits)} of the study ({could}); write one out in full."
    )


def fitting_responses(name: str, files: Mapping[str, ResponseFile]) -> list[ResponseFile]:
    """Responses that `name` may mean: those of just that name, else those that it is a part of."""
    key = match_key(name)
    exact = [f for f in files.values() if name in (f.stable_id, f.metric)] or [
        f for f in files.values() if key in (match_key(f.stable_id), match_key(f.metric))
    ]
    return exact or [
        f
        for f in files.values()
        if key and (key in match_key(f.stable_id) or key in match_key(f.metric))
    ]


def drug_column(name: str, columns: Sequence[str], where: str) -> str:
    """Column that means the drug `name`: same letters and digits, or a synonym of the drug table.

    Raises
    ------
    InputError
        If no column, or more than one, means that drug; the nearest are suggested.
    """
    if name in columns:
        return name
    drug = find_drug(name)
    same = [column for column in columns if match_key(column) == match_key(name)] or [
        column for column in columns if drug is not None and find_drug(column) == drug
    ]
    if len(same) == 1:
        return same[0]
    if same:
        raise InputError(f"{name} is in {where} more than once; ask for one of {', '.join(same)}")
    alike = nearest_drugs(name, columns)
    hint = f"did you mean {', '.join(alike)}?" if alike else f"it has {', '.join(columns[:5])} ..."
    raise InputError(f"drug {name} is not in {where}; {hint}")


def screen_of(stable_id: str) -> str:
    """Screen that a response belongs to, by the first word of its identifier.

    Examples
    --------
    >>> screen_of("gdsc2_ln_ic50") == screen_of("GDSC2_auc"), screen_of("ctrp2_auc")
    (True, 'ctrp2')
    """
    return stable_id.casefold().split("_", 1)[0]


def columns_of(drug: str, response: Response) -> Iterator[str]:
    """Columns that mean a drug, those that are spelled the same first."""
    columns = [str(column) for column in response.values.columns]
    known = find_drug(drug)
    ranked = (
        [column for column in columns if column == drug],
        [column for column in columns if match_key(column) == match_key(drug)],
        [column for column in columns if known is not None and find_drug(column) == known],
    )
    yield from dict.fromkeys(column for rank in ranked for column in rank)


def drug_columns(names: Sequence[str], columns: Sequence[str], where: str) -> list[str]:
    """Columns that some names of drugs mean, each once; see `drug_column`.

    A name may list several with commas between them, unless it is itself that of a column: the
    names of some drugs have commas.

    Raises
    ------
    InputError
        If no drug is named, or one is not there.

    Examples
    --------
    >>> drug_columns(["Lapatinib,Gefitinib", "A,B"], ["A,B", "Gefitinib", "Lapatinib"], "gi50")
    ['Lapatinib', 'Gefitinib', 'A,B']
    """
    keys = {match_key(column) for column in columns}
    single: list[str] = []
    for name in names:
        parts = [name] if match_key(name) in keys else name.split(",")
        single += [part.strip() for part in parts if part.strip()]
    if not single:
        raise InputError(f"no drug of {where} is named; name one, or leave drugs out")
    return list(dict.fromkeys(drug_column(name, columns, where) for name in single))
