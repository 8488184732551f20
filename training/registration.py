"""Which version of a model is in use? Registered under a name, `champion` if the gate passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from features.errors import InputError
from training.gate import Verdict

CHAMPION = "champion"


@dataclass(frozen=True)
class Registration:
    """A registered version.

    Attributes
    ----------
    name, version : str
    champion : bool
        Whether the alias `champion` now points to it.
    """

    name: str
    version: str
    champion: bool

    @property
    def uri(self) -> str:
        """Address to score with."""
        return f"models:/{self.name}{'@' + CHAMPION if self.champion else '/' + self.version}"


def check_name(name: str) -> None:
    """Refuse a name that cannot be registered, before anything is computed for it.

    Raises
    ------
    InputError
        If the name is blank or has a character that ``models:/NAME@ALIAS`` cannot hold.
    """
    if not name.strip() or set(name) & set("/:@"):
        raise InputError(f"a model cannot be named {name!r}; give a name without '/', ':' and '@'")


def register(
    client: MlflowClient,
    *,
    name: str,
    model_id: str,
    run_id: str,
    verdict: Verdict,
    tags: Mapping[str, str],
    description: str,
) -> Registration:
    """Register a logged model as a new version of `name`.

    The alias `champion` moves to it only if `verdict` passes; else the version is tagged
    ``gate=failed`` and an earlier champion stays.
    """
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(
            name, description="Drug response of a panel, learned by `sidestep train`."
        )
    version = client.create_model_version(
        name,
        # Not models:/ID, which MLflow would look up in its default store instead of this one.
        source=client.get_logged_model(model_id).artifact_location,
        run_id=run_id,
        model_id=model_id,
        tags={**tags, "gate": "passed" if verdict.passes else "failed"},
        description=description,
    )
    link = json.dumps([{"name": name, "version": str(version.version)}])
    client.set_logged_model_tags(model_id, {MLFLOW_MODEL_VERSIONS: link})
    if verdict.passes:
        client.set_registered_model_alias(name, CHAMPION, str(version.version))
    return Registration(name, str(version.version), verdict.passes)
