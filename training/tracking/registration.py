"""Registration: a logged model becomes a version, with the gate's verdict, digest and decision."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from sidestep.features.errors import InputError
from sidestep.models.registry.files import DIGEST_TAG
from sidestep.training.tracking.lifecycle import CHAMPION, Decision, decide, set_best, set_champion
from sidestep.training.validation.gate import Verdict

_LONGEST_TAG = 1000
_ABOUT = (
    "Drug response of a panel, learned by `sidestep train`. The description of a version is its "
    "model card; the alias `champion` is the version in use, `previous` the one before it."
)


@dataclass(frozen=True)
class Registration:
    """A registered version.

    Attributes
    ----------
    name, version : str
    champion : bool
        Whether the alias `champion` now points to it.
    decision : str
        Why so, as a clause to follow "because".
    """

    name: str
    version: str
    champion: bool
    decision: str

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

    The version's tags keep the gate's verdict (`gate`, `gate_reason`), the digest of the
    predictor's files (`digest`, as they were when the model was logged) and why it became
    champion or not (`champion_decision`). The alias `champion` moves to it only if the gate
    passes and `training.tracking.lifecycle.decide` is for it. `description` is its model card.
    If it fails or is interrupted, no version is left that lacks a part.
    """
    try:
        client.create_registered_model(name, description=_ABOUT)
    except MlflowException as error:  # asking first would not keep another worker from making it
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    with _whole_or_not(client, name, run_id):
        version, decision = _make_version(
            client, name, model_id, run_id, verdict, tags, description
        )
    if decision.best:
        set_best(client, name, version)
    if decision.replaces:
        set_champion(client, name, version)
    return Registration(name, version, decision.replaces, decision.reason)


@contextmanager
def _whole_or_not(client: MlflowClient, name: str, run_id: str) -> Iterator[None]:
    """A block that makes a run's version; if it fails or is interrupted, none is left."""
    try:
        yield
    except BaseException:
        with suppress(MlflowException):
            for found in client.search_model_versions(f"name='{name}'"):
                if found.run_id == run_id:
                    client.delete_model_version(name, str(found.version))
            if not client.search_model_versions(f"name='{name}'"):
                client.delete_registered_model(name)
        raise


def _make_version(
    client: MlflowClient,
    name: str,
    model_id: str,
    run_id: str,
    verdict: Verdict,
    tags: Mapping[str, str],
    description: str,
) -> tuple[str, Decision]:
    """Make the version, with all its tags, and decide what becomes of it."""
    logged = client.get_logged_model(model_id)
    record = {"gate": "passed" if verdict.passes else "failed", "gate_reason": verdict.reason}
    if DIGEST_TAG in logged.tags:
        record[DIGEST_TAG] = logged.tags[DIGEST_TAG]
    model_version = client.create_model_version(
        name,
        # Not models:/ID, which MLflow would look up in its default store instead of this one.
        source=logged.artifact_location,
        run_id=run_id,
        model_id=model_id,
        tags={**tags, **record},
        description=description,
    )
    version = str(model_version.version)
    link = json.dumps([{"name": name, "version": version}])
    client.set_logged_model_tags(model_id, {MLFLOW_MODEL_VERSIONS: link})
    decision = (
        decide(client, name, version, run_id)
        if verdict.passes
        else Decision(False, "it did not pass the gate")
    )
    client.set_model_version_tag(name, version, "champion_decision", decision.reason[:_LONGEST_TAG])
    return version, decision
