"""What lies in a score folder? Its tables, checked, and given back sample by sample."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.builders.names import MODALITIES
from features.errors import InputError
from serving.output import KIND, MANIFEST
from serving.report.sample_scores import SampleScores, assembled

_SCORES, _EXPLANATIONS, _MECHANISMS, _REFERENCE, _EVIDENCE = (
    f"{name}.parquet" for name in ("scores", "explanations", "mechanisms", "reference", "evidence")
)
#: What a report needs of each table.
_COLUMNS = {
    _SCORES: """sample_id drug response unit prediction lower upper level resistance_percentile
        call reasons modalities applicability base_value explanation_agreement""".split(),
    _EXPLANATIONS: """sample_id drug rank feature modality mechanism value contribution
        top_k_share stable""".split(),
    _MECHANISMS: "sample_id drug mechanism contribution".split(),
    _REFERENCE: "drug modalities quantile predicted observed".split(),
    _EVIDENCE: (
        "sample_id drug fact direction strength statement alternatives source agreement"
    ).split(),
}
_FACTS = ("model", "study", "counts", "coverage", "quarantined", "options", "drugs")
_AGAIN = "score the study again with sidestep score"


@dataclass(frozen=True)
class ScoreFolder:
    """An output of `sidestep score`.

    Attributes
    ----------
    path : Path
    manifest : dict
    scores : DataFrame
        ``scores.parquet`` as it is.
    reference : DataFrame
        ``reference.parquet`` as it is.
    """

    path: Path
    manifest: dict[str, Any]
    scores: pd.DataFrame
    reference: pd.DataFrame

    @property
    def samples(self) -> list[str]:
        """Scored samples, in study order."""
        return [str(sample) for sample in self.scores["sample_id"].unique()]

    @property
    def modalities(self) -> list[str]:
        """Those that the model uses."""
        return [name for name in MODALITIES if name in self.manifest["coverage"]]

    def each_sample(self) -> Iterator[SampleScores]:
        """Samples in study order; only a part of the explanations is in memory at a time.

        Raises
        ------
        InputError
            If the tables do not hold the same samples.
        """
        names = (_EXPLANATIONS, _MECHANISMS)
        evidence = self._evidence()
        with (
            closing(_by_sample(self.path / names[0])) as explained,
            closing(_by_sample(self.path / names[1])) as mechanisms,
        ):
            for sample, rows in self.scores.groupby("sample_id", sort=False):
                parts = [next(explained, None), next(mechanisms, None)]
                for name, part in zip(names, parts, strict=True):
                    if not part or part[0]["sample_id"] != sample:
                        raise InputError(f"{self.path / name} lacks sample {sample}; {_AGAIN}")
                features, sums = (part or [] for part in parts)
                facts = evidence.get(str(sample), [])
                yield assembled(str(sample), rows, features, sums, facts)

    def one_sample(self, sample: str) -> SampleScores:
        """A single sample.

        Raises
        ------
        InputError
            If it was not scored; it suggests the nearest names.
        """
        rows = self.scores[self.scores["sample_id"] == sample]
        if rows.empty:
            raise InputError(self._unknown(sample))
        features, sums = (
            _read(self.path / name, [("sample_id", "==", sample)]).to_pylist()
            for name in (_EXPLANATIONS, _MECHANISMS)
        )
        return assembled(sample, rows, features, sums, self._evidence().get(sample, []))

    def _unknown(self, sample: str) -> str:
        if sample in self.manifest["quarantined"]:
            return (
                f"sample {sample} has no scores in {self.path}: "
                f"{self.manifest['quarantined'][sample]}"
            )
        near = get_close_matches(sample, self.samples, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else (
            f"it has {len(self.samples):,} samples, {self.samples[0]} among them"
        )  # fmt: skip
        return f"{self.path} has no sample {sample!r}; {hint}"

    def _evidence(self) -> dict[str, list[dict[str, Any]]]:
        """Facts of each sample; none where no evidence was looked for."""
        path = self.path / _EVIDENCE
        if not path.exists():
            return {}
        found: dict[str, list[dict[str, Any]]] = {}
        for row in _read(path).to_pylist():
            found.setdefault(str(row["sample_id"]), []).append(row)
        return found


def read_score_folder(path: Path) -> ScoreFolder:
    """Read an output of `sidestep score`.

    Raises
    ------
    InputError
        If `path` is none, lacks a file or column (an older one), or a file cannot be read.
    """
    manifest = _manifest(path)
    missing = [name for name in _FACTS if name not in manifest]
    if missing:
        raise InputError(
            f"{path / MANIFEST} lacks {', '.join(missing)}, written by an older version; {_AGAIN}"
        )
    for name in (_EXPLANATIONS, _MECHANISMS):
        _require_columns(path / name)
    scores, reference = (_read(path / name).to_pandas() for name in (_SCORES, _REFERENCE))
    if scores.empty:
        raise InputError(f"{path / _SCORES} has no rows; {_AGAIN}")
    described = {drug["name"] for drug in manifest["drugs"]}
    for drug in scores["drug"].unique():
        if drug not in described:
            raise InputError(f"{path / MANIFEST} does not describe drug {drug}; {_AGAIN}")
    return ScoreFolder(path, manifest, scores, reference)


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise InputError(f"{path} {what}; give a folder that sidestep score wrote")
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise InputError(
            f"{path} holds no {MANIFEST} of sidestep score; give a folder that it wrote"
        )
    return manifest


def _read(path: Path, filters: list[tuple[str, str, str]] | None = None) -> pa.Table:
    _require_columns(path)
    try:
        return pq.read_table(path, filters=filters)
    except (OSError, pa.ArrowException) as failure:
        raise InputError(f"{path} cannot be read ({_first_line(failure)}); {_AGAIN}") from failure


def _require_columns(path: Path) -> None:
    """Refuse a table that is missing, or was written before its columns were what they are."""
    if not path.exists():
        raise InputError(f"{path} is missing, as in folders of older versions; {_AGAIN}")
    try:
        names = pq.read_schema(path).names
    except (OSError, pa.ArrowException) as failure:
        raise InputError(f"{path} cannot be read ({_first_line(failure)}); {_AGAIN}") from failure
    missing = [name for name in _COLUMNS[path.name] if name not in names]
    if missing:
        raise InputError(
            f"{path} lacks column {', '.join(missing)}, as in folders of older versions; {_AGAIN}"
        )


def _first_line(failure: Exception) -> str:
    return str(failure).partition("\n")[0].rstrip(".")


def _by_sample(path: Path) -> Generator[list[dict[str, Any]]]:
    """Rows of each sample, which stand together in the file, in the file's order."""
    rest: pa.Table | None = None
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            piece = pa.Table.from_batches([batch])
            rows = piece if rest is None else pa.concat_tables([rest, piece])
            names = rows["sample_id"].to_numpy()
            starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist()]
            for start, end in pairwise(starts):
                yield rows.slice(start, end - start).to_pylist()
            rest = rows.slice(starts[-1])
    if rest is not None and len(rest):
        yield rest.to_pylist()
