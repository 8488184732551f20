"""One chunk of a study's scores: all tables of a few samples, those that cannot be scored apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from sidestep.features.builders.joiner import coverage
from sidestep.features.builders.once import sharing
from sidestep.features.study.on_disk import SampleSource, StoredStudy
from sidestep.features.study.study import Study
from sidestep.models.damage import DamagedModelError
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.models.score_columns import SCORES
from sidestep.serving.disk.coded import coded, coded_schema, packed, unpacked
from sidestep.serving.disk.output import as_table, reading
from sidestep.serving.evidence.databases import NO_KNOWLEDGE, OutsideKnowledge
from sidestep.serving.evidence.evidence import EVIDENCE, evidence_rows
from sidestep.serving.scoring.drug_tables import drug_tables, regimen_evidence
from sidestep.serving.scoring.explanations import EXPLANATIONS, MECHANISM_SUMS
from sidestep.serving.scoring.gene_sets import GENE_SETS, gene_set_rows
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.quarantine import failed, not_finite, unusable
from sidestep.serving.scoring.regimens import Regimens
from sidestep.serving.scoring.samples import Answered, answered, rows_of
from sidestep.serving.scoring.scores import her2_told
from sidestep.serving.scoring.tumours import References

#: Tables that a chunk has rows of, and their columns.
TABLES = {
    "scores": SCORES,
    "explanations": EXPLANATIONS,
    "mechanisms": MECHANISM_SUMS,
    "evidence": EVIDENCE,
    "gene_sets": GENE_SETS,
}
_TABLES_BY_DRUG = ("scores", "explanations", "mechanisms")


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
        a sample; text as codes (`serving.disk.coded`).
    """

    coverage: pd.DataFrame
    quarantined: dict[str, str]
    rows: dict[str, pa.Table]

    def packed(self) -> bytes:
        """All of it, to be sent and kept."""
        reasons = [self.quarantined.get(str(sample)) for sample in self.coverage.index]
        samples = {
            "sample_id": pa.array(self.coverage.index, pa.string()),
            "quarantined": pa.array(reasons, pa.string()),
            **{str(name): pa.array(part, pa.float64()) for name, part in self.coverage.items()},
        }
        return packed([pa.table(samples), *(self.rows[name] for name in TABLES)])

    @classmethod
    def unpacked(cls, content: bytes) -> Self:
        """Chunk that was `packed`."""
        told, *tables = unpacked(content, 1 + len(TABLES))
        samples = told.to_pandas().set_index("sample_id")
        reasons = samples.pop("quarantined").dropna()
        return cls(samples, reasons.to_dict(), dict(zip(TABLES, tables, strict=True)))


@dataclass(frozen=True)
class ChunkRequest:
    """What every chunk of a job is scored with.

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


def make_ready(request: ChunkRequest) -> None:
    """Import in this process what scoring takes long to import; `request` has been read by then."""
    from sidestep.models import compiled  # noqa: F401


def score_part(request: ChunkRequest, part: SampleSource) -> ScoredChunk:
    """Score some samples, on one thread, so that no sum depends on the machine's cores.

    Raises
    ------
    InputError
        If those of a study on disk cannot be read any more.
    """
    if isinstance(part, StoredStudy):
        with reading(part.path):
            part = part.select(list(part.samples))
    with threadpool_limits(1):
        return score_chunk(request.model, request.drugs, part, request.options, request.knowledge)


def score_packed(request: ChunkRequest, part: SampleSource) -> bytes:
    """Score some samples as `score_part` does, packed to be sent."""
    return score_part(request, part).packed()


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
        with sharing():
            return _score(model, drugs, part, options, knowledge)
    except (MemoryError, OSError, DamagedModelError):
        raise  # the machine's or the model's fault, not a sample's
    except Exception as failure:
        samples = list(part.samples)
        if len(samples) == 1:
            return _empty_chunk(pd.DataFrame(index=part.samples), {samples[0]: failed(failure)})
        middle = len(samples) // 2
        halves = [part.select(half) for half in (samples[:middle], samples[middle:])]
        return _join([score_chunk(model, drugs, half, options, knowledge) for half in halves])


def _score(
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    part: Study,
    options: ScoreOptions,
    knowledge: OutsideKnowledge,
) -> ScoredChunk:
    """Score some samples as they are, all at once."""
    predictor = model.predictor
    features = predictor.features(part)
    shares = coverage(features)
    quarantined = {**unusable(features), **part.failed}
    kept = features.index.drop(list(quarantined))
    if not len(kept):
        return _empty_chunk(shares, quarantined)
    her2 = her2_told(predictor.her2.calls(part, features))
    groups = [
        _group_rows(model, drugs, part, group, options, knowledge, her2)
        for group in answered(
            predictor, part, rows_of(features, kept), References.of(model, options)
        )
    ]
    rows = {name: _joined([tables[name] for tables in groups], kept) for name in TABLES}
    return _chunk(shares, quarantined, rows)


def _group_rows(
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    part: Study,
    group: Answered,
    options: ScoreOptions,
    knowledge: OutsideKnowledge,
    her2: pd.DataFrame,
) -> dict[str, pa.Table]:
    """Rows of each of `TABLES`, of samples that one predictor answers for."""
    answers = drug_tables(model, group, [drug.name for drug in drugs], options, her2, part)
    names = group.samples.features.index
    rows = {name: _joined([one.tables[name] for one in answers], names) for name in _TABLES_BY_DRUG}
    whole, samples = group.whole
    standing = knowledge.stand(samples.trusted, whole.nearest, group.predictor.compared_with)
    regimens = Regimens.of(model.predictor, part, names)
    builder = model.predictor.joiner.regimens
    calls = {one.drug: _Calls.of(one.tables["scores"]) for one in answers if one.regimen is None}
    asked = list(calls) if builder is None else list(builder.drugs_)
    evidence = evidence_rows(
        part.select(list(names)), group.predictor, asked, calls, knowledge.civic, standing,
        knowledge.measured,
    )  # fmt: skip
    if regimens is not None:
        evidence = regimen_evidence(evidence, answers, regimens, model.predictor, names)
    rows["evidence"] = coded(as_table(evidence, EVIDENCE))
    rows["gene_sets"] = coded(as_table(gene_set_rows(names, standing), GENE_SETS))
    return rows


@dataclass(frozen=True)
class _Calls:
    """What the evidence on one drug is held against: the model's calls and percentiles."""

    call: np.ndarray
    percentile: np.ndarray

    @classmethod
    def of(cls, scores: pa.Table) -> Self:
        call = scores["call"].cast(pa.string())
        return cls(call.to_numpy(), scores["resistance_percentile"].to_numpy())


def _chunk(
    shares: pd.DataFrame, quarantined: dict[str, str], rows: dict[str, pa.Table]
) -> ScoredChunk:
    """A chunk of rows of each of `TABLES`, without samples whose numbers are not all finite."""
    wrong = not_finite(rows["scores"], rows["explanations"])
    if wrong:
        apart = pa.array(wrong, pa.string())
        rows = {
            name: table.filter(pc.invert(pc.is_in(table["sample_id"], apart)))
            for name, table in rows.items()
        }
    return ScoredChunk(shares, quarantined | wrong, rows)


def _joined(tables: Sequence[pa.Table], samples: pd.Index) -> pa.Table:
    """Tables as one, each sample's rows together, in its place and in the order of the tables."""
    if len(tables) == 1:
        return tables[0]
    joined = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    ids = joined["sample_id"].combine_chunks()
    places = pc.index_in(ids.dictionary, pa.array(samples, pa.string())).to_numpy()
    return joined.take(np.argsort(places[ids.indices.to_numpy()], kind="stable"))


def _empty_chunk(shares: pd.DataFrame, quarantined: dict[str, str]) -> ScoredChunk:
    """A chunk without a sample that could be scored."""
    empty = {name: coded_schema(schema).empty_table() for name, schema in TABLES.items()}
    return ScoredChunk(shares, quarantined, empty)


def _join(parts: Sequence[ScoredChunk]) -> ScoredChunk:
    """Chunks that follow each other, as one."""
    return ScoredChunk(
        pd.concat([part.coverage for part in parts]),
        {sample: why for part in parts for sample, why in part.quarantined.items()},
        {name: pa.concat_tables([part.rows[name] for part in parts]) for name in TABLES},
    )
