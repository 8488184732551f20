"""The deed of `sidestep train`: retrain, keep the run in MLflow, and account for both.

What takes time to import is imported inside the functions; MLflow, only once it is quiet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidestep.training.tracking.quiet import quiet_mlflow

if TYPE_CHECKING:
    from sidestep.training.retrain import Request, Retrain
    from sidestep.training.tracking.tracking import TrackedRun


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


@dataclass(frozen=True)
class TrainResult:
    """A retrain that is kept in MLflow.

    Attributes
    ----------
    retrain : Retrain
        The panel, its evidence, and the predictor.
    run : TrackedRun
        The run, the model and, if it was asked for, the registered version.
    tracking_uri : str
        The store that keeps them, without its password.
    seconds : float
        From the request to the end.
    """

    retrain: Retrain
    run: TrackedRun
    tracking_uri: str
    seconds: float

    def summary(self) -> Iterator[str]:
        """Lines for a person: a row a drug beside its baselines, the gate, and what is where."""
        from sidestep.training.reports.tables import reliability_sentence, text_table

        retrain = self.retrain
        response, verdict = retrain.panel.response, retrain.verdict
        if retrain.study.simulated:
            yield "Simulated data: no sample is real."
        yield (
            f"{retrain.study.study_id}, {response.stable_id} ({response.unit}): "
            f"{retrain.yardstick.words}, out of fold"
        )
        yield text_table(retrain)
        skipped = [f"{drug} ({why})" for drug, why in retrain.panel.skipped.items()]
        if skipped:
            yield f"Left out: {'; '.join(skipped)}"
        yield reliability_sentence(retrain)
        if response.grouping:
            yield f"{response.grouping}."
        yield f"Gate {'passed' if verdict.passes else 'FAILED'}: {verdict.reason}."
        yield from self._places()
        yield f"Took {self.seconds:.0f} s"

    def _places(self) -> Iterator[str]:
        """Where the run and the model are, and why the model is champion or not."""
        from sidestep.models.registry.files import DEFAULT_TRACKING_URI

        yield f"Run {self.run.run_id} in {self.tracking_uri}"
        default = self.tracking_uri == DEFAULT_TRACKING_URI
        yield f"Look at it: sidestep ui{'' if default else f' --tracking-uri {self.tracking_uri}'}"
        version = self.run.registration
        if version is None:
            yield f"Model (not registered): {self.run.model_uri}"
            return
        status = (
            ", champion because" if version.champion else " without the alias champion, because"
        )
        yield (
            f"Registered {version.name} version {version.version}{status} {version.decision}: "
            f"{version.uri}"
        )


@quiet_mlflow()
def run_train(
    request: Request,
    where: Where | None = None,
    register_as: str | None = None,
    *,
    quiet: bool = False,
) -> TrainResult:
    """Retrain, and keep the run and the model in MLflow.

    Parameters
    ----------
    request : Request
    where : Where, optional
    register_as : str, optional
        Register the model under this name.
    quiet : bool
        Show no progress on standard error.

    Raises
    ------
    InputError
        If the study, a drug, the name, the store or the cluster cannot be used.
    """
    from sidestep.features.progress import Reporter, waiting

    with waiting("getting ready", quiet=quiet):
        from threadpoolctl import threadpool_limits

        from sidestep.models.engines.options import open_engine
        from sidestep.models.estimators.trees import require_device
        from sidestep.models.registry.databases import without_password
        from sidestep.models.registry.files import resolve_tracking_uri
        from sidestep.training.retrain import read_panel, retrain_study
        from sidestep.training.tracking.registration import check_name
        from sidestep.training.tracking.store import open_store
        from sidestep.training.tracking.tracking import track
        from sidestep.training.tracking.unkept import keep_beside
        from sidestep.training.validation.shared_search import require_storage

    started = time.time()
    where = where or Where()
    uri = resolve_tracking_uri(where.tracking_uri)
    if register_as is not None:
        check_name(register_as)
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
        with waiting("reading the study", quiet=quiet) as stage:
            study, panel = read_panel(request)  # before a store is made for it
            stage("opening the MLflow store")
            store = open_store(uri, where.experiment)  # before hours of work, not after
        if request.study_storage is not None:
            require_storage(request.study_storage)
        retrain = retrain_study(request, study, panel, progress, engine)
        progress.say("keeping the run in MLflow")
        try:
            run = track(retrain, store, started=started, register_as=register_as)
        except Exception as error:
            raise keep_beside(retrain, uri, register_as, error) from error
    return TrainResult(retrain, run, without_password(uri), time.time() - started)
