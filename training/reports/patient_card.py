"""What the card of a model of patients says in the place of that of lines."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sidestep.training.reports.markdown import as_text, markdown_rows
from sidestep.training.reports.tables import metrics_table, modality_words, reliability_sentence
from sidestep.training.retrain import Retrain, study_digest

#: Methods shown of each part of the patients.
_SHOWN = ("blend", "calibrated", "receptors", "marker", "her2_amplicon", "luminal", "immune")


def intended_use() -> Sequence[str]:
    """What the model is for, and what not."""
    return [
        _points(
            "For: research on which patients of a trial had a response, beside receptors and "
            "published scores, and on what moves the prediction.",
            "Not for: choosing or withholding a patient's treatment. It was not validated on "
            "another trial; that, a decision curve and a trial would have to come first.",
        )
    ]


def data(retrain: Retrain) -> Sequence[str]:
    """Patients, outcome and how its words were grouped, modalities, regimens."""
    study, panel, plan = retrain.study, retrain.panel, retrain.request.plan
    patients, response = panel.values.index, panel.response
    outcome = panel.values.iloc[:, 0]
    profiled = ", ".join(
        f"{modality_words(name)} {int(patients.isin(samples).sum())}"
        for name, samples in study.profiled().items()
        if name != "clinical"
    )
    points = [
        f"Study: {as_text(study.name)} ({as_text(study.study_id)}), digest of its files "
        f"`{study_digest(study.digests)}`.",
        f"Samples: {len(patients)} of {study.donors.loc[patients].nunique()} patients, "
        f"{int(outcome.sum())} with {as_text(response.event)}; "
        f"{int(retrain.her2.loc[patients, 'high'].sum())} HER2-positive.",
        f"Outcome: {as_text(response.grouping or response.stable_id)}.",
        f"Modalities (samples): {profiled}; covariates: "
        f"{as_text(', '.join(plan.clinical)) or 'none'}.",
    ]
    if plan.regimen is not None:
        counts = study.clinical.loc[patients, plan.regimen[0]].value_counts()
        arms = ", ".join(f"{as_text(str(name))} ({count})" for name, count in counts.items())
        points.append(f"Regimens ({as_text(plan.regimen[0])}): {arms}.")
    return [_points(*points)]


def method(retrain: Retrain) -> Sequence[str]:
    """Features, model and how it was judged."""
    plan = retrain.request.plan
    return [
        _points(
            "Model: log-odds by a logistic ridge on several views (modalities, receptors, targets "
            "of the drugs given, a published direction, regimens), blended with boosted trees and "
            "a marker as far as inner cross-validation shows that they add something; Shapley "
            "values are exact.",
            f"Evidence: nested {plan.folds}-fold cross-validation by patient, {plan.trials} Optuna "
            f"trials a search, seed {plan.seed}; calibration within the folds; the final model "
            "learns from all patients.",
        )
    ]


def metrics(retrain: Retrain) -> Sequence[str]:
    """AUC, Brier score and calibration, of all patients and of parts of them."""
    verdict = retrain.verdict
    return [
        "Area under the ROC curve (interval after DeLong) and Brier score out of fold, beside the "
        "areas of the baselines.",
        metrics_table(retrain),
        reliability_sentence(retrain),
        _parts(retrain.metrics),
        f"Gate {'passed' if verdict.passes else 'failed'}: {verdict.reason}.",
    ]


def limits(retrain: Retrain) -> Sequence[str]:
    """What the model cannot tell."""
    simulated = ["Simulated data: nothing here says how it does on real patients."]
    return [
        _points(
            *(simulated if retrain.study.simulated else []),
            "One trial: its patients, assays, backbone and time. Its probabilities are theirs.",
            "A difference between regimens rests on how the trial assigned them, and is no "
            "estimate of what a change of treatment would do to a patient.",
            "A patient who lacks a modality is predicted by a sub-model without it.",
        )
    ]


def _parts(table: pd.DataFrame) -> str:
    """AUC of the methods by part of the patients, in Markdown."""
    auc = table[table["metric"] == "auc"]
    methods = [name for name in _SHOWN if (auc["method"] == name).any()]
    rows = [["patients", "n", *(name.replace("_", " ") for name in methods)]]
    for part, some in auc.groupby("subset", sort=False):
        estimates = dict(
            zip(some["method"], some[["value", "lower", "upper"]].to_numpy(float), strict=True)
        )
        cells = [f"{estimates[name][0]:.2f}" for name in methods]
        cells[0] += f" ({estimates['blend'][1]:.2f} to {estimates['blend'][2]:.2f})"
        rows.append([as_text(str(part).replace("_", " ")), str(int(some["n"].iloc[0])), *cells])
    return markdown_rows(rows)


def _points(*points: str) -> str:
    return "\n".join(f"- {point}" for point in points)
