"""A team's stores: runs, models and searches in PostgreSQL, used by the whole command line."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient

from sidestep.features.errors import InputError
from sidestep.main import main
from sidestep.models.registry.databases import require_database, without_password
from sidestep.models.registry.load import load_model
from sidestep.training.tracking.lifecycle import set_best, set_champion
from sidestep.training.tracking.store import open_store
from sidestep.training.validation.shared_search import require_storage

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
TRIALS = 2
Run = Callable[..., str]


@pytest.fixture(scope="module")
def database(postgresql) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # MLflow would keep its connections until the process ends, and leave them open then.
        patch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
        yield postgresql.database("team")


@pytest.fixture(scope="module")
def searches(postgresql) -> str:
    return postgresql.database("searches")


@pytest.fixture(scope="module")
def outputs(
    database: str, searches: str, simulated_study: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """What two `sidestep train` say that were started with the same request."""
    folder = tmp_path_factory.mktemp("team")
    open_store(database, "team")  # whose artefacts then lie in one place
    command = [sys.executable, "-m", "sidestep", "train", str(simulated_study), "--quiet"]
    command += ["--tracking-uri", database, "--experiment", "team", "--study-storage", searches]
    command += [
        "--drugs",
        "Lapatinib",
        "--folds",
        "2",
        "--repeats",
        "1",
        "--trials",
        str(TRIALS),
        "--jobs",
        "1",
        "--modalities",
        "rppa",
    ]
    workers = [
        subprocess.Popen(
            [*command, "--register", "shared"],
            cwd=ROOT,
            env={
                "PATH": "",
                "OMP_NUM_THREADS": "1",
                "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    output = [worker.communicate(timeout=400)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], output
    return output


@pytest.fixture
def run(database: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the team's store, and give what it says, which is no password."""

    def run(*args: str | Path) -> str:
        code = main([*map(str, args), "--tracking-uri", database])
        output = "".join(capsys.readouterr())
        assert code == 0, output
        assert password(database) not in output
        return output

    return run


def password(address: str) -> str:
    found = re.search(":([0-9a-f]{16})@", address)
    assert found is not None
    return found[1]


def runs(outputs: list[str]) -> list[str]:
    return [re.findall(r"^Run (\w{32}) in ", output, re.MULTILINE)[0] for output in outputs]


def test_two_workers_share_trials_and_come_to_one_result(
    outputs: list[str], database: str, searches: str
) -> None:
    client = MlflowClient(database)
    first, second = (client.get_run(run_id) for run_id in runs(outputs))
    assert first.data.metrics == second.data.metrics
    settings = [
        {name: value for name, value in run.data.params.items() if name.startswith("settings.")}
        for run in (first, second)
    ]
    assert settings[0] == settings[1]
    storage = optuna.storages.RDBStorage(searches)
    studies = optuna.get_all_study_summaries(storage)
    assert len(studies) == 3
    for study in studies:
        trials = storage.get_all_trials(study._study_id)
        assert TRIALS <= len(trials) <= TRIALS + 1
    storage.remove_session()
    storage.engine.dispose()


def test_versions_may_be_pointed_to_by_two_workers_at_once(database: str) -> None:
    """MLflow itself fails then about once in twenty times."""
    both = threading.Barrier(2)
    names = [f"pointed-{n}" for n in range(20)]

    def work(version: str) -> None:
        client = MlflowClient(tracking_uri=database, registry_uri=database)
        for name in names:
            both.wait(timeout=60)
            set_best(client, name, version)
            set_champion(client, name, version)

    client = MlflowClient(tracking_uri=database, registry_uri=database)
    for name in names:
        client.create_registered_model(name)
        for _ in range(2):
            client.create_model_version(name, source="nowhere")
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ("1", "2"))) == [None, None]
    for name in names:
        model = client.get_registered_model(name)
        assert str(model.aliases["champion"]) in ("1", "2")
        assert model.tags["best_version"] in ("1", "2")


def test_no_password_is_said_or_kept(outputs: list[str], database: str, searches: str) -> None:
    client = MlflowClient(database)
    masked = database.replace(password(database), "***")
    for output, run_id in zip(outputs, runs(outputs), strict=True):
        assert password(database) not in output
        assert f"in {masked}" in output
        kept = client.get_run(run_id).data
        assert kept.params["request.study_storage"] == searches.replace(password(searches), "***")
        assert password(database) not in str(kept)


def test_the_command_line_works_on_it(
    outputs: list[str], run: Run, database: str, simulated_study: Path, tmp_path: Path
) -> None:
    score = ("score", simulated_study, "--model", "models:/shared@champion", "--quiet")
    assert "shared version" in run(*score, "--out", tmp_path / "out")
    assert "difference" not in run("compare", *runs(outputs)).splitlines()[-1]
    champion = load_model("models:/shared@champion", database).version
    other = {"1": "2", "2": "1"}[champion]
    assert f"is version {other} now" in run("promote", "shared", other)
    assert f"is version {champion} again" in run("rollback", "shared")


def test_the_registered_model_is_a_plain_pyfunc_there(outputs: list[str], database: str) -> None:
    mlflow.set_tracking_uri(database)
    model = mlflow.pyfunc.load_model("models:/shared@champion")
    scored = model.predict(model.input_example)
    assert isinstance(scored, pd.DataFrame)
    assert list(scored["drug"]) == ["Lapatinib"]


@pytest.mark.parametrize(
    "command",
    [
        ("train", "STUDY", "--drugs", "Lapatinib", "--tracking-uri", "BAD"),
        ("train", "STUDY", "--drugs", "Lapatinib", "--study-storage", "BAD"),
        ("score", "STUDY", "--model", "models:/shared@champion", "--out", "OUT", "--tracking-uri",
         "BAD"),
        ("promote", "shared", "1", "--tracking-uri", "BAD"),
        ("ui", "--tracking-uri", "BAD"),
    ],
)  # fmt: skip
def test_a_wrong_password_is_told_in_a_sentence_and_not_shown(
    command: tuple[str, ...],
    database: str,
    simulated_study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {
        "STUDY": str(simulated_study),
        "OUT": str(tmp_path / "out"),
        "BAD": database.replace(password(database), "wrong-secret"),
    }
    assert main([given.get(word, word) for word in command]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "password authentication failed" in output
    assert "wrong-secret" not in output
    assert not (tmp_path / "out").exists()


def test_runs_and_searches_need_a_database_each(outputs: list[str], database: str) -> None:
    with pytest.raises(InputError, match=r"tables of another program, .*a database of its own"):
        require_storage(database)


def test_runs_are_not_put_into_a_database_of_searches(
    searches: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for storage in (f"sqlite:///{tmp_path / 'searches.db'}", searches):
        require_storage(storage)
        before = require_database(storage)
        with pytest.raises(InputError, match=r"tables of another program, such as Optuna; give"):
            open_store(storage)
        assert main(["ui", "--tracking-uri", storage]) == 2
        assert "tables of another program" in capsys.readouterr().err
        assert require_database(storage) == before


@pytest.mark.parametrize("what", ["folder", "text"])
def test_a_file_that_is_no_database_is_told_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / "runs.db"
    path.mkdir() if what == "folder" else path.write_text("Hugo_Symbol\t697\n" * 99)
    for open_it in (open_store, require_storage, lambda uri: load_model("models:/a/1", uri)):
        with pytest.raises(
            InputError, match=r"runs.db cannot be used \(.*an SQLite file, or a new"
        ):
            open_it(f"sqlite:///{path}")


def test_a_database_that_is_away_is_told_at_once(postgresql) -> None:
    address = postgresql.address("none")
    with pytest.raises(InputError, match='database "none" does not exist'):
        require_database(address)
    with pytest.raises(InputError, match="refused"):
        require_database(address.replace(str(postgresql.port), "1"))
    assert require_database("models:/of/another/kind") == frozenset()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://a:p@h:5432/d", "postgresql+psycopg://a:***@h:5432/d"),
        ("postgresql://a:p%40q/r@s@h/d", "postgresql://a:***@h/d"),
        ("postgresql://:p@h/d", "postgresql://:***@h/d"),
        ("postgresql://a@h/d", "postgresql://a@h/d"),
        ("postgresql://a:it's@h/d", "postgresql://a:***@h/d"),
        ("at postgresql://a:'p\"@h/d, x@y", "at postgresql://a:***@h/d, x@y"),
        ("postgresql://a:p q@r s@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:p@h/d is away, x@y z", "postgresql://a:***@h/d is away, x@y z"),
        ("user=a password='p q' host=h", "user=a password=*** host=h"),
        ("http://h:5000/x, or 'http://a:p@h'", "http://h:5000/x, or 'http://a:***@h'"),
        ("postgresql:///d?password=p&host=h", "postgresql:///d?password=***&host=h"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("models:/name@champion", "models:/name@champion"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert without_password(text) == shown
