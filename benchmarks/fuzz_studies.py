"""What does `sidestep check` say of studies whose cells, headers and meta files were tampered with?

    python -m benchmarks.fuzz_studies --cases 300

Each case is a small simulated study with one to four changes to its files: a cell, a header, a line
of a meta file or case list replaced by something odd, a line doubled, cut or left out, bytes
changed. It goes through `check` in this process. Whatever `check` finds is fine; an exception that
no verb foresaw (exit code 1 with the words of Python's error) is a bug, and is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

_ODD = (
    "", "NA", "nan", "inf", "-inf", "1e308", "-1e400", "9" * 40, str(2**63), str(-(2**63) - 1),
    "0x1F", "1,5", "1e", "--", "TRUE", "a\tb", "\"quoted", "'", "x" * 300, "\x1b[31mred",
    "\u202eabc", "\u00e9", "\u4e2d\u6587", "=1+1", "ERBB2 ", " ERBB2", "erbb2", "2064", "2064.0",
    "ENSG00000141736", "p.H1047R", "p.", "p.*", "H1047", "-1", "0", "|", "ERBB2|", "|HER2",
    "ERBB2|a|b", "1-Mar", "[Not Available]", "../x", "/etc/passwd", "C:\\x", "[]", "{}",
)  # fmt: skip


def tamper(folder: Path, rng: random.Random) -> None:
    """Make one to four changes to the files of a study folder."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        files = sorted(path for path in folder.rglob("*.txt") if path.is_file())
        if not files:
            return
        path = rng.choice(files)
        data = path.read_bytes()
        lines = data.decode("utf-8", "replace").split("\n")
        at = rng.randrange(len(lines)) if rng.random() < 0.5 else rng.randrange(min(6, len(lines)))
        how = rng.randrange(9)
        if how <= 3:
            by = ":" if path.name.startswith(("meta", "cases")) else "\t"
            cells = lines[at].split(by)
            cells[rng.randrange(len(cells))] = rng.choice(_ODD)
            lines[at] = by.join(cells)
        elif how == 4:
            lines.insert(at, lines[at])
        elif how == 5:
            del lines[at]
        elif how == 6:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif how == 7:
            lines[at] = rng.choice(_ODD)
        else:
            start = rng.randrange(len(data) + 1)
            path.write_bytes(data[:start] + rng.randbytes(rng.randrange(8)) + data[start + 3 :])
            continue
        path.write_text("\n".join(lines), encoding="utf-8", errors="replace")


def outcome(folder: Path) -> tuple[int, str]:
    """Exit code of `check`, and what it said on standard error."""
    from sidestep.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["check", str(folder)])
    return code, err.getvalue()


def run(folder: Path, cases: range) -> dict[int, str]:
    """Unforeseen outcomes of some cases, each with its words."""
    from sidestep.features.simulation.simulate import SimulationPlan, simulate_study

    original = folder / "original"
    if not original.exists():
        simulate_study(original, SimulationPlan(kind="pancan", lines=40, genes=120, seed=1))
        shutil.rmtree(original / "truth")
    counts: Counter[int] = Counter()
    found = {}
    for case in cases:
        shutil.rmtree(folder / "case", ignore_errors=True)
        shutil.copytree(original, folder / "case")
        tamper(folder / "case", random.Random(case))
        code, said = outcome(folder / "case")
        counts[code] += 1
        if "SIDESTEP_TRACEBACK" in said:
            found[case] = said.strip()
    print(f"exit codes: {dict(counts)}", file=sys.stderr)
    return found


def main() -> int:
    """Run the cases, and print what nobody foresaw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    given = parser.parse_args()
    os.environ.setdefault("SIDESTEP_TRACEBACK", "0")
    with tempfile.TemporaryDirectory(prefix="sidestep-fuzz-") as name:
        found = run(Path(name), range(given.first, given.first + given.cases))
    for case, said in found.items():
        print(f"case {case}: {said}")
    print(f"unforeseen: {len(found)} of {given.cases}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
