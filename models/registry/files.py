"""The folder on this machine in which the files of a model lie that MLflow keeps."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import holds_runs, without_password
from sidestep.models.registry.local import kept_version

DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"
DIGEST_TAG = "digest"
#: Tag of a version that keeps the digest of a cohort's file: this and the cohort's name.
REFERENCE_TAG = "reference."
_REGISTERED = "models:/"


@dataclass(frozen=True)
class ModelFiles:
    """A model on this machine's disk.

    Attributes
    ----------
    folder : Path
    name : str
        Registered name; otherwise the address of a run, or the folder's name.
    version : str
        Registered version, else empty.
    digest : str or None
        sha256 that was recorded when it was registered.
    references : mapping of str to str
        Name -> sha256 of each cohort that was recorded with the version.
    """

    folder: Path
    name: str
    version: str
    digest: str | None
    references: Mapping[str, str] = field(default_factory=dict)


def kept_by_mlflow(uri: str) -> bool:
    """Whether the address is one of MLflow, not of a folder."""
    return uri.startswith((_REGISTERED, "runs:/"))


def registered_files(uri: str, tracking_uri: str | None, into: Path) -> ModelFiles:
    """Find the files of a model; those of a store elsewhere are fetched.

    Parameters
    ----------
    uri : str
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or ``runs:/RUN_ID/model``.
    tracking_uri : str, optional
        As for `resolve_tracking_uri`.
    into : Path
        Folder for what has to be fetched.

    Raises
    ------
    InputError
        If there is no such model or store.
    """
    store = resolve_tracking_uri(tracking_uri)
    kept = _kept_here(uri, store)
    if kept is not None:
        return kept
    if not holds_runs(store):
        raise _not_there(uri, store, "no model is registered there")
    # MLflow takes seconds to import.
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(store)
    try:
        if not uri.startswith(_REGISTERED):
            return ModelFiles(_on_this_machine(uri, into), uri, "", None)
        name, version, alias = _selector(uri)
        client = MlflowClient()
        if alias is not None:
            version = str(client.get_model_version_by_alias(name, alias).version)
        tags = client.get_model_version(name, version).tags
        source = client.get_model_version_download_uri(name, version)
        folder = _on_this_machine(source, into)
        return ModelFiles(folder, name, version, tags.get(DIGEST_TAG), _references(tags))
    except FileNotFoundError as error:
        if error.filename is None:
            raise _not_there(uri, store, str(error)) from None
        raise InputError(
            f"model {uri} is in {without_password(store)}, and its files were in "
            f"{error.filename}, which is not there; if the store was moved, put its files back "
            "there or let a link of that name lead to them, else train the model again"
        ) from None
    except (MlflowException, OSError) as error:
        raise _not_there(uri, store, without_password(str(error).splitlines()[0])) from None


def _kept_here(uri: str, store: str) -> ModelFiles | None:
    """A registered version whose registry and files both lie on this machine."""
    if not uri.startswith(_REGISTERED):
        return None
    name, version, alias = _selector(uri)
    kept = kept_version(store, name, version=version, alias=alias)
    folder = None if kept is None else _local_folder(kept.source)
    if kept is None or folder is None or not folder.is_dir():
        return None
    return ModelFiles(folder, name, kept.version, kept.tags.get(DIGEST_TAG), _references(kept.tags))


def _not_there(uri: str, store: str, reason: str) -> InputError:
    return InputError(
        f"model {uri} is not in {without_password(store)} ({reason}); train it with "
        "--register, see those that are with sidestep models, or give a folder or another "
        "--tracking-uri"
    )


def resolve_tracking_uri(tracking_uri: str | None) -> str:
    """The store given, else ``MLFLOW_TRACKING_URI``, else SQLite in the working folder."""
    return tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI


def _selector(uri: str) -> tuple[str, str, str | None]:
    """Name, version and alias of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    The version is empty where an alias is given.
    """
    rest = uri.removeprefix(_REGISTERED)
    if "@" in rest:
        name, alias = rest.rsplit("@", 1)
        return name, "", alias
    name, _, version = rest.rpartition("/")
    if not name:
        raise InputError(f"model {uri} names no version; write models:/{rest}@champion")
    return name, version, None


def _references(tags: Mapping[str, str]) -> dict[str, str]:
    """Digests of the cohorts of a version, by name."""
    return {
        tag.removeprefix(REFERENCE_TAG): digest
        for tag, digest in tags.items()
        if tag.startswith(REFERENCE_TAG)
    }


def _local_folder(source: str) -> Path | None:
    """The folder that an address of artifacts means, if it lies on this machine."""
    address = urlsplit(source)
    if address.scheme not in ("", "file"):
        return None
    return Path(unquote(address.path if address.scheme else source))


def _on_this_machine(source: str, into: Path) -> Path:
    """The folder that an address of artifacts means; it is fetched if it lies elsewhere."""
    # As it lies there: MLflow would note in the folder that somebody has read it.
    folder = _local_folder(source)
    if folder is not None:
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        return folder
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(artifact_uri=source, dst_path=str(into)))
