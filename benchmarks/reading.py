"""Seconds of processor time that reading a study takes, and that holding it against a model adds.

    python -m benchmarks.reading --study ../shared/studies/breast_cell_lines --samples 1000

Of the lines of STUDY a cohort is drawn (`benchmarks.growth_studies.write_cohort`) and written as
text. Measured are reading it, and the check of each sample's scale against the lines
(`models.reliability.sample_scale`), in processor seconds, which other work on the machine hardly
changes: the median of `--repeats` and their range. With `--cohort DIR` a folder that is there is
read, so that two versions of Sidestep can be timed on the same files.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.growth_studies import as_text, write_cohort
from sidestep.features.study.study import read_study
from sidestep.models.reliability.sample_scale import TrainingScales


def main() -> None:
    """Print a line for each thing that is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, required=True, help="whose lines are drawn")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--cohort", type=Path, help="folder to read, written if it is not there")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    lines = read_study(options.study)
    with tempfile.TemporaryDirectory() as made:
        cohort = options.cohort or Path(made) / "cohort"
        if not cohort.exists():
            write_cohort(cohort, lines, options.samples)
            as_text(cohort)
        scales = TrainingScales.of(lines)
        study = read_study(cohort)
        print(f"{len(study.samples):,} samples")
        _print("read_study", lambda: read_study(cohort), options.repeats)
        _print("scale of each sample", lambda: scales.doubts(study), options.repeats)


def _print(what: str, work: Callable[[], object], repeats: int) -> None:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"{what:<24}{statistics.median(seconds):>8.2f} s  ({spread})")


if __name__ == "__main__":
    main()
