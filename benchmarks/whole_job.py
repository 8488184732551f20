"""The whole of `sidestep score`, from the folder to the report, beside an earlier version.

    python -m benchmarks.whole_job --study COHORT --model FOLDER --old WORKTREE
    python -m benchmarks.whole_job … --old-model FOLDER --drugs 25 --jobs 1 2 --repeats 3

Each turn is a process of its own, and the two versions take turns. Printed are the medians of the
seconds on the clock and of the processor (of all its processes), rows a second on the clock, the
most memory that one process had resident, and new over old; then which files of the two results are
the same to the byte. A version whose saved models are of another format needs a model of its own,
trained on the same lines; its numbers differ then. ``--jobs 0`` leaves the number of processes to
Sidestep. Cohorts and models of any size are made by `benchmarks.growth --folder`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from benchmarks.first_answers import ROOT, Version
from benchmarks.processes import Taken, taken_by
from sidestep.models.registry.load import load_model


def score(version: Version, study: Path, drugs: Sequence[str], jobs: int) -> Taken:
    """Score a study anew.

    Raises
    ------
    SystemExit
        If that fails.
    """
    shutil.rmtree(version.out, ignore_errors=True)
    command = [version.python, "-m", "sidestep", "score", str(study), "--model", version.model]
    command += ["--out", str(version.out), "--drugs", ",".join(drugs), "--quiet"]
    command += ["--jobs", str(jobs)] if jobs else []
    return taken_by(command, folder=version.root, environment={"PYTHONPATH": str(version.root)})


def compare(
    versions: Sequence[Version], study: Path, drugs: Sequence[str], jobs: int, repeats: int
) -> None:
    """Print a line a version, and their ratio."""
    turns: dict[str, list[Taken]] = {version.name: [] for version in versions}
    for _ in range(repeats):
        for version in versions:
            turns[version.name].append(score(version, study, drugs, jobs))
    medians = {
        name: Taken(*(median(column) for column in zip(*map(_numbers, taken), strict=True)))
        for name, taken in turns.items()
    }
    for version in versions:
        taken = medians[version.name]
        rows = pq.read_metadata(version.out / "scores.parquet").num_rows
        print(
            f"{jobs or 'own':>4} {version.name:<4} {taken.seconds:>9.1f} {taken.cpu:>10.1f} "
            f"{rows / taken.seconds:>8,.0f} {taken.peak:>9,.0f}",
            flush=True,
        )
    if len(versions) > 1:
        new, old = (medians[version.name] for version in versions)
        print(
            f"{'':>4} {'x':<4} {new.seconds / old.seconds:>9.2f} {new.cpu / old.cpu:>10.2f} "
            f"{old.seconds / new.seconds:>8.2f} {new.peak / old.peak:>9.2f}"
        )


def _numbers(taken: Taken) -> tuple[float, float, float]:
    return taken.seconds, taken.cpu, taken.peak


def same_files(one: Path, other: Path) -> list[str]:
    """Files of two results that are the same to the byte."""
    return [
        path.name
        for path in sorted(one.iterdir())
        if (other / path.name).exists() and path.read_bytes() == (other / path.name).read_bytes()
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, required=True, help="the samples to score")
    parser.add_argument("--model", type=Path, required=True, help="folder of a model")
    parser.add_argument("--old", type=Path, help="worktree of an earlier version")
    parser.add_argument("--old-model", type=Path, help="the same by default")
    parser.add_argument("--drugs", type=int, default=25)
    parser.add_argument("--jobs", type=int, nargs="+", default=[0])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    names = [drug.name for drug in load_model(str(given.model)).predictor.choose(None)]
    study = given.study.resolve()
    print(f"{os.cpu_count()} cores, {given.drugs} drugs, {given.repeats} turns each, {study.name}")
    print(f"{'jobs':>4} {'':<4} {'seconds':>9} {'processor':>10} {'rows/s':>8} {'peak MiB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        model = str(given.model.resolve())
        versions = [Version("new", ROOT, model, "", Path(folder) / "new")]
        if given.old is not None:
            old = str((given.old_model or given.model).resolve())
            versions.append(Version("old", given.old.resolve(), old, "", Path(folder) / "old"))
        for jobs in given.jobs:
            compare(versions, study, names[: given.drugs], jobs, given.repeats)
        if len(versions) > 1:
            alike = same_files(versions[0].out, versions[1].out)
            print(f"the same to the byte: {', '.join(alike) or 'none'}")


if __name__ == "__main__":
    main()
