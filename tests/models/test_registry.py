"""Loading a model from a folder; the registry is tested where models are registered."""

from __future__ import annotations

import shutil

import pytest

from features.errors import InputError
from models.registry import digest_of, load_model, resolve_tracking_uri
from models.storage import save_predictor


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
