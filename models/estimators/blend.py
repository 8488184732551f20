"""A blend of ridge, boosted trees and one marker: non-negative weights, explained exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.baselines import SingleMarker
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees, saved_settings

#: Weights of ridge, trees and marker that the learned ones are pulled towards: a mixture of these.
_PRIORS = np.array([[1 / 2, 1 / 2, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.0, 0.0, 1.0]])
_HALVES, _TWO_HALVES = _PRIORS[0], _PRIORS[0, :2]
#: How likely each of them is beforehand, and how sharply out-of-fold errors tell them apart: chosen
#: on simulated studies (`benchmarks.marker_member`), so that a marker that holds the truth wins,
#: and one that says nothing costs next to nothing.
_PRIOR_ODDS = (10.0, 1.0, 1.0)
_PRIOR_SHARPNESS = 0.5


class Blend(ExplainedEstimator):
    r"""Ridge, trees and one marker, weighted by how well each predicts lines it has not seen.

    .. math:: \hat y = \bar y + \sum_m w_m (\hat y_m - \bar y), \quad w_m \ge 0

    The weights are those of stacked regressions [1]_: non-negative, and of the least squared error
    of inner out-of-fold predictions; here with a pull towards weights fixed beforehand
    (`prior_weights`), which steadies them when lines are few. A drug whose response goes with its
    marker alone is so predicted by the marker. Shapley values of a weighted sum are the weighted
    sum of Shapley values, so that the blend is explained exactly.

    Parameters
    ----------
    target_features : sequence of str
        Features of the drug's targets and their partners.
    markers : sequence of str
        The drug's marker, as `models.estimators.baselines.SingleMarker` takes it; without any of
        them among the features the marker has no weight.
    shrinkage : float
        Strength of the pull: it weighs as much as this many lines.
    inner_folds : int
        Folds by donor for the inner out-of-fold predictions; 0 takes `marker_share` for the
        marker and halves the rest between ridge and trees.
    marker_share : float
        Weight of the marker where no weights are learned, 0 to 1.
    tree_settings : mapping, optional
        Parameters of `ScreenedTrees`.
    n_jobs : int
        Threads of XGBoost.
    seed : int

    Attributes
    ----------
    weights_ : ndarray of shape (3,)
        Of ridge, trees and marker.
    mean_ : float
        Mean response of the training lines.

    References
    ----------
    .. [1] Breiman, Stacked regressions, Mach Learn 24:49-64 (1996), doi 10.1007/BF00117832.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        markers: Sequence[str] = (),
        shrinkage: float = 100.0,
        inner_folds: int = 4,
        marker_share: float = 0.0,
        tree_settings: Mapping[str, Any] | None = None,
        n_jobs: int = 1,
        seed: int = 0,
    ) -> None:
        self.target_features = target_features
        self.markers = markers
        self.shrinkage = shrinkage
        self.inner_folds = inner_folds
        self.marker_share = marker_share
        self.tree_settings = tree_settings
        self.n_jobs = n_jobs
        self.seed = seed

    def members(self) -> tuple[MultiViewRidge, ScreenedTrees, SingleMarker]:
        """Fresh, unfitted ridge, trees and marker with this blend's settings."""
        return (
            MultiViewRidge(self.target_features),
            ScreenedTrees(
                self.target_features,
                n_jobs=self.n_jobs,
                seed=self.seed,
                **dict(self.tree_settings or {}),
            ),
            SingleMarker(self.markers),
        )

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        self.mean_ = float(y.mean())
        self.ridge_, self.trees_, self.marker_ = self.members()
        self.marker_.fit(lines, y, groups)
        if self.inner_folds:
            self.weights_ = self._learned_weights(lines, y, groups)
        else:
            share = self.marker_share if self.marker_.informative else 0.0
            self.weights_ = np.array([(1 - share) / 2, (1 - share) / 2, share])
        self.ridge_.fit(lines, y, groups)
        self.trees_.fit(lines, y, groups)

    def _learned_weights(
        self, lines: TrainingLines, y: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        folds = donor_folds(groups, self.inner_folds, self.seed)
        ridge, trees, marker = self.members()
        held_out = [ridge.out_of_fold(lines, y, groups, folds), trees.out_of_fold(lines, y, folds)]
        if not self.marker_.informative:
            return np.append(blend_weights(np.column_stack(held_out), y, self.shrinkage), 0.0)
        held_out.append(marker.out_of_fold(lines, y, folds))
        return blend_weights(np.column_stack(held_out), y, self.shrinkage)

    @property
    def shares_(self) -> np.ndarray:
        """Weights relative to their sum, (3,); one half of ridge and trees each if all are 0."""
        total = self.weights_.sum()
        return np.asarray(self.weights_ / total) if total > 0 else _HALVES

    def member_predictions(self, X: pd.DataFrame) -> np.ndarray:
        """Predictions of ridge, trees and marker, (n_samples, 3), in response units."""
        return self.predict_members(np.ascontiguousarray(X.to_numpy(float)))

    def predict_members(self, rows: np.ndarray) -> np.ndarray:
        """Predictions of the members for rows: float64, C order, the features of `fit`."""
        members = (self.ridge_, self.trees_, self.marker_)
        return np.column_stack([member.predict_rows(rows) for member in members])

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.blend(self.member_predictions(X))

    def blend(self, members: np.ndarray) -> np.ndarray:
        """Prediction from what ridge, trees and marker predict, (n_samples, 3)."""
        return blended(members, self.weights_, self.mean_)

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        return self.explain_rows(np.ascontiguousarray(X.to_numpy(float)))

    def explain_rows(self, rows: np.ndarray) -> Contributions:
        """Explain rows: float64, C order, the features of `fit`."""
        from sidestep.models.estimators.shares import add_shares

        values = self.ridge_.scaled_parts(rows, self.weights_[0])
        shares, base_value = self.trees_.explain_rows(rows)
        add_shares(shares, self.trees_.columns_, self.weights_[1], values)
        self.marker_.add_shares(rows, self.weights_[2], values)
        bases = np.array([[self.ridge_.intercept_, base_value, self.marker_.mean_]])
        return Contributions(np.repeat(self.blend(bases), len(rows)), values)

    def feature_weights(self, sd: np.ndarray) -> np.ndarray:
        """Share of the model that rests on each feature, (n_features,), summing to at most one.

        The marker has its share of the blend's weights. Of the rest, half goes by the ridge's
        absolute coefficients times `sd`, the features' training standard deviations; half by the
        trees' total gain.
        """
        ridge = np.abs(self.ridge_.coef_) * sd
        trees = self.trees_.gains()
        parts = [part / part.sum() for part in (ridge, trees) if part.sum() > 0]
        others = sum(parts, start=np.zeros(len(sd))) / max(len(parts), 1)
        share = self.shares_[2]
        return np.asarray((1 - share) * others + share * self.marker_.feature_weights())

    def get_state(self) -> dict[str, Any]:
        """State that prediction needs, as plain values and arrays."""
        return {
            "parameters": self.get_params() | {"tree_settings": saved_settings(self.tree_settings)},
            "weights_": self.weights_,
            "mean_": self.mean_,
            "ridge_": self.ridge_.get_state(),
            "trees_": self.trees_.get_state(),
            "marker_": self.marker_.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted blend that `get_state` described, on columns `features`."""
        blend = cls(**state["parameters"]).expecting(features)
        blend.weights_, blend.mean_ = state["weights_"], state["mean_"]
        blend.ridge_ = MultiViewRidge.from_state(state["ridge_"], features)
        blend.trees_ = ScreenedTrees.from_state(state["trees_"], features)
        blend.marker_ = SingleMarker.from_state(state["marker_"], features)
        return blend


def blend_weights(held_out: np.ndarray, y: np.ndarray, shrinkage: float) -> np.ndarray:
    """Non-negative weights of ridge, trees and marker from their out-of-fold predictions.

    Parameters
    ----------
    held_out : ndarray of shape (n_samples, 3) or (n_samples, 2)
        Out-of-fold predictions of ridge and trees, and of the marker where there is one.
    y : ndarray of shape (n_samples,)
    shrinkage : float
        Lines that the pull towards `prior_weights` weighs; 0 is plain non-negative least squares.

    Returns
    -------
    ndarray of shape (3,) or (2,)
    """
    deviations, response = held_out - y.mean(), y - y.mean()
    return pulled_weights(deviations, response, prior_weights(deviations, response), shrinkage)


def pulled_weights(
    deviations: np.ndarray, response: np.ndarray, prior: np.ndarray, shrinkage: float
) -> np.ndarray:
    """Non-negative least squares with a pull towards `prior`, (n_members,).

    Parameters
    ----------
    deviations : ndarray of shape (n_samples, n_members)
        Out-of-fold predictions about the mean response.
    response : ndarray of shape (n_samples,)
        About its mean.
    prior : ndarray of shape (n_members,)
    shrinkage : float
        Lines that the pull weighs.
    """
    if not np.any(deviations):
        return prior
    pull = np.sqrt(shrinkage * np.mean(deviations**2))
    design = np.vstack([deviations, pull * np.eye(len(prior))])
    weights, _ = nnls(design, np.concatenate([response, pull * prior]))
    return np.asarray(weights)


def prior_weights(
    deviations: np.ndarray,
    response: np.ndarray,
    odds: Sequence[float] = _PRIOR_ODDS,
    sharpness: float = _PRIOR_SHARPNESS,
) -> np.ndarray:
    r"""Weights that the learned ones are pulled towards.

    .. math:: \sum_c q_c p_c, \quad q_c \propto o_c \, \mathrm{MSE}_c^{-\tau n / 2}

    of three candidates :math:`p_c`: one half of ridge and trees each, one third of all, and the
    marker alone. :math:`\mathrm{MSE}_c` is the error of each on the lines out of fold; with
    :math:`\tau = 1` its power would be the pseudo-BMA weight of a Gaussian model
    (`models.estimators.ridge`). Without a marker it is one half each.

    Parameters
    ----------
    deviations : ndarray of shape (n_samples, 3) or (n_samples, 2)
        Out-of-fold predictions of ridge, trees and marker about the mean response.
    response : ndarray of shape (n_samples,)
        About its mean.
    odds : sequence of 3 floats
        :math:`o_c`, before any line is seen.
    sharpness : float
        :math:`\tau`.

    Returns
    -------
    ndarray of shape (3,) or (2,)
    """
    if deviations.shape[1] == len(_TWO_HALVES):
        return np.asarray(_TWO_HALVES)
    if not np.any(deviations):
        return np.asarray(_HALVES)
    errors = np.array([np.mean((response - deviations @ prior) ** 2) for prior in _PRIORS])
    gap = np.log(errors + np.finfo(float).tiny)
    evidence = np.asarray(odds) * np.exp(-sharpness * len(response) / 2 * (gap - gap.min()))
    return np.asarray(evidence @ _PRIORS / evidence.sum())


def blended(members: np.ndarray, weights: np.ndarray, mean: float) -> np.ndarray:
    """Combine the members' predictions, (n_samples, n_members), about the training mean."""
    # Term by term: a matrix product may round a row otherwise when other rows stand beside it.
    total = np.full(len(members), mean)
    for member, weight in zip(members.T, weights, strict=True):
        total += weight * (member - mean)
    return np.asarray(total)
