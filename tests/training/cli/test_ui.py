"""The verb `ui`: pages that are served, and what is refused."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from sidestep.main import main
from sidestep.training.tracking.store import Store
from tests.training.cli.refused import Refused

ROOT = Path(__file__).parents[3]


def test_pages_of_no_store_are_refused(tmp_path: Path, refused: Refused) -> None:
    message = refused("ui", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert "make some with sidestep train" in message
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_refused(store: Store, refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused("ui", "--tracking-uri", store.tracking_uri, "--port", port)
    assert f"port {port}" in message
    assert "give another --port" in message


def test_a_server_shows_its_own_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--tracking-uri", "http://runs.example:5000"]) == 0
    assert "http://runs.example:5000" in capsys.readouterr().out


@pytest.mark.slow
def test_pages_are_served_until_told_to_end(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sidestep", "ui", "--tracking-uri", store.tracking_uri]
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as pages:
        assert pages.stdout is not None
        assert pages.stdout.readline().startswith("Starting")
        assert f"http://127.0.0.1:{port}" in pages.stdout.readline()
        address = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name"
        with urllib.request.urlopen(f"{address}?experiment_name=tests", timeout=30) as answer:
            assert json.load(answer)["experiment"]["experiment_id"] == store.experiment_id
        pages.send_signal(signal.SIGTERM)
        assert pages.stdout.read() == "Ended.\n"
        assert pages.wait(timeout=60) == 0
    with socket.create_server(("127.0.0.1", port)):
        pass  # nothing listens any more
