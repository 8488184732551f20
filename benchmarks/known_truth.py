"""Do intervals of shifts, synergy and perturbation hold the truth? By `benchmarks.known_truth`.

500 simulated runs a line, of which the truth is known: a fold change of 3, a Bliss excess of 10
points, an inhibition of 50 %. What is simulated is what the tests simulate (`tests/features`).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from sidestep.features.assays.curves import CurveOptions
from sidestep.features.assays.shifts import find_shifts
from sidestep.features.perturbation.changes import find_perturbations
from sidestep.features.perturbation.treated_arrays import read_arrays
from sidestep.features.synergy.verdicts import SynergyOptions, find_synergy
from tests.features.assays.plates import many_curves, written
from tests.features.perturbation.arrays import arrays
from tests.features.synergy.pairs import many_pairs

_FOLD, _EXCESS, _INHIBITION = 3.0, 10.0, 50.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    runs = parser.parse_args().runs
    for part in (fold_changes, excesses, inhibitions):
        for line in part(runs):
            print(line, flush=True)


def fold_changes(runs: int) -> Iterator[str]:
    """Of two conditions by each method; and how often a shift is called where there is none."""
    options = CurveOptions(parameters=4)
    for replicates, spread, plates in ((1, 0.0, False), (3, 0.1, False), (4, 0.1, True)):
        readings = many_curves(runs, _FOLD, replicates, spread=spread, plates=plates)
        table = find_shifts(readings, options=options).table
        yield f"fold change, {_method(table)}: {_held(table, 'fold_change', _FOLD)}"
    table = find_shifts(many_curves(runs, 1.0, 3, spread=0.1, seed=2), options=options).table
    called = int((table["verdict"] != "no change").sum())
    yield f"no shift: {called} of {len(table)} called"


def excesses(runs: int) -> Iterator[str]:
    """Of a matrix over Bliss by each method."""
    settings: dict[str, Any]
    for settings in ({"replicates": 2}, {"replicates": 4, "plate_spread": 0.03}):
        options = SynergyOptions(models=("bliss",))
        table = find_synergy(many_pairs(runs, **settings), options).table
        yield f"Bliss excess, {_method(table)}: {_held(table, 'bliss', _EXCESS)}"


def inhibitions(runs: int) -> Iterator[str]:
    """Of a pathway by each method."""
    settings: dict[str, Any]
    for settings in (
        {"replicates": 3},
        {"replicates": 4, "paired": True, "spread": 0.5},
        {"replicates": 2, "stimuli": ("EGF", "NRG1", "HGF", "PBS")},
    ):
        with tempfile.TemporaryDirectory() as folder:
            table = arrays({"": _INHIBITION / 100}, samples=runs, **settings)
            read = read_arrays(written(Path(folder), table), "")
            pathways = find_perturbations(read).pathways
        mtor = pathways[pathways["pathway"] == "TSC/MTOR"]
        yield f"percent inhibition, {_method(mtor)}: {_held(mtor, 'inhibition', _INHIBITION)}"


def _method(table: pd.DataFrame) -> str:
    return " and ".join(dict.fromkeys(table["method"]))


def _held(table: pd.DataFrame, name: str, truth: float) -> str:
    """Share of intervals that hold the truth, with its own 95 % interval (Clopper and Pearson)."""
    inside = (table[f"{name}_lower"] <= truth) & (table[f"{name}_upper"] >= truth)
    found = binomtest(int(inside.sum()), len(table))
    low, high = found.proportion_ci()
    return (
        f"95 % intervals hold the truth in {100 * found.statistic:.1f} % of {len(table)} runs "
        f"({100 * low:.1f} to {100 * high:.1f})"
    )


if __name__ == "__main__":
    main()
