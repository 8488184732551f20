"""Gradient-boosted trees on screened features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import xgboost as xgb

from models.device import CPU, require_device
from models.estimator import Contributions, ExplainedEstimator
from models.screening import screen


class ScreenedTrees(ExplainedEstimator):
    """XGBoost regression on the features that pass a screen inside `fit`.

    Missing values go the way that XGBoost learned for them. Contributions are the exact
    path-dependent TreeSHAP values (Lundberg et al., Nat Mach Intell 2020).

    Parameters
    ----------
    target_features : sequence of str
        Features kept whatever the screen says.
    n_features : int
        Features that the screen keeps.
    n_trees, learning_rate, max_depth, min_child_weight, subsample, colsample, l2
        XGBoost's `num_boost_round`, `eta`, `max_depth`, `min_child_weight`, `subsample`,
        `colsample_bynode`, `lambda`.
    n_jobs : int
    seed : int
    device : {"cpu", "cuda"}
        Where the trees are grown and evaluated (`models.device`); not saved with them. A GPU draws
        other random numbers than the CPU for `subsample` and `colsample`, so that the trees differ
        as they would with another seed; what given trees predict is the same to rounding.
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
        n_jobs: int = 1,
        seed: int = 0,
        device: str = CPU,
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
        self.n_jobs = n_jobs
        self.seed = seed
        self.device = device

    def _fit(self, X: pd.DataFrame, y: np.ndarray, donors: np.ndarray) -> None:
        self.columns_ = screen(X, y, self.n_features, self.target_features)
        # XGBoost sums responses in single precision; centred ones lose nothing.
        self.offset_ = float(y.mean())
        settings = {
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "hist",
            "max_bin": 64,
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
        self.booster_ = xgb.train(
            settings, self._matrix(X, y - self.offset_), num_boost_round=self.n_trees
        )

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.offset_ + self.booster_.predict(self._matrix(X)).astype(float)

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        # One more row, of nothing measured, tells the base value even where `X` has no rows.
        rows = np.vstack([self._values(X), np.full((1, len(self.columns_)), np.nan, np.float32)])
        data = xgb.DMatrix(rows, nthread=self.n_jobs)
        shap_values = self.booster_.predict(data, pred_contribs=True).astype(float)
        values = np.zeros(X.shape)
        values[:, self.columns_] = shap_values[:-1, :-1]
        base = self.offset_ + float(shap_values[-1, -1])
        return Contributions(np.full(len(X), base), values)

    def gains(self) -> np.ndarray:
        """Total gain of the splits on each feature, (n_features,)."""
        gains = np.zeros(self.n_features_in_)
        for name, gain in self.booster_.get_score(importance_type="total_gain").items():
            gains[self.columns_[int(name[1:])]] = gain
        return gains

    def move_to(self, device: str) -> None:
        """Let fitted trees predict on another device.

        Raises
        ------
        InputError
            If XGBoost cannot use it here.
        """
        self.device = require_device(device)
        self.booster_.set_param({"device": device})

    def get_state(self) -> dict[str, Any]:
        """What prediction needs, as plain values and arrays; the trees in XGBoost's UBJSON."""
        booster = np.frombuffer(bytes(self.booster_.save_raw("ubj")), dtype=np.uint8)
        return {
            "parameters": self.get_params() | {"device": CPU},
            "columns_": self.columns_,
            "offset_": self.offset_,
            "booster_": booster,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted trees that `get_state` described, on columns `features`."""
        trees = cls(**state["parameters"]).expecting(features)
        trees.columns_, trees.offset_ = state["columns_"], state["offset_"]
        trees.booster_ = xgb.Booster({"nthread": trees.n_jobs})
        trees.booster_.load_model(bytearray(state["booster_"].tobytes()))
        return trees

    def _matrix(self, X: pd.DataFrame, y: np.ndarray | None = None) -> xgb.DMatrix:
        return xgb.DMatrix(self._values(X), label=y, nthread=self.n_jobs)

    def _values(self, X: pd.DataFrame) -> np.ndarray:
        return X.to_numpy(float)[:, self.columns_].astype(np.float32)
