"""Scores as a study of cBioPortal: predictions beside measurements, in a portal that shows both.

A folder in the staging format: predictions, resistance percentiles and probabilities of resistance
as TREATMENT_RESPONSE (drug x sample), the calls as words, a clinical file and a case list. It says
everywhere that these are predictions; no tool can take them for a screen by their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.files.study_writer import (
    CaseList,
    DataFile,
    StudyDraft,
    clinical_file,
    write_study,
)
from sidestep.features.knowledge.drugs import find_drug
from sidestep.serving.disk.samples import CALLS
from sidestep.serving.disk.score_folder import ScoreFolder

#: `generic_assay_type` of drugs x samples.
TREATMENT: Final = "TREATMENT_RESPONSE"
_CALL_ASSAY: Final = "PREDICTED_RESISTANCE"
_NOT_IN_ENTITIES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_SAMPLES: Final = re.compile(r"[^A-Za-z0-9._-]+")
_PROPERTIES: Final = "NAME,DESCRIPTION,URL"
_COLUMNS: Final = (
    "sample_id", "drug", "prediction", "resistance_percentile", "p_resistant", "call",
    "modalities",
)  # fmt: skip


def write_as_study(
    scores: ScoreFolder, out: str | Path, donors: Mapping[str, str] | None = None
) -> Path:
    """Write scores as a study folder, whole or not at all.

    Parameters
    ----------
    scores : ScoreFolder
    out : path
        New or empty.
    donors : mapping of str to str, optional
        Sample -> its donor; each sample its own by default.

    Returns
    -------
    pathlib.Path
        `out`. A sample whose name cBioPortal does not take has signs replaced, and its own name in
        the attribute ``SAMPLE_IN_STUDY``.

    Raises
    ------
    InputError
        If `out` holds files, or cannot be written.

    Notes
    -----
    The numbers are those of ``scores.parquet``, of abstained calls too: look at the calls beside
    them. Low is sensitive in percentile and probability; the prediction has the response's own
    unit and direction.
    """
    rows = scores.scores[list(_COLUMNS)]
    samples = [str(name) for name in rows["sample_id"].unique()]
    names = _named(samples, _NOT_IN_SAMPLES)
    drugs = [str(name) for name in rows["drug"].unique()]
    entities = _entities(drugs, rows)
    tables = {
        column: rows.pivot(index="drug", columns="sample_id", values=column).loc[drugs, samples]
        for column in ("prediction", "resistance_percentile", "p_resistant", "call")
    }
    about = _About.of(scores)
    files = [
        _clinical(rows, samples, names, donors or {}),
        _numbers(about, "prediction", tables["prediction"], entities, names),
        _numbers(about, "percentile", tables["resistance_percentile"], entities, names),
        _numbers(about, "p_resistant", tables["p_resistant"], entities, names),
        _calls(about, tables["call"], entities, names),
    ]
    everyone = CaseList(
        "all", "all", "All scored samples", "all_cases_in_study", [names[one] for one in samples]
    )
    return write_study(out, StudyDraft(about.study, files, [everyone]))


class _About:
    """What is said of the scores in every file.

    Attributes
    ----------
    study : dict of str to str
        Lines of ``meta_study.txt``.
    profiles : dict of str to dict
        Profile -> the lines of its meta file that are its own.
    """

    def __init__(self, study: dict[str, str], profiles: dict[str, dict[str, str]]) -> None:
        self.study, self.profiles = study, profiles

    @classmethod
    def of(cls, scores: ScoreFolder) -> _About:
        """Read it from the manifest."""
        model: dict[str, Any] = scores.manifest["model"]
        version = f" version {model['version']}" if model.get("version") else ""
        by = f"{model['name']}{version}"
        simulated = bool(scores.manifest.get("simulated"))
        made_up = "SIMULATED data. " if simulated else ""
        of = str(scores.manifest["study"]["id"])
        resistant = bool(model["higher_is_resistant"])
        side = "resistant" if resistant else "sensitive"
        said = f"{made_up}Predicted by Sidestep with {by}; not measured."
        identifier = _NOT_IN_ENTITIES.sub("_", of).strip("_") or "study"
        study = {
            "type_of_cancer": "mixed",
            "cancer_study_identifier": f"{identifier}_sidestep",
            "name": f"{of}: predicted drug response{' (simulated)' if simulated else ''}",
            "short_name": f"{of} (Sidestep)",
            "description": f"{said} Response {model['response']} of study {of}.",
        }
        if simulated:
            study["simulated"] = "true"
        unit = f"Unit: {str(model['unit']).rstrip('.')}. Direction: higher value = more {side}."
        profiles = {
            "prediction": {
                "profile_name": f"Predicted response: {model['response']}",
                "profile_description": f"{unit} {said}",
                "value_sort_order": "ASC" if resistant else "DESC",
            },
            "percentile": {
                "profile_name": "Predicted resistance percentile",
                "profile_description": (
                    "Unit: percentile of resistance, 0 most sensitive to 100 most resistant. "
                    f"Direction: higher value = more resistant. {said}"
                ),
                "pivot_threshold_value": "50",
                "value_sort_order": "ASC",
            },
            "p_resistant": {
                "profile_name": "Predicted probability of resistance",
                "profile_description": (
                    f"Unit: probability, 0 to 1. Direction: higher value = more resistant. {said}"
                ),
                "pivot_threshold_value": "0.5",
                "value_sort_order": "ASC",
            },
            "call": {
                "profile_name": "Predicted call",
                "profile_description": f"resistant, sensitive, uncertain or abstain. {said}",
            },
        }
        return cls(study, profiles)

    def meta(self, profile: str, assay: str, datatype: str) -> dict[str, str]:
        """Lines of a meta file."""
        return {
            "genetic_alteration_type": "GENERIC_ASSAY",
            "generic_assay_type": assay,
            "datatype": datatype,
            "stable_id": f"sidestep_{profile}",
            "show_profile_in_analysis_tab": "true",
            "generic_entity_meta_properties": _PROPERTIES,
            **self.profiles[profile],
        }


def _named(names: Sequence[str], wrong: re.Pattern[str]) -> dict[str, str]:
    """Names as cBioPortal takes them, no two the same."""
    found: dict[str, str] = {}
    taken = {name for name in names if not wrong.search(name)}
    for name in names:
        new = name
        if wrong.search(name):
            base = wrong.sub("_", name).strip("_") or "unnamed"
            new, number = base, 1
            while new in taken:
                number += 1
                new = f"{base}_{number}"
            taken.add(new)
        found[name] = new
    return found


def _entities(drugs: Sequence[str], rows: pd.DataFrame) -> pd.DataFrame:
    """Drug -> what its row says of it."""
    own = _named(drugs, _NOT_IN_ENTITIES)
    words = []
    for name in drugs:
        drug = find_drug(name)
        words.append(" ".join((drug.drug_class, *drug.targets)) if drug is not None else name)
    return pd.DataFrame(
        {"ENTITY_STABLE_ID": [own[name] for name in drugs], "NAME": list(drugs),
         "DESCRIPTION": words, "URL": "NA"},
        index=list(drugs),
    )  # fmt: skip


def _numbers(
    about: _About,
    profile: str,
    values: pd.DataFrame,
    entities: pd.DataFrame,
    names: Mapping[str, str],
) -> DataFile:
    table = pd.concat([entities, values.rename(columns=names).astype(np.float64)], axis=1)
    meta = about.meta(profile, TREATMENT, "LIMIT-VALUE")
    return DataFile(f"treatment_{profile}", table, meta, digits=None)


def _calls(
    about: _About, calls: pd.DataFrame, entities: pd.DataFrame, names: Mapping[str, str]
) -> DataFile:
    own = entities.assign(ENTITY_STABLE_ID=entities["ENTITY_STABLE_ID"] + "_call")
    table = pd.concat([own, calls.rename(columns=names)], axis=1)
    return DataFile("predicted_call", table, about.meta("call", _CALL_ASSAY, "CATEGORICAL"))


def _clinical(
    rows: pd.DataFrame,
    samples: Sequence[str],
    names: Mapping[str, str],
    donors: Mapping[str, str],
) -> DataFile:
    """How many drugs have which call, and which modalities a sample had."""
    given = [donors.get(sample, sample) for sample in samples]
    patients = _named(list(dict.fromkeys(given)), _NOT_IN_SAMPLES)
    counts = pd.crosstab(rows["sample_id"], rows["call"]).reindex(
        index=list(samples), columns=list(CALLS), fill_value=0
    )
    modalities = rows.drop_duplicates("sample_id").set_index("sample_id")["modalities"]
    table = pd.DataFrame({"PATIENT_ID": [patients[one] for one in given]}, index=list(samples))
    if any(names[sample] != sample for sample in samples):
        table["SAMPLE_IN_STUDY"] = list(samples)
    table["MODALITIES"] = modalities.loc[list(samples)].fillna("").str.replace(";", ", ")
    numbers = [f"DRUGS_{call.upper()}" for call in CALLS]
    for column, call in zip(numbers, CALLS, strict=True):
        table[column] = counts[call]
    return clinical_file(table.set_axis([names[sample] for sample in samples]), numbers)
