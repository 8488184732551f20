"""Where runs are kept: an MLflow store in a file, in a database that a team shares, or a server."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.mlflow_tags import (
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_GREATER_IS_BETTER,
    MLFLOW_EXPERIMENT_PRIMARY_METRIC_NAME,
)
from sqlalchemy.exc import SQLAlchemyError

from sidestep.features.errors import InputError
from sidestep.features.files.whole import made_folders, reason_of
from sidestep.models.registry.databases import require_runs_database, without_password
from sidestep.training.tracking.quiet import DEFAULT_EXPERIMENT

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

    It is tried whether runs, files and temporary files can be written. Of several commands that
    open a new SQLite file at once, one makes its tables and the others wait. The artefacts of a
    new experiment in an SQLite file lie beside that file, wherever the command runs.

    Raises
    ------
    InputError
        If the store cannot be opened or written, or the experiment was deleted.
    """
    try:
        location = _artefact_location(tracking_uri, experiment)
        with _alone(tracking_uri):
            require_runs_database(tracking_uri)
            client = MlflowClient(tracking_uri)
            existing = client.get_experiment_by_name(experiment)
            opened = existing or _make_experiment(client, experiment, location)
            _require_writable_file(tracking_uri)
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
    _require_artefacts(opened, tracking_uri)
    _require_temporary()
    return Store(tracking_uri, opened.experiment_id)


@contextmanager
def _alone(tracking_uri: str) -> Iterator[None]:
    """Keep others out of an SQLite file's folder in a block: two would make its tables at once."""
    if not tracking_uri.startswith(_SQLITE):
        yield
        return
    held = os.open(_file_of(tracking_uri).parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network shares have no locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _file_of(tracking_uri: str) -> Path:
    return Path(tracking_uri.removeprefix(_SQLITE)).resolve()


def _require_writable_file(tracking_uri: str) -> None:
    """Fail as a run would that is to be written into an SQLite file, and write nothing.

    Raises
    ------
    OSError
    """
    if not tracking_uri.startswith(_SQLITE):
        return
    try:
        with closing(sqlite3.connect(_file_of(tracking_uri), timeout=10)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        raise OSError(str(error)) from None


def _require_artefacts(experiment: Experiment, tracking_uri: str) -> None:
    """Refuse an experiment whose files cannot be written where it keeps them.

    Raises
    ------
    InputError
        It names the place, which is the old one where a store was moved.
    """
    location = str(experiment.artifact_location)
    if urlsplit(location).scheme not in ("", "file"):
        return
    place = Path(local_file_uri_to_path(location))  # type: ignore[no-untyped-call]
    kept = f"experiment {experiment.name} of {without_password(tracking_uri)} keeps its files in"
    if not place.exists() and not place.parent.parent.is_dir():
        raise InputError(
            f"{kept} {place}, which is not there; if the store was moved, let a link of that name "
            "lead to its files, or give another --experiment"
        )
    try:
        with made_folders(place), tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
            file.flush()
    except OSError as failure:
        raise InputError(
            f"{kept} {place}, which cannot be written ({reason_of(failure)}); make it writable, "
            "or give another --experiment or --tracking-uri"
        ) from None


def _require_temporary() -> None:
    """Refuse to begin where no temporary file can be written, which a model is saved through."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(2**16))
            file.flush()
    except OSError as failure:
        raise InputError(
            f"no temporary file can be written ({reason_of(failure)}); set TMPDIR to a folder "
            "with room that you can write"
        ) from None


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
