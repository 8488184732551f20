"""Where runs are kept: an MLflow store in a file, in a database that a team shares, or a server."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER,
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME,
)
from sqlalchemy.exc import SQLAlchemyError

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import require_runs_database, without_password

DEFAULT_EXPERIMENT = "sidestep"
_SQLITE = "sqlite:///"
_ARTEFACT_ROOT = "MLFLOW_DEFAULT_ARTIFACT_ROOT"


@dataclass(frozen=True)
class Store:
    """Where runs are kept: an MLflow store that answers, and an experiment in it.

    Attributes
    ----------
    tracking_uri, experiment_id : str
    """

    tracking_uri: str
    experiment_id: str

    @property
    def client(self) -> MlflowClient:
        """Client of the store; MLflow's own settings stay as they are."""
        return MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)


def open_store(tracking_uri: str, experiment: str = DEFAULT_EXPERIMENT) -> Store:
    """Open an MLflow store, or make it, with an experiment; long work asks first.

    The artefacts of a new experiment in an SQLite file lie beside that file, wherever the
    command runs.

    Raises
    ------
    InputError
        If the store cannot be opened, or the experiment was deleted.
    """
    try:
        location = _artefact_location(tracking_uri, experiment)
        require_runs_database(tracking_uri)
        client = MlflowClient(tracking_uri)
        existing = client.get_experiment_by_name(experiment)
        opened = existing or _make_experiment(client, experiment, location)
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        reason = textwrap.shorten(without_password(str(error)), 160, placeholder=" …")
        raise InputError(
            f"the MLflow store {without_password(tracking_uri)} cannot be opened ({reason}); give "
            "another --tracking-uri, such as sqlite:///mlflow.db"
        ) from None
    if opened.lifecycle_stage != "active":
        raise InputError(
            f"experiment {experiment} was deleted from {without_password(tracking_uri)}; give "
            "another --experiment"
        )
    return Store(tracking_uri, opened.experiment_id)


def _make_experiment(client: MlflowClient, name: str, location: str | None) -> Experiment:
    """Make an experiment, or take the one that another worker made meanwhile."""
    primary = {
        MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME: "pearson",
        MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER: "true",
    }
    try:
        return client.get_experiment(client.create_experiment(name, location, tags=primary))
    except MlflowException as error:
        existing = client.get_experiment_by_name(name)
        if error.error_code != "RESOURCE_ALREADY_EXISTS" or existing is None:
            raise
    return existing


def _artefact_location(tracking_uri: str, experiment: str) -> str | None:
    """Where a new experiment's artefacts go: beside an SQLite file, whose own folder is made.

    Of another database, ``MLFLOW_DEFAULT_ARTIFACT_ROOT`` names it, as for MLflow itself. None is
    the place that MLflow chooses.
    """
    if not tracking_uri.startswith(_SQLITE):
        root = os.environ.get(_ARTEFACT_ROOT)
        if root is None or tracking_uri.startswith(("http", "file:")) or "://" not in tracking_uri:
            return None
        return f"{root.rstrip('/')}/{quote(experiment, safe=' ')}"
    folder = Path(tracking_uri.removeprefix(_SQLITE)).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "mlartifacts" / quote(experiment, safe=" ")).as_uri()
