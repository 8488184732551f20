"""What was scored, with what, and what was left out? The content of ``manifest.json``."""

from __future__ import annotations

import hashlib
import json
import platform
import secrets
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
import xgboost

from features.study import Study
from models.drug_model import DrugModel
from models.registry import LoadedModel
from serving.explanations import EXPLANATIONS
from serving.scores_table import SCORES


def describe(
    study: Study,
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    options: Mapping[str, Any],
    coverage: pd.DataFrame,
    quarantined: Mapping[str, str],
    calls: Mapping[str, int],
) -> dict[str, Any]:
    """Contents of the manifest, as plain values.

    No time of day is in it: the same study and model give the same manifest.

    Parameters
    ----------
    study : Study
    model : LoadedModel
    drugs : sequence of DrugModel
        Those scored.
    options : mapping
        What was asked for; nothing that leaves no trace in the scores.
    coverage : DataFrame of shape (n_samples, n_modalities)
        Of all samples of the study, as `features.builders.joiner.coverage` returns.
    quarantined : mapping of str to str
        Sample -> why it has no scores.
    calls : mapping of str to int
        Call -> rows that have it.
    """
    n_scored = len(coverage) - len(quarantined)
    trained_on_simulated = bool(model.predictor.training.get("simulated", False))
    return {
        "simulated": study.simulated or trained_on_simulated,
        "model": _model(model, trained_on_simulated),
        "study": {
            "id": study.study_id,
            "name": study.name,
            "path": None if study.path is None else study.path.resolve().as_posix(),
            "digests": dict(study.digests),
            "simulated": study.simulated,
            "warnings": [p.message for p in study.problems if p.severity == "warning"],
        },
        "counts": {
            "samples": len(coverage),
            "samples_scored": n_scored,
            "samples_quarantined": len(quarantined),
            "drugs": len(drugs),
            "rows": n_scored * len(drugs),
            "calls": dict(calls),
        },
        "coverage": {str(name): _coverage(shares) for name, shares in coverage.items()},
        "quarantined": dict(quarantined),
        "options": dict(options),
        "software": software_versions(),
    }


def job_digest(study: Study, model: LoadedModel, options: Mapping[str, Any], chunk: int) -> str:
    """Digest (sha256) of everything that the chunks of a scoring job depend on.

    Two jobs with the same digest make the same chunks, so that one can go on with the other's.
    A study or model without digests of its files is like no other.

    Parameters
    ----------
    study : Study
        As it was read; `study.digests` stand for its content.
    model : LoadedModel
    options : mapping
        As in `describe`.
    chunk : int
        Samples a chunk.
    """
    parts: dict[str, Any] = {
        "study": dict(study.digests) or secrets.token_hex(),
        "samples": list(study.samples),
        "model": [model.name, model.version, model.digest or secrets.token_hex()],
        "options": dict(options),
        "chunk": chunk,
        "columns": [str(SCORES), str(EXPLANATIONS)],
        "software": software_versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def software_versions() -> dict[str, str]:
    """Python and the packages that make the numbers and the files."""
    try:
        sidestep = version("sidestep")
    except PackageNotFoundError:  # run from a checkout
        sidestep = "not installed"
    return {
        "sidestep": sidestep,
        "python": platform.python_version(),
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "scikit-learn": sklearn.__version__,
        "xgboost": xgboost.__version__,
    }


def _model(model: LoadedModel, simulated: bool) -> dict[str, Any]:
    scale, training = model.predictor.scale, model.predictor.training
    return {
        "name": model.name,
        "version": model.version,
        "digest": model.digest,
        "training_study": {
            "id": training.get("study_id"),
            "name": training.get("study_name"),
            "digests": training.get("digests", {}),
        },
        "simulated": simulated,
        "response": scale.stable_id,
        "unit": scale.unit,
        "higher_is_resistant": scale.higher_is_resistant,
    }


def _coverage(shares: pd.Series) -> dict[str, Any]:
    """Samples that have a modality, and the mean share of its features that these have."""
    present = shares[shares > 0]
    return {
        "samples": len(present),
        "mean_share_of_features": round(float(present.mean()), 6) if len(present) else None,
    }
