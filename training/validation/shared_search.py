"""How do several workers search together? They share the trials of a study in a database.

Whoever has the same request, be it another process or another machine, does some of the trials,
and everybody goes on with the best of all of them. Which trials those are depends on who is
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

# A worker says that it lives, and counts as dead after so many seconds of silence.
_SECONDS_BETWEEN_BEATS = 10
_SECONDS_TO_LIVE = 60
_SECONDS_BETWEEN_LOOKS = 1.0
_ATTEMPTS_TO_OPEN = 5
_ATTEMPTS_TO_DO = 3


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

        Every worker gets the same trials. One that dies is missed after a minute, and another
        one tries what it was trying.

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
        with _failures_told(self.storage), _opened(self.storage) as storage:
            study = optuna.create_study(
                storage=storage,
                study_name=self.name,
                sampler=sampler,
                pruner=pruner,
                load_if_exists=True,
            )
            study.enqueue_trial(dict(first), skip_if_exists=True)
            silent: dict[int, float] = {}
            while True:
                counted = _counted(study, n_trials)
                open_ones = [trial for trial in counted if not trial.state.is_finished()]
                if len(counted) == n_trials and not open_ones:
                    return counted
                to_do = any(trial.state == TrialState.WAITING for trial in open_ones)
                if to_do or len(counted) < n_trials:
                    _do_one(study, objective)
                else:
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
                    _miss_the_dead(study, open_ones, silent)


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
    with _opened(storage):
        pass


@contextmanager
def _opened(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Database of searches; its connections end with the context."""
    require_database(url)
    _require_own(url)
    storage = _made(url)
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


def _made(url: str) -> optuna.storages.RDBStorage:
    # Of several workers that find no tables, one makes them, and the others fail once.
    for attempt in range(1, _ATTEMPTS_TO_OPEN + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # of the heartbeats
                again = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=_ATTEMPTS_TO_DO)
                return optuna.storages.RDBStorage(
                    url,
                    heartbeat_interval=_SECONDS_BETWEEN_BEATS,
                    grace_period=_SECONDS_TO_LIVE,
                    heartbeat_stale_trial_callback=again,
                )
        except (SQLAlchemyError, RuntimeError) as error:
            if attempt == _ATTEMPTS_TO_OPEN or not isinstance(error, SQLAlchemyError):
                raise _unusable(url, error) from None
            time.sleep(0.2 * attempt)
    raise AssertionError("unreachable")


@contextmanager
def _failures_told(url: str) -> Iterator[None]:
    """A block in which the database may fail; what else fails in it is raised as it is."""
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
    """The driver's own words where there are any, without passwords."""
    words = without_password(str(getattr(error, "orig", None) or error))
    return textwrap.shorten(words, 160, placeholder=" …")


def _counted(study: optuna.Study, n_trials: int) -> list[FrozenTrial]:
    """The first `n_trials` that have not failed.

    Where two workers began the last one at once there is one too many, which does not count.
    """
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state != TrialState.FAIL][:n_trials]


def _do_one(study: optuna.Study, objective: Callable[[optuna.Trial], float]) -> None:
    """Do one trial; in vain, if another worker took this one for dead while it stood still."""
    begun: list[int] = []
    failures: list[Exception] = []

    def noted(trial: optuna.Trial) -> float:
        begun.append(trial.number)
        try:
            return objective(trial)
        except (UpdateFinishedTrialError, optuna.TrialPruned):
            raise
        except Exception as failure:
            failures.append(failure)
            raise

    try:
        study.optimize(noted, n_trials=1)
    except Exception:  # what Optuna raises for a trial that is not its any more differs
        if failures or not begun or study.trials[begun[0]].state != TrialState.FAIL:
            raise


def _miss_the_dead(
    study: optuna.Study, open_ones: list[FrozenTrial], silent: dict[int, float]
) -> None:
    """Fail the trials of workers that died, so that others do them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    # A worker that died at once never told that it lived, nor chose any parameters.
    for trial in open_ones:
        since = silent.setdefault(trial.number, time.monotonic())
        if not trial.params and time.monotonic() - since > _SECONDS_TO_LIVE:
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
