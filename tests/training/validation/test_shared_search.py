"""Workers that share the trials of one study: together they do what one would do alone."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import FrozenTrial, TrialState

from sidestep.features.errors import InputError
from sidestep.training.retrain import Request, retrain
from sidestep.training.validation import shared_search
from sidestep.training.validation.cross_validation import Plan
from sidestep.training.validation.search import search_settings
from sidestep.training.validation.shared_search import SharedSearch, require_storage, search_name

ROOT = Path(__file__).parents[3]
# A worker: it does trials that take a while, and tells the numbers of all that counted.
WORKER = """
import json, os, sys, time
import optuna
from sidestep.training.validation.search import search_settings
from sidestep.training.validation.shared_search import SharedSearch

optuna.logging.set_verbosity(optuna.logging.ERROR)

def objective(trial):
    trial.set_user_attr("worker", os.getpid())
    x = trial.suggest_float("x", -1, 1)
    print("trying", flush=True)
    time.sleep(float(sys.argv[3]))
    return (x - 0.3) ** 2

trials = SharedSearch(sys.argv[1], "study").trials(
    objective, int(sys.argv[2]), first={"x": 0.0},
    sampler=optuna.samplers.TPESampler(), pruner=optuna.pruners.NopPruner(),
)
print(json.dumps([(t.number, t.value, t.user_attrs["worker"]) for t in trials]))
"""


def start(url: str, n_trials: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, url, str(n_trials), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@contextmanager
def opened(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """The database as Optuna sees it, left without open connections."""
    storage = optuna.storages.RDBStorage(url)
    yield storage
    storage.remove_session()
    storage.engine.dispose()


def studies(url: str) -> list[str]:
    with opened(url) as storage:
        return optuna.get_all_study_names(storage)


def all_trials(url: str) -> list[FrozenTrial]:
    with opened(url) as storage:
        return optuna.load_study(study_name="study", storage=storage).trials


def search(
    url: str, n_trials: int, objective: Callable[[optuna.Trial], float] | None = None
) -> list[FrozenTrial]:
    def parabola(trial: optuna.Trial) -> float:
        return (trial.suggest_float("x", -1, 1) - 0.3) ** 2

    return SharedSearch(url, "study").trials(
        objective or parabola,
        n_trials,
        first={"x": 0.0},
        sampler=optuna.samplers.TPESampler(),
        pruner=optuna.pruners.NopPruner(),
    )


@pytest.fixture(autouse=True)
def quiet_optuna() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'studies.db'}"


@pytest.mark.slow
def test_what_was_done_is_not_done_again(file: str) -> None:
    first = search(file, 4)
    assert [trial.number for trial in first] == [0, 1, 2, 3]
    assert first[0].params == {"x": 0.0}

    def never(trial: optuna.Trial) -> float:
        raise AssertionError("everything is done")

    assert search(file, 4, never) == first
    assert search(file, 6)[:4] == first  # and more can be asked for


def test_a_trial_that_fails_is_raised_and_not_counted(file: str) -> None:
    def breaks(trial: optuna.Trial) -> float:
        trial.suggest_float("x", -1, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search(file, 3, breaks)
    assert [trial.number for trial in search(file, 3)] == [1, 2, 3]


def test_a_database_that_fails_in_mid_search_is_told_in_a_sentence(
    file: str, tmp_path: Path
) -> None:
    def full(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", -1, 1)
        if trial.number == 1:
            with sqlite3.connect(tmp_path / "studies.db") as database:
                database.execute("DROP TABLE trial_values")
        return x**2

    message = r"failed in mid-search \(.*no such table.*again$"
    with pytest.raises(InputError, match=message) as refused:
        search(file, 3, full)
    assert "\n" not in str(refused.value)


def test_settings_are_the_default_ones_where_all_trials_were_stopped(file: str) -> None:
    with opened(file) as storage:
        study = optuna.create_study(storage=storage, study_name="study")
        for _ in range(2):
            study.add_trial(optuna.trial.create_trial(state=TrialState.PRUNED))
    found = search_settings([], 2, 0, SharedSearch(file, "study"))
    assert list(found.trials["state"]) == ["pruned", "pruned"]
    assert found.settings.trees["n_trees"] == 200
    assert found.settings.shrinkage == 100.0


def test_a_worker_taken_for_dead_goes_on(file: str) -> None:
    """It stood still, another one failed its trial, and then it has a value to tell."""

    def taken(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", -1, 1)
        if trial.number == 1:
            with opened(file) as storage:
                study = optuna.load_study(study_name="study", storage=storage)
                study.tell(1, state=TrialState.FAIL)
        return x**2

    assert [trial.number for trial in search(file, 3, taken)] == [0, 2, 3]


def test_a_search_has_a_name_of_its_own() -> None:
    names = {search_name({"study": study, "seed": 0}, "lines gi50") for study in ("a", "b")}
    names.add(search_name({"seed": 0, "study": "a"}, "lines gi50"))
    assert len(names) == 2
    assert all(name.startswith("lines gi50 ") for name in names)


def test_a_storage_that_cannot_be_opened_is_told_without_its_password(tmp_path: Path) -> None:
    for url, message in (
        ("postgresql://ann:secret@127.0.0.1:1/runs", r"ann:\*\*\*@127\.0\.0\.1:1/runs .*refused"),
        (f"sqlite:///{tmp_path}/none/studies.db", "unable to open database file"),
        ("nonsense", "nonsense cannot be opened"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            require_storage(url)
        assert "secret" not in str(refused.value)


@pytest.mark.slow
def test_a_retrain_shares_its_searches(simulated_study: Path, file: str) -> None:
    request = Request(
        simulated_study,
        "gi50",
        ("Lapatinib",),
        plan=Plan(folds=2, repeats=1, trials=2, jobs=1, modalities=("rppa",)),
        study_storage=file,
    )
    first = retrain(request).validation
    names = studies(file)
    assert sorted(name.split(" ", 3)[3] for name in names) == [
        "all lines",
        "without fold 0",
        "without fold 1",
    ]
    again = retrain(replace(request, plan=replace(request.plan, jobs=2), search_workers=2))
    assert studies(file) == names
    trials = first.trials()
    assert set(trials["search"].value_counts()) == {2}
    pd.testing.assert_frame_equal(again.validation.trials(), trials)
    pd.testing.assert_frame_equal(again.validation.predictions, first.predictions)
    other = replace(request, plan=replace(request.plan, seed=1, trials=1))
    retrain(other)
    assert len(studies(file)) == 6


@pytest.mark.slow
def test_two_workers_share_one_study(postgresql) -> None:
    url = postgresql.database("shared")
    workers = [start(url, 12, 0.3) for _ in range(2)]
    trials = [json.loads(worker.communicate(timeout=120)[0].splitlines()[-1]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert trials[0] == trials[1]  # so that both go on with the same best one
    assert len(trials[0]) == 12
    done_by = Counter(worker for _, _, worker in trials[0])
    assert set(done_by) == {worker.pid for worker in workers}
    assert min(done_by.values()) >= 2
    assert len(all_trials(url)) <= 13  # the last one may have been begun by both


@pytest.mark.slow
def test_a_killed_worker_leaves_its_trial_to_the_others(
    postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_search, "_GRACE_SECONDS", 3)
    url = postgresql.database("orphaned")
    worker = start(url, 3, 600)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "trying\n"
    time.sleep(1)  # it tells that it lives from another thread
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    trials = search(url, 3)
    assert len(trials) == 3
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert {"x": 0.0} in [trial.params for trial in trials]  # what it was trying was tried again
    assert [trial.state for trial in all_trials(url)].count(TrialState.FAIL) == 1
