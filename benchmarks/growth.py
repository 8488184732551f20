"""Time, memory and disk of score, report, check and train as what they work on grows.

    python -m benchmarks.growth
    python -m benchmarks.growth --verbs score report --samples 1000 4000 --drugs 1 5 --features 2000
    python -m benchmarks.growth --verbs score --workers 1 2 --folder /somewhere

Every run of a verb is a process of its own: seconds are of the whole process, from its start, CPU
of the processor, and the peak is the most memory that the largest of its processes ever had
resident (`ru_maxrss`). Three series are measured of each verb, each with the others' `--base`
values: samples, drugs (of one model) and features; `check` has none of drugs. `report` draws the
scores that `score` wrote, anew. `train` has lines in the place of samples, and sizes of its own. A
run that would take longer than `--seconds`, judged by the one before it, is left out.

With `--workers N`, studies of the sizes of `--cluster` are scored on a Dask cluster of so many
processes on this machine as well: what the client does, and what workers do, is counted apart.

The costs of score, report and check at `--project` (samples x drugs, at the features of the base)
are those of `growth_costs.CostModel`, from what was measured in this run; so are the hours on a
cluster, of which this machine has measured the parts and not the whole. All data are simulated
(`growth_verbs`). `--folder` keeps models and studies for the next run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.growth_costs import Cell, Cost, CostModel, cluster_seconds, slopes
from benchmarks.growth_verbs import TRIALS, VERBS, Bench

SAMPLES = (1_000, 5_000, 20_000, 50_000, 200_000)
DRUGS = (1, 5, 25, 50)
FEATURES = (200, 2_000, 20_000)
#: Samples, drugs and features of the series in which they do not vary.
BASE = (4_000, 25, 2_000)
#: The same of `train`, whose samples are lines.
TRAIN_LINES, TRAIN_DRUGS, TRAIN_FEATURES = (50, 100, 200), (1, 2, 4), (250, 1_000, 4_000)
TRAIN_BASE = (100, 2, 1_000)
#: Samples that are scored on a cluster.
CLUSTER = (4_000, 16_000)
#: Workers that hours on a cluster are told for.
_CLUSTERS = (1, 4, 16, 64)
_HEAD = (
    f"{'verb':<7} {'samples':>9} {'drugs':>5} {'features':>8} {'rows':>10} {'seconds':>8} "
    f"{'CPU':>8} {'rows/s':>7} {'peak MiB':>8} {'disk MiB':>8}"
)
_MIB, _GIB, _HOUR = 2**20, 2**30, 3_600


def main() -> None:
    """Print the measurements, their slopes, and what they come to at another size."""
    options = _options()
    sizes = {"samples": options.samples, "drugs": options.drugs, "features": options.features}
    learned = {"samples": options.lines, "drugs": TRAIN_DRUGS, "features": TRAIN_FEATURES}
    told = [verb for verb in options.verbs if verb != "train"]
    print(f"{os.cpu_count()} cores; simulated data; train with {TRIALS} trials a search")
    print(_HEAD, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, max([*options.drugs, options.base[1]]))
        cells = measure(bench, told, sizes, options.base, options.seconds)
        # Without a size off both series, a drug's cost and a sample's cannot be told apart.
        apart = (min(options.samples), max(options.drugs), options.base[2])
        for verb in told:
            if verb != "check":
                cells.append(bench.measure(verb, *apart))
                print(line(cells[-1]), flush=True)
        if "train" in options.verbs:
            measure(bench, ["train"], learned, TRAIN_BASE, options.seconds)
        spread = measure_cluster(bench, options.workers, options.cluster, sizes, options.base)
    samples, drugs = options.project
    print(f"Projected to {samples:,} samples x {drugs} drugs x {options.base[2]:,} features:")
    cells = [cell for cell in cells if cell.features == options.base[2]]
    for verb in told:
        print("\n".join(projection([cell for cell in cells if cell.verb == verb], samples, drugs)))
    if len({cell.samples for cell in spread}) > 1:
        print("\n".join(on_clusters(spread, samples, drugs)))


def measure(
    bench: Bench,
    verbs: Sequence[str],
    sizes: Mapping[str, Sequence[int]],
    base: Sequence[int],
    most: float,
) -> list[Cell]:
    """Measure series of samples, drugs and features, and print them with their slopes."""
    found: dict[tuple[str, tuple[int, ...]], Cell] = {}
    for place, (name, series) in enumerate(sizes.items()):
        asked = [verb for verb in verbs if (verb, name) != ("check", "drugs")]
        cells: dict[str, list[Cell]] = {verb: [] for verb in asked}
        for size in sorted(series):
            at = (*base[:place], size, *base[place + 1 :])
            for verb in asked:
                expected = _expected(cells[verb], name, size)
                if expected > most:
                    print(f"{verb}, {size:,} {name}: left out: some {expected:,.0f} s")
                    continue
                if (verb, at) not in found:
                    found[verb, at] = bench.measure(verb, *at)
                    print(line(found[verb, at]), flush=True)
                cells[verb].append(found[verb, at])
        for verb in asked:
            if len(cells[verb]) > 1:
                print(slope_line(cells[verb], name), flush=True)
    return list(found.values())


def _expected(cells: Sequence[Cell], name: str, size: int) -> float:
    """Seconds that a run would take if they grew as the size does."""
    return cells[-1].seconds * size / cells[-1].size(name) if cells else 0.0


def line(cell: Cell) -> str:
    """A row of the table."""
    disk = f"{cell.disk / _MIB:,.0f}" if cell.files else "-"
    return (
        f"{cell.verb:<7} {cell.samples:>9,} {cell.drugs:>5} {cell.features:>8,} {cell.rows:>10,} "
        f"{cell.seconds:>8.1f} {cell.cpu:>8.1f} {cell.rows / cell.seconds:>7,.0f} "
        f"{cell.peak:>8,.0f} {disk:>8}"
    )


def slope_line(cells: Sequence[Cell], name: str) -> str:
    """How processor time and memory grow with samples, drugs or features."""
    cpu, memory = (slopes(cells, name, cost) for cost in (_cpu, _peak))
    return (
        f"{cells[0].verb}, slope in {name}: CPU {cpu[0]:.2f} (last {cpu[1]:.2f}), "
        f"memory {memory[0]:.2f} (last {memory[1]:.2f})"
    )


def projection(cells: Sequence[Cell], samples: int, drugs: int) -> list[str]:
    """What a verb takes at another size: processor time, memory and, of score, disk."""
    verb = cells[0].verb
    if len({cell.samples for cell in cells}) == 1:
        return [f"{verb}: measured at one number of samples, from which nothing follows"]
    cpu, memory = CostModel.of(cells, _cpu), CostModel.of(cells, _peak)
    lines = [
        f"{verb}: {cpu.at(samples, drugs) / _HOUR:,.1f} CPU hours, "
        f"{memory.at(samples, drugs) / 1024:,.1f} GiB of memory "
        f"({cpu.beyond(samples, drugs):.1f} times the most rows measured; the model is off by up "
        f"to {100 * cpu.error:.0f} % and {100 * memory.error:.0f} % at what was measured)",
        f"  CPU seconds: {cpu.start:.1f} + {cpu.per_drug:.3g} a drug + {cpu.per_sample:.3g} a "
        f"sample + {cpu.per_row:.3g} a row",
    ]
    sizes = {name: CostModel.of(cells, _heldof(name)) for name in _files(cells)}
    if not sizes:
        return lines
    largest = max(cells, key=lambda cell: cell.rows)
    rows = samples * drugs
    for name, size in sorted(sizes.items(), key=lambda one: -one[1].at(samples, drugs)):
        total = size.at(samples, drugs)
        lines.append(f"  {name:<22} {total / _GIB:>8.2f} GiB {total / rows:>8.1f} bytes a row")
    pages = sum(held for name, held in largest.files.items() if name.endswith(".html"))
    lines.append(f"  pages of the report    {pages / _GIB:>8.2f} GiB at {largest.rows:,} rows")
    share = largest.disk / sum(largest.files.values())
    total = pages + sum(size.at(samples, drugs) for size in sizes.values())
    lines.append(
        f"  all files {total / _GIB:,.1f} GiB; with unfinished work {share * total / _GIB:,.1f} GiB"
        f" ({share:.1f} times as much at {largest.rows:,} rows)"
    )
    return lines


def measure_cluster(
    bench: Bench,
    counts: Sequence[int],
    samples: Sequence[int],
    sizes: Mapping[str, Sequence[int]],
    base: Sequence[int],
) -> list[Cell]:
    """Score on clusters of so many workers on this machine, and print what each part took."""
    _, drugs, features = base
    asked = [(size, some) for some in (drugs, min(sizes["drugs"])) for size in sorted(samples)]
    cells = []
    for count in counts:
        for size, some in asked:
            cells.append(cell := bench.on_cluster(count, size, some, features))
            print(
                f"{line(cell)}  {count} Dask worker(s): CPU {cell.workers_cpu:,.1f} s of theirs, "
                f"largest {cell.workers_peak:,.0f} MiB",
                flush=True,
            )
    return cells


def on_clusters(cells: Sequence[Cell], samples: int, drugs: int) -> list[str]:
    """Hours of a job on clusters of several sizes, from what client and workers do a row."""
    client, workers = CostModel.of(cells, _cpu), CostModel.of(cells, lambda cell: cell.workers_cpu)
    own, theirs = client.at(samples, drugs), workers.at(samples, drugs)
    memory = CostModel.of(cells, _peak).at(samples, drugs) / 1024
    lines = [
        f"score on a cluster: client {own / _HOUR:,.1f} CPU hours and {memory:,.1f} GiB, workers "
        f"{theirs / _HOUR:,.1f} CPU hours and {max(c.workers_peak for c in cells) / 1024:,.1f} GiB "
        f"each; more than {theirs / own:.0f} workers wait for the client"
    ]
    for count in _CLUSTERS:
        least, most = (hours / _HOUR for hours in cluster_seconds(own, theirs, count))
        lines.append(f"  {count:>3} worker(s): {least:,.1f} to {most:,.1f} hours")
    return lines


def _cpu(cell: Cell) -> float:
    return cell.cpu


def _peak(cell: Cell) -> float:
    return cell.peak


def _heldof(file: str) -> Cost:
    return lambda cell: float(cell.files[file])


def _files(cells: Sequence[Cell]) -> list[str]:
    """Files that every cell has and that grow; a report draws no more than so many samples."""
    names = set.intersection(*(set(cell.files) for cell in cells))
    return sorted(name for name in names if not name.endswith(".html"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verbs", choices=VERBS, nargs="+", default=VERBS)
    parser.add_argument("--samples", type=int, nargs="+", default=SAMPLES)
    parser.add_argument("--drugs", type=int, nargs="+", default=DRUGS)
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES)
    parser.add_argument("--base", type=int, nargs=3, default=BASE)
    parser.add_argument("--lines", type=int, nargs="+", default=TRAIN_LINES, help="of train")
    parser.add_argument("--workers", type=int, nargs="*", default=(), help="of Dask clusters")
    parser.add_argument("--cluster", type=int, nargs="+", default=CLUSTER, help="samples on them")
    parser.add_argument("--project", type=size, default="1000000x50", metavar="SAMPLESxDRUGS")
    parser.add_argument("--seconds", type=float, default=7_200, help="of the longest run")
    parser.add_argument("--folder", type=Path, help="keep models and studies here")
    return parser.parse_args()


def size(text: str) -> tuple[int, int]:
    """Samples and drugs of a text such as ``1000000x50``."""
    samples, drugs = text.lower().split("x")
    return int(samples), int(drugs)


if __name__ == "__main__":
    main()
