"""Where trained models live: the MLflow registry, or a folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError
from models.databases import require_runs_database, without_password
from models.predictor import PanelPredictor
from models.storage import load_predictor

DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"
DIGEST_TAG = "digest"


@dataclass(frozen=True)
class LoadedModel:
    """A predictor and where it came from.

    Attributes
    ----------
    predictor : PanelPredictor
    name : str
        Registered name, or the folder's name.
    version : str
        Registered version; empty for a folder.
    digest : str
        sha256 over the names and bytes of the predictor's files.
    """

    predictor: PanelPredictor
    name: str
    version: str
    digest: str


def load_model(uri: str, tracking_uri: str | None = None, *, trust: bool = False) -> LoadedModel:
    """Load a predictor. Loading runs no code of the model.

    A registered version is loaded only if its files have the digest that its tag `digest` keeps.
    Of a folder or a run there is no such record.

    Parameters
    ----------
    uri : str
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``runs:/RUN_ID/model``, or a folder:
        an MLflow model or one that `models.storage.save_predictor` wrote.
    tracking_uri : str, optional
        MLflow store; ``MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db`` by default.
    trust : bool
        Load a registered version that has no such tag, too.

    Raises
    ------
    InputError
        If there is no such model, its files are not those that were registered, or nobody
        recorded which those are and it is not trusted.
    """
    if uri.startswith(("models:/", "runs:/")):
        return _from_mlflow(uri, tracking_uri, trust=trust)
    folder = Path(uri)
    if not folder.is_dir():
        raise InputError(
            f"model {uri} does not exist; give a folder, or models:/NAME@champion after "
            "sidestep train --register NAME"
        )
    data = data_folder(folder)
    return LoadedModel(load_predictor(data), folder.name, "", digest_of(data))


def data_folder(folder: Path) -> Path:
    """The predictor's own folder: `folder`, or its ``data`` part if it is an MLflow model."""
    if not (folder / "MLmodel").is_file():
        return folder
    inside = [path.parent for path in sorted((folder / "data").rglob("predictor.json"))]
    return inside[0] if inside else folder / "data"


def digest_of(folder: Path) -> str:
    """Digest (sha256) over the names and bytes of all files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _from_mlflow(uri: str, tracking_uri: str | None, *, trust: bool) -> LoadedModel:
    # MLflow takes seconds to import, and a folder does not need it.
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    store = resolve_tracking_uri(tracking_uri)
    require_runs_database(store)
    mlflow.set_tracking_uri(store)
    try:
        name, version = _registered(uri) if uri.startswith("models:/") else (uri, "")
        exact = f"models:/{name}/{version}" if version else uri
        tags = MlflowClient().get_model_version(name, version).tags if version else {}
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=exact))
    except (MlflowException, OSError) as error:
        reason = without_password(str(error).splitlines()[0])
        raise InputError(
            f"model {uri} is not in {without_password(store)} ({reason}); train it with "
            "--register, or give another --tracking-uri"
        ) from None
    data = data_folder(folder)
    digest = digest_of(data)
    if version:  # before anything of the files is read
        _check_digest(f"{name} version {version}", digest, tags.get(DIGEST_TAG), trust=trust)
    return LoadedModel(load_predictor(data), name, version, digest)


def _check_digest(model: str, digest: str, recorded: str | None, *, trust: bool) -> None:
    """Refuse files that are not those registered; `trust` stands in for a record, not against."""
    if recorded is None and not trust:
        raise InputError(
            f"model {model} has no recorded digest to check its files against; register it with "
            "sidestep train, or give --trust"
        )
    if recorded is not None and digest != recorded:
        raise InputError(
            f"model {model} is not the one that was registered: its files have the digest "
            f"{digest[:12]}…, the registry records {recorded[:12]}…; restore the files or train "
            "again"
        )


def resolve_tracking_uri(tracking_uri: str | None) -> str:
    """The store given, else ``MLFLOW_TRACKING_URI``, else SQLite in the working folder."""
    return tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI


def _registered(uri: str) -> tuple[str, str]:
    """Name and version of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``."""
    from mlflow import MlflowClient

    rest = uri.removeprefix("models:/")
    if "@" in rest:
        name, alias = rest.rsplit("@", 1)
        return name, str(MlflowClient().get_model_version_by_alias(name, alias).version)
    name, _, version = rest.rpartition("/")
    if not name:
        raise InputError(f"model {uri} names no version; write models:/{rest}@champion")
    return name, version
