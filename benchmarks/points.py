"""How fast and how true are dimers and cells without them? `python -m benchmarks.points`.

Speed on simulated labels, K and g beside spatstat's on the real patterns of ``../shared``, and
planted truth: the share of labels in dimers of single cells, and the share of cells without dimers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.points.correlation import (
    CORRECTIONS,
    TRANSLATION,
    correlate,
    pairs_within,
)
from sidestep.features.points.dimer_free import find_dimer_free
from sidestep.features.points.dimers import (
    count_pairs,
    dimer_fraction,
    find_distance,
)
from sidestep.features.points.envelopes import envelope_test
from sidestep.features.points.labels import read_labels
from sidestep.features.points.patterns import measure_patterns
from sidestep.features.points.windows import Window
from tests.features.points.made_up import FIELD, planted

_SHARED = Path(os.environ.get("SIDESTEP_SHARED", Path(__file__).parents[2] / "shared"))
_SIMULATIONS, _REACH = 200, 200.0


def main() -> None:
    wanted = sys.argv[1:] or ["spatstat", "dimers", "free", "speed"]
    for name in wanted:
        for line in _PARTS[name]():
            print(line, flush=True)


def spatstat() -> Iterator[str]:
    """Largest difference to spatstat, and the envelope test of each pattern."""
    folder = _SHARED / "assays" / "point_patterns"
    if not folder.is_dir():
        yield f"the real patterns are not at {folder}"
        return
    summary = pd.read_csv(folder / "summary.csv", index_col="pattern")
    for file in sorted(folder.glob("*_reference_K_pcf.csv")):
        name = file.name.removesuffix("_reference_K_pcf.csv")
        told, row = pd.read_csv(file), summary.loc[name]
        points = pd.read_csv(folder / f"{name}.csv")[["x", "y"]].to_numpy(float)
        window = Window.rectangle(*(float(row[e]) for e in ("xmin", "xmax", "ymin", "ymax")))
        r = told["r"].to_numpy()
        found = correlate(points, window, r, bandwidth=float(row["pcf_bw"]) * np.sqrt(5))
        parts = []
        for correction, short in zip(CORRECTIONS, ("trans", "iso"), strict=True):
            k, g = told[f"K_{short}"].to_numpy()[:-1], told[f"pcf_{short}"].to_numpy()
            known = k > 0
            off = np.abs(found.k[correction][:-1][known] / k[known] - 1).max()
            usable = (r > found.bandwidth) & (g > 0.01)
            away = np.abs(found.g[correction][usable] / g[usable] - 1).max()
            parts.append(f"{correction} K {100 * off:.2f} %, g {100 * away:.2f} %")
        test = envelope_test([(points, window)], np.linspace(0, r[-1], 65), simulations=999)
        yield (
            f"{name}, {len(points)} points: {'; '.join(parts)}; {test.verdict} (p {test.p:.3f}, "
            f"above {test.above}, below {test.below})"
        )


def dimers() -> Iterator[str]:
    """Planted dimers at 20 nm in 30 % of the labels of single cells."""
    for labels in (300, 1000):
        rows = []
        for seed in range(_SIMULATIONS):
            points = planted(labels, 0.3, np.random.default_rng(seed))
            pairs = pairs_within(points, FIELD, _REACH, (TRANSLATION,))
            once = pairs.weights[TRANSLATION] / 2
            found = find_distance(pairs.distances, once, _REACH)
            if found is None:
                rows.append((False, False, False, np.nan))
                continue
            counts = count_pairs([(pairs.distances, once)], [labels], found)
            share, lower, upper = dimer_fraction(counts, found)
            rows.append(
                (
                    abs(found.distance - 20) <= 1,
                    abs(share[0] - 0.3) <= 0.05,
                    lower[0] <= 0.3 <= upper[0],
                    share[0],
                )
            )
        peak, close, held, _ = np.array(rows, float).mean(axis=0)
        shares = np.array([row[3] for row in rows])
        yield (
            f"{labels} labels in {FIELD.area / 1e6:g} µm²: of {_SIMULATIONS} simulations the peak "
            f"is within 1 nm in {100 * peak:.1f} %, the share within 5 points in "
            f"{100 * close:.1f} %, its 95 % interval holds the truth in {100 * held:.1f} %; share "
            f"{np.nanmean(shares):.3f}, standard deviation {np.nanstd(shares):.3f}"
        )
    none = sum(
        find_distance(pairs.distances, pairs.weights[TRANSLATION] / 2, _REACH) is not None
        for pairs in (
            pairs_within(FIELD.draw(1000, np.random.default_rng(s)), FIELD, _REACH, (TRANSLATION,))
            for s in range(_SIMULATIONS)
        )
    )
    yield f"random labels: a distance is taken for that of dimers in {none} of {_SIMULATIONS}"


def free() -> Iterator[str]:
    """Cells of which a tenth is without dimers; in the others beta(6, 14) of the labels are."""
    for cells, labels in ((200, 300), (100, 200)):
        rows, alone = [], []
        for seed in range(_SIMULATIONS):
            rng = np.random.default_rng(seed)
            for share, kept in ((0.1, rows), (0.0, alone)):
                if share == 0 and seed >= 100:
                    continue
                without = round(share * cells)
                shares = [0.0] * without + rng.beta(6, 14, cells - without).tolist()
                found = _mixture(shares, labels, rng)
                if found is not None:
                    kept.append((found.share, found.lower, found.upper, found.p))
        share, lower, upper, p = np.array(rows).T
        p_alone = np.array(alone)[:, 3]
        yield (
            f"{cells} cells of {labels} labels, 10 % without dimers: of {len(rows)} simulations "
            f"the share is within 3 points in {100 * np.mean(np.abs(share - 0.1) <= 0.03):.1f} %, "
            f"its 95 % interval holds it in {100 * np.mean((lower <= 0.1) & (upper >= 0.1)):.1f} "
            f"%, p below 0.05 in {100 * np.mean(p < 0.05):.1f} %; with no such cells p is below "
            f"0.05 in {np.count_nonzero(p_alone < 0.05)} of {len(p_alone)}"
        )


def _mixture(shares: list[float], labels: int, rng: np.random.Generator):
    pairs = []
    for share in shares:
        found = pairs_within(planted(labels, share, rng), FIELD, _REACH, (TRANSLATION,))
        pairs.append((found.distances, found.weights[TRANSLATION] / 2))
    pooled = [np.concatenate(part) for part in zip(*pairs, strict=True)]
    dimer = find_distance(pooled[0], pooled[1], _REACH)
    if dimer is None:
        return None
    return find_dimer_free(count_pairs(pairs, [labels] * len(pairs), dimer), dimer)


def speed() -> Iterator[str]:
    """Seconds of a thousand cells of a thousand labels, from the file to the tables."""
    rng = np.random.default_rng(1)
    parts = []
    for cell in range(1000):
        x, y = planted(1000, 0.0 if cell < 100 else rng.beta(6, 14), rng).T
        parts.append(pd.DataFrame({"sample": "S", "cell": cell, "x_nm": x, "y_nm": y}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        pd.concat(parts).to_csv(path, index=False)
        for window in ("rectangle", "hull"):
            started, wall = time.process_time(), time.perf_counter()
            labels = read_labels([path], window=window)
            read = time.process_time() - started
            row = measure_patterns(labels).groups.iloc[0]
            yield (
                f"1,000 cells of 1,000 labels, window {window}: "
                f"{time.process_time() - started:.1f} s of one processor ({read:.1f} s of it to "
                f"read them; {time.perf_counter() - wall:.1f} s by the clock); "
                f"{100 * row['dimer_free']:.1f} % ({100 * row['dimer_free_lower']:.1f} to "
                f"{100 * row['dimer_free_upper']:.1f}) without dimers, planted 10 %"
            )


_PARTS = {"spatstat": spatstat, "dimers": dimers, "free": free, "speed": speed}

if __name__ == "__main__":
    main()
