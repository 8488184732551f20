"""The predictor is kept as an MLflow model that loads on any machine, without our checkout."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

from sidestep.features.study.measurements import measurements_of
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.files import DIGEST_TAG
from sidestep.models.registry.load import digest_of
from sidestep.models.score_columns import SCORES
from sidestep.training.reports.model_card import CARD_FILE, model_card
from sidestep.training.retrain import Retrain

MODEL_NAME = "model"
# The folder of `sidestep` itself, in a checkout as in site-packages.
_PACKAGE = Path(__file__).parents[2]
_NEEDS = (
    "mlflow", "numba", "numpy", "pandas", "platformdirs", "pyarrow", "scipy", "scikit-learn",
    "threadpoolctl", "xgboost-cpu", "xgboost",
)  # fmt: skip
#: Folders of the code that a saved model brings along.
_SHIPPED = ("features", "models", "serving")
#: MLflow loads this module, which is not imported here.
_LOADER = "sidestep.serving.served"
_EXAMPLE_ROWS = 20
#: MLflow's types of the columns. It is not told what goes in: it would cut a wide table down to the
#: columns of a long one, and take no integer for a number.
_TYPES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.int32(): "integer",
    pa.bool_(): "boolean",
}
_SIGNATURE = ModelSignature(
    outputs=Schema([ColSpec(_TYPES[column.type], column.name) for column in SCORES])
)


def log_model(
    client: MlflowClient, retrain: Retrain, *, experiment_id: str, run_id: str, tags: dict[str, str]
) -> str:
    """Log the predictor once, as an output of the run; return the model's identifier.

    It is data for `serving.served`, together with the source of `features`, `models` and `serving`,
    their curated tables, the columns of its answers, an input example, pinned requirements and the
    model's card. The tag `digest` keeps the digest of the predictor's files as they were written
    here.
    """
    logged = client.create_logged_model(
        experiment_id, MODEL_NAME, source_run_id=run_id, tags=tags, model_type="sidestep"
    )
    try:
        with tempfile.TemporaryDirectory(prefix="sidestep-model-") as folder:
            data, whole = Path(folder) / "predictor", Path(folder) / MODEL_NAME
            save_predictor(retrain.predictor, data)
            client.set_logged_model_tags(logged.model_id, {DIGEST_TAG: digest_of(data)})
            mlflow.pyfunc.save_model(
                path=str(whole),
                loader_module=_LOADER,
                data_path=str(data),
                code_paths=[str(_shipped_source(Path(folder)))],
                signature=_SIGNATURE,
                input_example=example_of(retrain),
                pip_requirements=requirements(),
                mlflow_model=Model(
                    artifact_path=logged.artifact_location,
                    run_id=run_id,
                    model_id=logged.model_id,
                    model_uuid=logged.model_id,
                ),
            )
            (whole / CARD_FILE).write_text(model_card(retrain), encoding="utf-8")
            client.log_model_artifacts(logged.model_id, str(whole))
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)


def example_of(retrain: Retrain) -> pd.DataFrame:
    """Some measurements of the training line that has most modalities, some of each."""
    lines = retrain.panel.values.index
    having = sum(lines.isin(samples).astype(int) for samples in retrain.study.profiled().values())
    line = retrain.study.select([lines[int(np.argmax(having))]])
    rows = measurements_of(line).groupby("modality", sort=False).head(_EXAMPLE_ROWS)
    return rows.reset_index(drop=True)


def requirements() -> list[str]:
    """What scoring needs, pinned to what is installed here."""
    pinned = []
    for name in _NEEDS:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue  # xgboost comes as either of two distributions
    return pinned


def _shipped_source(into: Path) -> Path:
    """Copy what loading needs, as a package ``sidestep`` of its own.

    It is found by that name only, so a host's own package `models` is never taken for it.
    """
    source = into / _PACKAGE.name
    source.mkdir()
    shutil.copy(_PACKAGE / "__init__.py", source)
    for folder in _SHIPPED:
        shutil.copytree(
            _PACKAGE / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return source
