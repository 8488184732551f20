"""The verbs whose growth is measured, each run as a process of its own, and what they work on.

The models learn from simulated pan-cancer lines: `sidestep train` for two of their drugs (five
folds, all modalities), and copies of these two under the names of other drugs, each with arrays of
its own, because it takes as long to score a copy as to score another drug. `features` is the
number of genes with expression and copy number; RPPA and mutations come on top.

The studies to score have rows of these training lines with noise, so that samples lie where real
ones lie, and are written as Parquet by sample (RNA, copy number, RPPA) and text (mutations).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

from benchmarks.growth_costs import Cell
from benchmarks.growth_studies import write_cohort
from benchmarks.processes import taken_by
from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.storage import save_predictor
from sidestep.training.retrain import Request, retrain_study
from sidestep.training.validation.cross_validation import Plan
from sidestep.training.validation.panel import choose_panel

#: What is measured; all but `train` of a study to score.
VERBS = ("score", "report", "check", "train")
_LINES = 100
_LEARNED = 2
#: Trials of each search of a training run.
TRIALS = 2
_SECONDS_BETWEEN_LOOKS = 1.0


class Bench:
    """Models, studies and scores in a folder, each made when it is first asked for.

    Parameters
    ----------
    folder : Path
        What is there already is used again.
    drugs : int
        Of the models to score with.
    """

    def __init__(self, folder: Path, drugs: int) -> None:
        self._folder = folder.resolve()
        self._drugs = drugs
        self._lines: dict[tuple[int, int], Study] = {}
        self._scored: tuple[int, int, int] | None = None

    @property
    def _out(self) -> Path:
        return self._folder / "growth-scores"

    def measure(self, verb: str, samples: int, drugs: int, features: int) -> Cell:
        """Run a verb of `VERBS` as a process of its own."""
        cell = Cell(verb, samples, drugs, features, 0.0, 0.0, 0.0)
        if verb == "train":
            return self._train(cell)
        model, study = self._model(features), self._study(samples, features)
        if verb == "check":
            return self._run(cell, "check", study, "--model", model)
        if verb == "report":
            if self._scored != (samples, drugs, features):
                self._score(cell, "--no-report")
            return self._run(cell, "report", self._out)
        return self._score(cell)

    def on_cluster(self, workers: int, samples: int, drugs: int, features: int) -> Cell:
        """Score on a Dask cluster of so many workers on this machine."""
        cell = Cell("score", samples, drugs, features, 0.0, 0.0, 0.0)
        self._model(features), self._study(samples, features)
        with _cluster(workers) as (address, usages):
            before = usages()
            cell = self._score(cell, "--engine", "dask", "--scheduler", address)
            after = usages()
        return replace(
            cell,
            workers_cpu=sum(after[name].cpu - before[name].cpu for name in after),
            workers_peak=max(one.peak for one in after.values()),
        )

    def _score(self, cell: Cell, *options: str) -> Cell:
        model = self._model(cell.features)
        command: list[str | Path] = [
            "score",
            self._study(cell.samples, cell.features),
            "--model",
            model,
        ]
        command += ["--out", self._out, "--drugs", ",".join(_names(model)[: cell.drugs])]
        self._scored = None
        rmtree(self._out, ignore_errors=True)
        with _Disk(self._folder, "growth-scores", ".growth-scores.") as disk:
            cell = self._run(cell, *command, *options, "--quiet")
        self._scored = (cell.samples, cell.drugs, cell.features)
        files = {path.name: path.stat().st_size for path in sorted(self._out.iterdir())}
        return replace(cell, files=files, disk=max(disk.most, sum(files.values())))

    def _train(self, cell: Cell) -> Cell:
        """Learn some drugs of simulated lines, in one process, without a search's long part."""
        lines = self._training_lines(cell.features, cell.samples)
        response = next(iter(lines.response_files))
        panel = choose_panel(lines, lines.response(response), drugs=None, panel="all", min_lines=20)
        if len(panel.drugs) < cell.drugs:
            raise SystemExit(f"the simulated lines have responses to {len(panel.drugs)} drugs only")
        names = ",".join(drug.name for drug in panel.drugs[: cell.drugs])
        command: list[str | Path] = ["train", self._lines_folder(cell.features, cell.samples)]
        command += ["--response", response, "--drugs", names]
        runs = self._folder / "growth-runs"
        rmtree(runs, ignore_errors=True)
        runs.mkdir()
        command += ["--tracking-uri", f"sqlite:///{runs.resolve()}/runs.db", "--jobs", "1"]
        return self._run(cell, *command, "--trials", str(TRIALS), "--quiet", folder=runs)

    def _run(self, cell: Cell, *command: str | Path, folder: Path | None = None) -> Cell:
        """Run a command; give back the cell with what it took."""
        taken = taken_by([sys.executable, "-m", "sidestep", *command], folder=folder)
        return replace(cell, **vars(taken))

    def _lines_folder(self, features: int, lines: int) -> Path:
        return self._folder / f"lines-{lines}-{features}"

    def _training_lines(self, features: int, lines: int = _LINES) -> Study:
        if (features, lines) not in self._lines:
            folder = self._lines_folder(features, lines)
            if not folder.exists():
                simulate_study(folder, SimulationPlan(kind="pancan", lines=lines, genes=features))
            self._lines[features, lines] = read_study(folder)
        return self._lines[features, lines]

    def _model(self, features: int) -> Path:
        folder = self._folder / f"model-{self._drugs}-{features}"
        if not folder.exists():
            lines = self._training_lines(features)
            response = next(iter(lines.response_files))
            panel = choose_panel(
                lines, lines.response(response), drugs=None, panel="kinase", min_lines=20
            )
            panel = replace(panel, drugs=panel.drugs[:_LEARNED])
            request = Request(lines, response, plan=Plan(trials=TRIALS))
            predictor = retrain_study(request, lines, panel).predictor
            learned = list(predictor.drugs.values())
            known = [name for name in DRUG_TABLE.load() if name not in predictor.drugs]
            names = [drug.name for drug in learned] + known
            copies = {
                name: replace(learned[number % _LEARNED], name=name)
                for number, name in enumerate(names[: self._drugs])
            }
            _list(folder).write_text("\n".join(copies))
            save_predictor(replace(predictor, drugs=copies), folder)
        return folder

    def _study(self, samples: int, features: int) -> Path:
        folder = self._folder / f"cohort-{samples}-{features}"
        if not folder.exists():
            write_cohort(folder, self._training_lines(features), samples)
        return folder


def _list(model: Path) -> Path:
    """File of the names of a model's drugs, beside its folder."""
    return model.with_name(f"{model.name}.txt")


def _names(model: Path) -> list[str]:
    return _list(model).read_text().splitlines()


@dataclass(frozen=True)
class _Usage:
    """Processor seconds of a process and MiB that it had resident at most."""

    cpu: float
    peak: float


def _own_usage() -> _Usage:
    """Of the process that is asked; its peak without that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    peak = next(row.split()[1] for row in status.splitlines() if row.startswith("VmHWM"))
    return _Usage(time.process_time(), int(peak) / 1024)


@contextmanager
def _cluster(workers: int) -> Iterator[tuple[str, Callable[[], dict[str, _Usage]]]]:
    """A Dask cluster of processes of one thread: its address, and what asks for their usages."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        yield cluster.scheduler_address, lambda: client.run(_own_usage)


class _Disk:
    """Watches how many bytes files take whose path begins in some ways, and keeps the most."""

    def __init__(self, folder: Path, *beginnings: str) -> None:
        self._folder = folder
        self._beginnings = beginnings
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most = 0

    def __enter__(self) -> _Disk:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            self.most = max(self.most, sum(map(_bytes, self._places())))

    def _places(self) -> Sequence[Path]:
        return [one for one in self._folder.iterdir() if one.name.startswith(self._beginnings)]


def _bytes(folder: Path) -> int:
    """Of the files in a folder; what goes away meanwhile takes none."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):
            total += path.stat().st_size
    return total
