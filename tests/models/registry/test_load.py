"""Loading a model from a folder, or as a registered version whose files are checked."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from sidestep.features.errors import InputError
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry import files
from sidestep.models.registry import load as registry
from sidestep.models.registry.files import registered_files, resolve_tracking_uri
from sidestep.models.registry.load import digest_of, load_model
from sidestep.models.registry.local import kept_version


@pytest.fixture
def folder(predictor, tmp_path):
    save_predictor(predictor, tmp_path / "breast-panel")
    return tmp_path / "breast-panel"


def test_a_folder_is_a_model(folder, predictor):
    loaded = load_model(str(folder))
    assert (loaded.name, loaded.version) == ("breast-panel", "")
    assert loaded.digest == digest_of(folder)
    assert list(loaded.predictor.drugs) == list(predictor.drugs)


def test_the_data_of_an_mlflow_model_are_found(folder, tmp_path):
    (tmp_path / "logged" / "data").mkdir(parents=True)
    (tmp_path / "logged" / "MLmodel").write_text("flavors: {}\n")
    shutil.copytree(folder, tmp_path / "logged" / "data" / "predictor")
    loaded = load_model(str(tmp_path / "logged"))
    assert loaded.name == "logged"
    assert loaded.digest == digest_of(folder)


def test_a_digest_tells_names_and_bytes_but_not_places(folder, tmp_path):
    digest = digest_of(folder)
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert digest_of(copy) == digest
    (copy / "predictor.json").rename(copy / "other.json")
    assert digest_of(copy) != digest
    (copy / "other.json").rename(copy / "predictor.json")
    (copy / "predictor.json").write_text((copy / "predictor.json").read_text() + " ")
    assert digest_of(copy) != digest


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist; give a folder, or models:/NAME@champion"):
        load_model(str(tmp_path / "nowhere"))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no sidestep model"):
        load_model(str(tmp_path))


def test_the_store_given_goes_before_the_environments(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///env.db")
    assert resolve_tracking_uri("sqlite:///given.db") == "sqlite:///given.db"
    assert resolve_tracking_uri(None) == "sqlite:///env.db"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert resolve_tracking_uri(None) == "sqlite:///mlflow.db"


@pytest.fixture(scope="module")
def store(predictor, tmp_path_factory):
    """Give a store with `breast` 1: digest right, 2: wrong, 3: none, 4: right, but files gone."""
    where = tmp_path_factory.mktemp("registry")
    for name in ("logged", "gone"):
        (where / name).mkdir()
        (where / name / "MLmodel").write_text("flavors: {}\n")
    save_predictor(predictor, where / "logged" / "data" / "predictor")
    right = digest_of(where / "logged" / "data" / "predictor")
    uri = f"sqlite:///{where / 'mlflow.db'}"
    client = MlflowClient(uri, registry_uri=uri)
    client.create_registered_model("breast")
    versions = [("logged", right), ("logged", "0" * 64), ("logged", None), ("gone", right)]
    for name, digest in versions:
        tags = {} if digest is None else {"digest": digest}
        client.create_model_version("breast", source=(where / name).as_uri(), tags=tags)
    client.set_registered_model_alias("breast", "champion", "1")
    yield uri
    mlflow.set_tracking_uri(None)


def test_a_version_is_loaded_only_if_its_files_are_those_registered(store, folder):
    loaded = load_model("models:/breast@champion", store)
    assert (loaded.version, loaded.digest) == ("1", digest_of(folder))
    for trust in (False, True):  # trust is no reason to load what is known to differ
        with pytest.raises(InputError, match=r"breast version 2 is not the one .* records 0{12}…"):
            load_model("models:/breast/2", store, trust=trust)


def test_a_model_of_this_machine_is_found_as_mlflow_finds_it(store, monkeypatch):
    addresses = ["models:/breast@champion", *(f"models:/breast/{k}" for k in (1, 2, 3, 4))]
    here = [registered_files(address, store, Path()) for address in addresses]
    monkeypatch.setattr(files, "kept_version", lambda *_args, **_selector: None)
    assert here == [registered_files(address, store, Path()) for address in addresses]


def test_a_model_of_this_machine_is_loaded_without_mlflow(store, folder, monkeypatch):
    for module in ("mlflow", "sqlalchemy"):
        monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    assert load_model("models:/breast@champion", store).digest == digest_of(folder)
    with pytest.raises(ImportError):  # what is not there is MLflow's to say
        load_model("models:/breast/7", store)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE model_versions RENAME COLUMN storage_location TO place",
        "ALTER TABLE registered_model_aliases RENAME TO aliases",
        "UPDATE registered_model_aliases SET version = 9",
        "UPDATE model_versions SET status = 'PENDING_REGISTRATION'",
        "UPDATE model_versions SET current_stage = 'Deleted_Internal'",
        "UPDATE model_versions SET source = NULL, storage_location = NULL",
        "INSERT INTO registered_model_aliases VALUES ('champion', 2, 'breast', 'another team')",
    ],
)
def test_a_registry_that_is_not_as_known_is_left_to_mlflow(store, tmp_path, change):
    copy = tmp_path / "mlflow.db"
    shutil.copy(store.removeprefix("sqlite:///"), copy)
    assert kept_version(f"sqlite:///{copy}", "breast", alias="champion") is not None
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(change)
    assert kept_version(f"sqlite:///{copy}", "breast", alias="champion") is None


def test_only_a_plain_address_of_a_file_is_read_without_mlflow(store, tmp_path, monkeypatch):
    (tmp_path / "mlflow.db").write_text("no database")
    addresses = ["sqlite://", "sqlite:///", "sqlite:///:memory:", store + "?mode=ro", "mlruns"]
    addresses += [f"sqlite:///{tmp_path}", f"sqlite:///{tmp_path / 'mlflow.db'}", "http://host"]
    for address in addresses:
        assert kept_version(address, "breast", version="1") is None
    assert kept_version(store, "breast", version="one") is None
    assert kept_version(store, "lung", version="1") is None
    monkeypatch.setenv("MLFLOW_WORKSPACE", "another-team")
    assert kept_version(store, "breast", version="1") is None


def test_a_version_without_a_digest_is_loaded_only_if_trusted(store, folder):
    with pytest.raises(InputError, match="breast version 3 has no recorded digest"):
        load_model("models:/breast/3", store)
    assert load_model("models:/breast/3", store, trust=True).digest == digest_of(folder)


def test_a_version_that_is_not_there_is_told(store):
    with pytest.raises(InputError, match=r"^model models:/breast/7 is not in sqlite:.*--register"):
        load_model("models:/breast/7", store)


def test_to_look_for_a_model_makes_no_store(tmp_path):
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for made in (False, True):
        if made:
            (tmp_path / "mlflow.db").touch()
        for uri in ("models:/breast/1", "runs:/0123456789abcdef/model"):
            with pytest.raises(InputError, match=f"{uri} is not in sqlite.*no model is registered"):
                load_model(uri, address)
        assert [path.stat().st_size for path in tmp_path.iterdir()] == [0] * made


def test_files_are_not_read_before_they_are_known_to_be_those_registered(store, monkeypatch):
    def load(folder):
        raise RuntimeError("read")

    monkeypatch.setattr(registry, "load_predictor", load)
    for version in (2, 3):
        with pytest.raises(InputError, match=f"breast version {version} "):
            load_model(f"models:/breast/{version}", store)
    with pytest.raises(RuntimeError, match="read"):
        load_model("models:/breast/1", store)


def test_files_that_lie_here_are_read_where_they_lie(store, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = registered_files("models:/breast/1", store, tmp_path)
    before = sorted(path.name for path in found.folder.iterdir())
    load_model("models:/breast@champion", store)
    assert sorted(path.name for path in found.folder.iterdir()) == before
    assert not list(tmp_path.iterdir())


def test_files_that_are_fetched_are_not_left_behind(store, folder, tmp_path, monkeypatch):
    fetched = []

    def fetch(artifact_uri, dst_path):
        fetched.append(Path(dst_path))
        shutil.copytree(folder, Path(dst_path) / "model")
        return str(Path(dst_path) / "model")

    monkeypatch.setattr("mlflow.artifacts.download_artifacts", fetch)
    loaded = load_model("runs:/0123456789abcdef/model", store)
    assert (loaded.name, loaded.version) == ("runs:/0123456789abcdef/model", "")
    assert loaded.digest == digest_of(folder)
    assert len(fetched) == 1
    assert not fetched[0].exists()


def test_a_version_whose_folder_is_gone_is_told(store):
    client = MlflowClient(store, registry_uri=store)
    client.create_model_version("breast", source="file:///nowhere/at/all")
    with pytest.raises(InputError, match=r"models:/breast/5 is in .* were in /nowhere/at/all"):
        load_model("models:/breast/5", store)


def test_files_that_are_gone_are_not_those_registered(store):
    with pytest.raises(InputError, match="breast version 4 is not the one that was registered"):
        load_model("models:/breast/4", store)


def test_a_name_alone_is_its_champion(store, folder, tmp_path, monkeypatch):
    assert load_model("breast", store).version == "1"
    assert load_model("breast@champion", store).version == "1"
    with pytest.raises(InputError, match="breast version 2 is not the one"):
        load_model("breast/2", store)
    monkeypatch.chdir(tmp_path)
    assert load_model("breast-panel", store).name == "breast-panel"  # a folder that is there
    with pytest.raises(InputError, match=r"models:/nobody@champion is not in .*sidestep models"):
        load_model("nobody", store)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is no name; give a registered name"),
        ("  ", "is no name"),
        ("her2\x1b[31m", r"'her2\\x1b\[31m' is no name"),
        ("models:/her2", "names no version; write models:/her2@champion"),
        ("models:/her2@", "is no address; write models:/NAME@champion"),
        ("models:/../secret/1", "is no address"),
        ("models:/her2/latest", "a version is a number"),
        ("models:/her2/0", "a version is a number"),
        ("runs:/x", "write runs:/RUN_ID/model"),
        ("https://models.example/her2", "an address of another kind"),
        ("../her2", "does not exist; give a folder"),
    ],
)
def test_names_are_checked_before_anything_is_asked(name, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # nobody imports it
    with pytest.raises(InputError, match=message):
        load_model(name, "sqlite:///nowhere.db")
