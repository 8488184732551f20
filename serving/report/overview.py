"""The first screen of a report: facts of the whole study, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.knowledge.drugs import both_names
from sidestep.features.vocabulary.account import FileAccount, account_of
from sidestep.models.predictor.cohort import LINES
from sidestep.serving.disk.samples import CALLS
from sidestep.serving.disk.score_folder import ScoreFolder, ScoreSummary
from sidestep.serving.scoring.reasons import REASONS
from sidestep.serving.words.cohorts import group_title, groups_of
from sidestep.serving.words.sentences import Scale, limits_sentence
from sidestep.serving.words.wording import BASE_VALUE, SHAPLEY_VALUE, fixed, listed, modality_name

#: Quarantined samples that are listed; the manifest has all.
_MOST_QUARANTINED = 1000
_NO_BASELINE = "none"
# Parts of a cohort's shift that are told.
_MOST_PARTS = 6
#: Drugs' r is drawn between these.
_R_LOW, _R_HIGH = -0.2, 1.0


@dataclass(frozen=True)
class Overview:
    """What the template shows beside the samples.

    Attributes
    ----------
    title, study_id : str
    simulated : bool
    facts : list of (str, str)
        What was scored with what.
    calls : list of (str, int, float)
        Call, rows that have it, and their share in percent.
    health : list of dict
        One a modality: name, samples, share of samples, of features and of the model's weight in
        percent, shift.
    quarantined : list of (str, str)
        Sample and reason, of the first few.
    n_quarantined : int
        All of them.
    warnings : list of str
    account : list of (str, list of str)
        What was understood of each file of the study: a heading, and what there is to say.
    drugs : list of dict
        How well each drug is predicted.
    scored : int
        Samples that have scores.
    drawn : int
        Those of them that the report has pages of.
    bins : list of dict
        One a drug: samples in each tenth of the resistance percentile, and abstentions.
    explained : str
        What base value and contributions are.
    reasons : list of (str, str, bool)
        Code, meaning, whether it abstains.
    who : str
        Whom the model learned from: ``line`` or ``patient``.
    symbol : str
        What says how well a drug is predicted: ``r``, or ``AUC`` of an outcome.
    call_at : str
        Probability that a call needs.
    limits : str
        What the answers do not tell.
    grouped : str
        What the calls are counted by, beside drugs; empty without groups.
    by_drug : list of dict
        Calls by drug, and by group: name, group, and the samples of each call.
    """

    title: str
    study_id: str
    simulated: bool
    facts: list[tuple[str, str]]
    calls: list[tuple[str, int, float]]
    health: list[dict[str, Any]]
    quarantined: list[tuple[str, str]]
    n_quarantined: int
    warnings: list[str]
    account: list[tuple[str, list[str]]]
    drugs: list[dict[str, Any]]
    scored: int
    drawn: int
    bins: list[dict[str, Any]]
    explained: str
    reasons: list[tuple[str, str, bool]]
    who: str
    symbol: str
    call_at: str
    limits: str
    grouped: str = ""
    by_drug: Sequence[Mapping[str, Any]] = ()


def overview(
    folder: ScoreFolder,
    drawn: int,
    summary: ScoreSummary | None = None,
    groups: pd.Series | None = None,
) -> Overview:
    """Gather what the first screen shows of a score folder.

    Parameters
    ----------
    folder : ScoreFolder
    drawn : int
        Samples that the report has pages of.
    summary : ScoreSummary, optional
        Of all samples; what rests on it is left out without it.
    groups : Series, optional
        Of all samples, as `features.cohorts.group_labels` returns.
    """
    manifest = folder.manifest
    study, counts = manifest["study"], manifest["counts"]
    rows = max(1, counts["rows"])
    scale = Scale.of(manifest)
    accounts = account_of(study.get("account", []))
    calls = {name: int(counts["calls"].get(name, 0)) for name in CALLS}
    return Overview(
        title=study["name"] or study["id"],
        study_id=study["id"],
        simulated=bool(manifest.get("simulated")),
        facts=_facts(manifest),
        calls=[(name, count, 100.0 * count / rows) for name, count in calls.items()],
        health=_health(folder),
        quarantined=sorted(manifest["quarantined"].items())[:_MOST_QUARANTINED],
        n_quarantined=len(manifest["quarantined"]),
        warnings=list(study.get("warnings", [])),
        account=[(one[0], one[1:]) for one in map(FileAccount.lines, accounts)],
        drugs=[_quality(drug) for drug in manifest["drugs"]],
        scored=counts["samples_scored"],
        drawn=drawn,
        bins=[] if summary is None else _bins(summary),
        explained=scale.said(f"{BASE_VALUE} {SHAPLEY_VALUE}"),
        reasons=[(one.code, scale.said(one.meaning), one.abstains) for one in REASONS],
        who=scale.said("line"),
        symbol="AUC" if scale.event else "r",
        call_at=fixed(scale.call_at, 2),
        limits=limits_sentence(scale.event),
        grouped=group_title(groups),
        by_drug=[] if summary is None else _by_drug(folder, groups),
    )


def _by_drug(folder: ScoreFolder, groups: pd.Series | None) -> list[dict[str, Any]]:
    """Samples by drug and call, and by group."""
    return [
        {
            "name": both_names(str(row["drug"])),
            "group": row["group"],
            "calls": [int(row[call]) for call in CALLS],
        }
        for row in folder.calls(groups_of(groups)).to_dict("records")
    ]


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    model, counts = manifest["model"], manifest["counts"]
    scale = Scale.of(manifest)
    training = model.get("training_study") or {}
    side = "resistant" if scale.higher_is_resistant else "sensitive"
    version = f", version {model['version']}" if model["version"] else ""
    scored = f"{counts['samples_scored']:,} of {counts['samples']:,}"
    asked = manifest.get("cohort", {}).get("where", [])
    shown = manifest.get("shown", {}).get("where", [])
    return [
        ("Samples shown" if shown else "Samples scored", scored),
        *([("Cohort shown", " and ".join(shown))] if shown else []),
        *([("Cohort scored", " and ".join(asked))] if asked else []),
        ("Drugs", f"{counts['drugs']:,}"),
        ("Model", f"{model['name']}{version}"),
        ("Trained on", str(training.get("name") or training.get("id") or "not recorded")),
        ("Response", f"{scale.response}: {scale.unit}; high is {side}"),
        ("Intervals", f"hold {scale.level * 100:g} % of samples"),
        ("Percentiles", f"of the prediction among the out-of-fold predictions of {scale.lines}"),
        *_among_tumours(manifest),
    ]


def _among_tumours(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which cohorts of tumours rows are answered among, and what their shift consists of."""
    rows = []
    for name, of in manifest.get("references", {}).items():
        if name == LINES:
            continue
        text = (
            f"{of['rows']:,} rows: percentiles and probabilities among its {of['tumours']:,} "
            f"tumours of {of['study']}, less the shift that they share; intervals calibrated on "
            "lines"
        )
        largest = [
            f"{modality_name(part['modality'])}: {part['part']} {part['mean']:+.1f} SD "
            f"({100 * part['share']:.0f} %)".replace("-", "\N{MINUS SIGN}")
            for part in of["shift"][:_MOST_PARTS]
        ]
        rows += [
            (f"Among tumours of {name}", text),
            *([("What their shift consists of", "; ".join(largest))] if largest else []),
        ]
    return rows


def _health(folder: ScoreFolder) -> list[dict[str, Any]]:
    """Coverage and shift of each modality of the model."""
    manifest = folder.manifest
    samples = max(1, manifest["counts"]["samples"])
    shift = manifest.get("shift") or {}
    rows = []
    for modality in folder.modalities:
        covered = manifest["coverage"][modality]
        share = covered["mean_share_of_features"]
        moved = shift.get(modality) or {}
        details = [
            text.format(fixed(moved[name], digits))
            for name, digits, text in (("median_difference", 2, "{} sd"), ("p_value", 3, "p {}"))
            if _is_number(moved.get(name))
        ]
        rows.append(
            {
                "name": modality_name(modality),
                "samples": covered["samples"],
                "share": 100.0 * covered["samples"] / samples,
                "features": None if share is None else 100.0 * share,
                "weight": None if moved.get("weight") is None else 100.0 * moved["weight"],
                "verdict": str(moved.get("verdict", "not tested")),
                "details": ", ".join(details),
            }
        )
    return rows


def _quality(drug: Mapping[str, Any]) -> dict[str, Any]:
    """How well one drug is predicted, with places on a scale of 0 to 100 for a small picture."""
    metric = drug.get("metric", "pearson")
    r, lower, upper = drug[metric]
    baseline = drug["best_baseline"] or {"name": None, metric: None}
    interval = f" ({fixed(lower, 2)} to {fixed(upper, 2)})" if _is_number(lower) else ""
    return {
        "name": both_names(drug["name"]),
        "drug_class": drug["drug_class"] or "",
        "targets": ", ".join(drug["targets"] or []),
        "lines": drug["n_lines"],
        "r": f"{fixed(r, 2)}{interval}" if _is_number(r) else "not known",
        "baseline": f"{fixed(baseline[metric], 2)}, {baseline['name']}"
        if _is_number(baseline[metric])
        else _NO_BASELINE,
        "gain": drug["gain"]["verdict"],
        "probability": fixed(drug["gain"]["probability"], 2),
        "at": {
            name: _place(value)
            for name, value in (
                ("r", r), ("lower", lower), ("upper", upper), ("baseline", baseline[metric])
            )
        },
    }  # fmt: skip


#: How a drug's model stands to its best baseline.
_THAN = {"better": "better than", "as good": "as good as", "worse": "worse than"}


def quality_sentence(drug: Mapping[str, Any]) -> str:
    """How far a drug's model is to be trusted, from cross-validation."""
    quality = _quality(drug)
    verdict = _THAN[quality["gain"]]
    best = (
        ""
        if quality["baseline"] == _NO_BASELINE
        else f" ({quality['baseline']}; probability of better {quality['probability']})"
    )
    symbol, who = ("AUC", "patients") if drug.get("metric") == "auc" else ("r", "lines")
    return (
        f"In cross-validation {symbol} = {quality['r']} on {quality['lines']} training {who}; the "
        f"model is {verdict} its best baseline{best}."
    )


def drug_subtitle(drug: Mapping[str, Any]) -> str:
    """Class and targets of a drug, as far as they are known."""
    targets = listed([str(target) for target in drug["targets"] or []])
    parts = [drug["drug_class"] or "", f"targets {targets}" if targets else ""]
    return ", ".join(part for part in parts if part)


def _bins(summary: ScoreSummary) -> list[dict[str, Any]]:
    """Share of each drug's samples in each tenth of the percentile, abstentions apart."""
    rows = []
    for drug, counts in summary.bins.items():
        *cells, abstain = [(int(count), count / counts.sum()) for count in counts]
        rows.append({"drug": both_names(drug), "cells": cells, "abstain": abstain})
    return rows


def _is_number(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))


def _place(r: float | None) -> float | None:
    if r is None or not np.isfinite(r):
        return None
    inside = min(max(r, _R_LOW), _R_HIGH)
    return round(100.0 * (inside - _R_LOW) / (_R_HIGH - _R_LOW), 2)
