"""The scores of a study in memory, the same as `job.score_study` writes, and written later.

`score_in_memory` holds every table at once: a row a sample and drug, and some twenty a sample and
drug for the explanations. For a hundred thousand samples, score into a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from sidestep.serving.disk.coded import plain
from sidestep.serving.job import Job, write_scores
from sidestep.serving.manifest import Tally
from sidestep.serving.scoring.chunk import TABLES, ScoredChunk, score_part

#: Every table of scores that is in memory: those of the scores, of the training lines, and of what
#: is known of the samples.
NAMES = (*TABLES, "reference", "samples")


@dataclass(frozen=True)
class ScoredStudy:
    """All that a model says of a study.

    Attributes
    ----------
    job : Job
        What was scored with what.
    tables : mapping of str to pyarrow.Table
        The tables of `NAMES`, with the rows and columns of the files of those names.
    manifest : mapping
        As ``manifest.json``.
    chunks : tuple of ScoredChunk
        The same rows in the pieces in which they were scored.
    """

    job: Job
    tables: Mapping[str, pa.Table]
    manifest: Mapping[str, Any]
    chunks: tuple[ScoredChunk, ...]

    def write(self, out: str | Path, *, report: bool = True) -> dict[str, Any]:
        """Write the folder that `job.score_study` would write, whole or not at all.

        Raises
        ------
        InputError
            If `out` holds other files, is being written by another job, or cannot be written.
        """
        job = replace(self.job, report=report)
        return write_scores(job, lambda journal: iter(self.chunks), out)


def score_in_memory(job: Job, progress: Callable[[int], None] | None = None) -> ScoredStudy:
    """Score a study, chunk after chunk, and keep everything in memory.

    Parameters
    ----------
    job : Job
    progress : callable, optional
        Called with the number of samples that are done.

    Raises
    ------
    InputError
        If not a single sample can be scored.
    """
    tally = Tally()
    chunks: list[ScoredChunk] = []
    for samples in job.batches:
        chunks.append(score_part(job.request, job.select(samples)))
        tally.add(chunks[-1])
        if progress is not None:
            progress(tally.samples)
    manifest = job.manifest(tally)
    tables = {
        name: plain(pa.concat_tables([part.rows[name] for part in chunks])) for name in TABLES
    }
    tables["reference"] = job.reference(tally.compared)
    tables["samples"] = job.samples(tally.quarantined)
    return ScoredStudy(job, tables, manifest, tuple(chunks))
