"""A cohort is put beside the model that predicted it: in its folder, or with its version in MLflow.

A registered version keeps, in its tag ``reference.NAME``, the digest of the cohort's file.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sidestep.features.errors import InputError
from sidestep.models.predictor.cohort import TumourCohort
from sidestep.models.predictor.cohort_files import COHORTS, cohort_file, write_cohort
from sidestep.models.registry.databases import without_password
from sidestep.models.registry.files import (
    REFERENCE_TAG,
    resolve_tracking_uri,
)
from sidestep.models.registry.load import LoadedModel, data_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

# Where a logged model keeps its predictor, as `training.tracking.logged_model` saves it.
_DATA = "data/predictor"


def require_place(uri: str, model: LoadedModel, name: str, *, replace: bool) -> None:
    """Refuse a name or an address that no cohort can be kept under, before any is made.

    Raises
    ------
    InputError
        If the name cannot be one, the model has a cohort of that name and it is not to be
        replaced, or the address is of a run.
    """
    cohort_file(name)
    if name in model.references and not replace:
        raise InputError(
            f"model {model.name} has a reference {name} already; give --replace to make it anew, "
            "or another --name"
        )
    if not model.version and not Path(uri).is_dir():
        raise InputError(
            f"{uri} is a run's model, which nobody registered; give a registered version "
            "(models:/NAME/VERSION) or a folder"
        )


def keep_cohort(
    cohort: TumourCohort, uri: str, model: LoadedModel, tracking_uri: str | None = None
) -> str:
    """Keep a cohort with its model, and say where.

    Parameters
    ----------
    cohort : TumourCohort
    uri : str
        Address that `model` was loaded from.
    model : LoadedModel
    tracking_uri : str, optional
        As for `load_model`.

    Raises
    ------
    InputError
        If the folder or the store cannot be written.
    """
    if not model.version:
        place = data_folder(Path(uri)) / COHORTS
        try:
            write_cohort(cohort, place)
        except OSError as error:
            raise InputError(
                f"{place} cannot be written ({error.strerror}); give a model in a folder that can"
            ) from None
        return str(place / cohort_file(cohort.name))
    store = resolve_tracking_uri(tracking_uri)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(store, registry_uri=store)
        version = client.get_model_version(model.name, model.version)
        model_id = version.model_id or _logged_model_of(client, version)
        if not model_id:
            raise InputError(
                f"model {model.name} version {model.version} was registered without a logged "
                "model to keep files with; register it with sidestep train"
            )
        with TemporaryDirectory(prefix="sidestep-reference-") as folder:
            digest = write_cohort(cohort, Path(folder))
            client.log_model_artifacts(model_id, folder, f"{_DATA}/{COHORTS}")
        # Last: a file without the tag is not read, and the command can be given again.
        client.set_model_version_tag(
            model.name, model.version, f"{REFERENCE_TAG}{cohort.name}", digest
        )
    except (MlflowException, OSError) as error:
        reason = without_password(str(error).splitlines()[0])
        raise InputError(
            f"the reference cannot be kept in {without_password(store)} ({reason}); see that you "
            "may write there"
        ) from None
    return f"models:/{model.name}/{model.version}"


def _logged_model_of(client: MlflowClient, version: ModelVersion) -> str:
    """The logged model that a version was made of; empty if none is found.

    A database does not keep it with the version, but with the run.
    """
    if not version.run_id:
        return ""
    outputs = client.get_run(version.run_id).outputs
    for output in outputs.model_outputs if outputs else ():
        logged = client.get_logged_model(output.model_id)
        if logged.artifact_location == version.source:
            return str(logged.model_id)
    return ""
