"""MLflow's own pages of a store, served for a person to look at the runs."""

from __future__ import annotations

import http.client
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
from sidestep.training.tracking.quiet import DEFAULT_EXPERIMENT, NO_TELEMETRY

_SECONDS_TO_START = 120
_SECONDS_TO_ANSWER = 15
_SECONDS_BETWEEN_QUESTIONS = 0.1
# Without it the pages begin with those for language models.
_VIEW = "workflowType=machine_learning"


def serve_pages(tracking_uri: str, host: str, port: int, *, notice: Callable[[str], None]) -> None:
    """Serve the pages of a store until interrupted or ended (SIGTERM).

    Parameters
    ----------
    tracking_uri : str
        An SQLite file or a folder; a server shows its own pages, whose address is given.
    host : str
    port : int
    notice : callable
        Called with each line to print; one has the address of the runs of `sidestep`.

    Raises
    ------
    InputError
        If there is no such store, the port is taken, or MLflow's server does not start.
    """
    if tracking_uri.startswith(("http://", "https://")):
        address = without_password(_address_of_runs(tracking_uri))
        notice(f"This store shows its own pages: {address}")
        return
    _require_store(tracking_uri)
    require_runs_database(tracking_uri)
    _require_free(host, port)
    command = [sys.executable, "-m", "mlflow", "server"]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    # Not on the command line, which every user of the machine may read.
    settings = NO_TELEMETRY | os.environ | {"MLFLOW_BACKEND_STORE_URI": tracking_uri}
    notice(f"Starting MLflow's pages of {without_password(tracking_uri)} ...")
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as log:
        # The server must not outlive this process, however that ends.
        earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=settings)
        try:
            _await_start(server, f"http://{host}:{port}", log)
            notice(f"Look at {_address_of_runs(f'http://{host}:{port}')} (Ctrl-C ends)")
            server.wait()
        except KeyboardInterrupt:
            notice("Ended.")
        finally:
            _end(server)
            signal.signal(signal.SIGTERM, earlier)


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


def _await_start(server: subprocess.Popen[bytes], address: str, log: IO[str]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_SECONDS_BETWEEN_QUESTIONS)
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    reason = lines[-1] if lines else "it said nothing"
    raise InputError(f"MLflow's server did not start ({reason})")


def _address_of_runs(address: str) -> str:
    """Address of the runs of the experiment `sidestep`, or else of that with the newest run.

    The front page where there is neither. MLflow itself begins with the experiment that was looked
    at last, or with its own `Default`.
    """
    try:
        number = _experiment(address) or _newest(address)
    except (OSError, ValueError, http.client.HTTPException):
        return address  # the pages are there all the same
    return address if number is None else f"{address}/#/experiments/{number}/runs?{_VIEW}"


def _experiment(address: str) -> str | None:
    """The experiment `sidestep` of a store, if it has one."""
    question = {"max_results": 1, "filter": f"name = '{DEFAULT_EXPERIMENT}'"}
    found = _answer(address, "experiments/search", question).get("experiments", [])
    return str(found[0]["experiment_id"]) if found else None


def _newest(address: str) -> str | None:
    """The experiment with the newest run, if there is a run."""
    experiments = _answer(address, "experiments/search", {"max_results": 1000})
    numbers = [found["experiment_id"] for found in experiments.get("experiments", [])]
    newest = {"experiment_ids": numbers, "order_by": ["attributes.start_time DESC"]}
    runs = _answer(address, "runs/search", newest | {"max_results": 1}).get("runs", [])
    return str(runs[0]["info"]["experiment_id"]) if runs else None


def _answer(address: str, method: str, question: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address.rstrip('/')}/api/2.0/mlflow/{method}",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
