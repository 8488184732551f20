"""Verdicts on pairs of models whose true difference is known: by the gate, and on the champion.

    python -m benchmarks.verdicts

Predictions are simulated: of held-out lines a first model predicts with a true r of 0.55, a second
with 0.50, 0.55 or 0.60; what they get wrong is correlated at 0.7, as for two models of the same
lines. The gate holds the second against the first as if that were its best baseline. The champion
rule holds it against the first as the best version there was, with one more line learned from; as
a yardstick, the rule that took a tie with more lines for enough. `--drugs` and `--lines` set the
size of a panel.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from sidestep.training.tracking.lifecycle import MARGIN
from sidestep.training.validation.comparison import compare, pair
from sidestep.training.validation.gate import verdict_on

_FOLDS = 5
_TRUE_R = 0.55
_SHARED = 0.7


def main() -> None:
    """Print, for each true difference, how often each rule says what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--sizes", nargs="+", default=["5x40", "23x430"], help="drugs x lines")
    options = parser.parse_args()
    for size in options.sizes:
        drugs, lines = map(int, size.split("x"))
        rows = {
            f"{difference:+.2f}": shares(drugs, lines, difference, options.pairs)
            for difference in (-0.05, 0.0, 0.05)
        }
        print(f"{drugs} drugs, {lines} lines, {options.pairs} pairs; share of pairs")
        print(pd.DataFrame(rows).T.rename_axis("true difference").to_string(), "\n")


def shares(drugs: int, lines: int, difference: float, pairs: int) -> dict[str, float]:
    """How often each rule says what of a second model that differs by so much."""
    found = []
    for seed in range(pairs):
        a, b = simulated(drugs, lines, difference, seed)
        comparison = compare(pair(a, b), resamples=500, seed=seed)
        tie = comparison.verdict == "tie"
        better = comparison.verdict == "better"
        verdict = verdict_on(comparison.probability, 0.9)
        found.append(
            {
                **{f"gate: {name}": verdict == name for name in ("better", "as good", "worse")},
                "champion": better or (tie and comparison.not_worse_by(MARGIN)),
                "champion by a tie": better or tie,
            }
        )
    return pd.DataFrame(found).mean().round(2).to_dict()


def simulated(
    drugs: int, lines: int, difference: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Out-of-fold predictions of two models of the same lines."""
    rng = np.random.default_rng(seed)
    names = [f"L{line}" for line in range(lines)]
    tables: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for drug in range(drugs):
        y, shared, *own = rng.standard_normal((4, lines))
        for table, r, error in zip(tables, (_TRUE_R, _TRUE_R + difference), own, strict=True):
            wrong = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * error
            columns = {"drug": f"D{drug}", "sample_id": names, "donor": names, "repeat": 0}
            predicted = r * y + np.sqrt(1 - r**2) * wrong
            more = {"fold": np.arange(lines) % _FOLDS, "observed": y, "blend": predicted}
            table.append(pd.DataFrame(columns | more))
    first, second = (pd.concat(parts, ignore_index=True) for parts in tables)
    return first, second


if __name__ == "__main__":
    main()
