"""A retrain as it is kept in MLflow: one run a panel, a nested run a drug, and the model."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import MAX_METRICS_PER_BATCH

from sidestep.features.files.spreadsheets import for_spreadsheets
from sidestep.features.vocabulary.account import plain_account
from sidestep.training.reports.figures import draw_drug, draw_panel
from sidestep.training.reports.hover_page import hover_page
from sidestep.training.reports.model_card import CARD_FILE, model_card, version_description
from sidestep.training.retrain import Retrain, training_software
from sidestep.training.tracking import run_facts
from sidestep.training.tracking.logged_model import MODEL_NAME, log_model
from sidestep.training.tracking.registration import Registration, register
from sidestep.training.tracking.store import Store


@dataclass(frozen=True)
class TrackedRun:
    """A retrain as it is kept.

    Attributes
    ----------
    run_id : str
        Of the panel's run.
    children : mapping of str to str
        Drug -> its run.
    model_id, model_uri : str
        Of the logged model; the address loads without a registered name.
    registration : Registration or None
    """

    run_id: str
    children: Mapping[str, str]
    model_id: str
    model_uri: str
    registration: Registration | None


def track(
    retrain: Retrain, store: Store, *, started: float | None = None, register_as: str | None = None
) -> TrackedRun:
    """Log a retrain: the panel's run, a nested run a drug, and the model.

    Parameters
    ----------
    retrain : Retrain
    store : Store
    started : float, optional
        When the retrain began (seconds since the epoch); now by default.
    register_as : str, optional
        Register the model under this name.

    Notes
    -----
    Within `mlflow run` the panel's run is the one that MLflow has made for the project. A failure
    marks the run FAILED, an interruption KILLED, with the reason in the tag `failure`.
    """
    client, start = store.client, time.time() if started is None else started
    run_id, experiment_id = _panel_run(client, store, retrain, start)
    with _ending(client, run_id):
        tags = run_facts.panel_tags(retrain)
        dataset = run_facts.study_input(retrain)
        client.log_inputs(run_id, [dataset])
        model_id = log_model(
            client,
            retrain,
            experiment_id=experiment_id,
            run_id=run_id,
            tags={name: tags[name] for name in ("study", "response", "simulated", "gate")},
        )
        _log_panel(client, run_id, model_id, retrain, tags)
        children = {
            drug.name: _log_drug(client, run_id, experiment_id, retrain, drug.name, dataset, start)
            for drug in retrain.panel.drugs
        }
        registration = None
        if register_as is not None:
            registration = register(
                client,
                name=register_as,
                model_id=model_id,
                run_id=run_id,
                verdict=retrain.verdict,
                tags={name: tags[name] for name in ("study", "response", "simulated")},
                description=version_description(retrain),
            )
    return TrackedRun(run_id, children, model_id, f"runs:/{run_id}/{MODEL_NAME}", registration)


def _panel_run(
    client: MlflowClient, store: Store, retrain: Retrain, start: float
) -> tuple[str, str]:
    """Make the panel's run, or take over the one that `mlflow run` made; with its experiment."""
    name = run_facts.run_name(retrain, datetime.fromtimestamp(start))
    project = os.environ.get("MLFLOW_RUN_ID")
    if project:
        try:
            run = client.get_run(project)
        except MlflowException:
            run = None  # of another store
        if run is not None and "sidestep_version" not in run.data.tags:
            client.update_run(project, name=name)
            return project, run.info.experiment_id
    run = client.create_run(
        store.experiment_id,
        start_time=round(1000 * start),
        run_name=name,
        tags=run_facts.source_tags(),
    )
    return run.info.run_id, store.experiment_id


def _log_panel(
    client: MlflowClient, run_id: str, model_id: str, retrain: Retrain, tags: Mapping[str, str]
) -> None:
    timestamp = round(1000 * time.time())
    client.log_batch(
        run_id,
        params=[Param(name, value) for name, value in run_facts.panel_parameters(retrain).items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    # With the model's identifier they show beside the model, too.
    every = run_facts.panel_metrics(retrain)
    metrics = [
        Metric(name, value, timestamp, 0, model_id=model_id, run_id=run_id)
        for name, value in run_facts.shown(every).items()
    ]
    _log_metrics(client, run_id, metrics)
    with _artefacts(client, run_id) as folder:
        retrain.validation.repeated.to_parquet(folder / "out_of_fold.parquet", index=False)
        retrain.metrics.to_parquet(folder / "metrics.parquet", index=False)
        retrain.coverage.to_parquet(folder / "coverage.parquet", index=False)
        for_spreadsheets(retrain.metrics).to_csv(folder / "metrics.csv", index=False)
        (folder / run_facts.ALL_METRICS).write_text(run_facts.metrics_csv(every), encoding="utf-8")
        trials = for_spreadsheets(retrain.validation.trials())
        trials.to_csv(folder / "trials.csv", index=False)
        _write_json(folder / "software.json", training_software())
        _write_json(folder / "study_digests.json", retrain.study.digests)
        _write_json(folder / "study_account.json", plain_account(retrain.study.account))
        (folder / CARD_FILE).write_text(model_card(retrain), encoding="utf-8")
        draw_panel(retrain, folder)


def _log_drug(
    client: MlflowClient,
    parent: str,
    experiment_id: str,
    retrain: Retrain,
    drug: str,
    dataset: DatasetInput,
    start: float,
) -> str:
    child = client.create_run(
        experiment_id,
        start_time=round(1000 * start),
        run_name=drug,
        tags=run_facts.source_tags() | run_facts.drug_tags(retrain, drug, parent),
    ).info.run_id
    with _ending(client, child):
        timestamp = round(1000 * time.time())
        every = run_facts.drug_metrics(retrain, drug)
        overall = run_facts.shown(every).items()
        folds = run_facts.fold_metrics(retrain, drug)
        metrics = [Metric(name, value, timestamp, 0) for name, value in overall]
        metrics += [Metric(name, value, timestamp, fold) for name, value, fold in folds]
        _log_metrics(client, child, metrics)
        client.log_inputs(child, [dataset])
        with _artefacts(client, child) as folder:
            predictions = retrain.validation.predictions
            lines = predictions[predictions["drug"] == drug]
            lines.to_parquet(folder / "out_of_fold.parquet", index=False)
            table = run_facts.metrics_csv(every)
            (folder / run_facts.ALL_METRICS).write_text(table, encoding="utf-8")
            draw_drug(retrain, drug, folder)
            page = folder / "predicted_vs_observed.html"
            page.write_text(hover_page(retrain, drug), encoding="utf-8")
    return str(child)


def _log_metrics(client: MlflowClient, run_id: str, metrics: Sequence[Metric]) -> None:
    """Log any number of metrics: those of the folds may be more than one batch may hold."""
    for start in range(0, len(metrics), MAX_METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + MAX_METRICS_PER_BATCH])


@contextmanager
def _ending(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Mark the run FINISHED, FAILED with the reason, or KILLED where it was interrupted."""
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = "interrupted" if interrupted else str(error)
        with suppress(Exception):  # a store that fails is told by what made this fail
            client.set_tag(run_id, "failure", " ".join(reason.split()) or type(error).__name__)
            client.set_terminated(run_id, "KILLED" if interrupted else "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


@contextmanager
def _artefacts(client: MlflowClient, run_id: str) -> Iterator[Path]:
    """A folder whose files become the run's artefacts."""
    with tempfile.TemporaryDirectory(prefix="sidestep-run-") as folder:
        yield Path(folder)
        client.log_artifacts(run_id, folder)


def _write_json(path: Path, content: Mapping[str, str] | Sequence[Mapping[str, Any]]) -> None:
    plain = dict(content) if isinstance(content, Mapping) else list(content)
    path.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", encoding="utf-8")
