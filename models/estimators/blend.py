"""A blend of ridge, boosted trees and one marker: non-negative weights, explained exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.baselines import SingleMarker
from sidestep.models.estimators.blend_contributions import BlendContributions
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.outcomes import Outcome, outcome_of
from sidestep.models.estimators.ridge import MultiViewRidge
from sidestep.models.estimators.trees import ScreenedTrees, saved_settings

#: Members without the marker: ridge and trees.
_WITHOUT_MARKER = 2
_HALVES = np.array([0.5, 0.5, 0.0])
#: How sharply out-of-fold errors tell the weights of `Outcome.blend_priors` apart.
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
        marker and `trees_share` of the rest for the trees.
    marker_share, trees_share : float
        Weight of the marker where no weights are learned, 0 to 1, and that of the trees in the
        rest.
    gates, axes : mapping, optional
        Of the ridge (`models.estimators.views.ViewSettings`).
    tree_settings : mapping, optional
        Parameters of `ScreenedTrees`.
    n_jobs : int
        Threads of XGBoost.
    seed : int
    kind : {"continuous", "binary"}
        Of the response. A binary one is predicted by its log-odds, which the members are blended
        on; the weights are then those of the least logistic loss.

    Attributes
    ----------
    weights_ : ndarray of shape (3,)
        Of ridge, trees and marker.
    mean_ : float
        Mean response of the training lines, or the log-odds of their rate.
    held_out_ : ndarray of shape (n_samples,)
        What the blend, with these weights, predicts of each training line by members that were
        fitted without its fold; only where weights were learned. It is not saved.

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
        trees_share: float = 0.5,
        gates: Mapping[str, Sequence[str]] | None = None,
        axes: Mapping[str, float] | None = None,
        tree_settings: Mapping[str, Any] | None = None,
        n_jobs: int = 1,
        seed: int = 0,
        kind: str = CONTINUOUS,
    ) -> None:
        self.target_features = target_features
        self.markers = markers
        self.shrinkage = shrinkage
        self.inner_folds = inner_folds
        self.marker_share = marker_share
        self.trees_share = trees_share
        self.gates = gates
        self.axes = axes
        self.tree_settings = tree_settings
        self.n_jobs = n_jobs
        self.seed = seed
        self.kind = kind

    #: A fitted ridge that is taken instead of fitting one (`MultiViewRidge.seeing`).
    of_ridge: MultiViewRidge | None = None

    def taking(self, ridge: MultiViewRidge) -> Self:
        """Take a ridge that is fitted already."""
        self.of_ridge = ridge
        return self

    @property
    def outcome(self) -> Outcome:
        """What the kind of the response asks for."""
        return outcome_of(self.kind)

    def members(self) -> tuple[MultiViewRidge, ScreenedTrees, SingleMarker]:
        """Fresh, unfitted ridge, trees and marker with this blend's settings."""
        return (
            MultiViewRidge(self.target_features, gates=self.gates, axes=self.axes, kind=self.kind),
            ScreenedTrees(
                self.target_features,
                n_jobs=self.n_jobs,
                seed=self.seed,
                kind=self.kind,
                **dict(self.tree_settings or {}),
            ),
            SingleMarker(self.markers, self.kind),
        )

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        self.mean_ = self.outcome.centre(y)
        self.ridge_, self.trees_, self.marker_ = self.members()
        self.marker_.fit(lines, y, groups)
        if self.inner_folds:
            self.weights_ = self._learned_weights(lines, y, groups)
        else:
            share = self.marker_share if self.marker_.informative else 0.0
            trees = (1 - share) * self.trees_share
            self.weights_ = np.array([1 - share - trees, trees, share])
        if self.of_ridge is None:
            self.ridge_.fit(lines, y, groups)
        else:
            self.ridge_ = self.of_ridge
        self.trees_.fit(lines, y, groups)

    def _learned_weights(
        self, lines: TrainingLines, y: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        folds = donor_folds(groups, self.inner_folds, self.seed)
        ridge, trees, marker = self.members()
        held_out = [ridge.out_of_fold(lines, y, groups, folds), trees.out_of_fold(lines, y, folds)]
        if self.marker_.informative:
            held_out.append(marker.out_of_fold(lines, y, folds))
        members = np.column_stack(held_out)
        weights = blend_weights(members, y, self.shrinkage, self.outcome)
        self.held_out_ = blended(members, weights, self.mean_)
        return weights if self.marker_.informative else np.append(weights, 0.0)

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
        return self.explain_rows(np.ascontiguousarray(X.to_numpy(float)))[1]

    def explain_rows(self, rows: np.ndarray) -> tuple[np.ndarray, Contributions]:
        """Predict and explain rows: float64, C order, the features of `fit`.

        Returns
        -------
        members : ndarray of shape (n_rows, 3)
            As `predict_members` has them.
        contributions : Contributions
        """
        said, values = BlendContributions(self, rows), np.empty(rows.shape)
        said.write(values, np.arange(len(rows)), np.arange(rows.shape[1]))
        return said.members.predictions, Contributions(said.base_value, values)

    def feature_weights(self, sd: np.ndarray) -> np.ndarray:
        """Share of the model that rests on each feature, (n_features,), summing to at most one.

        The marker has its share of the blend's weights. Of the rest, half goes by the ridge's
        absolute coefficients times `sd`, the features' training standard deviations; half by the
        trees' total gain.
        """
        ridge = self.ridge_.sizes() * sd
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


def blend_weights(
    held_out: np.ndarray, y: np.ndarray, shrinkage: float, outcome: Outcome | None = None
) -> np.ndarray:
    """Non-negative weights of ridge, trees and marker from their out-of-fold predictions.

    Parameters
    ----------
    held_out : ndarray of shape (n_samples, 3) or (n_samples, 2)
        Out-of-fold predictions of ridge and trees, and of the marker where there is one.
    y : ndarray of shape (n_samples,)
    shrinkage : float
        Lines that the pull towards `prior_weights` weighs; 0 is plain non-negative least squares.
    outcome : Outcome, optional
        Of the response; continuous by default.

    Returns
    -------
    ndarray of shape (3,) or (2,)
    """
    kind = outcome_of(CONTINUOUS) if outcome is None else outcome
    centre = kind.centre(y)
    deviations, response = held_out - centre, kind.about(y, centre)
    prior = prior_weights(deviations, response, outcome=kind)
    return pulled_weights(deviations, response, prior, shrinkage, kind)


def pulled_weights(
    deviations: np.ndarray,
    response: np.ndarray,
    prior: np.ndarray,
    shrinkage: float,
    outcome: Outcome | None = None,
) -> np.ndarray:
    """Non-negative weights of the least loss with a pull towards `prior`, (n_members,).

    Parameters
    ----------
    deviations : ndarray of shape (n_samples, n_members)
        Out-of-fold predictions about the mean response, or the log-odds of the rate.
    response : ndarray of shape (n_samples,)
        About its mean; a binary one as it is.
    prior : ndarray of shape (n_members,)
    shrinkage : float
        Lines that the pull weighs.
    outcome : Outcome, optional
        Of the response; continuous by default.
    """
    if not np.any(deviations):
        return prior
    kind = outcome_of(CONTINUOUS) if outcome is None else outcome
    return kind.blend_weights(deviations, response, prior, shrinkage)


def prior_weights(
    deviations: np.ndarray,
    response: np.ndarray,
    odds: Sequence[float] | None = None,
    sharpness: float = _PRIOR_SHARPNESS,
    outcome: Outcome | None = None,
) -> np.ndarray:
    r"""Weights that the learned ones are pulled towards.

    .. math:: \sum_c q_c p_c, \quad q_c \propto o_c \, \mathrm{MSE}_c^{-\tau n / 2}

    of candidates :math:`p_c` (`Outcome.blend_priors`): one half of ridge and trees each, one third
    of all, and the marker alone. :math:`\mathrm{MSE}_c` is the error of each on the lines out of
    fold; with :math:`\tau = 1` its power would be the pseudo-BMA weight of a Gaussian model
    (`models.estimators.ridge`); of a binary response it is the power of the likelihood itself.
    Without a marker it is one half each.

    Parameters
    ----------
    deviations : ndarray of shape (n_samples, 3) or (n_samples, 2)
        Out-of-fold predictions of ridge, trees and marker about the mean response.
    response : ndarray of shape (n_samples,)
        About its mean; a binary one as it is.
    odds : sequence of float, optional
        :math:`o_c`, before any line is seen; those of the kind of response by default.
    sharpness : float
        :math:`\tau`.
    outcome : Outcome, optional
        Of the response; continuous by default.

    Returns
    -------
    ndarray of shape (3,) or (2,)
    """
    kind = outcome_of(CONTINUOUS) if outcome is None else outcome
    priors = np.array(kind.blend_priors)
    before = np.asarray(kind.blend_odds if odds is None else odds)
    if deviations.shape[1] == _WITHOUT_MARKER:
        kept = priors[:, _WITHOUT_MARKER] == 0
        priors, before = priors[kept, :_WITHOUT_MARKER], before[kept]
    if not np.any(deviations) or len(priors) == 1:
        return np.asarray(priors[0])
    gap = kind.blend_gap(deviations, response, priors)
    evidence = before * np.exp(-sharpness * len(response) / 2 * gap)
    return np.asarray(evidence @ priors / evidence.sum())


def blended(members: np.ndarray, weights: np.ndarray, mean: float) -> np.ndarray:
    """Combine the members' predictions, (n_samples, n_members), about the training mean."""
    # Term by term: a matrix product may round a row otherwise when other rows stand beside it.
    total = np.full(len(members), mean)
    for member, weight in zip(members.T, weights, strict=True):
        total += weight * (member - mean)
    return np.asarray(total)
