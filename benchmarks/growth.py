"""Time and memory of scoring as samples, drugs and features grow.

    python -m benchmarks.growth
    python -m benchmarks.growth --samples 1000 4000 --drugs 1 5 --features 200 2000 --seconds 120

One `sidestep score`, explanations and report included, is a process of its own: seconds are of the
whole process, from its start, and the peak is the most memory that it ever had resident
(`ru_maxrss`). Three series are measured, each with the others' `--base` values: samples, drugs
(of one model) and features. The slope is that of a line through the logarithms of size and
seconds: 1 is proportional, and `last` is that between the two largest sizes, where what a process
needs at its start weighs least. Targets: at most 1.1 in samples and drugs, and a peak below 2 GiB
whatever the number of samples.

The models learn from simulated pan-cancer lines: `sidestep train` for two of their drugs (five
folds, all modalities), and copies of these two under the names of other drugs, each with arrays of
its own, because it takes as long to score a copy as to score another drug. `features` is the
number of genes with expression and copy number; RPPA and mutations come on top.

The studies to score have rows of these training lines with noise, so that samples lie where real
ones lie, and are written as Parquet by sample (RNA, copy number, RPPA) and text (mutations).
A cell that would take longer than `--seconds`, judged by the one before it, is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.growth_studies import write_cohort
from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.storage import save_predictor
from sidestep.training.retrain import Request, retrain_study
from sidestep.training.validation.cross_validation import Plan
from sidestep.training.validation.panel import choose_panel

SAMPLES = (1_000, 5_000, 20_000, 50_000, 200_000)
DRUGS = (1, 5, 25, 50)
FEATURES = (200, 2_000, 20_000)
#: Samples, drugs and features of the series in which they do not vary.
BASE = (4_000, 25, 2_000)
_LINES = 100
_LEARNED = 2


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes
    ----------
    samples, drugs, features : int
    seconds : float
    peak : float
        MiB.
    """

    samples: int
    drugs: int
    features: int
    seconds: float
    peak: float

    def line(self) -> str:
        """A row of the table."""
        rows = self.samples * self.drugs
        return (
            f"{self.samples:>8,} {self.drugs:>6} {self.features:>9,} {rows:>11,} "
            f"{self.seconds:>9.1f} {rows / self.seconds:>8,.0f} {self.peak:>9,.0f}"
        )


class Bench:
    """Models and studies in a folder, each made when it is first asked for."""

    def __init__(self, folder: Path, drugs: int) -> None:
        self._folder = folder
        self._drugs = drugs
        self._lines: dict[int, Study] = {}
        self._names: list[str] = []

    def measure(self, samples: int, drugs: int, features: int) -> Cell:
        """Score a study in a process of its own."""
        model, study = self._model(features), self._study(samples, features)
        out = self._folder / "out"
        command = [sys.executable, "-m", "sidestep", "score", study, "--model", model]
        command += ["--out", out, "--drugs", ",".join(self._names[:drugs]), "--quiet"]
        output = self._folder / "output.txt"
        started = time.perf_counter()
        with output.open("w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"scoring ended with {process.returncode}: {output.read_text()}")
        return Cell(samples, drugs, features, seconds, usage.ru_maxrss / 1024)

    def _training_lines(self, features: int) -> Study:
        if features not in self._lines:
            folder = self._folder / f"lines-{features}"
            simulate_study(folder, SimulationPlan(kind="pancan", lines=_LINES, genes=features))
            self._lines[features] = read_study(folder)
        return self._lines[features]

    def _model(self, features: int) -> Path:
        folder = self._folder / f"model-{features}"
        if not folder.exists():
            lines = self._training_lines(features)
            response = next(iter(lines.response_files))
            panel = choose_panel(
                lines, lines.response(response), drugs=None, panel="kinase", min_lines=20
            )
            panel = replace(panel, drugs=panel.drugs[:_LEARNED])
            request = Request(str(lines.path), response, plan=Plan(trials=2))
            predictor = retrain_study(request, lines, panel).predictor
            learned = list(predictor.drugs.values())
            known = [name for name in DRUG_TABLE.load() if name not in predictor.drugs]
            self._names = [drug.name for drug in learned] + known
            copies = {
                name: replace(learned[number % _LEARNED], name=name)
                for number, name in enumerate(self._names[: self._drugs])
            }
            save_predictor(replace(predictor, drugs=copies), folder)
        return folder

    def _study(self, samples: int, features: int) -> Path:
        folder = self._folder / f"cohort-{samples}-{features}"
        if not folder.exists():
            write_cohort(folder, self._training_lines(features), samples)
        return folder


def main() -> None:
    """Print a table of each series, and its slopes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="*", default=SAMPLES)
    parser.add_argument("--drugs", type=int, nargs="*", default=DRUGS)
    parser.add_argument("--features", type=int, nargs="*", default=FEATURES)
    parser.add_argument("--base", type=int, nargs=3, default=BASE)
    parser.add_argument("--seconds", type=float, default=7_200)
    parser.add_argument("--folder", type=Path, help="Where to work; a temporary folder by default.")
    options = parser.parse_args()
    sizes = {"samples": options.samples, "drugs": options.drugs, "features": options.features}
    most_drugs = max([*options.drugs, options.base[1]])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder), most_drugs)
        print(f"{os.cpu_count()} cores")
        print(" samples  drugs  features        rows   seconds   rows/s  peak MiB")
        for place, (name, series) in enumerate(sizes.items()):
            print_series(bench, name, place, series, options.base, options.seconds)


def print_series(
    bench: Bench, name: str, place: int, sizes: Sequence[int], base: Sequence[int], most: float
) -> None:
    """Measure with one of samples, drugs and features at each of some sizes."""
    cells: list[Cell] = []
    for size in sorted(sizes):
        cell = list(base)
        if cells:
            expected = cells[-1].seconds * size / cell_size(cells[-1], name)
            if expected > most:
                print(f"{name} {size:,}: left out, as it would take some {expected:,.0f} s")
                break
        cell[place] = size
        cells.append(bench.measure(*cell))
        print(cells[-1].line(), flush=True)
    if len(cells) > 1:
        logs = np.log([[cell_size(cell, name), cell.seconds] for cell in cells])
        slope = np.polyfit(*logs.T, 1)[0]
        last = np.diff(logs[-2:, 1])[0] / np.diff(logs[-2:, 0])[0]
        peak = max(cell.peak for cell in cells)
        print(f"slope in {name}: {slope:.2f} (last: {last:.2f}); highest peak {peak:,.0f} MiB\n")


def cell_size(cell: Cell, name: str) -> int:
    """Samples, drugs or features of a cell."""
    return int(getattr(cell, name))


if __name__ == "__main__":
    main()
