"""A retrain as MLflow lists it: name, tags, parameters, metrics, and the study it learned from.

A metric's name begins with what is measured, then whose it is: ``pearson`` and ``rmse_relative``
are the blend's, ``pearson.marker`` is that of the single-marker baseline. So the columns of a list
sort by metric, the blend before its rivals. Panel runs and drug runs share the names; a panel's
value is the mean over its drugs. A run shows the metrics of `HEADLINE`; all of them are in a table.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from getpass import getuser
from pathlib import Path

import pandas as pd
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils import mlflow_tags
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from sidestep.models.registry.databases import without_password
from sidestep.training.reports.markdown import as_text, shortened
from sidestep.training.reports.tables import headline, metrics_table, reliability_sentence
from sidestep.training.retrain import Retrain, study_digest, training_software
from sidestep.training.validation.coverage import coverage_metrics
from sidestep.training.validation.evaluation import panel_means
from sidestep.training.validation.gate import BETTER, WORSE

_LONGEST_PARAMETER = 500
_WHOLE_TABLE = "*Shortened; every drug is in the artefact `metrics.csv`.*"
_DATASET_DIGITS = 10
_PANEL_METRICS = (
    "pearson", "spearman", "rmse", "rmse_relative", "r2", "auc", "brier", "brier_relative",
    "log_loss", "calibration_slope", "calibration_intercept",
)  # fmt: skip
#: Metrics that a run shows, in this order, as far as it has them; with `fold_metrics` no more than
#: 30. All of them are in the artefact `ALL_METRICS`.
HEADLINE = (
    "auc", "auc_lower", "auc_upper", "auc.ridge", "auc.trees", "auc.rate", "auc.receptors",
    "auc.regimen_rate", "auc.marker", "auc.her2_amplicon", "auc.luminal", "auc.immune",
    "auc_minus_best_baseline", "brier", "brier.calibrated", "brier_relative", "log_loss",
    "calibration_slope", "calibration_intercept", "her2_high.auc", "her2_high.brier",
    "pearson", "pearson_lower", "pearson_upper", "pearson.ridge", "pearson.trees",
    "pearson.drug_mean", "pearson.lineage_mean", "pearson.marker", "pearson_minus_best_baseline",
    "probability_of_gain", "winning_drugs", "samples", "spearman", "concordance", "rmse",
    "rmse_relative", "rmse_relative.drug_mean", "rmse_relative.lineage_mean",
    "rmse_relative.marker", "r2", "within_interval_80", "within_interval_90",
    "within_interval_80_worst_lineage", "within_interval_80_worst_pattern",
    "width_interval_80", "width_interval_80_sd", "her2_high.pearson", "her2_high.samples",
)  # fmt: skip
ALL_METRICS = "all_metrics.csv"
_ROOT = Path(__file__).resolve().parents[2]
#: How training lines weigh, by whether errors of their responses are known and used.
_WEIGHTS = {True: "standard errors of the responses", False: "all alike"}


def run_name(retrain: Retrain, started: datetime) -> str:
    """Name of the panel's run: study, response, drugs, seed, and when it started."""
    drugs = retrain.panel.drugs
    what = drugs[0].name if len(drugs) == 1 else f"{len(drugs)} drugs"
    return (
        f"{retrain.study.study_id} {retrain.panel.response.metric} {what} "
        f"seed {retrain.request.plan.seed} {started:%Y-%m-%d %H:%M}"
    )


def panel_tags(retrain: Retrain) -> dict[str, str]:
    """Tags to filter the list of panel runs by, and the run's description."""
    response, verdict = retrain.panel.response, retrain.verdict
    toward = "resistant" if response.higher_is_resistant else "sensitive"
    marked = verdict.drugs(WORSE)
    return {
        **_common_tags(retrain),
        "level": "panel",
        "split": retrain.request.plan.split,
        "panel": "named drugs" if retrain.request.drugs is not None else retrain.request.panel,
        "direction": f"higher is more {toward}",
        "gate": "passed" if verdict.passes else "failed",
        "gate_reason": verdict.reason,
        "marked_drugs": _listed(marked) or "none",
        "study_digest": study_digest(retrain.study.digests),
        "sidestep_version": training_software()["sidestep"],
        mlflow_tags.MLFLOW_RUN_NOTE: description(retrain),
    }


def drug_tags(retrain: Retrain, drug: str, parent: str) -> dict[str, str]:
    """Tags of one drug's run, a child of the run `parent`."""
    return {
        **_common_tags(retrain),
        mlflow_tags.MLFLOW_PARENT_RUN_ID: parent,
        "level": "drug",
        "drug": drug,
        "gain": retrain.verdict.gains[drug].verdict,
        "best_baseline": str(headline(retrain).at[drug, "best_baseline"]),
        mlflow_tags.MLFLOW_RUN_NOTE: drug_description(retrain, drug),
    }


def source_tags() -> dict[str, str]:
    """Who ran what code: user, command, and the commit of the checkout if it runs from one."""
    tags = {
        mlflow_tags.MLFLOW_USER: _user(),
        mlflow_tags.MLFLOW_SOURCE_NAME: "sidestep train",
        mlflow_tags.MLFLOW_SOURCE_TYPE: "LOCAL",
    }
    commit = _git("rev-parse", "HEAD")
    if commit:
        tags[mlflow_tags.MLFLOW_GIT_COMMIT] = commit
        tags[mlflow_tags.MLFLOW_GIT_DIRTY] = _yes(bool(_git("status", "--porcelain")))
    return tags


def panel_parameters(retrain: Retrain) -> dict[str, str]:
    """What was asked, what it was learned from, the settings that the search chose, software."""
    request, plan, panel = retrain.request, retrain.request.plan, retrain.panel
    settings = retrain.validation.search.settings
    groups: dict[str, dict[str, object]] = {
        "request": {
            "study": retrain.study.path or retrain.study.study_id,
            "response": panel.response.stable_id,
            "also": _listed(request.also) or "none",
            "responders": _listed(request.responders) or "none",
            "drugs": _listed([drug.name for drug in panel.drugs]),
            "min_lines": request.min_lines,
            "line_weights": _WEIGHTS[panel.errors is not None],
            "study_storage": without_password(request.study_storage or "none"),
        },
        "plan": {
            "folds": plan.folds,
            "split": plan.split,
            "trials": plan.trials,
            "seed": plan.seed,
            "jobs": plan.jobs,
            "modalities": _listed(plan.modalities or ()) or "all of the study",
            "clinical": _listed(plan.clinical) or "none",
            "regimen": _listed(filter(None, plan.regimen or ())) or "none",
        },
        "data": {
            "drugs": len(panel.drugs),
            "lines": len(panel.values),
            "features": retrain.validation.features.shape[1],
            "skipped_drugs": _listed(panel.skipped) or "none",
        },
        "settings": {"shrinkage": settings.shrinkage, **settings.trees},
        "software": dict(training_software()),
    }
    return {
        f"{group}.{name}": str(value)
        for group, values in groups.items()
        for name, value in values.items()
    }


def study_input(retrain: Retrain) -> DatasetInput:
    """The study as an input of runs: name, digest, folder, and the responses' size and columns.

    The digest is the beginning of `study_digest`; MLflow has room for 36 characters.
    """
    study = retrain.study
    place = study.study_id if study.path is None else str(study.path.resolve())
    dataset = from_pandas(
        retrain.panel.values.rename_axis(index="sample_id").reset_index(),
        source=get_dataset_source_from_json(json.dumps({"uri": place}), "local"),
        name=study.study_id,
        digest=study_digest(study.digests)[:_DATASET_DIGITS],
    )
    return DatasetInput(
        Dataset(**dataset.to_dict()),
        tags=[InputTag(mlflow_tags.MLFLOW_DATASET_CONTEXT, "training")],
    )


def panel_metrics(retrain: Retrain) -> dict[str, float]:
    """Means over the drugs of the panel, out of fold."""
    name, means = retrain.yardstick.headline, panel_means(retrain.metrics, retrain.yardstick)
    metrics = {
        _key(metric, str(method)): float(value)
        for metric in _PANEL_METRICS
        if metric in means
        for method, value in means[metric].items()
    }
    best = max(metrics[_key(name, baseline)] for baseline in retrain.baselines)
    metrics[f"{name}_minus_best_baseline"] = metrics[name] - best
    metrics["winning_drugs"] = float(len(retrain.verdict.drugs(BETTER)))
    return _defined(metrics | coverage_metrics(retrain.coverage))


def drug_metrics(retrain: Retrain, drug: str) -> dict[str, float]:
    """Metrics of every method for one drug, the blend's with the bounds of their interval.

    Those within HER2-high samples begin with ``her2_high.``.
    """
    metrics: dict[str, float] = {}
    rows = retrain.metrics[retrain.metrics["drug"] == drug]
    for row in rows.to_dict("records"):
        within = "" if row["subset"] == "all" else f"{row['subset']}."
        key = within + _key(row["metric"], row["method"])
        metrics |= {key: row["value"], f"{within}samples": float(row["n"])}
        if row["method"] == "blend":
            metrics |= {f"{key}_lower": row["lower"], f"{key}_upper": row["upper"]}
    name = retrain.yardstick.headline
    best = headline(retrain)[f"best_baseline_{name}"].to_dict()[drug]
    metrics[f"{name}_minus_best_baseline"] = metrics[name] - best
    metrics["probability_of_gain"] = retrain.verdict.gains[drug].probability
    covered = retrain.coverage[retrain.coverage["drug"] == drug]
    return _defined(metrics | coverage_metrics(covered))


def shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """Those of `HEADLINE`, in its order."""
    return {name: metrics[name] for name in HEADLINE if name in metrics}


def metrics_csv(metrics: Mapping[str, float]) -> str:
    """All metrics of a run as the table `ALL_METRICS`: `metric, value`, by name."""
    table = pd.DataFrame(sorted(metrics.items()), columns=["metric", "value"])
    return table.to_csv(index=False, lineterminator="\n")


def fold_metrics(retrain: Retrain, drug: str) -> Iterator[tuple[str, float, int]]:
    """Name, value and fold of the blend's metrics in every fold of one drug."""
    rows = retrain.fold_metrics[retrain.fold_metrics["drug"] == drug]
    for row in rows.sort_values("fold").to_dict("records"):
        for metric in (retrain.yardstick.headline, retrain.yardstick.error):
            if math.isfinite(row[metric]):
                yield f"fold_{metric}", row[metric], row["fold"]


def description(retrain: Retrain) -> str:
    """The run's page in Markdown: the verdict, what was learned from what, the table of drugs.

    What MLflow shows before "Show more" is the verdict. At most 8,000 characters, which a tag may
    have.
    """
    response, verdict = retrain.panel.response, retrain.verdict
    parts = ["**Simulated data: no sample is real.**"] if retrain.study.simulated else []
    parts += [
        f"**Gate {'passed' if verdict.passes else 'failed'}**: {verdict.reason}.",
        f"{as_text(retrain.study.name)}: {as_text(response.stable_id)} ({as_text(response.unit)}), "
        f"{len(retrain.panel.drugs)} drugs, {len(retrain.panel.values)} lines. "
        f"{retrain.yardstick.words} and {retrain.yardstick.error_words} out of fold by "
        f"{retrain.request.plan.held_out}, with 95 % intervals bootstrapped over donors:",
        metrics_table(retrain),
        reliability_sentence(retrain),
    ]
    if retrain.panel.skipped:
        skipped = _listed(f"{drug} ({why})" for drug, why in retrain.panel.skipped.items())
        parts.append(f"Left out: {as_text(skipped)}.")
    return shortened("\n\n".join(parts), MAX_TAG_VAL_LENGTH, _WHOLE_TABLE)


def drug_description(retrain: Retrain, drug: str) -> str:
    """The page of a drug's run in Markdown: how good its model is, beside what, on which lines."""
    row = headline(retrain).loc[drug]
    gain, response = retrain.verdict.gains[drug], retrain.panel.response
    yardstick = retrain.yardstick
    of_best = row[f"best_baseline_{yardstick.headline}"]
    best = f"{as_text(str(row['best_baseline']))} ({yardstick.symbol} {of_best:.3f})"
    parts = ["**Simulated data: no sample is real.**"] if retrain.study.simulated else []
    parts += [
        f"**{as_text(drug)}**: {yardstick.words} {row[yardstick.headline]:.3f} (95 % interval "
        f"{row['lower']:.3f} to {row['upper']:.3f}, {yardstick.interval_words}) out of fold on "
        f"{row['n']:.0f} lines of {as_text(retrain.study.name)}, "
        f"{as_text(response.stable_id)} ({as_text(response.unit)}).",
        f"{gain.verdict.capitalize()} than" if gain.verdict != "as good" else "As good as",
    ]
    parts[-1] += f" the best baseline, {best}; probability of a gain {gain.probability:.2f}."
    parts.append(reliability_sentence(retrain, drug))
    parts.append(f"All metrics are in the artefact `{ALL_METRICS}`.")
    return shortened("\n\n".join(parts), MAX_TAG_VAL_LENGTH, "")


def _common_tags(retrain: Retrain) -> dict[str, str]:
    return {
        "study": retrain.study.study_id,
        "simulated": _yes(retrain.study.simulated),
        "response": retrain.panel.response.stable_id,
        "unit": retrain.panel.response.unit,
    }


def _key(metric: str, method: str) -> str:
    return metric if method == "blend" else f"{metric}.{method}"


def _defined(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not pd.isna(value)}


def _listed(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    if len(listed) <= _LONGEST_PARAMETER:
        return listed
    return listed[: _LONGEST_PARAMETER - 2].rsplit(",", 1)[0] + " …"


def _yes(truth: bool) -> str:
    return "true" if truth else "false"


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return "unknown"


def _git(*words: str) -> str:
    """Output of a git command in the checkout that holds this code; blank outside of one."""
    if not (_ROOT / ".git").exists():
        return ""
    try:
        run = subprocess.run(
            ["git", "-C", str(_ROOT), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.strip()
