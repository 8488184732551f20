"""What does the model say of a few samples? One chunk of a study's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from sidestep.features.builders.joiner import coverage
from sidestep.features.study.study import Study
from sidestep.models.damage import DamagedModelError
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.output import as_table
from sidestep.serving.evidence.databases import NO_KNOWLEDGE, OutsideKnowledge
from sidestep.serving.evidence.evidence import EVIDENCE, evidence_rows
from sidestep.serving.scoring.explanations import EXPLANATIONS, explanation_rows
from sidestep.serving.scoring.gene_sets import GENE_SETS, gene_set_rows
from sidestep.serving.scoring.mechanisms import MECHANISM_SUMS, mechanism_rows
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.outlook import Samples, outlook, samples_of
from sidestep.serving.scoring.quarantine import failed, not_finite, unusable
from sidestep.serving.scoring.scores import SCORES, largest, score_rows
from sidestep.serving.scoring.stability import stability

#: Tables that a chunk has rows of, and their columns.
TABLES = {
    "scores": SCORES,
    "explanations": EXPLANATIONS,
    "mechanisms": MECHANISM_SUMS,
    "evidence": EVIDENCE,
    "gene_sets": GENE_SETS,
}


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
    rows : dict of str to pyarrow.Table
        Table of `TABLES` -> its rows; samples in study order, drugs in the model's order within
        a sample.
    """

    coverage: pd.DataFrame
    quarantined: dict[str, str]
    rows: dict[str, pa.Table]

    def tables(self) -> dict[str, pa.Table]:
        """All of it as tables, to be written."""
        reasons = [self.quarantined.get(str(sample)) for sample in self.coverage.index]
        samples = {
            "sample_id": pa.array(self.coverage.index, pa.string()),
            "quarantined": pa.array(reasons, pa.string()),
            **{str(name): pa.array(part, pa.float64()) for name, part in self.coverage.items()},
        }
        return {"samples": pa.table(samples), **self.rows}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table]) -> Self:
        """Chunk that `tables` described."""
        samples = tables["samples"].to_pandas().set_index("sample_id")
        reasons = samples.pop("quarantined").dropna()
        return cls(samples, reasons.to_dict(), {name: tables[name] for name in TABLES})


@dataclass(frozen=True)
class Asked:
    """What is asked of every chunk of a job.

    Attributes
    ----------
    model : LoadedModel
    drugs : sequence of DrugModel
        Of the model.
    options : ScoreOptions
    knowledge : OutsideKnowledge
    """

    model: LoadedModel
    drugs: Sequence[DrugModel]
    options: ScoreOptions
    knowledge: OutsideKnowledge


def score_tables(asked: Asked, part: Study) -> dict[str, pa.Table]:
    """Score some samples, on one thread, so that no sum depends on the machine's cores."""
    with threadpool_limits(1):
        chunk = score_chunk(asked.model, asked.drugs, part, asked.options, asked.knowledge)
    return chunk.tables()


def score_chunk(
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    part: Study,
    options: ScoreOptions,
    knowledge: OutsideKnowledge = NO_KNOWLEDGE,
) -> ScoredChunk:
    """Score some samples; those that cannot be scored are quarantined, each by itself.

    What is scored of a sample does not depend on which others stand beside it, so that an error
    is hunted down to the samples that raise it by scoring halves.
    """
    try:
        return _predicted(model, drugs, part, options, knowledge)
    except (MemoryError, OSError, DamagedModelError):
        raise  # the machine's or the model's fault, not a sample's
    except Exception as failure:
        samples = list(part.samples)
        if len(samples) == 1:
            return _nothing(pd.DataFrame(index=part.samples), {samples[0]: failed(failure)})
        middle = len(samples) // 2
        halves = [part.select(half) for half in (samples[:middle], samples[middle:])]
        return _joined([score_chunk(model, drugs, half, options, knowledge) for half in halves])


def _predicted(
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    part: Study,
    options: ScoreOptions,
    knowledge: OutsideKnowledge,
) -> ScoredChunk:
    """All that the predictor says of some samples: the only place where it is asked."""
    predictor = model.predictor
    features = predictor.features(part)
    covered = coverage(features)
    quarantined = unusable(features)
    kept = features.index.drop(list(quarantined))
    if not len(kept):
        return _nothing(covered, quarantined)
    samples = samples_of(predictor, part, features.loc[kept])
    told = [_of_drug(model, drug, samples, options) for drug in drugs]
    rows = {name: _by_sample([of_drug[name] for of_drug in told], len(kept)) for name in told[0]}
    said = {
        drug.name: _Said.of(of_drug["scores"]) for drug, of_drug in zip(drugs, told, strict=True)
    }
    standing = knowledge.stand(samples.features, predictor.nearest)
    rows["evidence"] = evidence_rows(
        part.select(list(kept)), predictor, list(said), said, knowledge.civic, standing
    )
    rows["gene_sets"] = gene_set_rows(kept, standing)
    return _chunk(covered, quarantined, rows)


@dataclass(frozen=True)
class _Said:
    """What the evidence is held against: the model's own view of one drug."""

    call: np.ndarray
    percentile: np.ndarray

    @classmethod
    def of(cls, scores: pd.DataFrame) -> Self:
        return cls(
            scores["call"].to_numpy(dtype=object), scores["resistance_percentile"].to_numpy(float)
        )


def _of_drug(
    model: LoadedModel, drug: DrugModel, samples: Samples, options: ScoreOptions
) -> dict[str, pd.DataFrame]:
    """Rows of each of `TABLES` that is by drug, of some samples and one drug."""
    said = outlook(
        model.predictor, drug, samples, level=options.level, her2_context=options.her2_context
    )
    values = said.contributions.values
    chosen = largest(values, samples.named.order, options.top_k)
    steady = stability(drug, samples, values, chosen)
    return {
        "scores": score_rows(model, drug, samples, said, steady.agreement),
        "explanations": explanation_rows(drug, samples, values, chosen, steady),
        "mechanisms": mechanism_rows(drug, samples, values),
    }


def _chunk(
    covered: pd.DataFrame, quarantined: dict[str, str], rows: Mapping[str, pd.DataFrame]
) -> ScoredChunk:
    """A chunk of rows of each of `TABLES`, without the samples that must not be told."""
    wrong = not_finite(rows["scores"], rows["explanations"])
    kept = {
        name: as_table(table[~table["sample_id"].isin(list(wrong))], TABLES[name])
        for name, table in rows.items()
    }
    return ScoredChunk(covered, quarantined | wrong, kept)


def _nothing(covered: pd.DataFrame, quarantined: dict[str, str]) -> ScoredChunk:
    """A chunk without a sample that could be scored."""
    empty = {name: schema.empty_table() for name, schema in TABLES.items()}
    return ScoredChunk(covered, quarantined, empty)


def _joined(parts: Sequence[ScoredChunk]) -> ScoredChunk:
    """Chunks that follow each other, as one."""
    return ScoredChunk(
        pd.concat([part.coverage for part in parts]),
        {sample: why for part in parts for sample, why in part.quarantined.items()},
        {name: pa.concat_tables([part.rows[name] for part in parts]) for name in TABLES},
    )


def _by_sample(tables: Sequence[pd.DataFrame], n_samples: int) -> pd.DataFrame:
    """Tables of one drug each, sample after sample, as one table with a sample's drugs together."""
    joined = pd.concat(tables, ignore_index=True)
    places = np.arange(len(joined)).reshape(len(tables), n_samples, -1)
    return joined.iloc[places.transpose(1, 0, 2).ravel()].reset_index(drop=True)
