"""A simulated trial: patients of three arms, whose response to one depends on what a drug hits.

Of each patient there are signatures, for most protein levels, receptors, the arm, what was given,
and whether the tumour was gone at surgery. Planted are what all arms share (immune cells,
proliferation and the luminal programme) and two interactions: HER2 drive counts under neratinib,
and phosphorylated mTOR under MK-2206. No patient is real.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.study_writer import (
    CaseList,
    DataFile,
    StudyDraft,
    require_free,
    write_study,
)
from sidestep.features.simulation.folder import rppa_file
from sidestep.features.simulation.samples import random_stream

STUDY_ID: Final = "trial_sim"
FEWEST_PATIENTS: Final = 60
#: Arm -> drugs of HER2-negative patients, and of HER2-positive ones.
ARMS: Final = {
    "Ctr": ("Paclitaxel", "Paclitaxel + Trastuzumab"),
    "MK2206": ("Paclitaxel + MK-2206", "Paclitaxel + MK-2206 + Trastuzumab"),
    "N": ("Paclitaxel + Neratinib", "Paclitaxel + Neratinib"),
}
#: Signature -> the hidden activity that it shows; of none where empty.
_SIGNATURES: Final = {
    "Module5_TcellBcell_score": "immune",
    "STAT1_sig": "immune",
    "B_cells": "immune",
    "Luminal_Index": "luminal",
    "ER_PGR_avg": "luminal",
    "Module11_Prolif_score": "proliferation",
    "STMN1_dat": "proliferation",
    "Mod7_ERBB2": "her2",
    "HER2_Index": "her2",
    "Mod10_ECM": "",
    "Mast_cells": "",
    "RPL24_dat": "",
}
_ANTIBODIES: Final = {
    "ERBB2|HER2_pY1248": "her2",
    "EGFR|EGFR_pY1173": "her2",
    "MTOR|mTOR_pS2448": "mtor",
    "TEK|TIE2_pY992": "",
}
_SHARED: Final = {"immune": 0.8, "luminal": -0.6, "proliferation": 0.4}
#: Arm -> hidden activity that counts under it alone, and by how much.
INTERACTIONS: Final = {"N": ("her2", 1.4), "MK2206": ("mtor", 1.4)}
_BASE: Final = -0.7
_HER2_SHARE, _LACKING_RPPA, _NOISE = 0.4, 0.2, 0.5


@dataclass(frozen=True)
class TrialTruth:
    """What is true of a simulated trial; ``truth/`` holds the same.

    Attributes
    ----------
    log_odds : pandas.DataFrame
        Patients' samples x arms: log-odds of a response, had the patient been given the arm.
    activities : pandas.DataFrame
        Samples x hidden activities.
    """

    log_odds: pd.DataFrame
    activities: pd.DataFrame


def simulate_trial(
    out: str | Path, patients: int = 240, seed: int = 0, *, labels: str = "true"
) -> TrialTruth:
    """Write a simulated trial as a study folder, whole or not at all.

    Parameters
    ----------
    out : path
        Folder to make; it may exist if it is empty.
    patients : int
    seed : int
        Of the patients; what is planted is the same for all seeds.
    labels : {"true", "permuted", "none"}
        Outcomes as drawn, those of other patients in their place, or no outcomes at all.

    Raises
    ------
    InputError
        If there are too few patients, or `out` holds files already.
    """
    if patients < FEWEST_PATIENTS:
        raise InputError(
            f"cannot simulate a trial of {patients} patients: give at least {FEWEST_PATIENTS}"
        )
    path = require_free(out)
    rng = random_stream(seed, "patients of the trial")
    names = pd.Index([f"SIMT-{number + 1:04d}" for number in range(patients)])
    positive = rng.random(patients) < _HER2_SHARE
    hidden = pd.DataFrame(
        rng.normal(size=(patients, 5)),
        index=names,
        columns=["immune", "luminal", "proliferation", "her2", "mtor"],
    )
    hidden["her2"] += np.where(positive, 1.0, -0.7)
    arm = rng.choice(list(ARMS), size=patients)
    log_odds = _log_odds(hidden)
    at_own = log_odds.to_numpy()[np.arange(patients), [list(ARMS).index(name) for name in arm]]
    responds = rng.random(patients) < 1.0 / (1.0 + np.exp(-at_own))
    if labels == "permuted":
        responds = rng.permutation(responds)
    given = [ARMS[name][int(has)] for name, has in zip(arm, positive, strict=True)]
    clinical = pd.DataFrame(
        {
            "PATIENT_ID": names.str.removesuffix("-01"),
            "SAMPLE_ID": names + "-01",
            "HER2_STATUS": np.where(positive, "Positive", "Negative"),
            "ER_PR_STATUS": np.where(hidden["luminal"] > 0, "Positive", "Negative"),
            "TREATMENT_ARM": given,
            "ARM_CODE": arm,
            "PCR": np.where(responds, "pCR", "RD"),
        }
    )
    if labels == "none":
        clinical = clinical.drop(columns="PCR")
    samples = pd.Index(clinical["SAMPLE_ID"])
    has_rppa = np.flatnonzero(rng.random(patients) >= _LACKING_RPPA)
    signatures, levels = (
        _measured(hidden, features, rng).set_axis(samples)
        for features in (_SIGNATURES, _ANTIBODIES)
    )
    truth = TrialTruth(log_odds.set_axis(samples), hidden.set_axis(samples))
    files = [
        _clinical_file(clinical),
        _signature_file(signatures),
        rppa_file(levels.iloc[has_rppa]),
    ]
    title = ("all", "all", "All samples", "all_cases_in_study", list(samples))
    write_study(path, StudyDraft(_meta(seed), files, [CaseList(*title)], notes=_notes(truth)))
    return truth


def _log_odds(hidden: pd.DataFrame) -> pd.DataFrame:
    """Log-odds of a response under each arm."""
    shared = _BASE + sum(weight * hidden[name] for name, weight in _SHARED.items())
    found = {}
    for arm in ARMS:
        name, weight = INTERACTIONS.get(arm, ("her2", 0.0))
        found[arm] = shared + weight * hidden[name]
    return pd.DataFrame(found)


def _measured(
    hidden: pd.DataFrame, features: dict[str, str], rng: np.random.Generator
) -> pd.DataFrame:
    """What assays say of the hidden activities, with noise."""
    values = {}
    for feature, name in features.items():
        noise = rng.normal(size=len(hidden))
        # On the same scale in every trial, so that other patients can be scored.
        mixed = hidden[name].to_numpy() + _NOISE * noise if name else noise
        values[feature] = mixed / np.sqrt(1.0 + _NOISE**2)
    return pd.DataFrame(values, index=hidden.index)


def _clinical_file(table: pd.DataFrame) -> DataFile:
    header = [*table.columns], [*table.columns], ["STRING"] * table.shape[1], ["1"] * table.shape[1]
    return DataFile(
        "clinical_sample",
        table,
        {"genetic_alteration_type": "CLINICAL", "datatype": "SAMPLE_ATTRIBUTES"},
        preamble=["#" + "\t".join(line) for line in header],
    )


def _signature_file(values: pd.DataFrame) -> DataFile:
    table = values.T
    table.insert(0, "NAME", table.index)
    table.insert(0, "ENTITY_STABLE_ID", table.index)
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": "GENE_EXPRESSION_SIGNATURE",
        "datatype": "LIMIT-VALUE",
        "stable_id": "expression_signatures",
        "profile_name": "Simulated expression signatures",
        "profile_description": "Simulated standardised scores.",
        "show_profile_in_analysis_tab": "true",
        "generic_entity_meta_properties": "NAME",
    }
    return DataFile("signatures", table, meta)


def _meta(seed: int) -> dict[str, str]:
    return {
        "type_of_cancer": "brca",
        "cancer_study_identifier": STUDY_ID,
        "name": "Simulated trial: signatures, RPPA, arms and pathological complete response",
        "description": f"Simulated data with planted mechanisms (seed {seed}); no patient is real. "
        "truth/ holds what was planted.",
        "groups": "PUBLIC",
        "add_global_case_list": "false",
        "simulated": "true",
    }


def _notes(truth: TrialTruth) -> dict[str, pd.DataFrame]:
    by_name = {"truth/log_odds.tsv": truth.log_odds, "truth/activities.tsv": truth.activities}
    return {path: table.rename_axis("sample_id").reset_index() for path, table in by_name.items()}
