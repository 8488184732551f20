"""Where does a person look at the runs? MLflow's own pages, served from a store."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import require_runs_database, without_password

_SECONDS_TO_START = 120
_SECONDS_TO_ANSWER = 30
# MLflow's server tells its makers how it is used unless told not to.
_SERVER_SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
# Without it the pages begin with those for language models.
_VIEW = "workflowType=machine_learning"


def serve_pages(tracking_uri: str, host: str, port: int, *, say: Callable[[str], None]) -> None:
    """Serve the pages of a store until interrupted or told to end (SIGTERM).

    Parameters
    ----------
    tracking_uri : str
        An SQLite file or a folder; a server shows its own pages, whose address is said.
    host : str
    port : int
    say : callable
        Given each line to print; one has the address of the runs of the newest experiment.

    Raises
    ------
    InputError
        If there is no such store, the port is taken, or MLflow's server does not start.
    """
    if tracking_uri.startswith(("http://", "https://")):
        say(f"This store shows its own pages: {without_password(tracking_uri)}")
        return
    _require_store(tracking_uri)
    require_runs_database(tracking_uri)
    _require_free(host, port)
    command = [sys.executable, "-m", "mlflow", "server"]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    # Not on the command line, which every user of the machine may read.
    settings = _SERVER_SETTINGS | os.environ | {"MLFLOW_BACKEND_STORE_URI": tracking_uri}
    say(f"Starting MLflow's pages of {without_password(tracking_uri)} ...")
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as told:
        # The server must not outlive this process, however that ends.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        server = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, env=settings)
        try:
            _await_start(server, f"http://{host}:{port}", told)
            say(f"Look at {_address_of_runs(f'http://{host}:{port}')} (Ctrl-C ends)")
            server.wait()
        except KeyboardInterrupt:
            say("Ended.")
        finally:
            _end(server)
            signal.signal(signal.SIGTERM, before)


def _require_store(tracking_uri: str) -> None:
    scheme, _, rest = tracking_uri.partition("://")
    local = {"sqlite": rest.removeprefix("/"), "file": rest, tracking_uri: tracking_uri}
    path = local.get(scheme)
    if path is not None and not Path(path).exists():
        raise InputError(
            f"there are no runs at {tracking_uri}; make some with sidestep train, or give their "
            "--tracking-uri"
        )


def _require_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise InputError(
            f"cannot listen on {host}, port {port} ({error.strerror}); give another --port"
        ) from None


def _await_start(server: subprocess.Popen[bytes], address: str, told: IO[str]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    told.seek(0)
    lines = [line.strip() for line in told if line.strip()]
    reason = lines[-1] if lines else "it said nothing"
    raise InputError(f"MLflow's server did not start ({reason})")


def _address_of_runs(address: str) -> str:
    """Where the runs of the experiment with the newest run are; the front page without any."""
    try:
        experiments = _asked(address, "experiments/search", {"max_results": 1000})
        known = [found["experiment_id"] for found in experiments.get("experiments", [])]
        newest = {"experiment_ids": known, "order_by": ["attributes.start_time DESC"]}
        runs = _asked(address, "runs/search", newest | {"max_results": 1}).get("runs", [])
    except (OSError, ValueError):
        return address  # the pages are there all the same
    if not runs:
        return address
    return f"{address}/#/experiments/{runs[0]['info']['experiment_id']}/runs?{_VIEW}"


def _asked(address: str, what: str, question: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{what}",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
