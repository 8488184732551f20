"""The verbs that learn, as the command line runs them: what they print, keep and refuse."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import xgboost as xgb

from sidestep.features.progress import Reporter
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.main import main
from sidestep.models.registry.load import load_model
from sidestep.training.tracking.store import Store

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def null_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose drug SIMNULL-1 has nothing to do with anything."""
    folder = tmp_path_factory.mktemp("null") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=40, genes=150, noise=0.3, missing=0.1, seed=1))
    return folder


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(capsys)


class Refused:
    """Run a command that must be refused, and give what it says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: object) -> str:
        code = main([str(arg) for arg in args])
        told = self._capsys.readouterr()
        assert (code, told.out) == (2, "")
        assert told.err.startswith("sidestep: error: ")
        assert told.err.count("\n") == 1
        return told.err


def train(study: Path, store: Store, *more: str) -> int:
    args = ["train", str(study), "--tracking-uri", store.tracking_uri, "--jobs", "1", "--quiet"]
    return main([*args, "--folds", "3", *more])


def test_a_null_drug_is_learned_marked_and_no_champion(
    null_study: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    what = ("--drugs", "simnull1", "--trials", "1", "--register", "null")
    for attempt in ("1", "2"):
        code = train(null_study, store, *what)
        told = capsys.readouterr()
        assert (code, told.err) == (0, "")
        assert told.out.startswith("Simulated data: no sample is real.\n")
        assert re.search(r"^SIMNULL-1 \*\s+38\s+-0\.\d\d ", told.out, re.MULTILINE)
        assert "* does not beat its baselines" in told.out
        assert "Gate FAILED: mean out-of-fold r -0." in told.out
        assert f"Registered null version {attempt} without the alias champion" in told.out
        run_id = re.search(r"^Run (\w{32}) in sqlite", told.out, re.MULTILINE)
        assert run_id is not None
        runs.append(run_id[1])
    kept = [store.client.download_artifacts(run, "out_of_fold.parquet") for run in runs]
    first, second = (Path(path).read_bytes() for path in kept)
    assert first == second  # the same seed gives the same numbers
    drug = load_model("models:/null/1", store.tracking_uri).predictor.drugs["SIMNULL-1"]
    assert not drug.beats_baselines


def test_a_log_gets_plain_lines(
    simulated_study: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--tracking-uri", store.tracking_uri, "--jobs", "1")
    what = ("--drugs", "Lapatinib", "--trials", "0", "--folds", "2", "--modalities", "rppa")
    assert main(["train", str(simulated_study), *where, *what]) == 0
    told = capsys.readouterr()
    assert "Model (not registered): runs:/" in told.out
    lines = told.err.splitlines()
    assert all(re.match(r"\[ *\d+ s\] ", line) for line in lines)
    assert [line.split("] ")[1] for line in lines] == [
        "building features: 3 of 3",
        "searching settings: 3 of 3",
        "testing on held-out lines: 2 of 2",
        "fitting on all lines: 1 of 1",
        "keeping the run in MLflow",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--drugs", "Lapatnib"], "drug Lapatnib is not in .* did you mean Lapatinib"),
        (["--drugs", "Lapatinib", "--min-lines", "500"], "has 38 lines, .* lower --min-lines"),
        (["--panel", "her2", "--min-lines", "500"], "no drug of panel her2 has 500 lines"),
        (["--drugs", "Lapatinib", "--panel", "her2"], "give --drugs or --panel, not both"),
        (["--drugs", "Lapatinib", "--modalities", "rna"], "unknown modality rna; choose from"),
        (["--drugs", "Lapatinib", "--clinical", "SHOE_SIZE"], "SHOE_SIZE"),
        (["--panel", "everything"], "'everything' is not one of 'her2', 'kinase', 'all'"),
        (["--folds", "1"], "1 is not in the range x>=2"),
        (["--trials", "-1"], "-1 is not in the range x>=0"),
        (["--trials", "some"], "'some' is not a valid integer"),
        (["--min-lines", "2"], "2 is not in the range x>=10"),
        (["--response", "auc"], r"response 'auc' is not in the study; it has sim_gi50 \(gi50\)"),
        (["--register", "her2/breast"], "a model cannot be named 'her2/breast'"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(
    simulated_study: Path, store: Store, refused: Refused, given: list[str], said: str
) -> None:
    where = ["--tracking-uri", store.tracking_uri, "--quiet"]
    assert re.search(said, refused("train", simulated_study, *where, *given))


def test_a_study_that_is_not_there_makes_no_store(tmp_path: Path, refused: Refused) -> None:
    database = tmp_path / "mlflow.db"
    said = refused("train", tmp_path / "none", "--tracking-uri", f"sqlite:///{database}")
    assert "none is not a folder" in said
    assert not database.exists()


def test_a_study_of_several_responses_must_be_told_which(
    simulated_study: Path, tmp_path: Path, refused: Refused
) -> None:
    study = shutil.copytree(simulated_study, tmp_path / "two")
    meta = (study / "meta_treatment_gi50.txt").read_text(encoding="utf-8")
    (study / "meta_treatment_auc.txt").write_text(meta.replace("gi50", "auc"), encoding="utf-8")
    shutil.copy(study / "data_treatment_gi50.txt", study / "data_treatment_auc.txt")
    said = refused("train", study, "--drugs", "Lapatinib")
    assert "sim_auc (auc)" in said
    assert "sim_gi50 (gi50)" in said
    assert "--response" in said


def test_a_study_without_a_response_cannot_be_trained_on(
    simulated_study: Path, tmp_path: Path, refused: Refused
) -> None:
    study = shutil.copytree(simulated_study, tmp_path / "none")
    (study / "meta_treatment_gi50.txt").unlink()
    (study / "data_treatment_gi50.txt").unlink()
    assert "has no drug response to learn" in refused("train", study, "--drugs", "Lapatinib")


def test_simulate_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--lines", "30", "--pancan-lines", "40", "--cohort-samples", "8", "--genes", "120"]
    assert main(["simulate", str(tmp_path / "made"), "--seed", "3", *small]) == 0
    told = capsys.readouterr().out
    assert "no sample is real" in told
    for name, samples in (("breast_sim", 30), ("pancan_sim", 40), ("cohort_sim", 8)):
        assert f"{tmp_path / 'made' / name}: {samples} samples" in told
        assert (tmp_path / "made" / name / "meta_study.txt").is_file()


def test_simulate_overwrites_nothing(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "breast_sim").mkdir()
    (tmp_path / "breast_sim" / "mine.txt").write_text("keep me")
    assert "breast_sim" in refused("simulate", tmp_path)
    assert not (tmp_path / "pancan_sim").exists()


def test_simulate_refuses_a_size_that_holds_no_mechanism(tmp_path: Path, refused: Refused) -> None:
    assert "3" in refused("simulate", tmp_path / "made", "--lines", "3")
    assert not (tmp_path / "made" / "breast_sim").exists()


def test_pages_of_no_store_are_refused(tmp_path: Path, refused: Refused) -> None:
    said = refused("ui", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert "make some with sidestep train" in said
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_refused(store: Store, refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("ui", "--tracking-uri", store.tracking_uri, "--port", port)
    assert f"port {port}" in said
    assert "give another --port" in said


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


class Terminal(io.StringIO):
    """A stream that a person sees."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    with Reporter(stream=(terminal := Terminal())) as progress:
        for done in range(1, 4):
            progress("search", done, 3)
        progress.say("keeping the run")
    assert "searching settings: 100%" in terminal.getvalue()
    assert terminal.getvalue().endswith("keeping the run\n")


def test_quiet_is_quiet() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Reporter(quiet=True, stream=stream) as progress:
            progress("search", 1, 1)
            progress.say("keeping the run")
        assert stream.getvalue() == ""


@pytest.mark.skipif(xgb.build_info()["USE_CUDA"], reason="this XGBoost is built with CUDA")
def test_a_device_that_is_not_there_is_refused_at_once(
    null_study: Path, store: Store, refused: Refused
) -> None:
    args = ("train", null_study, "--tracking-uri", store.tracking_uri, "--device", "cuda")
    assert "built without CUDA; put `xgboost` in the place" in refused(*args, "--quiet")
