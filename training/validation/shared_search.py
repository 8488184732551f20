"""A search whose trials several workers share, through a database.

Every worker with the same request, be it another process or another machine, does some of the
trials, and all go on with the best of all of them. Which trials those are depends on who is
faster; what is found is kept, and asking for the same again finds it done.
"""

from __future__ import annotations

import hashlib
import json
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import require_database, without_password

# A worker reports that it is alive, and counts as dead after so many seconds of silence.
_SECONDS_BETWEEN_BEATS = 10
_GRACE_SECONDS = 60
_SECONDS_BETWEEN_POLLS = 1.0
_ATTEMPTS_TO_OPEN = 5
_ATTEMPTS_AT_A_TRIAL = 3


@dataclass(frozen=True)
class SharedSearch:
    """One search whose trials several workers share.

    Attributes
    ----------
    storage : str
        Address of the database, as ``postgresql://USER@HOST/NAME`` or ``sqlite:///FILE``.
    name : str
        Of the Optuna study: the same for all workers, and for no other request.
    """

    storage: str
    name: str

    def trials(
        self,
        objective: Callable[[optuna.Trial], float],
        n_trials: int,
        *,
        first: Mapping[str, Any],
        sampler: optuna.samplers.BaseSampler,
        pruner: optuna.pruners.BasePruner,
    ) -> list[FrozenTrial]:
        """Do trials until all workers together have done `n_trials`; give those, by number.

        Every worker gets the same trials. A minute after one dies, another one tries what it was
        trying.

        Parameters
        ----------
        objective : callable
            Value of a trial, to be low.
        n_trials : int
        first : mapping
            Parameters of the first trial.
        sampler : optuna sampler
            Without a seed: with the same one all workers would try the same.
        pruner : optuna pruner

        Raises
        ------
        InputError
            If the database cannot be used, now or later.
        """
        with _storage_failures(self.storage), _open_storage(self.storage) as storage:
            study = optuna.create_study(
                storage=storage,
                study_name=self.name,
                sampler=sampler,
                pruner=pruner,
                load_if_exists=True,
            )
            study.enqueue_trial(dict(first), skip_if_exists=True)
            first_seen: dict[int, float] = {}
            while True:
                trials = _first_trials(study, n_trials)
                unfinished = [trial for trial in trials if not trial.state.is_finished()]
                if len(trials) == n_trials and not unfinished:
                    return trials
                waiting = any(trial.state == TrialState.WAITING for trial in unfinished)
                if waiting or len(trials) < n_trials:
                    _do_trial(study, objective)
                else:
                    time.sleep(_SECONDS_BETWEEN_POLLS)
                    _fail_orphans(study, unfinished, first_seen)


@dataclass(frozen=True)
class SharedSearches:
    """The searches of one request, each with a study of its own.

    Attributes
    ----------
    storage : str
        Address of the database.
    name : str
        What the names of the studies begin with, as `search_name` makes it.
    workers : int
        Workers a search that this retrain brings along.
    """

    storage: str
    name: str
    workers: int = 1

    def of(self, lines: str) -> SharedSearch:
        """The search on those training lines, such as "all lines" or "without fold 2"."""
        return SharedSearch(self.storage, f"{self.name} {lines}")


def search_name(what: Mapping[str, Any], label: str) -> str:
    """Name of the searches of one request: `label` for people, a digest of `what` for the rest."""
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    return f"{label} {digest[:16]}"


def require_storage(storage: str) -> None:
    """Open a database of searches, or make its tables; long work asks first.

    Raises
    ------
    InputError
        If it cannot be opened.
    """
    with _open_storage(storage):
        pass


@contextmanager
def _open_storage(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Database of searches; its connections end with the context."""
    require_database(url)
    _require_own(url)
    storage = _create_storage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _require_own(url: str) -> None:
    """Refuse a database of another program that keeps the version of its tables as Optuna does."""
    try:
        engine = sqlalchemy.create_engine(url)
        tables = set(sqlalchemy.inspect(engine).get_table_names())
        engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise _unusable(url, error) from None
    if "alembic_version" in tables and "studies" not in tables:
        raise _unusable(url, "it holds the tables of another program, such as MLflow")


def _create_storage(url: str) -> optuna.storages.RDBStorage:
    """Database with Optuna's tables: of several workers that make them, all but one fail once."""
    for attempt in range(1, _ATTEMPTS_TO_OPEN + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # of the heartbeats
                retry = optuna.storages.RetryHeartbeatStaleTrialCallback(
                    max_retry=_ATTEMPTS_AT_A_TRIAL
                )
                return optuna.storages.RDBStorage(
                    url,
                    heartbeat_interval=_SECONDS_BETWEEN_BEATS,
                    grace_period=_GRACE_SECONDS,
                    heartbeat_stale_trial_callback=retry,
                )
        except (SQLAlchemyError, RuntimeError) as error:
            if attempt == _ATTEMPTS_TO_OPEN or not isinstance(error, SQLAlchemyError):
                raise _unusable(url, error) from None
            time.sleep(0.2 * attempt)
    raise AssertionError("unreachable")


@contextmanager
def _storage_failures(url: str) -> Iterator[None]:
    """Make one sentence of a failure of the database in a block; others are raised as they are."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise InputError(
            f"the study storage {without_password(url)} failed in mid-search "
            f"({_reason(error.__cause__ or error)}); trials that are finished are kept in it: see "
            "that it runs, and run the same command again"
        ) from None


def _unusable(url: str, error: Exception | str) -> InputError:
    return InputError(
        f"the study storage {without_password(url)} cannot be opened ({_reason(error)}); give "
        "--study-storage a database of its own, such as postgresql://USER@HOST/optuna"
    )


def _reason(error: BaseException | str) -> str:
    """The driver's own message where there is one, without passwords."""
    message = without_password(str(getattr(error, "orig", None) or error))
    return textwrap.shorten(message, 160, placeholder=" …")


def _first_trials(study: optuna.Study, n_trials: int) -> list[FrozenTrial]:
    """The first `n_trials` that have not failed.

    Where two workers began the last one at once there is one too many, which does not count.
    """
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state != TrialState.FAIL][:n_trials]


def _do_trial(study: optuna.Study, objective: Callable[[optuna.Trial], float]) -> None:
    """Do one trial; in vain, if another worker took this one for dead while it was suspended."""
    numbers: list[int] = []
    failures: list[Exception] = []

    def recorded(trial: optuna.Trial) -> float:
        numbers.append(trial.number)
        try:
            return objective(trial)
        except (UpdateFinishedTrialError, optuna.TrialPruned):
            raise
        except Exception as failure:
            failures.append(failure)
            raise

    try:
        study.optimize(recorded, n_trials=1)
    except Exception:  # Optuna raises one or another for a trial that it has lost
        if failures or not numbers or study.trials[numbers[0]].state != TrialState.FAIL:
            raise


def _fail_orphans(
    study: optuna.Study, unfinished: list[FrozenTrial], first_seen: dict[int, float]
) -> None:
    """Fail the trials of workers that died, so that others do them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    # A worker that died at once has never reported that it is alive, nor chosen any parameters.
    for trial in unfinished:
        since = first_seen.setdefault(trial.number, time.monotonic())
        if not trial.params and time.monotonic() - since > _GRACE_SECONDS:
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
