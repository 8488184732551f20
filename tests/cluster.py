"""A Dask cluster of processes on this machine, apart from the process of the tests.

``python tests/cluster.py WORKERS`` is one until its standard input ends. Scheduler and nannies have
threads that start processes, which a long test run does better without: one that does not come up
is ended and started again.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from distributed import LocalCluster

_ATTEMPTS = 3
_SECONDS_TO_START = 60
_SECONDS_TO_END = 30
# What looks after a cluster all the time takes a tenth of a core, which the tests need.
_AT_REST = {
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "10s",
}


class Cluster:
    """`LocalCluster` of workers with one thread each; a killed worker comes again."""

    def __init__(self, n_workers: int) -> None:
        for _ in range(_ATTEMPTS):
            self._process = _start(n_workers)
            assert self._process.stdout is not None
            if select.select([self._process.stdout], [], [], _SECONDS_TO_START)[0]:
                self.scheduler_address = self._process.stdout.readline().strip()
                if self.scheduler_address:
                    return
            self.kill()
        raise TimeoutError(f"no cluster within {_SECONDS_TO_START} s, {_ATTEMPTS} times")

    def kill_a_worker(self) -> None:
        """Kill the process of one, as a machine that fails does."""
        for process in psutil.Process(self._process.pid).children():
            if "--multiprocessing-fork" in process.cmdline():
                process.kill()
                return
        raise LookupError("the cluster has no worker now")

    def close(self) -> None:
        """End it in order."""
        try:
            self._process.communicate(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End all of its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _start(n_workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, str(n_workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | _AT_REST | {"PYTHONPATH": str(Path(__file__).parents[1])},  # of functions
        start_new_session=True,
    )


def main() -> None:
    """Be a cluster, and tell where."""
    address = "127.0.0.1:0"
    n_workers = int(sys.argv[1])
    with LocalCluster(n_workers, threads_per_worker=1, dashboard_address=address) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
