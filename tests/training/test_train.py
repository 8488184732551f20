"""The deed of `sidestep train`, called from Python: what it returns, and what it leaves alone."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study
from sidestep.training.retrain import Request
from sidestep.training.tracking.store import Store
from sidestep.training.train import TrainResult, Where, run_train
from sidestep.training.validation.cross_validation import Plan

PLAN = Plan(folds=2, repeats=1, trials=0, jobs=1, modalities=("rppa",))


@pytest.fixture(scope="module")
def result(simulated_study: Path, store: Store) -> TrainResult:
    """A study in memory, trained on and kept under a name."""
    request = Request(read_study(simulated_study), drugs=("Lapatinib",), plan=PLAN)
    return run_train(request, Where(store.tracking_uri, "python"), "called", quiet=True)


def test_the_result_holds_the_retrain_the_run_and_the_version(
    result: TrainResult, store: Store
) -> None:
    assert [drug.name for drug in result.retrain.panel.drugs] == ["Lapatinib"]
    assert set(result.retrain.predictor.drugs) == {"Lapatinib"}
    run = store.client.get_run(result.run.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["request.study"] == str(result.retrain.study.path)
    assert result.run.registration is not None
    assert result.run.registration.uri.startswith("models:/called")
    assert result.tracking_uri == store.tracking_uri
    assert result.seconds > 0


def test_the_summary_is_for_a_person(result: TrainResult, store: Store) -> None:
    lines = list(result.summary())
    assert lines[0] == "Simulated data: no sample is real."
    assert lines[1].startswith("breast_sim, sim_gi50 (")
    assert re.search(r"^Lapatinib +\d+ +\d\.\d\d ", lines[2], re.MULTILINE)
    assert f"Run {result.run.run_id} in {store.tracking_uri}" in lines
    assert f"Look at it: sidestep ui --tracking-uri {store.tracking_uri}" in lines
    assert re.fullmatch(r"Took \d+ s", lines[-1])
    kept = replace(result, run=replace(result.run, registration=None))
    assert f"Model (not registered): {result.run.model_uri}" in list(kept.summary())


def test_the_environment_stays_as_it_was(result: TrainResult, store: Store) -> None:
    before = dict(os.environ)
    request = Request(result.retrain.study, drugs=("nothing like that",), plan=PLAN)
    with pytest.raises(InputError, match="nothing like that"):
        run_train(request, Where(store.tracking_uri), quiet=True)
    assert dict(os.environ) == before


@pytest.mark.slow
def test_a_study_of_no_folder_is_kept_by_its_name(result: TrainResult, store: Store) -> None:
    study = replace(result.retrain.study, path=None, study_id="in_memory")
    request = replace(result.retrain.request, study=study)
    kept = run_train(request, Where(store.tracking_uri, "python"), quiet=True)
    run = store.client.get_run(kept.run.run_id)
    assert run.data.params["request.study"] == "in_memory"
    (source,) = run.inputs.dataset_inputs
    assert '"in_memory"' in source.dataset.source
