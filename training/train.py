"""What does `sidestep train` do, from the request to the lines that a person reads?

What takes time to import is imported inside the functions; MLflow, only once it is quiet.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidestep.features.errors import InputError

if TYPE_CHECKING:
    from sidestep.training.retrain import Request, Retrain
    from sidestep.training.tracking.tracking import TrackedRun

_MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is away is told of in seconds
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Where:
    """Where a retrain is kept, and where its work is done.

    Attributes
    ----------
    tracking_uri : str, optional
        MLflow store; ``MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db`` by default.
    experiment : str
        In that store.
    engine : {"local", "dask"}
    scheduler : str, optional
        Of the Dask cluster.
    """

    tracking_uri: str | None = None
    experiment: str = "sidestep"
    engine: str = "local"
    scheduler: str | None = None


def run_train(request: Request, where: Where, name: str | None, *, quiet: bool) -> Iterator[str]:
    """Retrain, keep the run, and give the lines to print.

    Parameters
    ----------
    request : Request
    where : Where
    name : str, optional
        Register the model under this name.
    quiet : bool
        Show no progress.

    Raises
    ------
    InputError
        If the study, a drug, the name, the store or the cluster cannot be used.
    """
    from threadpoolctl import threadpool_limits

    from sidestep.features.progress import Reporter
    from sidestep.models.engines.options import open_engine
    from sidestep.models.estimators.trees import require_device
    from sidestep.models.registry.databases import without_password
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.retrain import retrain
    from sidestep.training.tracking.registration import check_name
    from sidestep.training.tracking.store import open_store
    from sidestep.training.tracking.tracking import track
    from sidestep.training.validation.shared_search import require_storage

    started = time.time()
    uri = resolve_tracking_uri(where.tracking_uri)
    if name is not None:
        check_name(name)
    with ExitStack() as context:
        context.enter_context(threadpool_limits(1))  # a sum must not depend on the machine's cores
        progress = context.enter_context(Reporter(quiet=quiet))
        engine = context.enter_context(
            open_engine(
                where.engine,
                jobs=request.plan.jobs,
                scheduler=where.scheduler,
                notice=progress.say,
            )
        )
        if where.engine == "local":  # the workers of a cluster may have other devices than this one
            require_device(request.plan.device)
        store = open_store(uri, where.experiment)  # before hours of work, not after
        if request.study_storage is not None:
            require_storage(request.study_storage)
        result = retrain(request, progress, engine)
        progress.say("keeping the run in MLflow")
        tracked = track(result, store, started=started, register_as=name)
    yield from _summary(result, tracked, without_password(uri))
    yield f"Took {time.time() - started:.0f} s"


def only_response(study: Path) -> str:
    """The study's only response; a study with several must be told which.

    Raises
    ------
    InputError
        If the study cannot be read, or has no response, or several.
    """
    from sidestep.features.study.study import read_study

    found = read_study(study).response_files
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise InputError(
            f"study {study} has no drug response to learn; add a data_treatment_….txt with its "
            "meta file"
        )
    there = ", ".join(f"{name} ({file.metric})" for name, file in found.items())
    raise InputError(f"study {study} has several responses; choose one with --response: {there}")


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Let MLflow, imported inside, tell nobody what it does, and print warnings only."""
    added = [name for name in _MLFLOW_SETTINGS if name not in os.environ]
    os.environ.update({name: _MLFLOW_SETTINGS[name] for name in added})
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)
        for name in added:
            os.environ.pop(name, None)


def _summary(retrain: Retrain, tracked: TrackedRun, uri: str) -> Iterator[str]:
    """What a person reads at the end of `train`."""
    from sidestep.models.registry.files import DEFAULT_TRACKING_URI
    from sidestep.training.reports.tables import text_table
    from sidestep.training.validation.coverage import coverage_sentence

    response, verdict = retrain.panel.response, retrain.verdict
    if retrain.study.simulated:
        yield "Simulated data: no sample is real."
    yield (
        f"{retrain.study.study_id}, {response.stable_id} ({response.unit}): Pearson r, out of fold"
    )
    yield text_table(retrain)
    if retrain.panel.skipped:
        yield f"Left out: {'; '.join(f'{d} ({why})' for d, why in retrain.panel.skipped.items())}"
    yield coverage_sentence(retrain.coverage)
    yield f"Gate {'passed' if verdict.passes else 'FAILED'}: {verdict.reason}."
    yield f"Run {tracked.run_id} in {uri}"
    pages = "" if uri == DEFAULT_TRACKING_URI else f" --tracking-uri {uri}"
    yield f"Look at it: sidestep ui{pages}"
    registration = tracked.registration
    if registration is None:
        yield f"Model (not registered): {tracked.model_uri}"
    elif registration.champion:
        yield (
            f"Registered {registration.name} version {registration.version}, champion because "
            f"{registration.decision}: {registration.uri}"
        )
    else:
        yield (
            f"Registered {registration.name} version {registration.version} without the alias "
            f"champion, because {registration.decision}: {registration.uri}"
        )
