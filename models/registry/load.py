"""Trained models are loaded from the MLflow registry, a run or a folder, and checked first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sidestep.features.errors import InputError
from sidestep.features.files.owned import digest_of_file
from sidestep.models.predictor.cohort import TumourCohort
from sidestep.models.predictor.cohort_files import read_cohorts
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import (
    FILES,
    load_predictor,
    refusing_unreadable,
    require_predictor,
    require_readable,
)
from sidestep.models.registry.addresses import model_address
from sidestep.models.registry.files import ModelFiles, kept_by_mlflow, registered_files


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
    references : mapping of str to TumourCohort
        Cohorts that tumours may be answered among, by name.
    """

    predictor: PanelPredictor
    name: str
    version: str
    digest: str
    references: Mapping[str, TumourCohort] = field(default_factory=dict)


def load_model(
    uri: str | Path, tracking_uri: str | None = None, *, trust: bool = False
) -> LoadedModel:
    """Load a predictor. Loading runs no code of the model.

    A registered version is loaded only if its files have the digest that its tag `digest` keeps.
    Of a folder or a run there is no such record.

    Parameters
    ----------
    uri : str or path
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``NAME`` (its champion),
        ``runs:/RUN_ID/model``, or a folder: an MLflow model or one that
        `models.predictor.storage.save_predictor` wrote.
    tracking_uri : str, optional
        MLflow store; ``MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db`` by default.
    trust : bool
        Load a registered version that has no such tag, too.

    Returns
    -------
    LoadedModel
        The predictor, with its name, version and digest.

    Raises
    ------
    InputError
        If there is no such model, its files or those of its references are not those that were
        registered, or nobody recorded which those are and it is not trusted.
    """
    uri = model_address(uri)
    if kept_by_mlflow(uri):
        with TemporaryDirectory(prefix="sidestep-model-") as fetched:
            return _loaded(registered_files(uri, tracking_uri, Path(fetched)), trust=trust)
    folder = Path(uri)
    if not folder.is_dir():
        raise InputError(
            f"model {uri} does not exist; give a folder, or models:/NAME@champion after "
            "sidestep train --register NAME"
        )
    data = data_folder(folder)
    require_predictor(data)
    return _loaded(ModelFiles(data, folder.name, "", None), trust=trust)


def data_folder(folder: Path) -> Path:
    """The predictor's own folder: `folder`, or its ``data`` part if it is an MLflow model."""
    if not (folder / "MLmodel").is_file():
        return folder
    inside = [path.parent for path in sorted((folder / "data").rglob("predictor.json"))]
    return inside[0] if inside else folder / "data"


def digest_of(folder: Path) -> str:
    """Digest (sha256) over the names and bytes of the files of a predictor; no other is read.

    Raises
    ------
    InputError
        If one is no plain file, or larger than it may be.
    OSError
        If one cannot be read.
    """
    there = [name for name in sorted(FILES) if (folder / name).exists()]
    require_readable(folder, there)
    digest = hashlib.sha256()
    for name in there:
        digest.update(name.encode() + b"\0")
        digest.update(bytes.fromhex(digest_of_file(folder / name)))
    return digest.hexdigest()


def _loaded(files: ModelFiles, *, trust: bool) -> LoadedModel:
    """Read a predictor once its files are known to be those that were registered."""
    data = data_folder(files.folder)
    with refusing_unreadable(data):
        digest = digest_of(data)
    _check_digest(files, digest, trust=trust)
    predictor = load_predictor(data)
    # Of a version without a record, which is trusted, no cohort has one either.
    recorded = files.references if files.version and files.digest is not None else None
    cohorts = read_cohorts(data, predictor, digest, recorded)
    return LoadedModel(predictor, files.name, files.version, digest, cohorts)


def _check_digest(files: ModelFiles, digest: str, *, trust: bool) -> None:
    """Refuse files that are not those registered; `trust` stands in for a record, not against."""
    if not files.version:
        return
    model, recorded = f"{files.name} version {files.version}", files.digest
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
