"""Optuna's search for the trees' and the blend's settings, on training lines alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from models.blend import blend_weights, blended
from models.folds import Folds, donor_folds
from models.ridge import MultiViewRidge
from models.screening import screen
from models.trees import ScreenedTrees
from training.drug_lines import DrugLines
from training.panel import PanelDrug
from training.shared_search import SharedSearch

_INNER_FOLDS = 3
_MOST_DRUGS = 6
_MOST_FEATURES = 800


@dataclass(frozen=True)
class Settings:
    """What the search chose: parameters of `ScreenedTrees` and of `Blend`."""

    trees: dict[str, Any] = field(default_factory=dict)
    shrinkage: float = 100.0

    def blend_parameters(self) -> dict[str, Any]:
        """Keyword arguments of `models.blend.Blend`."""
        return {"tree_settings": self.trees, "shrinkage": self.shrinkage}


@dataclass(frozen=True)
class SearchResult:
    """The settings that the search chose, and every trial that led there.

    Attributes
    ----------
    settings : Settings
    trials : DataFrame
        One row a trial: number, state, value (mean squared error of the blend relative to the
        response's variance, averaged over drugs), and the parameters tried.
    """

    settings: Settings
    trials: pd.DataFrame


def drawn_drugs(drugs: Sequence[PanelDrug], seed: int) -> list[PanelDrug]:
    """Drugs that the search looks at: all of up to six, else six drawn by `seed`."""
    drawn = np.random.default_rng(seed).permutation(len(drugs))[:_MOST_DRUGS]
    return [drugs[number] for number in sorted(drawn)]


def search_settings(
    drugs: Sequence[DrugLines], n_trials: int, seed: int, shared: SharedSearch | None = None
) -> SearchResult:
    """Choose one setting for the panel by inner cross-validation of the blend.

    One setting for all drugs, since tens of lines cannot carry one each. The first trial is the
    default setting; a trial that falls behind the median after a drug is pruned.

    Parameters
    ----------
    drugs : sequence of DrugLines
        Training lines only, of the drugs that `drawn_drugs` chose.
    n_trials : int
        Zero keeps the defaults.
    seed : int
        Fixes the trials, unless others do some of them.
    shared : SharedSearch, optional
        Where the trials are shared with other workers, which do some of them.
    """
    if n_trials < 1:
        return SearchResult(Settings(), pd.DataFrame(columns=["number", "state", "value"]))
    # A warning of Optuna is a traceback: of a trial that the user interrupted.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tasks = [_Task.of(drug, seed) for drug in drugs]
    sampler = optuna.samplers.TPESampler(
        seed=seed if shared is None else None, n_startup_trials=max(5, n_trials // 3)
    )
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)

    def objective(trial: optuna.Trial) -> float:
        return _objective(trial, tasks, seed)

    if shared is not None:
        trials = shared.trials(objective, n_trials, first=_DEFAULTS, sampler=sampler, pruner=pruner)
    else:
        study = optuna.create_study(sampler=sampler, pruner=pruner)
        study.enqueue_trial(_DEFAULTS)
        study.optimize(objective, n_trials=n_trials)
        trials = study.trials
    return SearchResult(_settings(_best(trials).params), _trials(trials))


@dataclass(frozen=True)
class _Task:
    """A drug with its inner folds and what no trial changes on them.

    `screened` holds the features of each fold, (training lines, test lines), that the widest
    screen a trial may ask for keeps.
    """

    drug: DrugLines
    folds: Folds
    screened: list[tuple[pd.DataFrame, pd.DataFrame]]
    ridge: np.ndarray

    @classmethod
    def of(cls, drug: DrugLines, seed: int) -> _Task:
        folds = donor_folds(drug.donors, _INNER_FOLDS, seed)
        ridge = np.empty(len(drug.y))
        screened = []
        for train, test in folds:
            known, held_out = drug.X.iloc[train], drug.X.iloc[test]
            model = MultiViewRidge(drug.target_features)
            ridge[test] = model.fit(known, drug.y[train], drug.donors[train]).predict(held_out)
            kept = screen(known, drug.y[train], _MOST_FEATURES, drug.target_features)
            screened.append((known.iloc[:, kept], held_out.iloc[:, kept]))
        return cls(drug, folds, screened, ridge)

    def relative_error(self, settings: Settings, seed: int) -> float:
        """Squared error of the blend relative to the variance, weights learned across folds."""
        y = self.drug.y
        held_out = np.column_stack([self.ridge, np.empty(len(y))])
        for (train, test), (known, unknown) in zip(self.folds, self.screened, strict=True):
            trees = ScreenedTrees(self.drug.target_features, seed=seed, **settings.trees)
            held_out[test, 1] = trees.fit(known, y[train]).predict(unknown)
        errors = np.empty(len(y))
        for train, test in self.folds:
            weights = blend_weights(held_out[train], y[train], settings.shrinkage)
            errors[test] = y[test] - blended(held_out[test], weights, y[train].mean())
        return float(np.mean(errors**2) / (np.var(y) or 1.0))


_DEFAULTS = {
    "n_features": 300,
    "n_trees": 200,
    "learning_rate": 0.05,
    "max_depth": 3,
    "min_child_weight": 3.0,
    "subsample": 0.7,
    "colsample": 0.2,
    "l2": 1.0,
    "shrinkage": 100.0,
}


def _objective(trial: optuna.Trial, tasks: Sequence[_Task], seed: int) -> float:
    settings = _settings(
        {
            "n_features": trial.suggest_int("n_features", 50, _MOST_FEATURES, log=True),
            "n_trees": trial.suggest_int("n_trees", 60, 400, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 5),
            "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 10.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample": trial.suggest_float("colsample", 0.05, 0.5, log=True),
            "l2": trial.suggest_float("l2", 0.1, 10.0, log=True),
            "shrinkage": trial.suggest_float("shrinkage", 30.0, 1000.0, log=True),
        }
    )
    errors: list[float] = []
    for step, task in enumerate(tasks):
        errors.append(task.relative_error(settings, seed))
        trial.report(float(np.mean(errors)), step)
        if step < len(tasks) - 1 and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(errors))


def _settings(parameters: dict[str, Any]) -> Settings:
    trees = {name: value for name, value in parameters.items() if name != "shrinkage"}
    return Settings(trees, parameters["shrinkage"])


def _best(trials: Sequence[FrozenTrial]) -> FrozenTrial:
    """The complete trial of the lowest error, the first one of equals."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return min(complete, key=lambda trial: (trial.value, trial.number))


def _trials(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"number": t.number, "state": t.state.name.lower(), "value": t.value, **t.params}
            for t in trials
        ]
    )
