"""Gradient-boosted trees on screened features, and the device on which they are grown.

The device is where work is done, not a part of the model: a saved model names none, and one that
was grown on a GPU predicts on any machine.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.engines.options import DEVICES
from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import FeatureRanking, TrainingLines
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.models.estimators.screening import rank_folds, screen
from sidestep.models.estimators.weights import response_weights
from sidestep.models.treeshap.blocks import MOST_BITS
from sidestep.models.treeshap.ensemble import TreeEnsemble

CPU, CUDA = DEVICES


class ScreenedTrees(ExplainedEstimator):
    """XGBoost [1]_ on the features that pass a screen inside `fit`.

    It regresses a continuous response, and the log-odds of a binary one by the logistic loss.

    A missing value goes the way that XGBoost learned where training lines lack the feature though
    its modality was measured. Where none does, that way says nothing of a feature: the row goes
    both ways, weighted by the training lines that went there, so that the feature contributes 0
    and shifts no prediction. (A sample without the modality has a model of its own,
    `models.estimators.pattern_blend`.)
    Contributions are the exact path-dependent TreeSHAP values [2]_, by tables or, to the same
    bytes, leaf by leaf (`models.treeshap`).

    Parameters
    ----------
    target_features : sequence of str
        Features kept whatever the screen says.
    n_features : int
        Features that the screen keeps.
    n_trees, learning_rate, max_depth, min_child_weight, subsample, colsample, l2, max_bin
        XGBoost's `num_boost_round`, `eta`, `max_depth`, `min_child_weight`, `subsample`,
        `colsample_bynode`, `lambda`, `max_bin`. Trees deeper than 12 conditions are refused.
    n_jobs : int
    seed : int
    device : {"cpu", "cuda"}
        Where XGBoost works: where the trees are grown, and asked for predictions until they are
        saved. A GPU draws other random numbers than the CPU for `subsample` and `colsample`, so
        that the trees differ as they would with another seed.
    kind : {"continuous", "binary"}
        Of the response.

    Attributes
    ----------
    columns_ : ndarray of shape (n_kept,)
        Places of the features that passed the screen.
    offset_ : float
        Mean response of the training lines, or the log-odds of their rate, which the trees learn
        deviations from.
    unit_ : float
        Response units in one unit of the booster.
    never_missing_ : ndarray of bool, shape (n_kept,)
        Features that no training line lacks in which their modality was measured; see
        `treeshap.ensemble.TreeEnsemble.both_ways`.
    booster_ : Booster
        As it was grown; a model that was loaded has none.

    References
    ----------
    .. [1] Chen and Guestrin, XGBoost: a scalable tree boosting system, KDD 2016,
       doi 10.1145/2939672.2939785.
    .. [2] Lundberg et al., From local explanations to global understanding with explainable AI
       for trees, Nat Mach Intell 2:56-67 (2020), doi 10.1038/s42256-019-0138-9.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        n_features: int = 300,
        n_trees: int = 200,
        learning_rate: float = 0.05,
        max_depth: int = 3,
        min_child_weight: float = 3.0,
        subsample: float = 0.7,
        colsample: float = 0.2,
        l2: float = 1.0,
        max_bin: int = 32,
        n_jobs: int = 1,
        seed: int = 0,
        device: str = CPU,
        kind: str = CONTINUOUS,
    ) -> None:
        self.target_features = target_features
        self.n_features = n_features
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample = colsample
        self.l2 = l2
        self.max_bin = max_bin
        self.n_jobs = n_jobs
        self.seed = seed
        self.device = device
        self.kind = kind

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        import xgboost as xgb

        if self.max_depth > MOST_BITS:
            raise InputError(
                f"max_depth {self.max_depth} is too deep to be explained; give at most {MOST_BITS}"
            )
        lines = TrainingLines.of(X)
        self.columns_ = screen(lines, y, self.n_features, self.target_features)
        outcome = outcome_of(self.kind)
        self.offset_, self.unit_ = outcome.centre(y), outcome.unit(y)
        label, margin = outcome.boosted(y, self.offset_, self.unit_)
        settings = {
            "objective": outcome.objective,
            "base_score": outcome.base_score,
            "tree_method": "hist",
            "max_bin": self.max_bin,
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bynode": self.colsample,
            "lambda": self.l2,
            "seed": self.seed,
            "nthread": self.n_jobs,
            "device": require_device(self.device),
            "verbosity": 0,
        }
        values = lines.single_values(self.columns_)
        self.never_missing_ = _never_missing(lines, self.columns_, values)
        data = xgb.DMatrix(
            values,
            label=label,
            base_margin=margin,
            weight=response_weights(y, lines.errors),
            nthread=self.n_jobs,
        )
        # There is nothing to evaluate, which XGBoost would ask for after every tree.
        self.booster_ = xgb.train(settings, data, num_boost_round=self.n_trees, verbose_eval=False)
        for name in ("ensemble_", "gains_", "places_"):  # of an earlier fit
            self.__dict__.pop(name, None)

    def out_of_fold(
        self,
        X: pd.DataFrame | TrainingLines,
        y: np.ndarray,
        folds: Folds,
        rankings: Sequence[FeatureRanking] | None = None,
    ) -> np.ndarray:
        """Predict every line by trees grown without its fold, (n_samples,).

        Parameters
        ----------
        X : DataFrame or TrainingLines of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
        folds : list of (training rows, test rows)
        rankings : sequence of FeatureRanking, optional
            Of each fold's training lines (`rank_folds`), where many trees are grown on them.
        """
        lines = TrainingLines.of(X)
        predicted = np.empty(len(y))
        for (train, test), ranking in zip(
            folds, rankings or rank_folds(lines, y, folds), strict=True
        ):
            trees = type(self)(**self.get_params())
            trees.fit(lines.among(train).ranked(ranking), y[train])
            values = lines.among(test).single_values(trees.columns_)
            predicted[test] = trees._predicted(values)
        return predicted

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.predict_rows(X.to_numpy(float))

    def predict_rows(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows of the features of `fit`."""
        return self._predicted(self._kept(rows))

    def _predicted(self, kept: np.ndarray) -> np.ndarray:
        """Prediction from the values of `columns_`, (n_rows,)."""
        # The same bytes either way; just after a fit XGBoost needs no preparation.
        if "booster_" in vars(self) and not np.isnan(kept[:, self.never_missing_]).any():
            import xgboost as xgb

            data = xgb.DMatrix(kept, nthread=self.n_jobs)
            predicted = self.booster_.predict(data, output_margin=True)
            return np.asarray(self.offset_ + self.unit_ * predicted.astype(float))
        return np.asarray(self.offset_ + self.ensemble_.predict(kept).astype(float))

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        _, shares, base_value = self.explain_rows(X.to_numpy(float))
        values = np.zeros(X.shape)
        values[:, self.columns_] = shares
        return Contributions(np.full(len(X), base_value), values)

    def explain_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Predict rows of the features of `fit`, with the contributions and the base value.

        Returns
        -------
        predicted : ndarray of shape (n_rows,)
        shares : ndarray of shape (n_rows, n_kept), float32
            Of `columns_`; all other features contribute nothing.
        base_value : float
        """
        return self.explain_kept(self._kept(rows))

    def explain_kept(self, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """What `explain_rows` gives, from the values of `columns_` alone in single precision."""
        predicted, shares = self.ensemble_.explained(kept)
        base_value = self.offset_ + float(np.float32(self.ensemble_.base_value))
        return self.offset_ + predicted.astype(float), shares[:, :-1], base_value

    @cached_property
    def places_(self) -> np.ndarray:
        """Place of each feature among `columns_`, (n_features,); -1 of one that was not kept."""
        places = np.full(self.n_features_in_, -1)
        places[self.columns_] = np.arange(len(self.columns_))
        return places

    @cached_property
    def ensemble_(self) -> TreeEnsemble:
        """The trees without XGBoost."""
        return TreeEnsemble.of(self.booster_, self.unit_, self.never_missing_)

    def gains(self) -> np.ndarray:
        """Total gain of the splits on each feature, (n_features,)."""
        gains = np.zeros(self.n_features_in_)
        gains[self.columns_] = self.gains_
        return gains

    @cached_property
    def gains_(self) -> np.ndarray:
        """Total gain of the splits on each feature that passed the screen, (n_kept,)."""
        gains = np.zeros(len(self.columns_))
        for name, gain in self.booster_.get_score(importance_type="total_gain").items():
            gains[int(name[1:])] = gain
        return gains * self.unit_**2

    def get_state(self) -> dict[str, Any]:
        """State that prediction needs, as plain values and arrays: no booster is kept."""
        return {
            "parameters": self.get_params() | {"device": CPU},
            "columns_": self.columns_,
            "offset_": self.offset_,
            "gains_": self.gains_,
            "ensemble_": self.ensemble_.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted trees that `get_state` described, on columns `features`."""
        trees = cls(**state["parameters"]).expecting(features)
        trees.columns_, trees.offset_ = state["columns_"], state["offset_"]
        trees.gains_ = state["gains_"]
        trees.ensemble_ = TreeEnsemble(**state["ensemble_"])
        trees.never_missing_ = trees.ensemble_.both_ways
        return trees

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: arrays, which are read faster than XGBoost's model."""
        state = dict(vars(self))
        if "booster_" in state:
            state |= {"ensemble_": self.ensemble_, "gains_": self.gains_}
            del state["booster_"]
        return state

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        """Values of the features that passed the screen, in single precision."""
        return rows[:, self.columns_].astype(np.float32)


def require_device(device: str) -> str:
    """Give back `device` if XGBoost can use it here.

    Parameters
    ----------
    device : {"cpu", "cuda"}

    Raises
    ------
    InputError
        If the device is unknown, XGBoost was built without CUDA, or no GPU is found.
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r} is unknown; give one of {', '.join(DEVICES)}")
    if device == CUDA and not _built_with_cuda():
        raise InputError(
            "the XGBoost that is installed was built without CUDA; put `xgboost` in the place of "
            "`xgboost-cpu`, or leave --device cuda out"
        )
    if device == CUDA and _found_by_xgboost() != CUDA:
        raise InputError(
            "XGBoost finds no GPU on this machine; see whether nvidia-smi lists one, or leave "
            "--device cuda out"
        )
    return device


def _built_with_cuda() -> bool:
    """Whether the XGBoost that is installed knows CUDA."""
    import xgboost as xgb

    return bool(xgb.build_info().get("USE_CUDA"))


@functools.cache
def _found_by_xgboost() -> str:
    """The device that XGBoost really takes when it is asked for CUDA."""
    import xgboost as xgb

    data = xgb.DMatrix(np.zeros((2, 1), dtype=np.float32), label=np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is warned of is what is being asked
        booster = xgb.train({"device": CUDA, "verbosity": 0}, data, num_boost_round=1)
    used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return str(used).partition(":")[0]


def saved_settings(tree_settings: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Settings of trees as a model keeps them: on the CPU, if they name a device."""
    if tree_settings is None or "device" not in tree_settings:
        return tree_settings
    return {**tree_settings, "device": CPU}


def _never_missing(lines: TrainingLines, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether all lines that have a feature's modality have the feature, (n_columns,)."""
    modalities = np.array([modality_of(name) for name in lines.columns[columns]], dtype=str)
    patterns, present = lines.patterns, np.isfinite(values)
    never = np.ones(len(columns), bool)
    for modality in set(modalities.tolist()):
        has = [modality == "clinical" or modality in pattern for pattern in patterns]
        of_it = modalities == modality
        never[of_it] = present[np.ix_(has, of_it)].all(axis=0)
    return never
