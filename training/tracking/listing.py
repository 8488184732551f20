"""The registered models of a store: every version, what it learned, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

_PAGE = 200


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model.

    Attributes
    ----------
    name, version : str
    aliases : tuple of str
        Such as ``champion``.
    response, study : str
        That it was trained on; empty where nobody recorded them.
    drugs, lines : int or None
        That it learned, and from how many; None where its run is gone.
    pearson, best_baseline : float or None
        Mean Pearson r over the drugs (AUC of a binary response), out of fold, of the model and of
        its best baseline.
    gate : str
        ``passed`` or ``failed``; empty where nobody judged.
    simulated : bool
        Whether it learned from simulated data.
    registered : str
        Day, as ``2026-11-29``.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    response: str
    study: str
    drugs: int | None
    lines: int | None
    pearson: float | None
    best_baseline: float | None
    gate: str
    simulated: bool
    registered: str

    def plain(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return asdict(self) | {"aliases": list(self.aliases)}


def registered_versions(client: MlflowClient) -> list[RegisteredVersion]:
    """All versions of all registered models: models by name, the newest version first."""
    models = {model.name: model for model in _pages(client.search_registered_models)}
    versions: list[ModelVersion] = list(_pages(client.search_model_versions))
    versions.sort(key=lambda found: (found.name, -int(found.version)))
    return [_described(client, models[found.name], found) for found in versions]


def listing(versions: list[RegisteredVersion]) -> Iterator[str]:
    """Lines of a table for a person."""
    if not versions:
        yield "No model is registered; sidestep train --register NAME registers one."
        return
    rows = [
        {
            "model": found.name,
            "version": found.version,
            "alias": ", ".join(found.aliases) or "-",
            "response": found.response or "-",
            "drugs": _shown(found.drugs, "d"),
            "trained on": (found.study or "-") + (" (simulated)" if found.simulated else ""),
            "lines": _shown(found.lines, "d"),
            "r": _shown(found.pearson, ".3f"),
            "baseline": _shown(found.best_baseline, ".3f"),
            "gate": found.gate or "-",
            "registered": found.registered,
        }
        for found in versions
    ]
    yield from pd.DataFrame(rows).to_string(index=False, justify="left").splitlines()
    yield (
        "r: mean Pearson r (AUC of a binary response) over the drugs on held-out lines; baseline: "
        "the best baseline's. "
        "--model NAME takes the champion."
    )


def _described(
    client: MlflowClient, model: RegisteredModel, found: ModelVersion
) -> RegisteredVersion:
    run = _run(client, found.run_id)
    metrics = {} if run is None else run.data.metrics
    parameters = {} if run is None else run.data.params
    headline = next((name for name in ("pearson", "auc") if name in metrics), "pearson")
    r, gain = metrics.get(headline), metrics.get(f"{headline}_minus_best_baseline")
    version = str(found.version)
    aliases = (alias for alias, other in model.aliases.items() if str(other) == version)
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)
    return RegisteredVersion(
        name=found.name,
        version=version,
        aliases=tuple(sorted(aliases)),
        response=found.tags.get("response", ""),
        study=found.tags.get("study", ""),
        drugs=_count(parameters.get("data.drugs")),
        lines=_count(parameters.get("data.lines")),
        pearson=r,
        best_baseline=None if r is None or gain is None else r - gain,
        gate=found.tags.get("gate", ""),
        simulated=found.tags.get("simulated") == "true",
        registered=f"{created:%Y-%m-%d}",
    )


def _run(client: MlflowClient, run_id: str | None) -> Run | None:
    """The training's run; None where it is gone."""
    try:
        return client.get_run(run_id) if run_id else None
    except MlflowException:
        return None


def _pages(search: Any) -> Iterator[Any]:
    """All that a search of MLflow finds, page after page."""
    token = None
    while True:
        page = search(max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
