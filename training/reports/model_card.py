"""The card of a model, in Markdown: what a person should know before using it.

After Mitchell et al., Model Cards for Model Reporting, FAT* 2019, doi:10.1145/3287560.3287596:
intended use, data, method, metrics beside baselines, limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.groups import decided_by, lineage_column
from sidestep.features.study.meta import read_fields
from sidestep.features.study.responses import CONTINUOUS
from sidestep.training.reports import patient_card
from sidestep.training.reports.markdown import as_text, markdown_rows, shortened
from sidestep.training.reports.tables import (
    intervals_table,
    metrics_table,
    modality_words,
    patterns_table,
)
from sidestep.training.retrain import Retrain, study_digest, training_software
from sidestep.training.validation.coverage import FEWEST_PAIRS, judged_pairs
from sidestep.training.validation.gate import AS_GOOD, WORSE

CARD_FILE = "model_card.md"
#: Room for a version's description in MLflow's SQL stores.
_LONGEST_DESCRIPTION = 5000
_ELSEWHERE = f"*Shortened; the whole card is the artefact `{CARD_FILE}` of the run.*"
_NAMED = 12
_FEW_HER2_HIGH = 50
_STUDY_META = "meta_study.txt"


def model_card(retrain: Retrain, *, whole: bool = True) -> str:
    """The card of the panel that a retrain made.

    Parameters
    ----------
    retrain : Retrain
    whole : bool
        With what a first reader can do without: metrics within HER2-high lines, intervals by
        modalities, the digest of every file, and software.
    """
    sections = (
        _of_lines(retrain, whole=whole)
        if retrain.yardstick.kind == CONTINUOUS
        else _of_patients(retrain)
    ) | {
        "Licence and citation": _citation(retrain),
        "Files": _files(retrain) if whole else (),
    }
    simulated = "Simulated data: no sample is real. " if retrain.study.simulated else ""
    response = retrain.panel.response
    what = (
        f"the response ({as_text(response.metric)}) of cell lines and tumours to "
        f"{_count(len(retrain.panel.drugs), 'drug')}"
    )
    if response.grouping:
        what = f"{as_text(response.event)} ({as_text(response.metric)}) of patients"
    parts = [
        f"{simulated}Predicts {what}, learned from {as_text(retrain.study.name)}. Research use "
        "only: not a medical device."
    ]
    for title, blocks in sections.items():
        if blocks:
            parts += [f"## {title}", *blocks]
    return "\n\n".join(parts) + "\n"


def _of_lines(retrain: Retrain, *, whole: bool) -> dict[str, Sequence[str]]:
    """Sections of a panel of drugs that lines were tested with."""
    return {
        "Intended use": _intended_use(),
        "Data": _data(retrain),
        "Method": _method(retrain),
        "Metrics": _metrics(retrain),
        "Within HER2-high lines": _within_her2_high(retrain) if whole else (),
        "Intervals": _intervals(retrain, by_pattern=whole),
        "Limits": _limits(retrain),
    }


def _of_patients(retrain: Retrain) -> dict[str, Sequence[str]]:
    """Sections of a response of patients."""
    return {
        "Intended use": patient_card.intended_use(),
        "Data": patient_card.data(retrain),
        "Method": patient_card.method(retrain),
        "Metrics": patient_card.metrics(retrain),
        "Limits": patient_card.limits(retrain),
    }


def version_description(retrain: Retrain) -> str:
    """The card as the description of a registered version, which has room for 5,000 characters."""
    return shortened(model_card(retrain, whole=False), _LONGEST_DESCRIPTION, _ELSEWHERE)


def _intended_use() -> Sequence[str]:
    return [
        _points(
            "For: ranking these drugs by how a cell line or a tumour sample may respond, with an "
            "interval and the features behind each prediction, to choose what to test next.",
            "Not for: choosing or withholding a patient's treatment; drugs that are not in the "
            "panel; predictions whose call is `abstain`.",
        )
    ]


def _data(retrain: Retrain) -> Sequence[str]:
    study, panel = retrain.study, retrain.panel
    lines, response = panel.values.index, panel.response
    tested = panel.values.notna().sum()
    profiled = ", ".join(
        f"{modality_words(name)} {int(lines.isin(samples).sum())}"
        for name, samples in study.profiled().items()
        if name != "clinical"
    )
    grouped = lineage_column(study)
    her2 = retrain.her2.loc[lines]
    by = f" ({decided_by(her2)})" if her2["high"].any() else ""
    points = [
        f"Study: {as_text(study.name)} ({as_text(study.study_id)}), digest of its files "
        f"`{study_digest(study.digests)}`.",
        f"Lines: {len(lines)} of {_count(study.donors.loc[lines].nunique(), 'donor')}, "
        f"{int(her2['high'].sum())} of them HER2-high{by}; "
        + (f"grouped by {as_text(grouped)}." if grouped else "of one lineage, as far as known."),
        f"Response: {as_text(response.stable_id)}, {as_text(response.unit)}; higher is more "
        f"{'resistant' if response.higher_is_resistant else 'sensitive'}. "
        f"{_count(len(panel.drugs), 'drug')}, {_range(tested)} lines each.",
        f"Modalities (lines): {profiled}; {retrain.validation.features.shape[1]} features.",
    ]
    if panel.elsewhere:
        alone = [
            len(values.index.difference(panel.values[drug].dropna().index))
            for drug, values in panel.elsewhere.items()
        ]
        screens = dict.fromkeys(str(one) for values in panel.elsewhere.values() for one in values)
        points.append(
            f"Lines that other screens alone tested ({as_text(', '.join(screens))}): up to "
            f"{max(alone)} a drug, in training only, on the scale of the response by regression "
            "on the training lines of each fold; no metric is of them."
        )
    if panel.skipped:
        left_out = (f"{as_text(drug)} ({why})" for drug, why in panel.skipped.items())
        points.append(f"Left out: {_some(left_out)}.")
    return [_points(*points)]


def _method(retrain: Retrain) -> Sequence[str]:
    plan = retrain.request.plan
    return [
        _points(
            "Features: one builder a modality, every statistic frozen from the training lines.",
            "Model: a multi-view ridge with a view of the drug's targets, blended with gradient-"
            "boosted trees and a straight line on the drug's marker; a sub-model a combination of "
            "modalities; Shapley values are exact.",
            f"Evidence: nested {plan.folds}-fold cross-validation by {plan.held_out}, "
            f"{_count(plan.trials, 'Optuna trial')} a search, seed {plan.seed}; the final model "
            "learns from all lines.",
            *(
                ["Lines weigh by the standard errors of their responses; metrics count all alike."]
                if retrain.panel.errors is not None
                else []
            ),
        )
    ]


def _metrics(retrain: Retrain) -> Sequence[str]:
    verdict = retrain.verdict
    return [
        f"Pearson r within folds and RMSE ({as_text(retrain.panel.response.unit)}) out of fold, "
        "with 95 % intervals (bootstrap over donors), beside r of the baselines: the drug's mean, "
        "the lineage's or subtype's mean, and the clinician's marker.",
        metrics_table(retrain),
        f"Gate {'passed' if verdict.passes else 'failed'}: {verdict.reason}.",
    ]


def _within_her2_high(retrain: Retrain) -> Sequence[str]:
    if not (retrain.metrics["subset"] == "her2_high").any():
        return ()
    return [
        "The same within HER2-high lines, of drugs tested on enough of them.",
        metrics_table(retrain, "her2_high"),
    ]


def _intervals(retrain: Retrain, *, by_pattern: bool) -> Sequence[str]:
    table = intervals_table(retrain.coverage)
    if table is None:
        return ["Too few lines for intervals."]
    explained = (
        f"Share of {judged_pairs(retrain.coverage)} held-out line-drug pairs that lay within the "
        "interval of their prediction, by the sub-model of the modalities that the line has; of "
        f"lineages and modalities those with {FEWEST_PAIRS} pairs or more."
    )
    return [explained, table, *([patterns_table(retrain.coverage)] if by_pattern else [])]


def _limits(retrain: Retrain) -> Sequence[str]:
    panel, high = retrain.panel, retrain.her2["high"]
    high_counts = panel.values[high.loc[panel.values.index].to_numpy(bool)].notna().sum()
    few = "" if high_counts.max() >= _FEW_HER2_HIGH else ", too few to tell drugs apart within them"
    worse, as_good = (retrain.verdict.drugs(verdict) for verdict in (WORSE, AS_GOOD))
    points = ["Simulated data: nothing here says how it does on real samples."]
    if not retrain.study.simulated:
        points = [
            "Cell lines are not tumours, and a response in a dish is not a clinical response.",
            "Two laboratories that test the same drug on the same lines agree at r of about 0.54 "
            "to 0.60; no model of one screen can be much better than that at predicting another.",
        ]
    points += [
        f"Worse than a baseline, so that every call abstains: {_some(map(as_text, worse))}."
        if worse
        else "No drug is shown to be worse than its best baseline.",
        f"As good as their best baseline, not better, which every score says: "
        f"{_some(map(as_text, as_good))}."
        if as_good
        else "Every other drug is shown to be better than its best baseline.",
        f"HER2-high lines: {_range(high_counts)} a drug{few}.",
        "A sample that lacks a modality is predicted by a sub-model without it, and gets the "
        "interval that this sub-model earned.",
    ]
    return [_points(*points)]


def _citation(retrain: Retrain) -> Sequence[str]:
    stated = _stated(retrain)
    cited = as_text(stated["citation"]) if stated.get("citation") else "the study states no source"
    papers = f" (PMID {as_text(stated['pmid'])})" if stated.get("pmid") else ""
    terms = stated.get("licence") or stated.get("license")
    return [
        _points(
            f"Data: {cited}{papers}; "
            + (f"licence {as_text(terms)}." if terms else "the terms of its sources apply."),
            f"Software: Sidestep {training_software()['sidestep']}, Apache-2.0.",
        )
    ]


def _stated(retrain: Retrain) -> Mapping[str, str]:
    """Fields of the study's own meta file, if it still is the one that was read."""
    folder = retrain.study.path
    if folder is None or _STUDY_META not in retrain.study.digests:
        return {}
    try:
        fields, digest = read_fields(folder / _STUDY_META, folder)
    except (InputError, OSError):
        return {}
    return fields if digest == retrain.study.digests[_STUDY_META] else {}


def _files(retrain: Retrain) -> Sequence[str]:
    rows = [["file", "sha256"]]
    rows += [[as_text(name), f"`{digest}`"] for name, digest in retrain.study.digests.items()]
    software = ", ".join(f"{name} {number}" for name, number in training_software().items())
    return [markdown_rows(rows), f"Made with {software}."]


def _points(*points: str) -> str:
    return "\n".join(f"- {point}" for point in points)


def _some(items: Iterable[str]) -> str:
    names = list(items)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _range(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return str(low) if low == high else f"{low} to {high}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
