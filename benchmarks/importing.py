"""How long does it take to import a large table, and how much memory?

``python -m benchmarks.importing`` makes up the TPM of 20,000 genes in 2,000 samples, writes them as
CSV, once with a row a gene and once with a row a sample, and imports each in a process of its own,
which reads the study that it makes. The numbers are random: what is measured is the work, not the
data. ``--genes``, ``--samples`` and ``--folder`` change it. On a machine with other work the
seconds of the processor are what an idle one would take.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.knowledge.symbols import symbol_table

_IMPORT = """
import resource, sys
from sidestep.main import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(code, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""
_BATCH = 500


def write_table(path: Path, genes: int, samples: int, *, by_gene: bool) -> None:
    """Write random TPM, three digits after the point, some genes or samples at a time."""
    rng = np.random.default_rng(0)
    names = list(symbol_table().chromosomes)[:genes]
    others = [f"S{at:05d}" for at in range(samples)]
    rows, columns = (names, others) if by_gene else (others, names)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["gene" if by_gene else "sample", *columns]) + "\n")
        for start in range(0, len(rows), _BATCH):
            block = rows[start : start + _BATCH]
            values = rng.lognormal(2.0, 1.6, (len(block), len(columns)))
            frame = pd.DataFrame(values, index=block)
            frame.to_csv(file, header=False, float_format="%.3f")


def measure(source: Path, out: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and GiB at most of an import in a process of its own."""
    began = time.perf_counter()
    arguments = ["data", "import", "--expression", str(source), "--unit", "TPM", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, *arguments], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    code, processor, peak = done.stderr.split()[-3:]
    if code != "0":
        raise RuntimeError(done.stderr)
    return seconds, float(processor), int(peak) / 2**20


def main() -> None:
    """Print a line a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; must have 2 GB")
    given = parser.parse_args()
    print("table\tMB\tseconds\tprocessor seconds\tGiB at most")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for by_gene in (True, False):
            source, out = Path(folder) / "tpm.csv", Path(folder) / f"study{by_gene}"
            write_table(source, given.genes, given.samples, by_gene=by_gene)
            seconds, processor, peak = measure(source, out)
            shape = "a row a gene" if by_gene else "a row a sample"
            size = source.stat().st_size / 1e6
            print(f"{shape}\t{size:.0f}\t{seconds:.0f}\t{processor:.0f}\t{peak:.2f}", flush=True)


if __name__ == "__main__":
    main()
