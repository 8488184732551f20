"""A store that is away, was moved or cannot be written is told at once, and no training is lost."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.models.registry import databases
from sidestep.models.registry.load import load_model
from sidestep.training.retrain import Retrain
from sidestep.training.tracking.lifecycle import open_registry
from sidestep.training.tracking.store import open_store
from sidestep.training.tracking.tracking import track
from sidestep.training.tracking.unkept import keep_beside


class _Answers(http.server.BaseHTTPRequestHandler):
    """Answers what its server's `answered` names, and leaves the rest without an answer."""

    def do_GET(self) -> None:
        if any(part in self.path for part in self.server.answered):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")
        else:
            self.server.ended.wait(30)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hanging() -> Iterator[http.server.ThreadingHTTPServer]:
    """A server that takes connections, and answers only what a test lets it answer."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.ended, server.answered = threading.Event(), ()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    "ask", [open_store, open_registry, lambda uri: load_model("models:/a@b", uri)]
)
@pytest.mark.parametrize("way", ["silent", "health", "runs", "closed", "no address"])
def test_a_server_that_is_away_is_told_at_once(hanging, monkeypatch, ask, way: str) -> None:
    monkeypatch.setattr(databases, "_SECONDS_TO_ANSWER", 0.3)
    hanging.answered = {"health": ("/health",), "runs": ("/health", "experiments")}.get(way, ())
    away = {"closed": "http://ann:secret@127.0.0.1:1", "no address": "http://[::1"}
    uri = away.get(way, f"http://ann:secret@127.0.0.1:{hanging.server_port}")
    started = time.monotonic()
    told = r"the MLflow server http://.* does not answer \(.+\)"
    with pytest.raises(InputError, match=told) as caught:
        ask(uri)
    assert time.monotonic() - started < 5
    assert "secret" not in str(caught.value)


def test_a_server_that_answers_is_there_whatever_it_says(hanging, monkeypatch) -> None:
    monkeypatch.setattr(databases, "_SECONDS_TO_ANSWER", 5)
    hanging.answered = ("experiments", "registered-models")
    databases.require_server(f"http://ann:secret@127.0.0.1:{hanging.server_port}/")


@pytest.mark.slow
def test_a_moved_store_names_the_place_where_its_files_were(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    open_store(f"sqlite:///{old}/mlflow.db")
    shutil.move(old, new)
    with pytest.raises(InputError, match=rf"keeps its files in {old}/mlartifacts/sidestep, which"):
        open_store(f"sqlite:///{new}/mlflow.db")
    assert not old.exists()
    old.symlink_to(new)
    open_store(f"sqlite:///{new}/mlflow.db")


@pytest.mark.slow
def test_a_place_for_files_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "mlartifacts").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"mlartifacts/sidestep, which cannot be written \(.+\)"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.mark.slow
def test_no_place_for_temporary_files_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"no temporary file can be written \(.*set TMPDIR"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.mark.slow
def test_a_model_that_the_store_cannot_keep_is_saved_beside(
    retrained: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "mlartifacts").write_text("in the way of the files")
    with pytest.raises(Exception) as failure:  # noqa: PT011
        track(retrained, store)
    told = str(keep_beside(retrained, store.tracking_uri, "her2", failure.value))
    (folder,) = tmp_path.glob("sidestep-unkept-*")
    assert "could not keep it (" in told
    assert f"`sidestep score STUDY --model {folder}`" in told
    assert "mlflow.register_model(" in told
    loaded = load_model(folder)
    assert list(loaded.predictor.drugs) == list(retrained.predictor.drugs)
    assert len(pd.read_parquet(folder / "out_of_fold.parquet"))


@pytest.mark.slow
def test_commands_that_open_a_new_store_at_once_all_succeed(tmp_path: Path) -> None:
    code = (
        "from sidestep.training.tracking.store import open_store;"
        f"print(open_store('sqlite:///{tmp_path}/new/mlflow.db').experiment_id)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = {process.communicate(timeout=300)[0] for process in started}
    assert ({process.returncode for process in started}, len(found)) == ({0}, 1)
