"""Optuna's search for the trees' and the blend's settings, on training lines alone.

Akiba et al., KDD 2019, doi:10.1145/3292500.3330701. A trial that falls behind is stopped by the
signed-rank test of Wilcoxon, Biometrics Bulletin 1:80 (1945), doi:10.2307/3001968. Of settings that
the folds cannot tell from the best, those that are grown with the least work are chosen: the rule
of one standard error of Breiman, Friedman, Olshen and Stone, Classification and Regression Trees
(1984), doi:10.1201/9781315139470.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from sidestep.models.estimators.baselines import SingleMarker
from sidestep.models.estimators.blend import blend_weights, blended
from sidestep.models.estimators.folds import Folds, donor_folds
from sidestep.models.estimators.lines import FeatureRanking
from sidestep.models.estimators.outcomes import Outcome, outcome_of
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.screening import rank_folds
from sidestep.models.estimators.trees import CPU, ScreenedTrees
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.panel import PanelDrug
from sidestep.training.validation.shared_search import SharedSearch

_INNER_FOLDS = 3
_MOST_DRUGS = 6
_MOST_FEATURES = 800
# Half of the bins of the final trees: enough to tell settings apart, in two thirds of the time.
_BINS = 16
# A trial stops when, over the drugs and folds so far, it is behind the best one at this p-value:
# when that is more likely than not, since of settings that are nearly as good any one will do.
_PRUNING_P = 0.5
# So many times the work of the trial that would be chosen now has to pay at once: a trial stops
# that is not ahead of that one by a standard error.
_MUCH_WORK = 2.0
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


@dataclass(frozen=True)
class Settings:
    """Parameters of `ScreenedTrees` and of `Blend` that a search chooses."""

    trees: dict[str, Any] = field(default_factory=dict)
    shrinkage: float = 100.0

    def blend_parameters(self, device: str = CPU) -> dict[str, Any]:
        """Keyword arguments of `blend.Blend`, whose trees are to be grown on `device`."""
        return {"tree_settings": self.trees | {"device": device}, "shrinkage": self.shrinkage}


@dataclass(frozen=True)
class SearchResult:
    """The settings that the search chose, and every trial that led there.

    Attributes
    ----------
    settings : Settings
    trials : DataFrame
        One row a trial: number, state, value (mean loss of the blend relative to that of the
        response's mean, averaged over the drugs that the trial came to), whether it was chosen,
        and the parameters tried.
    """

    settings: Settings
    trials: pd.DataFrame


def drawn_drugs(drugs: Sequence[PanelDrug], seed: int) -> list[PanelDrug]:
    """Drugs that the search looks at: all of up to six, else six drawn by `seed`."""
    numbers = np.random.default_rng(seed).permutation(len(drugs))[:_MOST_DRUGS]
    return [drugs[number] for number in sorted(numbers)]


def search_settings(
    drugs: Sequence[DrugLines],
    n_trials: int,
    seed: int,
    shared: SharedSearch | None = None,
    device: str = CPU,
) -> SearchResult:
    """Choose one setting for the panel by inner cross-validation of the blend.

    One setting for all drugs, since tens of lines cannot carry one each. The first trial is the
    default setting; a trial is pruned after a drug if a Wilcoxon test over the folds of the drugs
    so far finds it behind the best one, or if it is much work and not ahead (`SearchPruner`).
    `chosen_trial` says which one is taken.

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
    device : {"cpu", "cuda"}
        Where trees are grown.
    """
    if n_trials < 1:
        return SearchResult(Settings(), _trials([], None))
    # A warning of Optuna is a traceback: of a trial that the user interrupted.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tasks = [_Task.of(drug, seed, device) for drug in drugs]
    sampler = optuna.samplers.TPESampler(
        seed=seed if shared is None else None, n_startup_trials=max(5, n_trials // 3)
    )
    pruner = SearchPruner()

    def objective(trial: optuna.Trial) -> float:
        return _objective(trial, tasks)

    if shared is not None:
        trials = shared.trials(objective, n_trials, first=_DEFAULTS, sampler=sampler, pruner=pruner)
    else:
        study = optuna.create_study(sampler=sampler, pruner=pruner)
        study.enqueue_trial(_DEFAULTS)
        study.optimize(objective, n_trials=n_trials)
        trials = study.trials
    chosen = chosen_trial(trials)
    # Those that others share may all have been stopped, by a better one that does not count.
    return SearchResult(_settings(chosen.params if chosen else _DEFAULTS), _trials(trials, chosen))


def chosen_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Trial of the least work among those as good as the best, as far as folds can tell.

    As good is a complete trial whose errors in the folds are, in the mean, at most one standard
    error above those of the trial of the lowest value; the error is that of the difference from
    fold to fold. The work is that of growing the trees: in each of them a pass over the features a
    level, and candidate splits at each node. Of equals the first one is chosen; None of none.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not complete:
        return None
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    as_good = [trial for trial in complete if trial is best or _near(trial, best)]
    return min(as_good, key=lambda trial: (_work(trial.params), trial.number))


def _near(trial: FrozenTrial, best: FrozenTrial) -> bool:
    """Whether a finished trial is at most one standard error behind the best one."""
    behind, error = _behind(trial, best)
    return sorted(trial.intermediate_values) == sorted(best.intermediate_values) and behind <= error


def _behind(trial: FrozenTrial, other: FrozenTrial) -> tuple[float, float]:
    """Mean of a trial's errors less another's, over the folds that it came to, and its error.

    Of one fold the error is infinite.
    """
    steps = sorted(trial.intermediate_values.keys() & other.intermediate_values.keys())
    behind = [trial.intermediate_values[at] - other.intermediate_values[at] for at in steps]
    if len(behind) < 2:
        return 0.0, np.inf
    return float(np.mean(behind)), float(np.std(behind, ddof=1) / np.sqrt(len(behind)))


def _work(parameters: dict[str, Any]) -> float:
    """Work of growing trees; fits of 350 lines took seconds in proportion, within a seventh."""
    depth = parameters["max_depth"]
    a_feature = depth + parameters["colsample"] * 2**depth
    return float(parameters["n_trees"] * parameters["n_features"] * a_feature)


@dataclass(frozen=True)
class _Task:
    """A drug with its inner folds and what no trial changes on them.

    `rankings` orders the features by the training lines of each fold; `ridge` and `marker` are
    predicted out of fold, the marker where the drug has one.
    """

    drug: DrugLines
    seed: int
    device: str
    folds: Folds
    rankings: list[FeatureRanking]
    ridge: np.ndarray
    marker: np.ndarray | None

    @classmethod
    def of(cls, drug: DrugLines, seed: int, device: str) -> _Task:
        folds = donor_folds(drug.donors, _INNER_FOLDS, seed)
        kind = drug.drug.kind
        ridge = MultiViewRidge(
            drug.target_features, gates=drug.gates or None, axes=drug.axes or None, kind=kind
        )
        marker = SingleMarker(drug.markers, kind).fit(drug.lines, drug.y)
        return cls(
            drug,
            seed,
            device,
            folds,
            rank_folds(drug.lines, drug.y, folds),
            ridge.out_of_fold(drug.lines, drug.y, drug.donors, folds),
            marker.out_of_fold(drug.lines, drug.y, folds) if marker.informative else None,
        )

    @property
    def outcome(self) -> Outcome:
        """Of the kind of the response."""
        return outcome_of(self.drug.drug.kind)

    @cached_property
    def default_errors(self) -> np.ndarray:
        """Errors with the default settings."""
        return self._errors(_settings(_DEFAULTS))

    def errors(self, settings: Settings) -> np.ndarray:
        """Loss of the blend for every line, (n_lines,), weights learned across folds."""
        if settings == _settings(_DEFAULTS):  # those of the first trial
            return self.default_errors
        return self._errors(settings)

    def _errors(self, settings: Settings) -> np.ndarray:
        y = self.drug.y
        trees = ScreenedTrees(
            self.drug.target_features,
            max_bin=_BINS,
            seed=self.seed,
            device=self.device,
            kind=self.drug.drug.kind,
            **settings.trees,
        )
        by_trees = trees.out_of_fold(self.drug.lines, y, self.folds, self.rankings)
        members = [self.ridge, by_trees, *([] if self.marker is None else [self.marker])]
        held_out = np.column_stack(members)
        predicted = np.empty(len(y))
        for train, test in self.folds:
            weights = blend_weights(held_out[train], y[train], settings.shrinkage, self.outcome)
            predicted[test] = blended(held_out[test], weights, self.outcome.centre(y[train]))
        return self.outcome.losses(predicted, y)

    def relative_error(self, errors: np.ndarray) -> float:
        """Mean of the lines' losses relative to that of the response's centre."""
        return float(np.mean(errors) / (self.outcome.spread(self.drug.y) or 1.0))

    def by_fold(self, errors: np.ndarray) -> list[float]:
        """The same a fold, relative to the default: comparable between easy and hard drugs."""
        default = self.default_errors
        return [
            float(np.mean(errors[test]) / (np.mean(default[test]) or 1.0)) for _, test in self.folds
        ]


def _objective(trial: optuna.Trial, tasks: Sequence[_Task]) -> float:
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
    relative: list[float] = []
    for number, task in enumerate(tasks):
        errors = task.errors(settings)
        relative.append(task.relative_error(errors))
        for fold, error in enumerate(task.by_fold(errors)):
            trial.report(error, number * _INNER_FOLDS + fold)
        if number < len(tasks) - 1 and trial.should_prune():
            trial.set_user_attr("value", float(np.mean(relative)))
            raise optuna.TrialPruned
    return float(np.mean(relative))


class SearchPruner(optuna.pruners.BasePruner):
    """Stops a trial that falls behind, or that is not ahead by enough to be worth much work.

    It compares fold by fold: one that looks at running means would compare drugs, since one drug is
    easier than another.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():  # it may change in another version; ours is pinned
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._wilcoxon = optuna.pruners.WilcoxonPruner(p_threshold=_PRUNING_P)

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to stop."""
        if self._wilcoxon.prune(study, trial):
            return True
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        chosen = chosen_trial(complete)
        if chosen is None or _work(trial.params) <= _MUCH_WORK * _work(chosen.params):
            return False
        behind, error = _behind(trial, chosen)
        return -behind < error


def _settings(parameters: dict[str, Any]) -> Settings:
    trees = {name: value for name, value in parameters.items() if name != "shrinkage"}
    return Settings(trees, parameters["shrinkage"])


def _trials(trials: Sequence[FrozenTrial], chosen: FrozenTrial | None) -> pd.DataFrame:
    rows = [
        {
            "number": t.number,
            "state": t.state.name.lower(),
            "value": t.user_attrs.get("value", t.value),
            "chosen": chosen is not None and t.number == chosen.number,
            **t.params,
        }
        for t in trials
    ]
    return pd.DataFrame(rows, columns=None if rows else ["number", "state", "value", "chosen"])
