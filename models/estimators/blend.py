"""The blend: a non-negative combination of ridge and boosted trees, explained exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees, saved_settings

_HALVES = np.array([0.5, 0.5])


class Blend(ExplainedEstimator):
    r"""Ridge and trees, weighted by how well each predicts lines it has not seen.

    .. math:: \hat y = \bar y + w_1 (\hat y_{ridge} - \bar y) + w_2 (\hat y_{trees} - \bar y),
              \quad w \ge 0

    The weights are those of stacked regressions [1]_: non-negative, and of the least squared error
    of inner out-of-fold predictions; here with a pull towards one half each, which steadies them
    when lines are few. Shapley values of a weighted sum are the weighted sum of Shapley values, so
    that the blend is explained exactly.

    Parameters
    ----------
    target_features : sequence of str
        Features of the drug's targets and their partners.
    shrinkage : float
        Strength of the pull: it weighs as much as this many lines.
    inner_folds : int
        Folds by donor for the inner out-of-fold predictions; 0 takes one half each.
    tree_settings : mapping, optional
        Parameters of `ScreenedTrees`.
    n_jobs : int
        Threads of XGBoost.
    seed : int

    Attributes
    ----------
    weights_ : ndarray of shape (2,)
        Of ridge and trees.
    mean_ : float
        Mean response of the training lines.

    References
    ----------
    .. [1] Breiman, Stacked regressions, Mach Learn 24:49-64 (1996), doi 10.1007/BF00117832.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        shrinkage: float = 100.0,
        inner_folds: int = 4,
        tree_settings: Mapping[str, Any] | None = None,
        n_jobs: int = 1,
        seed: int = 0,
    ) -> None:
        self.target_features = target_features
        self.shrinkage = shrinkage
        self.inner_folds = inner_folds
        self.tree_settings = tree_settings
        self.n_jobs = n_jobs
        self.seed = seed

    def members(self) -> tuple[MultiViewRidge, ScreenedTrees]:
        """Fresh, unfitted ridge and trees with this blend's settings."""
        return (
            MultiViewRidge(self.target_features),
            ScreenedTrees(
                self.target_features,
                n_jobs=self.n_jobs,
                seed=self.seed,
                **dict(self.tree_settings or {}),
            ),
        )

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        self.weights_ = self._learned_weights(lines, y, groups) if self.inner_folds else _HALVES
        self.mean_ = float(y.mean())
        self.ridge_, self.trees_ = self.members()
        self.ridge_.fit(lines, y, groups)
        self.trees_.fit(lines, y, groups)

    def _learned_weights(
        self, lines: TrainingLines, y: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        folds = donor_folds(groups, self.inner_folds, self.seed)
        ridge, trees = self.members()
        held_out = [
            ridge.out_of_fold(lines, y, groups, folds),
            trees.out_of_fold(lines, y, folds),
        ]
        return blend_weights(np.column_stack(held_out), y, self.shrinkage)

    def member_predictions(self, X: pd.DataFrame) -> np.ndarray:
        """Predictions of ridge and trees, (n_samples, 2), in response units."""
        return self.predict_members(np.ascontiguousarray(X.to_numpy(float)))

    def predict_members(self, rows: np.ndarray) -> np.ndarray:
        """Predictions of ridge and trees for rows: float64, C order, the features of `fit`."""
        return np.column_stack([self.ridge_.predict_rows(rows), self.trees_.predict_rows(rows)])

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.blend(self.member_predictions(X))

    def blend(self, members: np.ndarray) -> np.ndarray:
        """Prediction from what ridge and trees predict, (n_samples, 2)."""
        return blended(members, self.weights_, self.mean_)

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        return self.explain_rows(np.ascontiguousarray(X.to_numpy(float)))

    def explain_rows(self, rows: np.ndarray) -> Contributions:
        """Explain rows: float64, C order, the features of `fit`."""
        from sidestep.models.estimators.shares import add_shares

        values = self.ridge_.scaled_parts(rows, self.weights_[0])
        shares, base_value = self.trees_.explain_rows(rows)
        add_shares(shares, self.trees_.columns_, self.weights_[1], values)
        bases = np.array([[self.ridge_.intercept_, base_value]])
        return Contributions(np.repeat(self.blend(bases), len(rows)), values)

    def feature_weights(self, sd: np.ndarray) -> np.ndarray:
        """Share of the model that rests on each feature, (n_features,), summing to at most one.

        Half goes by the ridge's absolute coefficients times `sd`, the features' training
        standard deviations; half by the trees' total gain.
        """
        ridge = np.abs(self.ridge_.coef_) * sd
        trees = self.trees_.gains()
        parts = [part / part.sum() for part in (ridge, trees) if part.sum() > 0]
        return np.asarray(sum(parts, start=np.zeros(len(sd))) / max(len(parts), 1))

    def get_state(self) -> dict[str, Any]:
        """State that prediction needs, as plain values and arrays."""
        return {
            "parameters": self.get_params() | {"tree_settings": saved_settings(self.tree_settings)},
            "weights_": self.weights_,
            "mean_": self.mean_,
            "ridge_": self.ridge_.get_state(),
            "trees_": self.trees_.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted blend that `get_state` described, on columns `features`."""
        blend = cls(**state["parameters"]).expecting(features)
        blend.weights_, blend.mean_ = state["weights_"], state["mean_"]
        blend.ridge_ = MultiViewRidge.from_state(state["ridge_"], features)
        blend.trees_ = ScreenedTrees.from_state(state["trees_"], features)
        return blend


def blend_weights(held_out: np.ndarray, y: np.ndarray, shrinkage: float) -> np.ndarray:
    """Non-negative weights of two members from their out-of-fold predictions.

    Parameters
    ----------
    held_out : ndarray of shape (n_samples, 2)
        Out-of-fold predictions of ridge and trees.
    y : ndarray of shape (n_samples,)
    shrinkage : float
        Lines that the pull towards one half each weighs; 0 is plain non-negative least squares.
    """
    deviations = held_out - y.mean()
    if not np.any(deviations):
        return _HALVES
    pull = np.sqrt(shrinkage * np.mean(deviations**2))
    design = np.vstack([deviations, pull * np.eye(2)])
    weights, _ = nnls(design, np.concatenate([y - y.mean(), [pull / 2, pull / 2]]))
    return np.asarray(weights)


def blended(members: np.ndarray, weights: np.ndarray, mean: float) -> np.ndarray:
    """Combine the members' predictions, (n_samples, 2), about the training mean."""
    # Term by term: a matrix product may round a row otherwise when other rows stand beside it.
    return np.asarray(
        mean + weights[0] * (members[:, 0] - mean) + weights[1] * (members[:, 1] - mean)
    )
