"""What does the model say of a few samples? One chunk of a study's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa

from features.builders.joiner import coverage
from features.study import Study
from models.drug_model import DrugModel
from models.registry import LoadedModel
from serving.calls import outlook, samples_of
from serving.explanations import EXPLANATIONS, explanation_rows
from serving.options import ScoreOptions
from serving.output import as_table
from serving.quarantine import failed, not_finite, unusable
from serving.scores_table import SCORES, score_rows


@dataclass(frozen=True)
class ScoredChunk:
    """Some samples of a study with their scores.

    Attributes
    ----------
    coverage : DataFrame of shape (n_samples, n_modalities)
        Share of each modality's features, of all samples of the chunk; without columns for a
        sample whose features could not be built.
    quarantined : dict of str to str
        Sample -> why it has no scores.
    scores, explanations : pyarrow.Table
        With the columns of `SCORES` and `EXPLANATIONS`; samples in study order, drugs in the
        model's order within a sample.
    """

    coverage: pd.DataFrame
    quarantined: dict[str, str]
    scores: pa.Table
    explanations: pa.Table

    def tables(self) -> dict[str, pa.Table]:
        """All of it as tables, to be written."""
        reasons = [self.quarantined.get(str(sample)) for sample in self.coverage.index]
        samples = {
            "sample_id": pa.array(self.coverage.index, pa.string()),
            "quarantined": pa.array(reasons, pa.string()),
            **{str(name): pa.array(part, pa.float64()) for name, part in self.coverage.items()},
        }
        return {
            "samples": pa.table(samples),
            "scores": self.scores,
            "explanations": self.explanations,
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table]) -> Self:
        """Chunk that `tables` described."""
        samples = tables["samples"].to_pandas().set_index("sample_id")
        reasons = samples.pop("quarantined").dropna()
        return cls(samples, reasons.to_dict(), tables["scores"], tables["explanations"])


def score_chunk(
    model: LoadedModel, drugs: Sequence[DrugModel], part: Study, options: ScoreOptions
) -> ScoredChunk:
    """Score some samples; those that cannot be scored are quarantined, each by itself.

    What is scored of a sample does not depend on which others stand beside it, so that an error
    is hunted down to the samples that raise it by scoring halves.
    """
    try:
        return _predicted(model, drugs, part, options)
    except (MemoryError, OSError):
        raise  # the machine's fault, not a sample's
    except Exception as failure:
        samples = list(part.samples)
        if len(samples) == 1:
            return _chunk(pd.DataFrame(index=part.samples), {samples[0]: failed(failure)}, [], [])
        middle = len(samples) // 2
        halves = [part.select(half) for half in (samples[:middle], samples[middle:])]
        return _joined([score_chunk(model, drugs, half, options) for half in halves])


def _predicted(
    model: LoadedModel, drugs: Sequence[DrugModel], part: Study, options: ScoreOptions
) -> ScoredChunk:
    """All that the predictor says of some samples: the only place where it is asked."""
    predictor = model.predictor
    features = predictor.features(part)
    covered = coverage(features)
    quarantined = unusable(features)
    kept = features.index.drop(list(quarantined))
    features = features.loc[kept]
    scores, explanations = [], []
    if len(kept):
        samples = samples_of(predictor, part, features)
        for drug in drugs:
            said = outlook(
                predictor,
                drug,
                samples,
                level=options.level,
                her2_context=options.her2_context,
            )
            scores.append(score_rows(model, drug, samples, said))
            explanations.append(explanation_rows(drug, features, said.contributions, options.top_k))
    return _chunk(covered, quarantined, scores, explanations)


def _chunk(
    covered: pd.DataFrame,
    quarantined: dict[str, str],
    scores: Sequence[pd.DataFrame],
    explanations: Sequence[pd.DataFrame],
) -> ScoredChunk:
    """A chunk of tables of one drug each, without the samples that must not be told."""
    if not scores:
        return ScoredChunk(covered, quarantined, SCORES.empty_table(), EXPLANATIONS.empty_table())
    n_samples = len(covered) - len(quarantined)
    told, why = _by_sample(scores, n_samples), _by_sample(explanations, n_samples)
    wrong = not_finite(told, why)
    told, why = (table[~table["sample_id"].isin(list(wrong))] for table in (told, why))
    return ScoredChunk(
        covered, quarantined | wrong, as_table(told, SCORES), as_table(why, EXPLANATIONS)
    )


def _joined(parts: Sequence[ScoredChunk]) -> ScoredChunk:
    """Chunks that follow each other, as one."""
    return ScoredChunk(
        pd.concat([part.coverage for part in parts]),
        {sample: why for part in parts for sample, why in part.quarantined.items()},
        pa.concat_tables([part.scores for part in parts]),
        pa.concat_tables([part.explanations for part in parts]),
    )


def _by_sample(tables: Sequence[pd.DataFrame], n_samples: int) -> pd.DataFrame:
    """Tables of one drug each, sample after sample, as one table with a sample's drugs together."""
    joined = pd.concat(tables, ignore_index=True)
    places = np.arange(len(joined)).reshape(len(tables), n_samples, -1)
    return joined.iloc[places.transpose(1, 0, 2).ravel()].reset_index(drop=True)
