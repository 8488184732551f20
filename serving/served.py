"""A model served by MLflow: measurements in, and out what ``scores.parquet`` would hold.

MLflow loads it by the name of this module (`loader_module`), so that the saved model holds data
and no pickle. The input is a table of measurements (`features.study.measurements`), and it is
scored as a study is: the numbers are those of `sidestep score`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from sidestep.features.errors import InputError
from sidestep.features.knowledge.drugs import standard_name
from sidestep.features.study.measurements import study_of_measurements
from sidestep.models.predictor.cohort_files import read_cohorts
from sidestep.models.predictor.storage import load_predictor
from sidestep.models.registry.load import LoadedModel, digest_of
from sidestep.models.score_columns import SCORES
from sidestep.serving.disk.coded import plain
from sidestep.serving.evidence.databases import NO_KNOWLEDGE
from sidestep.serving.scoring.chunk import ChunkRequest, score_part
from sidestep.serving.scoring.options import DEFAULT_OPTIONS
from sidestep.serving.scoring.reasons import NOT_PREDICTED
from sidestep.serving.scoring.samples import by_sample

_CHUNK = 256
#: What MLflow notes in the folder of a model that it has fetched from a registry.
_REGISTERED = "registered_model_meta"


class RefusedInputError(InputError, MlflowException):
    """An `InputError` that MLflow's server answers with status 400 and its sentence."""

    def __init__(self, sentence: str) -> None:
        MlflowException.__init__(self, sentence, error_code=INVALID_PARAMETER_VALUE)


class ServedModel:
    """A model that answers with the columns of ``scores.parquet``.

    Parameters
    ----------
    model : LoadedModel
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score a table of measurements for every drug of the model.

        Parameters
        ----------
        model_input : DataFrame
            Long or wide, as `features.study.measurements.study_of_measurements` takes it.
        params : dict, optional
            Not used.

        Returns
        -------
        DataFrame
            One row a sample and drug with the columns of `models.score_columns.SCORES`: samples
            in the order in which the input first names them, drugs in the model's. What is
            missing is None, which JSON has a word for. A training line is answered by the model
            of its fold, which has not seen it. A sample that cannot be predicted has the call
            ``abstain`` with the reason ``NOT_PREDICTED`` and no numbers.

        Raises
        ------
        RefusedInputError
            If the input is no table of measurements, or holds what cannot be read.
        """
        try:
            study = study_of_measurements(_table(model_input))
        except InputError as error:
            raise RefusedInputError(str(error)) from None
        drugs = self.model.predictor.choose(None)
        request = ChunkRequest(self.model, drugs, DEFAULT_OPTIONS, NO_KNOWLEDGE)
        samples = study.samples
        parts = [SCORES.empty_table().to_pandas()]
        for start in range(0, len(samples), _CHUNK):
            part = study.select(list(samples[start : start + _CHUNK]))
            chunk = score_part(request, part)
            told = (plain(chunk.rows["scores"]), self._not_predicted(list(chunk.quarantined)))
            parts += [table.to_pandas() for table in told if table.num_rows]
        return by_sample(parts[1:] or parts, samples).apply(_with_none)

    def _not_predicted(self, samples: list[str]) -> pa.Table:
        """Rows of samples that were set apart."""
        scale = self.model.predictor.scale
        rows = [
            {
                "sample_id": sample,
                "drug": drug.name,
                "drug_name": standard_name(drug.name),
                "response": scale.stable_id,
                "unit": scale.unit,
                "call": "abstain",
                "reasons": NOT_PREDICTED.code,
                "model_name": self.model.name,
                "model_version": self.model.version,
            }
            for sample in samples
            for drug in self.model.predictor.choose(None)
        ]
        return pa.Table.from_pylist(rows, schema=SCORES)


def _table(given: object) -> pd.DataFrame:
    """What MLflow hands over as a table; columns of lists are what its ``inputs`` become."""
    if isinstance(given, dict) and all(hasattr(column, "__len__") for column in given.values()):
        try:
            return pd.DataFrame({name: list(column) for name, column in given.items()})
        except ValueError as error:
            raise InputError(f"measurements are no table ({error}); give columns alike") from None
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        return pd.DataFrame(given)
    if not isinstance(given, pd.DataFrame):
        raise InputError(
            f"measurements are a {type(given).__name__}; give a table, to a server as "
            "dataframe_split or dataframe_records"
        )
    return given


def _with_none(column: pd.Series) -> pd.Series:
    """The column, with None for what is missing: JSON has no NaN."""
    missing = column.isna()
    return column.astype(object).where(~missing, None) if missing.any() else column


def _load_pyfunc(data_path: str) -> ServedModel:
    """MLflow's entry point."""
    folder = Path(data_path)
    name, version = _registered_as(folder)
    predictor, digest = load_predictor(folder), digest_of(folder)
    cohorts = read_cohorts(folder, predictor, digest)
    return ServedModel(LoadedModel(predictor, name, version, digest, cohorts))


def _registered_as(folder: Path) -> tuple[str, str]:
    """Name and version of a model that MLflow fetched from a registry; the folder's name else."""
    for above in folder.parents[:2]:
        note = above / _REGISTERED
        if note.is_file():
            lines = (line.partition(":") for line in note.read_text("utf-8").splitlines())
            told = {name.strip(): value.strip().strip("'\"") for name, _, value in lines}
            return told.get("model_name", folder.name), told.get("model_version", "")
    return folder.name, ""
