"""The champion of a registered model: what may replace it, promoting another, and going back.

The alias `champion` names the version in use and `previous` the one before. The registered
model's tag `former_champions` lists the versions to go back to, the oldest first, as ``1,3,4``,
and its tag `best_version` names the one that later versions are held against: the best there was,
or the one that a person chose last.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import require_runs_database, without_password
from sidestep.training.validation.comparison import compare_runs, read_run

CHAMPION = "champion"
PREVIOUS = "previous"
FORMER = "former_champions"
#: Tag of a registered model: the version that no later champion may be worse than.
BEST = "best_version"
#: Mean r that a champion may be worse than the best version, at most.
MARGIN = 0.02
_SQLITE = "sqlite:///"
# What MLflow says where the database refuses a row.
_REFUSED = "BAD_REQUEST"


@dataclass(frozen=True)
class Decision:
    """Whether a new version becomes champion, and why.

    Attributes
    ----------
    replaces : bool
    reason : str
        A clause about the new version, to follow "because".
    best : bool
        Whether it is the best version there was: what later ones are held against.
    """

    replaces: bool
    reason: str
    best: bool = False


def open_registry(tracking_uri: str) -> MlflowClient:
    """Open an MLflow store that exists; none is made.

    Raises
    ------
    InputError
        If there is no such store, or it does not answer.
    """
    try:
        if tracking_uri.startswith(_SQLITE):
            path = Path(tracking_uri.removeprefix(_SQLITE))
            if not path.is_file():
                raise InputError(
                    f"there is no MLflow store {tracking_uri}; give the --tracking-uri of "
                    "sidestep train"
                )
        require_runs_database(tracking_uri)
        client = MlflowClient(tracking_uri, registry_uri=tracking_uri)
        client.search_registered_models(max_results=1)
    except (MlflowException, OSError, ImportError) as error:
        reason = textwrap.shorten(without_password(str(error)), 160, placeholder=" …")
        raise InputError(
            f"the MLflow store {without_password(tracking_uri)} cannot be opened ({reason}); give "
            "another --tracking-uri"
        ) from None
    return client


def champion_of(client: MlflowClient, name: str) -> str | None:
    """Version of a registered model that is champion, if one is."""
    version = _model(client, name).aliases.get(CHAMPION)
    return None if version is None else str(version)


def best_of(client: MlflowClient, name: str) -> str | None:
    """Version that later ones are held against, if it still exists."""
    version = _model(client, name).tags.get(BEST)
    return version if version and _exists(client, name, version) else None


def set_best(client: MlflowClient, name: str, version: str) -> None:
    """Note the version that later ones are held against."""
    _set(client.set_registered_model_tag, name, BEST, version)


def set_champion(client: MlflowClient, name: str, version: str) -> None:
    """Make a version champion and keep the one before it to go back to."""
    model = _model(client, name)
    former, current = _former(model), model.aliases.get(CHAMPION)
    if current is not None and str(current) not in (version, *former[-1:]):
        former.append(str(current))
    # The record goes first: killed in between, it holds the champion, which going back skips.
    _keep_former(client, name, former)
    _set(client.set_registered_model_alias, name, CHAMPION, version)


def promote(client: MlflowClient, name: str, version: str, *, force: bool = False) -> str:
    """Make a version champion, and describe that in one sentence.

    Parameters
    ----------
    client : MlflowClient
    name, version : str
    force : bool
        Even if the version has not passed the gate; it is then tagged ``forced=true``.

    Raises
    ------
    InputError
        If there is no such version, or it has not passed the gate and `force` is not set.
    """
    candidate = _version(client, name, version)
    current = champion_of(client, name)
    if current == version:
        return f"{name}@{CHAMPION} is version {version} already."
    passed = candidate.tags.get("gate") == "passed"
    if not (passed or force):
        raise InputError(
            f"{name} version {version} {_shortfall(candidate)}; promote another version, or this "
            "one with --force"
        )
    if not passed:
        client.set_model_version_tag(name, version, "forced", "true")
    set_best(client, name, version)
    set_champion(client, name, version)
    replaced = _replaced(current)
    forced = "" if passed else f" It was forced: the version {_shortfall(candidate)}."
    return f"{name}@{CHAMPION} is version {version} now; {replaced}.{forced}"


def rollback(client: MlflowClient, name: str) -> str:
    """Make the champion before this one champion again, and describe that in one sentence.

    Doing it again goes further back. Versions that were deleted meanwhile are skipped.

    Raises
    ------
    InputError
        If there is no such model, or nothing older to go back to.
    """
    model = _model(client, name)
    current, former = champion_of(client, name), _former(model)
    while former:
        version = former.pop()
        if version == current or not _exists(client, name, version):
            continue
        set_best(client, name, version)
        _set(client.set_registered_model_alias, name, CHAMPION, version)
        _keep_former(client, name, former)
        return f"{name}@{CHAMPION} is version {version} again; {_replaced(current)}."
    raise InputError(
        f"{name} has no earlier champion to go back to; choose a version with sidestep promote "
        f"{name} VERSION"
    )


def decide(client: MlflowClient, name: str, version: str, run_id: str) -> Decision:
    """Decide whether a version that passed the gate replaces the champion.

    It does if there is none; if it is better than the best version there was, on the lines that
    both runs held out (the interval of the mean difference is above 0); or if it is shown to be no
    worse than that by more than `MARGIN` (95 %, one-sided) and was learned from more lines than
    the champion. It is always held against the best, never against whichever is in use: a row of
    champions, each a little worse than the one before, would else lead down. Runs of another study
    or response, or without some of the best version's drugs, are not compared: a person promotes
    them.

    Parameters
    ----------
    client : MlflowClient
    name, version : str
        The new version.
    run_id : str
        The run that it came from.
    """
    champion = champion_of(client, name)
    if champion is None:
        return Decision(True, "there was no champion", best=True)
    best = best_of(client, name) or champion
    rival = f"champion version {champion}" if best == champion else f"version {best}, the best yet"
    try:
        old, new = read_run(client, f"{name}/{best}"), read_run(client, run_id)
        if old.study != new.study:
            raise InputError(f"it learned from {new.study}, that from {old.study}")
        lacking = sorted(set(old.predictions["drug"]) - set(new.predictions["drug"]))
        if lacking:
            raise InputError(f"it lacks that one's {textwrap.shorten(', '.join(lacking), 80)}")
        comparison = compare_runs(old, new)
        current = old if best == champion else read_run(client, f"{name}/{champion}")
    except InputError as error:
        return Decision(
            False,
            f"it cannot be compared with {rival} ({error}); to use it, sidestep promote {name} "
            f"{version}",
        )
    if comparison.verdict != "tie":
        better = comparison.verdict == "better"
        return Decision(
            better, f"it is {comparison.verdict} than {rival}: {comparison.numbers}", best=better
        )
    if not comparison.not_worse_by(MARGIN):
        return Decision(
            False,
            f"it is not shown to be within {MARGIN} of {rival} ({comparison.numbers}; it may be "
            f"{-comparison.least:.3f} worse)",
        )
    current_count, count = (run.predictions["sample_id"].nunique() for run in (current, new))
    more = count > current_count
    lines = f"{count} training lines, {'more than' if more else 'not more than'} {current_count}"
    return Decision(
        more, f"it is no worse than {rival} by {MARGIN} ({comparison.numbers}) and has {lines}"
    )


def _replaced(version: str | None) -> str:
    return "there was none" if version is None else f"it was version {version}"


def _model(client: MlflowClient, name: str) -> RegisteredModel:
    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise InputError(
            f"no model is registered as {name!r}; see those that are with sidestep models"
        ) from None


def _version(client: MlflowClient, name: str, version: str) -> ModelVersion:
    _model(client, name)
    try:
        return client.get_model_version(name, version)
    except MlflowException:
        numbers = sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'"))
        existing = ", ".join(map(str, numbers)) or "none"
        raise InputError(f"{name} has no version {version}; it has {existing}") from None


def _exists(client: MlflowClient, name: str, version: str) -> bool:
    try:
        client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def _shortfall(version: ModelVersion) -> str:
    """What keeps a version from being champion, as "failed the gate"."""
    if version.tags.get("gate") != "failed":
        return "has no record of the gate"
    reason = version.tags.get("gate_reason")
    return f"failed the gate ({reason})" if reason else "failed the gate"


def _former(model: RegisteredModel) -> list[str]:
    return [version for version in model.tags.get(FORMER, "").split(",") if version]


def _set(setter: Callable[[str, str, str], None], name: str, key: str, value: str) -> None:
    """Set a tag or an alias of a registered model.

    MLflow looks whether it is there and adds it if it is not: of two workers that do so at once the
    database lets one alone. Asked again, the other finds it there and changes it.
    """
    try:
        setter(name, key, value)
    except MlflowException as error:
        if error.error_code != _REFUSED:
            raise
        setter(name, key, value)


def _keep_former(client: MlflowClient, name: str, former: list[str]) -> None:
    _set(client.set_registered_model_tag, name, FORMER, ",".join(former))
    if former:
        _set(client.set_registered_model_alias, name, PREVIOUS, former[-1])
    elif PREVIOUS in _model(client, name).aliases:
        client.delete_registered_model_alias(name, PREVIOUS)
