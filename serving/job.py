"""A study scored into a folder: chunk after chunk, whole or not at all, resumed where it ended."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from sidestep.features.cohorts import (
    HER2,
    Cohort,
    Known,
    cohort_of,
    group_labels,
    restrict,
    written_of,
)
from sidestep.features.errors import InputError
from sidestep.features.study.on_disk import SampleSource, StoredStudy
from sidestep.features.study.study import Study
from sidestep.models.damage import DamagedModelError
from sidestep.models.engines.local import Engine, LocalEngine
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.journal import Journal, Notice
from sidestep.serving.disk.lock import Claim, claimed
from sidestep.serving.disk.output import (
    TableWriter,
    as_table,
    list_files,
    reading,
    require_replaceable,
    unwritable,
    write_manifest,
)
from sidestep.serving.disk.samples import SAMPLES, sample_table
from sidestep.serving.evidence.databases import NO_KNOWLEDGE, OutsideKnowledge
from sidestep.serving.manifest import Tally, describe, job_digest
from sidestep.serving.report.writing import write_report
from sidestep.serving.scoring.chunk import (
    TABLES,
    ChunkRequest,
    ScoredChunk,
    make_ready,
    score_packed,
)
from sidestep.serving.scoring.drift import drift_section
from sidestep.serving.scoring.options import DEFAULT_OPTIONS, ScoreOptions
from sidestep.serving.scoring.quarantine import NO_MODALITY
from sidestep.serving.scoring.reference import REFERENCE, reference_rows
from sidestep.serving.scoring.tumours import References

#: Samples in memory at once: some 400 MB of features and of what is told of them.
_CELLS = 2**22
_FEWEST, _MOST = 128, 1024
#: Files of the folder that `score_study` writes; the report of a large study has more pages.
FILES = (
    "scores.parquet",
    "scores.csv",
    "explanations.parquet",
    "mechanisms.parquet",
    "evidence.parquet",
    "gene_sets.parquet",
    "reference.parquet",
    SAMPLES,
    "manifest.json",
    "report.html",
)
Progress = Callable[[int], None]


def choose_drugs(model: LoadedModel, names: Sequence[str] | None) -> list[DrugModel]:
    """The model's drugs that are asked for, each once, in the model's order; all if None.

    Raises
    ------
    InputError
        If the model has no such drug; it suggests the nearest.
    """
    wanted = {drug.name for drug in model.predictor.choose(names)}
    return [drug for drug in model.predictor.choose(None) if drug.name in wanted]


def score_study(
    study: SampleSource,
    model: LoadedModel,
    out: str | Path | Claim,
    *,
    drugs: Sequence[str] | None = None,
    options: ScoreOptions = DEFAULT_OPTIONS,
    knowledge: OutsideKnowledge = NO_KNOWLEDGE,
    where: Cohort | str | Iterable[str] = (),
    group: str | None = None,
    chunk: int | None = None,
    report: bool = True,
    progress: Progress | None = None,
    notice: Notice | None = None,
    engine: Engine | None = None,
) -> dict[str, Any]:
    """Score a study and write `FILES` into the folder `out`, whole or not at all.

    The work is done in chunks of samples. Should the process end before its time, in whatever
    way, the same call goes on after the last finished chunk, and the files are the same to the
    byte. A sample that cannot be scored is named in the manifest, with the reason.

    Parameters
    ----------
    study : Study
        As it was read: `study.digests` stand for its content when work is taken up again.
    model : LoadedModel
    out : path or Claim
        A new or empty folder, or an earlier output, which is replaced as a whole. Beside it lie,
        until it is done, the lock ``.DIR.lock`` and the finished chunks ``.DIR.partial``.
    drugs : sequence of str, optional
        Names or synonyms; all drugs of the model by default.
    options : ScoreOptions
    knowledge : OutsideKnowledge
        Databases that the evidence draws on beside Sidestep's own tables.
    where : Cohort, str or iterable of str
        Samples to score, or filters of them (`features.cohorts.choose_cohort`); no score depends
        on which others there are.
    group : str, optional
        What the report tells results by (`features.cohorts.group_labels`).
    chunk : int, optional
        Samples in memory at once; 1,024 at most by default, and fewer for a model of many
        features. The files do not depend on it.
    report : bool
        Whether to write ``report.html`` too.
    progress : callable, optional
        Called with the number of samples that are done.
    notice : callable, optional
        Called with a line each time something became of an earlier run's unfinished work.
    engine : Engine, optional
        Open; what scores the chunks, this process by default. The files do not depend on it.

    Returns
    -------
    dict
        The manifest, as in `serving.manifest.describe`.

    Raises
    ------
    InputError
        If a drug, filter or group is unknown, no sample can be scored, another job writes `out`
        now, `out` holds other files or cannot be written, or the study cannot be read any more.
    """
    job = Job.of(
        study,
        model,
        drugs,
        options,
        knowledge,
        where=where,
        group=group,
        chunk=chunk,
        report=report,
    )
    with ExitStack() as context:
        engine = engine or context.enter_context(LocalEngine(1))
        chunks = partial(_chunks, job, engine)
        return write_scores(job, chunks, out, progress, notice)


def start_ahead(engine: Engine, request: ChunkRequest, n_samples: int, chunk: int | None) -> None:
    """Let the processes that so many samples will be scored in start before these are read.

    Parameters
    ----------
    engine : Engine
        Open.
    request : ChunkRequest
        What they will be scored with.
    n_samples : int
    chunk : int or None
        As for `score_study`.
    """
    n_chunks = math.ceil(n_samples / (chunk or _chunk_for(request.model, n_samples)))
    engine.of_tasks(n_chunks).prepare(make_ready, request)


@dataclass(frozen=True)
class Job:
    """What is to be scored with what; the fields are the arguments of `score_study`.

    Attributes
    ----------
    study : Study or StoredStudy
        The samples to score alone.
    whole : Study or StoredStudy
        All of the study, in which lineages are told apart.
    cohort : Cohort
        What was asked for of it.
    """

    study: SampleSource
    whole: SampleSource
    cohort: Cohort
    group: str | None
    model: LoadedModel
    drugs: Sequence[DrugModel]
    options: ScoreOptions
    knowledge: OutsideKnowledge
    chunk: int
    report: bool

    @classmethod
    def of(
        cls,
        study: SampleSource,
        model: LoadedModel,
        drugs: Sequence[str] | None,
        options: ScoreOptions,
        knowledge: OutsideKnowledge,
        *,
        where: Cohort | str | Iterable[str] = (),
        group: str | None = None,
        chunk: int | None = None,
        report: bool = True,
    ) -> Self:
        """A job that can be done.

        Raises
        ------
        InputError
            If a drug, filter or group is unknown, or no training line is HER2-high where they are
            to be compared with.
        """
        if options.her2_context and not model.predictor.her2_high.any():
            raise InputError(
                f"model {model.name} has no HER2-high training line to compare with; "
                "score without --her2-context"
            )
        references = References.of(model, options)
        references.require_fit(study.study_id, _modalities_of(study))
        chosen = choose_drugs(model, drugs)
        with reading(study.path):
            cohort = where if isinstance(where, Cohort) else scored_cohort(study, model, where)
            part = restrict(study, cohort)
            size = chunk or _chunk_for(model, len(part.samples))
            job = cls(part, study, cohort, group, model, chosen, options, knowledge, size, report)
        if group is not None and group.casefold() != HER2:
            group_labels(job.known, group)
        return job

    @cached_property
    def known(self) -> Known:
        """What is written of the samples to score; HER2 is told by their scores."""
        return written_of(self.whole).select(self.cohort.samples)

    @property
    def recorded_options(self) -> dict[str, Any]:
        """Drugs, options and databases, as the manifest has them."""
        return {
            "drugs": [drug.name for drug in self.drugs],
            **asdict(self.options),
            "references": References.of(self.model, self.options).digests,
            "knowledge": self.knowledge.record(self.model.predictor.nearest),
        }

    @property
    def batches(self) -> list[list[str]]:
        """Samples of each chunk, in study order."""
        samples = list(self.study.samples)
        return [samples[at : at + self.chunk] for at in range(0, len(samples), self.chunk)]

    @property
    def request(self) -> ChunkRequest:
        """What every chunk is scored with."""
        return ChunkRequest(self.model, self.drugs, self.options, self.knowledge)

    def select(self, samples: Sequence[str]) -> Study:
        """Some samples of the study.

        Raises
        ------
        InputError
            If a file of the study cannot be read any more.
        """
        with reading(self.study.path):
            return self.study.select(samples)

    def portable_part(self, samples: Sequence[str]) -> SampleSource:
        """As `select`, or what another process on this machine reads them of."""
        if not isinstance(self.study, StoredStudy):
            return self.select(samples)
        with reading(self.study.path):
            return self.study.portable_part(samples)

    def samples(self, quarantined: Iterable[str]) -> pa.Table:
        """What is known of the samples that have scores, as ``samples.parquet`` has it."""
        apart = set(quarantined)
        scored = [str(sample) for sample in self.study.samples if sample not in apart]
        return sample_table(self.known, scored)

    def reference(self, compared: Collection[tuple[str, str]]) -> pa.Table:
        """Where lines and tumours lie, that the scored samples are compared with (`Tally`)."""
        rows = reference_rows(
            self.model.predictor,
            self.drugs,
            compared,
            self.model.references,
            her2_context=self.options.her2_context,
        )
        return as_table(rows, REFERENCE)

    def manifest(self, tally: Tally) -> dict[str, Any]:
        """What was done, as `serving.manifest.describe` has it.

        Raises
        ------
        InputError
            If not a single sample could be scored.
        """
        _require_scored(self, tally.quarantined)
        with reading(self.study.path):
            shift = drift_section(self.study, self.model.predictor)
        described = describe(
            self.study, self.model, self.drugs, self.recorded_options, tally, shift
        )
        return described | {"cohort": self.cohort.record() | {"group": self.group}}

    def done(self, journal: Journal) -> str:
        """How far the job has come."""
        sizes = [len(samples) for samples in self.batches]
        done = sum(sizes[number] for number in journal.finished)
        return f"{done:,} of {len(self.study.samples):,} samples are done"


def _chunk_for(model: LoadedModel, n_samples: int) -> int:
    """Samples that make a chunk for a model; all chunks of a study are of about one size."""
    n_features = len(model.predictor.joiner.get_feature_names_out())
    most = min(max(_CELLS // max(n_features, 1), _FEWEST), _MOST)
    return max(math.ceil(n_samples / max(math.ceil(n_samples / most), 1)), 1)


def scored_cohort(study: SampleSource, model: LoadedModel, where: str | Iterable[str]) -> Cohort:
    """Samples to score, with HER2 as the model calls it in their scores.

    Raises
    ------
    InputError
        As `features.cohorts.choose_cohort`.
    OSError
        If a file of the study cannot be read any more.
    """
    return cohort_of(study, where, partial(_her2_calls, model))


def _her2_calls(model: LoadedModel, part: Study) -> pd.DataFrame:
    """HER2 of some samples; nothing decides of one that cannot be scored."""
    try:
        return model.predictor.her2.calls(part, model.predictor.features(part))
    except (MemoryError, OSError, DamagedModelError):
        raise  # the machine's or the model's fault, not a sample's
    except Exception:
        if len(part.samples) == 1:
            return pd.DataFrame({"high": False, "assay": ""}, index=part.samples)
        each = [_her2_calls(model, part.select([sample])) for sample in part.samples]
        return pd.concat(each)


def write_scores(
    job: Job,
    chunks: Callable[[Journal], Iterator[ScoredChunk]],
    out: str | Path | Claim,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> dict[str, Any]:
    """Write the chunks of a job as its folder, whole or not at all, and return the manifest.

    Parameters
    ----------
    job : Job
    chunks : callable
        Gives the chunks in order; those in the journal need not be scored again.
    out, progress, notice
        As for `score_study`.
    """
    with ExitStack() as context:
        claim = out if isinstance(out, Claim) else context.enter_context(claimed(out))
        return _write(job, chunks, claim, progress or _ignore, notice or _ignore)


def _write(
    job: Job,
    chunks: Callable[[Journal], Iterator[ScoredChunk]],
    claim: Claim,
    progress: Progress,
    notice: Notice,
) -> dict[str, Any]:
    """Write with a journal, and put the result in its place."""
    done = ""
    try:
        digest = job_digest(job.study, job.model, job.recorded_options, job.chunk)
        with Journal(claim.work, digest, notice) as journal:
            if journal.finished:
                notice(f"note: going on with an earlier run: {job.done(journal)}")
            try:
                manifest = _write_files(job, chunks(journal), journal.output(), progress)
                journal.put_in_place(require_replaceable(claim.out))
            finally:
                if journal.finished:
                    done = f"{job.done(journal)} and kept in {journal.folder}"
    except OSError as failure:
        raise unwritable(claim.out, failure, done) from failure
    return manifest


def _write_files(
    job: Job, chunks: Iterator[ScoredChunk], folder: Path, progress: Progress
) -> dict[str, Any]:
    """Write `FILES`, chunk after chunk, and return the manifest."""
    tally = Tally()
    with ExitStack() as files:
        writers = {name: files.enter_context(_writer(folder, name)) for name in TABLES}
        for part in chunks:
            for name, writer in writers.items():
                writer.append(part.rows[name])
            tally.add(part)
            progress(tally.samples)
    manifest = job.manifest(tally)
    with TableWriter(folder / "reference.parquet", REFERENCE) as file:
        file.append(job.reference(tally.compared))
    samples = job.samples(tally.quarantined)
    with TableWriter(folder / SAMPLES, samples.schema) as file:
        file.append(samples)
    write_manifest(folder, manifest)
    if job.report:
        write_report(folder)
    list_files(folder)
    return manifest


def _writer(folder: Path, table: str) -> TableWriter:
    """Writer of one of the chunks' tables; of the scores there is a CSV as well."""
    csv = folder / "scores.csv" if table == "scores" else None
    return TableWriter(folder / f"{table}.parquet", TABLES[table], csv)


def _chunks(job: Job, engine: Engine, journal: Journal) -> Iterator[ScoredChunk]:
    """The chunks in order: from the journal where they are done, and scored where they are not."""
    batches = job.batches
    lacking = {number for number in range(len(batches)) if journal.read(number) is None}
    engine = engine.of_tasks(len(lacking))
    request = engine.share(job.request)
    part = job.portable_part if engine.here else job.select
    scored = engine.map(
        score_packed, ((request, part(batches[number])) for number in sorted(lacking))
    )
    for number in range(len(batches)):
        content = next(scored) if number in lacking else journal.read(number)
        if content is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))  # it was read a moment ago
        if number in lacking:
            journal.record(number, content)
        yield ScoredChunk.unpacked(content)


def _modalities_of(study: SampleSource) -> list[str]:
    """Molecular modalities that a study has."""
    small = study.small if isinstance(study, StoredStudy) else study
    tables = {
        "expression": study.expression,
        "rppa": study.rppa,
        "mutation": small.sequenced,
        "copy_number": study.copy_number,
        "signature": small.signatures,
    }
    return [name for name, table in tables.items() if table is not None]


def _require_scored(job: Job, quarantined: dict[str, str]) -> None:
    """Refuse to write a folder without a single score."""
    if len(quarantined) < len(job.study.samples):
        return
    others = [sample for sample, reason in quarantined.items() if reason != NO_MODALITY]
    if others:
        raise InputError(
            f"no sample of study {job.study.study_id} can be scored; of {others[0]}, for one, it "
            f"is said: {quarantined[others[0]]}; sidestep check may tell what is wrong"
        )
    uses = ", ".join(job.model.predictor.joiner.modality_.unique())
    raise InputError(
        f"no sample of study {job.study.study_id} has any of the model's modalities ({uses}); "
        "add one of them to the study, or score with another model"
    )


def _ignore(what: object) -> None:
    """Take a report that nobody asked for."""
