"""The logged model: it predicts the same wherever it is loaded, and says what it needs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

import sidestep
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.measurements import measurements_of, study_of_measurements
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import load_model
from sidestep.models.score_columns import SCORES
from sidestep.training.retrain import Retrain
from sidestep.training.tracking.store import Store
from sidestep.training.tracking.tracking import TrackedRun

DRUGS = ("Lapatinib", "BI-2536")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Four samples that the model has not seen."""
    folder = tmp_path_factory.mktemp("measured") / "cohort_sim"
    simulate_study(folder, SimulationPlan(kind="cohort", lines=6, genes=150, seed=9))
    study = read_study(folder)
    return study.select(list(study.samples[:4]))


@pytest.fixture(scope="module")
def measured(cohort: Study) -> pd.DataFrame:
    """Their measurements, as a table."""
    return measurements_of(cohort)


@pytest.mark.slow
def test_the_registered_model_predicts_the_same_wherever_it_is_loaded(
    tracked: TrackedRun, store: Store, retrained: Retrain, measured: pd.DataFrame
) -> None:
    by_command = load_model("models:/small@champion", store.tracking_uri)
    by_run = load_model(tracked.model_uri, store.tracking_uri)
    assert (by_command.name, by_command.version) == ("small", "1")
    assert by_run.digest == by_command.digest
    study = study_of_measurements(measured)
    plain = mlflow.pyfunc.load_model("models:/small@champion").predict(measured)
    assert set(plain["model_name"]) == {"small"}
    assert set(plain["model_version"]) == {"1"}
    for model in retrained.predictor.choose(None):
        expected = retrained.predictor.predict(retrained.predictor.features(study), model)
        loaded = by_command.predictor
        again = loaded.predict(loaded.features(study), loaded.drugs[model.name])
        np.testing.assert_array_equal(again, expected)
        of_drug = plain[plain["drug"] == model.name]
        np.testing.assert_array_equal(of_drug["prediction"], expected)


@pytest.mark.slow
def test_the_model_says_what_it_answers_and_its_example_works(
    tracked: TrackedRun, store: Store
) -> None:
    mlflow.set_tracking_uri(store.tracking_uri)
    model = mlflow.pyfunc.load_model(tracked.model_uri)
    signature = model.metadata.signature
    assert signature.inputs is None  # long or wide
    assert signature.outputs.input_names() == SCORES.names
    example = model.input_example
    assert {"expression", "rppa", "mutation", "copy_number"} <= set(example["modality"])
    scored = model.predict(example)
    assert list(scored.columns) == SCORES.names
    assert list(scored["drug"]) == list(DRUGS)
    assert np.isfinite(scored["prediction"]).all()


@pytest.mark.slow
def test_the_model_needs_pinned_packages_and_no_address(
    tracked: TrackedRun, store: Store, tmp_path: Path
) -> None:
    mlflow.set_tracking_uri(store.tracking_uri)
    folder = Path(mlflow.artifacts.download_artifacts(tracked.model_uri, dst_path=str(tmp_path)))
    needs = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in needs)
    assert "://" not in "".join(needs) + (folder / "conda.yaml").read_text(encoding="utf-8")
    assert (folder / "model_card.md").read_text(encoding="utf-8").startswith("Simulated data")
    shipped = folder / "code" / "sidestep"
    assert {path.name for path in shipped.iterdir()} == {
        "__init__.py",
        "features",
        "models",
        "serving",
    }
    tables = shipped / "features" / "knowledge" / "tables"
    assert {"drugs.tsv", "antibodies.tsv"} <= {path.name for path in tables.iterdir()}


@pytest.mark.slow
def test_the_model_loads_in_a_host_of_its_own_and_needs_what_it_says(
    tracked: TrackedRun, store: Store, measured: pd.DataFrame, tmp_path: Path
) -> None:
    """Without this checkout, and where `models` and `features` are the host's own packages."""
    mlflow.set_tracking_uri(store.tracking_uri)
    measured.to_parquet(tmp_path / "measured.parquet")
    for name in ("models", "features"):
        (tmp_path / "host" / name).mkdir(parents=True)
        (tmp_path / "host" / name / "__init__.py").write_text("MINE = True\n")
    program = f"""
import sys
sys.meta_path = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
sys.path = [p for p in sys.path if p and p != {str(Path(__file__).parents[3])!r}]
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {not_needed(tracked, tmp_path)!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.path.insert(0, {str(tmp_path / "host")!r})
import mlflow, pandas
import models
mlflow.set_tracking_uri({store.tracking_uri!r})
model = mlflow.pyfunc.load_model("models:/small@champion")
import sidestep.features
import features
assert "/code/sidestep/features/" in sidestep.features.__file__, sidestep.features.__file__
assert features.MINE and models.MINE
assert sidestep.read_study.__module__ == "sidestep.features.study.study"
model.predict(pandas.read_parquet("measured.parquet")).to_parquet("scored.parquet")
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    mlflow.set_tracking_uri(store.tracking_uri)
    here = mlflow.pyfunc.load_model("models:/small@champion").predict(measured)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scored.parquet"), here)


def not_needed(tracked: TrackedRun, folder: Path) -> list[str]:
    """Modules installed here that the model's requirements do not bring along."""
    named = mlflow.artifacts.download_artifacts(
        f"{tracked.model_uri}/requirements.txt", dst_path=str(folder)
    )
    pinned = re.findall(r"^[\w-]+(?===)", Path(named).read_text(encoding="utf-8"), re.MULTILINE)
    brought = with_what_they_need(pinned)
    installed = packages_distributions()
    return [
        module
        for module, distributions in installed.items()
        if not brought & set(map(canonical, distributions)) and module != "sidestep"
    ]


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def with_what_they_need(distributions: list[str]) -> set[str]:
    """Distributions with all that they pull in, extras left out."""
    found: set[str] = set()
    waiting = [canonical(name) for name in distributions]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue  # of another platform
        waiting += [
            canonical(re.match(r"[\w.-]+", need)[0])  # type: ignore[index]
            for need in needs
            if "extra ==" not in need
        ]
    return found


@pytest.mark.slow
def test_mlflows_own_command_predicts_with_it(
    tracked: TrackedRun, store: Store, measured: pd.DataFrame, tmp_path: Path
) -> None:
    """From a table of text; JSON is what a server is asked with."""
    measured.to_csv(tmp_path / "measured.csv", index=False)
    command = ["models", "predict", "-m", "models:/small@champion", "--env-manager", "local"]
    files = ["-t", "csv", "-i", "measured.csv", "-o", "scored.json"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-m", "mlflow", *command, *files],
        cwd=tmp_path,
        env=environment | {"MLFLOW_TRACKING_URI": store.tracking_uri},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    scored = pd.DataFrame(json.loads((tmp_path / "scored.json").read_text())["predictions"])
    mlflow.set_tracking_uri(store.tracking_uri)
    here = mlflow.pyfunc.load_model("models:/small@champion").predict(measured)
    pd.testing.assert_frame_equal(scored, here, check_dtype=False)


@pytest.fixture(scope="module")
def served(
    tracked: TrackedRun, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of `mlflow models serve` with the registered champion."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/small@champion"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # MLflow calls uvicorn by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--env-manager", "local", "-p", str(port), "-w", "1"],
            cwd=folder,
            env=environment | {"MLFLOW_TRACKING_URI": store.tracking_uri, "PATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            with suppress(OSError), urllib.request.urlopen(f"{address}/ping", timeout=5):
                break
            time.sleep(0.5)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def asked(address: str, body: object, kind: str = "application/json") -> tuple[int, Any]:
    """Status and answer of a request; an answer in strict JSON."""
    sent = body if isinstance(body, str) else json.dumps(body)
    request = urllib.request.Request(
        f"{address}/invocations", data=sent.encode(), headers={"Content-Type": kind}
    )

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read(), parse_constant=refuse)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.slow
def test_a_server_answers_as_python_does_and_refuses_in_sentences(
    served: str, store: Store, measured: pd.DataFrame, cohort: Study
) -> None:
    """One sample alone, in its cohort, by the server and by the Python interface: the same."""
    mlflow.set_tracking_uri(store.tracking_uri)
    scores = sidestep.score(cohort, "small", tracking_uri=store.tracking_uri).scores
    first = str(cohort.samples[0])
    alone = measured[measured["sample_id"] == first]
    for table in (measured, alone):
        body = {"dataframe_split": json.loads(table.to_json(orient="split", index=False))}
        status, answer = asked(served, body)
        assert status == 200, answer
        got = pd.DataFrame(answer["predictions"])
        expected = scores[scores["sample_id"].isin(table["sample_id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            got.astype(object).where(got.notna(), None),
            expected.astype(object).where(expected.notna(), None),
            check_exact=True,
        )
    row = {"sample_id": "A", "modality": "expression", "feature": "ERBB2", "value": 9}
    status, answer = asked(served, {"dataframe_records": [row]})
    assert status == 200, answer
    assert {found["sample_id"] for found in answer["predictions"]} == {"A"}
    wide = {"sample_id": "A", "expression:ERBB2": 9}
    assert asked(served, {"dataframe_records": [wide]}) == (status, answer)
    bad = {
        "Infinity": ({**row, "value": float("inf")}, "inf is not a number from -1e"),
        "1e308": ({**row, "value": 1e308}, "1e.308 is not a number from -1e"),
        "null id": ({**row, "sample_id": None}, "row 1 has no sample_id; give it one"),
        "word": ({**row, "value": "high"}, "as 'high'; give a number"),
        "modality": ({**row, "modality": "proteome"}, "have modality proteome; use one of"),
        "column": ({"sample": "A"}, "measurements lack column sample_id"),
    }
    for name, (record, sentence) in bad.items():
        status, answer = asked(served, {"dataframe_records": [record]})
        assert (name, status) == (name, 400)
        assert re.search(sentence, answer["message"]), answer
