"""Time that a GPU takes for boosted trees, beside the CPU, and how equal their predictions are.

    python -m benchmarks.device
    python -m benchmarks.device --lines 400 --rows 10000

For every number of training lines, trees with the default settings (300 of 800 features, 200 trees
of depth 3) are fitted to simulated lines on the CPU and on the GPU, in turns; then the trees of the
GPU predict the rows there and, as a saved model does, from their arrays on the CPU. Times are
medians over the turns, with the transfer of data in them. `difference` is the largest absolute
difference of those predictions, in standard deviations of the response. Needs an XGBoost with
CUDA, and a GPU.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.models.estimators.trees import CPU, CUDA, ScreenedTrees, require_device

_FEATURES = 800


def main() -> None:
    """Print one line a number of training lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[400, 4_000, 40_000])
    parser.add_argument("--rows", type=int, default=200_000, help="rows to predict")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    try:
        require_device(CUDA)
    except InputError as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    threads = len(os.sched_getaffinity(0))
    print(f"{threads} CPU threads; {options.rows:,} rows predicted; median of {options.repeats}")
    print(
        f"{'lines':>8}{'fit CPU s':>12}{'fit GPU s':>12}{'CPU s':>9}{'GPU s':>9}{'difference':>13}"
    )
    rows = simulated(options.rows, seed=2)[0]
    for n_lines in options.lines:
        X, y = simulated(n_lines, seed=0)
        fits: dict[str, list[float]] = {CPU: [], CUDA: []}
        predictions: dict[str, list[float]] = {CPU: [], CUDA: []}
        predicted = {}
        for _ in range(options.repeats + 1):
            for device, seconds in fits.items():
                trees = ScreenedTrees(n_jobs=threads, device=device)
                started = time.perf_counter()
                trees.fit(X, y)
                seconds.append(time.perf_counter() - started)
            # The last fit was the GPU's.
            columns = np.asarray(X.columns, dtype=object)
            saved = ScreenedTrees.from_state(trees.get_state(), columns)
            for device, model in ((CPU, saved), (CUDA, trees)):
                started = time.perf_counter()
                predicted[device] = model.predict(rows)
                predictions[device].append(time.perf_counter() - started)
        # The first turn of each loads what the others find loaded.
        medians = [np.median(times[1:]) for times in (*fits.values(), *predictions.values())]
        difference = np.abs(predicted[CPU] - predicted[CUDA]).max() / y.std()
        cells = "".join(f"{s:>{w}.3f}" for s, w in zip(medians, (12, 12, 9, 9), strict=True))
        print(f"{n_lines:>8,}{cells}{difference:>13.1e}", flush=True)


def simulated(n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of unit scale, a tenth of it missing, and a response that rests on ten features."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n_rows, _FEATURES), dtype=np.float32)
    y = values[:, :10].sum(axis=1) + values[:, 0] * values[:, 1] + rng.standard_normal(n_rows)
    values[rng.random(values.shape, dtype=np.float32) < 0.1] = np.nan
    names = [f"expression:G{number}" for number in range(_FEATURES)]
    return pd.DataFrame(values, columns=names), y.astype(float)


if __name__ == "__main__":
    main()
