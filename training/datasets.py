"""Which data was a retrain learned from? The study as an input of its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from sidestep.training.retrain import Retrain

_SHOWN_DIGITS = 10


def study_digest(digests: Mapping[str, str]) -> str:
    """Digest (sha256, hexadecimal) over the names and digests of a study's files.

    Parameters
    ----------
    digests : mapping of str to str
        File name -> sha256 of its bytes, as `features.study.study.Study.digests`.
    """
    lines = (f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def study_input(retrain: Retrain) -> DatasetInput:
    """The study as MLflow shows it: name, digest, folder, and the responses' size and columns.

    The digest is the beginning of `study_digest`; MLflow has room for 36 characters.
    """
    study = retrain.study
    folder = json.dumps({"uri": str(retrain.request.study.resolve())})
    dataset = from_pandas(
        retrain.panel.values.rename_axis(index="sample_id").reset_index(),
        source=get_dataset_source_from_json(folder, "local"),
        name=study.study_id,
        digest=study_digest(study.digests)[:_SHOWN_DIGITS],
    )
    return DatasetInput(
        Dataset(**dataset.to_dict()), tags=[InputTag(MLFLOW_DATASET_CONTEXT, "training")]
    )
