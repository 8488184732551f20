"""Which version is in use: what replaces a champion, promoting one, going back."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import pytest
import yaml

from sidestep.features.errors import InputError
from sidestep.models.registry.load import digest_of, load_model
from sidestep.training.tracking import registration
from sidestep.training.tracking.lifecycle import promote, rollback
from sidestep.training.tracking.store import Store
from sidestep.training.tracking.tracking import TrackedRun
from tests.training.made_up_runs import Tiny


def test_the_first_version_to_pass_the_gate_is_champion(tiny: Tiny) -> None:
    failed = tiny.register(passes=False)
    assert (failed.champion, failed.decision) == (False, "it did not pass the gate")
    assert tiny.champion() is None
    assert tiny.register().champion
    assert (tiny.champion(), tiny.previous()) == ("2", None)


@pytest.mark.slow
def test_a_better_version_replaces_the_champion(tiny: Tiny) -> None:
    tiny.register(3.0)
    better = tiny.register(0.3, seed=2)
    assert better.champion
    assert better.decision.startswith("it is better than champion version 1: mean r +0.")
    assert (tiny.champion(), tiny.previous()) == ("2", "1")
    tags = tiny.client.get_model_version(tiny.name, "2").tags
    assert (tags["gate"], tags["champion_decision"]) == ("passed", better.decision)


@pytest.mark.slow
def test_a_worse_version_is_kept_beside_the_champion(tiny: Tiny) -> None:
    tiny.register(0.3)
    worse = tiny.register(3.0, seed=2, lines=90)
    assert (worse.champion, worse.uri) == (False, f"models:/{tiny.name}/2")
    assert worse.decision.startswith("it is worse than champion version 1: mean r -0.")
    assert tiny.champion() == "1"
    tags = tiny.client.get_model_version(tiny.name, "2").tags
    assert (tags["gate"], tags["champion_decision"]) == ("passed", worse.decision)


@pytest.mark.slow
def test_a_tie_is_replaced_only_by_more_lines(tiny: Tiny) -> None:
    tiny.register(1.0, lines=60)
    same = tiny.register(1.0, lines=60)
    assert not same.champion
    assert same.decision.startswith("it is no worse than champion version 1 by 0.02 (mean r +0.000")
    assert same.decision.endswith("60 training lines, not more than 60")
    more = tiny.register(1.0, lines=80)
    assert more.champion
    assert more.decision.endswith("80 training lines, more than 60")
    assert not tiny.register(1.0, lines=50).champion
    assert (tiny.champion(), tiny.previous()) == ("3", "1")


def test_more_lines_do_not_make_up_for_what_is_not_shown_to_be_as_good(tiny: Tiny) -> None:
    tiny.register(1.0, lines=60)
    other = tiny.register(1.0, seed=5, lines=80)
    assert not other.champion
    assert other.decision.startswith("it is not shown to be within 0.02 of champion version 1 (")


@pytest.mark.slow
def test_champions_are_held_against_the_best_there_was(tiny: Tiny) -> None:
    """Each a little worse than the one before, and with more lines: no row of them leads down."""
    tiny.register(0.3, more_noise=0.1, lines=150)
    for n in range(2, 9):
        tiny.register(0.3, more_noise=0.08 + 0.01 * n, more_seed=n, lines=150 + 5 * n)
    assert (tiny.champion(), tiny.previous()) == ("7", "6")
    assert tiny.client.get_registered_model(tiny.name).tags["best_version"] == "1"
    refused = tiny.client.get_model_version(tiny.name, "8").tags["champion_decision"]
    assert refused.startswith("it is worse than version 1, the best yet: mean r -0.0")
    promote(tiny.client, tiny.name, "8")
    assert tiny.client.get_registered_model(tiny.name).tags["best_version"] == "8"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"response": "sim_auc"}, "learned sim_auc"),
        ({"study": "pancan_sim"}, "it learned from pancan_sim, that from breast_sim"),
        ({"drugs": ("Lapatinib",)}, "it lacks that one's BI-2536"),
    ],
)
def test_what_cannot_be_compared_does_not_replace(
    tiny: Tiny, other: dict[str, object], why: str
) -> None:
    tiny.register(3.0)
    found = tiny.register(0.1, seed=2, **other)  # type: ignore[arg-type]
    assert not found.champion
    assert found.decision.startswith("it cannot be compared with champion version 1 (")
    assert why in found.decision
    assert found.decision.endswith(f"to use it, sidestep promote {tiny.name} 2")
    assert tiny.champion() == "1"


def test_a_champion_whose_run_is_gone_is_not_replaced(tiny: Tiny) -> None:
    tiny.register(3.0)
    run_id = tiny.client.get_model_version(tiny.name, "1").run_id
    place = tiny.client.get_run(run_id).info.artifact_uri
    shutil.rmtree(place.removeprefix("file://"))
    assert "keeps no readable" in tiny.register(0.1, seed=2).decision
    assert tiny.champion() == "1"


def test_a_version_of_another_tool_has_no_record_of_the_gate(tiny: Tiny) -> None:
    tiny.client.create_registered_model(tiny.name)
    tiny.client.create_model_version(tiny.name, source="file:///none")
    with pytest.raises(InputError, match="has no record of the gate"):
        promote(tiny.client, tiny.name, "1")


@pytest.mark.slow
def test_going_back_skips_versions_that_were_deleted(tiny: Tiny) -> None:
    for _ in range(3):
        tiny.register()
    promote(tiny.client, tiny.name, "2")
    promote(tiny.client, tiny.name, "3")
    tiny.client.delete_model_version(tiny.name, "2")
    rollback(tiny.client, tiny.name)
    assert tiny.champion() == "1"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_registration_leaves_no_version(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    def stop(*args: object) -> None:
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(registration, "decide", stop)
        with pytest.raises(failure):
            tiny.register()
        assert tiny.client.search_registered_models(f"name='{tiny.name}'") == []
    tiny.register()
    with monkeypatch.context() as patched:
        patched.setattr(registration, "decide", stop)
        with pytest.raises(failure):
            tiny.register()
    (kept,) = tiny.client.search_model_versions(f"name='{tiny.name}'")
    assert (str(kept.version), tiny.champion()) == ("1", "1")


@pytest.mark.slow
def test_a_registered_model_has_its_digest_and_a_changed_one_is_refused(
    tracked: TrackedRun, store: Store, tmp_path: Path
) -> None:
    version = store.client.get_model_version("small", "1")
    loaded = load_model("models:/small/1", store.tracking_uri)
    assert version.tags["digest"] == loaded.digest
    original = Path(store.client.get_logged_model(tracked.model_id).artifact_location[7:])
    copy = shutil.copytree(original, tmp_path / "copy")
    store.client.create_registered_model("changed")
    store.client.create_model_version(
        "changed", source=copy.as_uri(), tags={"digest": version.tags["digest"]}
    )
    assert load_model("models:/changed/1", store.tracking_uri).digest == loaded.digest
    state = copy / "data" / "predictor" / "predictor.json"
    state.write_text(state.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert digest_of(state.parent) != loaded.digest
    with pytest.raises(InputError, match="changed version 1 is not the one that was registered"):
        load_model("models:/changed/1", store.tracking_uri)


@pytest.mark.slow
def test_loading_the_saved_model_runs_no_code_of_its_own(
    tracked: TrackedRun, store: Store, tmp_path: Path
) -> None:
    mlflow.set_tracking_uri(store.tracking_uri)
    folder = Path(mlflow.artifacts.download_artifacts(tracked.model_uri, dst_path=str(tmp_path)))
    flavors = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["flavors"]
    assert list(flavors) == ["python_function"]
    assert flavors["python_function"]["loader_module"] == "sidestep.serving.served"
    assert "python_model" not in flavors["python_function"]
    data = {path.name for path in (folder / "data").rglob("*") if path.is_file()}
    assert data == {"predictor.json", "arrays.bin"}
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".pickle", ".joblib", ".cloudpickle", ".skops", ".pyc"}
