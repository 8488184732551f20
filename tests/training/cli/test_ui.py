"""The verb `ui`: where it leads, and what is refused; `tracking/test_ui.py` looks at its pages."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sidestep.main import main
from sidestep.training.tracking.store import Store
from tests.training.cli.refused import Refused


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
@pytest.mark.parametrize("named", [True, False])
def test_the_experiment_of_sidestep_is_what_opens(
    named: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever else the store holds; without it, the one with the newest run."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("runs/search"):
                found: object = {"runs": [{"info": {"experiment_id": "7"}}]}
            elif asked.get("filter") == "name = 'sidestep'":
                found = {"experiments": [{"experiment_id": "3"}] if named else []}
            else:
                found = {"experiments": [{"experiment_id": "0"}, {"experiment_id": "7"}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert main(["ui", "--tracking-uri", address]) == 0
        server.shutdown()
    number = "3" if named else "7"
    assert f"{address}/#/experiments/{number}/runs?" in capsys.readouterr().out
