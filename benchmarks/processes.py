"""What a command took that ran as a process of its own: seconds, and the most memory.

    python -m benchmarks.processes COMMAND [ARGUMENT ...]

runs it from a small process and prints its status and what it took as JSON. A process begins with
the peak memory of the one that started it, so that the peak of one which a benchmark with models in
memory starts would be the benchmark's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Taken:
    """What a command took, with all processes that it started.

    Attributes
    ----------
    seconds, cpu : float
        From its start to its end, and of the processor.
    peak : float
        MiB that the largest of its processes had resident.
    """

    seconds: float
    cpu: float
    peak: float


def taken_by(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Taken:
    """Run a command, and say what it took.

    Parameters
    ----------
    command : sequence of str or Path
    folder : Path, optional
        Where it runs; where this process does by default.
    environment : mapping of str to str, optional
        Variables beside those of this process; the first place to import from is by default where
        these benchmarks are.

    Raises
    ------
    SystemExit
        If it fails, with the end of what it printed.
    """
    # By its path: the folder may be another version's, with benchmarks of its own.
    ran = subprocess.run(
        [sys.executable, "-P", __file__, *map(str, command)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
        check=False,
    )
    found = json.loads(ran.stdout or '{"status": "no answer"}')
    if found.pop("status") != 0:
        raise SystemExit(f"{' '.join(map(str, command))} did not end well: {ran.stderr[-2000:]}")
    return Taken(**found)


def main() -> None:
    """Print one line to standard output; the command's own goes to standard error."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    found = {
        "status": process.returncode,
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
