"""Speed of exact explanations of boosted trees, and their difference from XGBoost's own.

    python -m benchmarks.explain
    python -m benchmarks.explain --rows 40000 --depths 3 --trees 100 --features 200
    python -m benchmarks.explain --startup

For every depth, number of trees and number of features an XGBoost model is fitted to simulated
rows with 10 % missing values; then the same float32 rows are explained, in a process that has done
so before, by

ours
    `models.treeshap.ensemble.TreeEnsemble`, as scoring asks it, made anew from its saved arrays:
    few rows leaf by leaf, more by tables. Filling the tables is in every measurement; loading
    the compiled loops is not (`--startup` measures it).
pred_contribs
    Contributions by the XGBoost that is installed, whose version is printed, with the DMatrix that
    it needs.
shap
    `shap.TreeExplainer`, which calls pred_contribs, with the explainer that it needs.
woodelf
    `WoodelfExplainer` on a DataFrame that was made, column by column, beforehand. Left out where
    the package is not installed (`pip install woodelf-explainer`).

Versions differ much: 3.3 and later explain by quadrature. To compare with another one, install it
into an environment of its own and give the same command there (docs/speed.md has both).

Rows are explained as a long job explains them: `CHUNK` at a time, each result let go before the
next. That suits all engines but woodelf, which prepares much anew for every call and therefore
gets all rows at once.

The engines take turns in any order; a cell is the median over the turns. An engine that would need
longer than `--seconds` for all rows is measured on as many as fit, and its time extrapolated to
all, as a fixed part plus one that grows with the rows; such a cell has a ~. Ratios are of these
medians to ours. The error is the largest absolute difference from pred_contribs over the first
rows, where responses have unit scale. Last come, for each number of rows, the least and the median
ratio over all models, and the largest error, and from how many of these rows on ours was the
quicker one with every model, and with half of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from sidestep.models.treeshap.ensemble import TreeEnsemble
from sidestep.models.treeshap.tables import contributions_by_xgboost

ROWS = (1, 20, 200, 1_000, 40_000, 400_000)
DEPTHS = (3, 4, 6)
TREES = (100, 400)
FEATURES = (200, 1_000)
CHUNK = 4_096
_TRAINING_ROWS = 3_000
_COMPARED_ROWS = 2_000
_PILOT_ROWS = 200
# The first explanation of a process: what loading, or compiling, the loops adds.
_FIRST = """
import time
import numpy as np, xgboost as xgb
from sidestep.models.treeshap.ensemble import TreeEnsemble
X = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
booster = xgb.train({"nthread": 1}, xgb.DMatrix(X, label=X[:, 0]), 3)
started = time.perf_counter()
TreeEnsemble.of(booster).contributions(X)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Task:
    """A booster, its saved arrays, and the rows to explain as an array and as a DataFrame."""

    booster: xgb.Booster
    saved: dict[str, Any]
    X: np.ndarray
    frame: pd.DataFrame

    @classmethod
    def simulated(cls, booster: xgb.Booster, n_rows: int) -> Task:
        """So many rows of the kind that the booster learned from."""
        X = simulated_rows(n_rows, booster.num_features(), seed=2)
        names = [f"f{number}" for number in range(X.shape[1])]
        saved = TreeEnsemble.of(booster).get_state()
        return cls(booster, saved, X, pd.DataFrame(np.asfortranarray(X), columns=names))

    def first(self, n_rows: int) -> Task:
        """The same with its first rows alone."""
        return replace(self, X=self.X[:n_rows], frame=self.frame[:n_rows])

    def chunks(self) -> Iterator[np.ndarray]:
        """The rows, some at a time."""
        for start in range(0, len(self.X), CHUNK):
            yield self.X[start : start + CHUNK]


Engine = Callable[[Task], None]


@dataclass(frozen=True)
class Timing:
    """Median seconds for all rows, and on how many it was measured."""

    seconds: float
    measured_rows: int


@dataclass(frozen=True)
class Cell:
    """One model explained on so many rows.

    Attributes
    ----------
    n_rows : int
    timings : dict of str to Timing
        By engine.
    error : float
    """

    n_rows: int
    timings: dict[str, Timing]
    error: float

    @classmethod
    def of(cls, task: Task, engines: dict[str, Engine], repeats: int, most: float) -> Cell:
        """Measure all engines."""
        n_rows, few = len(task.X), task.first(_COMPARED_ROWS)
        ours = TreeEnsemble(**task.saved).contributions(few.X)
        error = np.abs(ours - contributions_by_xgboost(task.booster, few.X)).max()
        timings = measure(task, engines, repeats, most)
        return cls(n_rows, timings, float(error))

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as ours each other engine takes."""
        base = self.timings["ours"].seconds
        return {name: t.seconds / base for name, t in self.timings.items() if name != "ours"}

    def line(self) -> str:
        """Right part of a row of the table."""
        cells = [f"{self.n_rows:>7}"]
        cells += [_seconds(timing, self.n_rows) for timing in self.timings.values()]
        cells += [f"{ratio:>7.2f}" for ratio in self.ratios.values()]
        return " ".join([*cells, f"{self.error:.1e}"])


def main() -> None:
    """Print one line a depth, number of trees, features and rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, values in (("rows", ROWS), ("depths", DEPTHS), ("trees", TREES)):
        parser.add_argument(f"--{name}", type=int, nargs="+", default=values)
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES)
    parser.add_argument("--repeats", type=int, default=3, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=15.0, help="most time for one turn")
    parser.add_argument("--threads", type=int, default=1, help="of all but woodelf, which has 1")
    parser.add_argument("--startup", action="store_true", help="measure the first call instead")
    options = parser.parse_args()
    if options.startup:
        print_startup()
        return
    engines = available_engines(options.threads)
    print(f"XGBoost {xgb.__version__}, Python {platform.python_version()}, {options.threads}")
    print(f"thread(s), median of {options.repeats} turns, 10 % missing values\n")
    print(_header(list(engines)))
    cells: list[Cell] = []
    for depth, trees, features in product(options.depths, options.trees, options.features):
        booster = fitted(depth, trees, features, options.threads)
        for n_rows in options.rows:
            task = Task.simulated(booster, n_rows)
            cells.append(Cell.of(task, engines, options.repeats, options.seconds))
            print(f"{depth:>5} {trees:>5} {features:>8} {cells[-1].line()}", flush=True)
    print("\n" + summary(cells))
    for name in cells[0].ratios:
        print(f"quicker than {name}: {break_even(cells, name)}")


def fitted(depth: int, trees: int, features: int, threads: int) -> xgb.Booster:
    """A model of the kind that `models.estimators.trees` fits, on a response of unit scale."""
    X = simulated_rows(_TRAINING_ROWS, features, seed=0)
    rng = np.random.default_rng(1)
    known = np.nan_to_num(X[:, :20])
    y = known @ rng.standard_normal(20) + known[:, 0] * known[:, 1]
    y += 0.5 * y.std() * rng.standard_normal(len(y))
    settings = {
        "max_depth": depth,
        "eta": 0.05,
        "max_bin": 64,
        "min_child_weight": 3.0,
        "subsample": 0.7,
        "colsample_bynode": 0.2,
        "nthread": threads,
    }
    return xgb.train(settings, xgb.DMatrix(X, label=(y - y.mean()) / y.std()), trees)


def simulated_rows(n_rows: int, n_features: int, seed: int) -> np.ndarray:
    """Standard normal float32 rows, every tenth value missing."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    X[rng.random(X.shape, dtype=np.float32) < 0.1] = np.nan
    return X


def available_engines(threads: int) -> dict[str, Engine]:
    """Engines by name, ours first, in the order of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # shap colours its plots
        import shap

    def ours(task: Task) -> None:
        ensemble = TreeEnsemble(**task.saved)
        for rows in task.chunks():
            ensemble.contributions(rows)

    def pred_contribs(task: Task) -> None:
        for rows in task.chunks():
            contributions_by_xgboost(task.booster, rows, n_jobs=threads)

    def shap_package(task: Task) -> None:
        explainer = shap.TreeExplainer(task.booster)
        for rows in task.chunks():
            explainer.shap_values(rows)

    engines: dict[str, Engine] = {
        "ours": ours,
        "pred_contribs": pred_contribs,
        "shap": shap_package,
    }
    try:
        from woodelf import WoodelfExplainer
    except ImportError:
        print("woodelf is left out: pip install woodelf-explainer")
    else:

        def woodelf(task: Task) -> None:
            WoodelfExplainer(task.booster).shap_values(task.frame, verbose=False)

        engines["woodelf"] = woodelf
    return engines


def measure(task: Task, engines: dict[str, Engine], repeats: int, most: float) -> dict[str, Timing]:
    """Median time of each engine for all rows, the engines taking turns."""
    plans = {
        name: _plan(explain, task, np.inf if name == "ours" else most)
        for name, explain in engines.items()
    }
    turns: dict[str, list[float]] = {name: [] for name in engines}
    spent = 0.0
    order = np.random.default_rng(0)
    # Milliseconds need more turns than seconds for a steady median.
    while min(map(len, turns.values())) < repeats or (spent < 1 and len(turns["ours"]) < 25):
        # In any order, so that no engine always finds the caches that the same other one left.
        for name in order.permutation(list(engines)):
            few, unmeasured = plans[name]
            seconds = _elapsed(engines[name], task.first(few))
            spent += seconds
            turns[name].append(seconds + unmeasured(seconds))
    return {name: Timing(float(np.median(turns[name])), plans[name][0]) for name in engines}


def _plan(explain: Engine, task: Task, most: float) -> tuple[int, Callable[[float], float]]:
    """On how many rows to measure, and what the rest then adds to the time that they took.

    Time is taken to be a fixed part plus one that grows with the rows; so that no engine is
    charged its fixed part more than once.
    """
    n_rows = len(task.X)
    pilot = min(_PILOT_ROWS, n_rows)
    explain(task.first(pilot))  # unmeasured, so that no engine pays for imports
    if n_rows <= 10 * pilot or most == np.inf:
        return n_rows, lambda seconds: 0.0
    least = _elapsed(explain, task.first(pilot))
    slope = (_elapsed(explain, task.first(10 * pilot)) - least) / (9 * pilot)
    few = int(np.clip((most - least) / max(slope, 1e-12), 10 * pilot, n_rows))
    rest = (n_rows - few) / (few - pilot)
    return few, lambda seconds: rest * (seconds - least)


def _elapsed(explain: Engine, task: Task) -> float:
    started = time.perf_counter()
    explain(task)
    return time.perf_counter() - started


def summary(cells: list[Cell]) -> str:
    """Least and median ratio to ours over all models, and largest error, by number of rows."""
    table = pd.DataFrame([{"rows": c.n_rows, **c.ratios, "error": c.error} for c in cells])
    by_rows = table.groupby("rows")
    parts = {
        name: by_rows[name].agg(["min", "median"]).map("{:.2f}".format).agg(" / ".join, axis=1)
        for name in cells[0].ratios
    }
    worst = by_rows["error"].max().map("{:.1e}".format)
    return pd.DataFrame({**parts, "largest error": worst}).to_string()


def break_even(cells: list[Cell], name: str) -> str:
    """From how many rows on ours was quicker, with every model and with half of them."""
    by_rows = pd.Series(
        [cell.ratios[name] for cell in cells], [cell.n_rows for cell in cells]
    ).groupby(level=0)
    found = []
    for share, ratios in (("every model", by_rows.min()), ("half of them", by_rows.median())):
        slower = ratios.index[ratios <= 1]
        quicker = ratios.index[ratios.index > slower.max()] if len(slower) else ratios.index
        found.append(f"with {share} " + (f"from {quicker[0]} rows" if len(quicker) else "never"))
    return ", ".join(found)


def print_startup() -> None:
    """Print what the first call of a process costs, with and without compiled loops on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for what in ("first call on a machine (compiles)", "first call of a process (loads)"):
            command = [sys.executable, "-c", _FIRST]
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            print(f"{what}: {float(ran.stdout):.2f} s")


def _header(names: list[str]) -> str:
    columns = ["depth trees features    rows", *(f"{name:>14}" for name in names)]
    return " ".join([*columns, *(f"{'/' + name[-6:]:>7}" for name in names[1:]), "error"])


def _seconds(timing: Timing, n_rows: int) -> str:
    scaled = "~" if timing.measured_rows < n_rows else ""
    return f"{scaled + format(timing.seconds, '.4g'):>12} s"


if __name__ == "__main__":
    main()
