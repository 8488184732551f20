"""Seconds that `sidestep` takes to start, to score a few samples, and to score many.

    python -m benchmarks.score --model models:/NAME@champion --study ../shared/studies/STUDY
    python -m benchmarks.score --model FOLDER --study STUDY --samples 10 1000 --jobs 1 2

STUDY is the model's training study. Each cohort to score has rows of its lines with noise, as in
`benchmarks.growth`, so that samples lie where real ones lie and lack what they lack. It is written
as text, genes x samples, and as Parquet, a row a sample.
Every command is a process of its own, and its seconds are those from its start to its end, with
imports, reading, all drugs of the model, explanations, evidence and report. The first of each kind
is not measured (it may have to compile loops or read files that are not yet in memory); printed are
the median of `--repeats` others, and their range.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.growth_studies import as_text, write_cohort
from sidestep.features.study.study import read_study
from sidestep.models.registry.load import load_model

FORMATS = ("text", "parquet")
SIDESTEP = (sys.executable, "-m", "sidestep")


def main() -> None:
    """Print a line a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="as `sidestep score` takes it")
    parser.add_argument("--study", type=Path, required=True, help="the model's training study")
    parser.add_argument("--samples", type=int, nargs="+", default=[10, 1_000])
    parser.add_argument("--formats", choices=FORMATS, nargs="+", default=FORMATS)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    lines = read_study(options.study)
    n_drugs = len(load_model(options.model).predictor.choose(None))
    print(f"{os.cpu_count()} cores, {n_drugs} drugs, {len(lines.samples)} lines to draw from\n")
    print(f"{'command':<40}{'seconds':>9}{'range':>16}{'rows/s':>9}")
    _print("--help", [*SIDESTEP, "--help"], options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        for n_samples, kind in product(options.samples, options.formats):
            cohort = Path(folder) / f"{kind}-{n_samples}"
            write_cohort(cohort, lines, n_samples)
            if kind == "text":
                as_text(cohort)
            for jobs in options.jobs:
                command = [*SIDESTEP, "score", str(cohort), "--model", options.model]
                command += ["--out", str(Path(folder) / "out"), "--jobs", str(jobs), "--quiet"]
                named = f"score {n_samples:,} samples, {kind}, --jobs {jobs}"
                _print(named, command, options.repeats, n_samples * n_drugs)


def _print(name: str, command: Sequence[str], repeats: int, rows: int = 0) -> None:
    """Run a command some times, and print its line."""
    _seconds(command)
    turns = [_seconds(command) for _ in range(repeats)]
    median = float(np.median(turns))
    speed = f"{rows / median:,.0f}" if rows else ""
    spread = f"{min(turns):.2f} to {max(turns):.2f}"
    print(f"{name:<40}{median:>9.2f}{spread:>16}{speed:>9}", flush=True)


def _seconds(command: Sequence[str]) -> float:
    """How long a command takes."""
    started = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
