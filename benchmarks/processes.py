"""Run a command from a small process, and print its status and what it took as JSON.

    python -m benchmarks.growth_process COMMAND [ARGUMENT ...]

A process begins with the peak memory of the one that started it, so that the peak of one which a
benchmark with models in memory starts would be the benchmark's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


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
