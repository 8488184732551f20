"""MLflow, imported inside `quiet_mlflow`, reports to nobody and prints warnings only.

So this module imports nothing of MLflow, and what it runs imports it when called.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

#: Experiment that runs are kept in where no other is named.
DEFAULT_EXPERIMENT = "sidestep"
#: MLflow reports to its makers how it is used, unless these are set.
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_SETTINGS = NO_TELEMETRY | {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that does not answer is given up in seconds
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Keep MLflow quiet in a block, or in a function that this decorates.

    What the user has set in the environment stays as it is.
    """
    added = [name for name in _SETTINGS if name not in os.environ]
    os.environ.update({name: _SETTINGS[name] for name in added})
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)
        for name in added:
            os.environ.pop(name, None)
