"""Time, memory and accuracy of `sidestep train` beside those of another version.

    git worktree add /tmp/old COMMIT
    python -m benchmarks.train_versions /tmp/old --drugs 6 --repeats 3
    python -m benchmarks.train_versions /tmp/old --python /tmp/old/.venv/bin/python

Both versions learn the same drugs of the pan-cancer lines from the same folder, in turn,
`--repeats` times, each time in a process of its own. Seconds are those of the processor (user and
system) of that process and of those that it started, so that other work on the machine counts
little; the peak is the most memory that one of them had resident (`ru_maxrss`). r is Pearson's
within folds of a drug, out of fold; the interval of its difference draws donors.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import PANCAN, STUDIES
from benchmarks.processes import taken_by
from sidestep.training.validation.comparison import compare, pair

_OUT_OF_FOLD = "out_of_fold.parquet"


@dataclass(frozen=True)
class Training:
    """One `sidestep train`.

    Attributes
    ----------
    seconds : float
        Of the processor.
    peak : float
        MiB.
    predictions : DataFrame
        Out of fold.
    """

    seconds: float
    peak: float
    predictions: pd.DataFrame


def main() -> None:
    """Print a row a version, the ratio of their times, and the difference in r."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="Root of the other version's files.")
    parser.add_argument("--python", default=sys.executable, help="Of the other version.")
    parser.add_argument("--drugs", type=int, default=len(PANCAN))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    folder, response, _ = STUDIES["pancan"]
    study = Path(os.environ.get("SIDESTEP_SHARED", "../shared")).resolve() / "studies" / folder
    arguments = [str(study), "--response", response, "--drugs", ",".join(PANCAN[: options.drugs])]
    arguments += ["--trials", str(options.trials), "--jobs", str(options.jobs), "--quiet"]
    versions = {
        "other": (options.other.resolve(), options.python),
        "this": (Path(__file__).resolve().parents[1], sys.executable),
    }
    done: dict[str, list[Training]] = {name: [] for name in versions}
    for _ in range(options.repeats):
        for name, (root, python) in versions.items():
            done[name].append(train(root, python, arguments))
            print(f"{name}: {done[name][-1].seconds:.0f} s", flush=True)
    print("\n" + summary(done["other"], done["this"]))


def train(root: Path, python: str, arguments: Sequence[str]) -> Training:
    """Run `sidestep train` of the version in `root` in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="sidestep-train-") as work:
        command = [python, "-m", "sidestep", "train", *arguments]
        command += ["--tracking-uri", f"sqlite:///{work}/mlflow.db"]
        taken = taken_by(command, folder=Path(work), environment={"PYTHONPATH": str(root)})
        tables = [pd.read_parquet(path) for path in Path(work).rglob(_OUT_OF_FOLD)]
    return Training(
        seconds=taken.cpu,
        peak=taken.peak,
        # That of the panel; each drug has its own beside it. Of one assignment to folds it may not
        # say so.
        predictions=max(tables, key=len).assign(repeat=lambda table: table.get("repeat", 0)),
    )


def summary(other: Sequence[Training], this: Sequence[Training]) -> str:
    """Medians of both, their ratios in each turn, and the difference in r."""
    rows = [f"{'':<8}{'processor s':>14}{'range':>16}{'peak MiB':>12}"]
    for name, trainings in (("other", other), ("this", this)):
        seconds = [training.seconds for training in trainings]
        spread = f"{min(seconds):.0f} to {max(seconds):.0f}"
        peak = max(training.peak for training in trainings)
        rows.append(f"{name:<8}{np.median(seconds):>14.0f}{spread:>16}{peak:>12,.0f}")
    ratios = [a.seconds / b.seconds for a, b in zip(other, this, strict=True)]
    result = compare(pair(other[0].predictions, this[0].predictions))
    means = result.drugs[["pearson_a", "pearson_b"]].mean()
    rows += [
        f"this is {np.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})",
        f"mean r {means['pearson_a']:.4f} (other) and {means['pearson_b']:.4f} (this); "
        f"{result.numbers}",
        result.drugs.round(3).to_string(),
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
