"""What kind of number a response is: continuous and predicted as it is, or binary and by log-odds.

Every estimator asks its `Outcome` for what differs between the two: the link, the loss, the fit of
a kernel and of a line, the weights of a blend, and what XGBoost is to minimise. `outcome_of` finds
it by the kind that `features.study.responses.Response` has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import scipy

from sidestep.features.errors import InputError
from sidestep.features.study.responses import BINARY, CONTINUOUS
from sidestep.models.estimators.evidence import evidence_fit
from sidestep.models.estimators.mixtures import Candidates, MixedFit, averaged_fit

# A rate of 0 or 1 among few would be a log-odds without end: half a sample lies on either side.
_HALF = 0.5
# The slope of a marker's log-odds is pulled towards zero as if by so many informative samples.
_SLOPE_PENALTY = 1.0
_STEPS = 50


class Outcome(ABC):
    """What estimators need to know of the kind of a response; `predicted` is on its link scale.

    Attributes
    ----------
    kind : str
        As `Response.kind`.
    headline, words : str
        Metric that a model is compared with baselines by, higher is better, and what it is called.
    objective : str
        XGBoost's.
    base_score : float
        That by which XGBoost begins at zero on the link scale.
    shares_ridge : bool
        Whether sub-models take the full model's ridge where it was learned from samples like
        theirs.
    blend_priors, blend_odds : tuple
        Weights of ridge, trees and marker that a blend's are pulled towards, and how likely each
        of them is before any sample is seen.
    """

    kind: ClassVar[str]
    headline: ClassVar[str]
    words: ClassVar[str]
    objective: ClassVar[str]
    base_score: ClassVar[float]
    shares_ridge: ClassVar[bool]
    blend_priors: ClassVar[tuple[tuple[float, float, float], ...]]
    blend_odds: ClassVar[tuple[float, ...]]

    @abstractmethod
    def lack(self, y: np.ndarray) -> str | None:
        """What responses have too few of to learn from; None if nothing."""

    @abstractmethod
    def centre(self, y: np.ndarray) -> float:
        """What is predicted of a sample of which nothing is known, on the link scale."""

    @abstractmethod
    def group_deviations(self, shrunken: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How far groups lie from the centre, from how far their shrunken means lie from all's."""

    @abstractmethod
    def unit(self, y: np.ndarray) -> float:
        """Response units in one unit of the booster."""

    @abstractmethod
    def boosted(
        self, y: np.ndarray, offset: float, unit: float
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Labels that XGBoost is to learn from, and the margin that it is to begin with."""

    @abstractmethod
    def mixed(
        self,
        kernels: Mapping[str, np.ndarray],
        y: np.ndarray,
        groups: np.ndarray,
        candidates: Candidates,
        weights: np.ndarray | None = None,
    ) -> MixedFit:
        """Fit a ridge on a weighted sum of views, the weights chosen on the same samples.

        Parameters
        ----------
        kernels : mapping of str to ndarray of shape (n_samples, n_samples)
            Centred, by view.
        y, groups : ndarray of shape (n_samples,)
        candidates : Candidates
            Of a continuous response.
        weights : ndarray of shape (n_samples,), optional
            Of the squared errors of a continuous response; an event has no error to weigh by.
        """

    @abstractmethod
    def left_out_predictions(self, left_out: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Predictions of samples left out, from what `MixedFit.left_out` has of them."""

    @abstractmethod
    def left_out_error(self, left_out: np.ndarray, y: np.ndarray) -> float:
        """Root mean squared error of the expected response of samples left out."""

    @abstractmethod
    def blend_gap(self, deviations: np.ndarray, y: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
        """How much worse than the best each mixture of members does on samples out of fold.

        Twice the difference in mean negative log-likelihood :math:`g`, so that a mixture's
        likelihood is :math:`e^{-n g / 2}` times that of the best.

        Parameters
        ----------
        deviations : ndarray of shape (n_samples, n_members)
            Out-of-fold predictions about the centre.
        y : ndarray of shape (n_samples,)
            As `about` gives it.
        mixtures : ndarray of shape (n_mixtures, n_members)
        """

    @abstractmethod
    def about(self, y: np.ndarray, centre: float) -> np.ndarray:
        """Response as weights of a blend are learned from it."""

    @abstractmethod
    def blend_weights(
        self, deviations: np.ndarray, y: np.ndarray, prior: np.ndarray, shrinkage: float
    ) -> np.ndarray:
        """Non-negative weights of the least loss, pulled towards `prior`, (n_members,).

        Parameters
        ----------
        deviations : ndarray of shape (n_samples, n_members)
            Out-of-fold predictions about the centre.
        y : ndarray of shape (n_samples,)
            As `about` gives it.
        prior : ndarray of shape (n_members,)
        shrinkage : float
            Samples that the pull weighs.
        """

    @abstractmethod
    def sub_model_shares(self, ridge: float, trees: float, marker: float) -> dict[str, float]:
        """`marker_share` and `trees_share` of sub-models that learn none, from the full model's."""

    @abstractmethod
    def line(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Intercept and slope of the response on one feature that is about its mean."""

    @abstractmethod
    def losses(self, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Loss of each sample; a constant prediction's is `spread` on average."""

    @abstractmethod
    def spread(self, y: np.ndarray) -> float:
        """Mean loss of the centre."""

    @abstractmethod
    def difficulty(self, error: float, disagreement: np.ndarray) -> np.ndarray:
        """Size of the error that a model expects of itself, what errors are divided by."""


class _Continuous(Outcome):
    """A number in its own unit: squared error, and predictions as they are."""

    kind = CONTINUOUS
    headline = "pearson"
    words = "Pearson r"
    objective = "reg:squarederror"
    base_score = 0.0
    shares_ridge = False
    blend_priors = ((1 / 2, 1 / 2, 0.0), (1 / 3, 1 / 3, 1 / 3), (0.0, 0.0, 1.0))
    # Chosen on simulated studies (`benchmarks.marker_member`), so that a marker that holds the
    # truth wins, and one that says nothing costs next to nothing.
    blend_odds = (10.0, 1.0, 1.0)

    def lack(self, y: np.ndarray) -> str | None:
        return "fewer than 3 different responses" if len(np.unique(y)) < 3 else None

    def centre(self, y: np.ndarray) -> float:
        return float(y.mean())

    def group_deviations(self, shrunken: np.ndarray, y: np.ndarray) -> np.ndarray:
        return shrunken

    def unit(self, y: np.ndarray) -> float:
        # XGBoost makes no split that gains less than about 1e-6, whatever the unit, so that it
        # learns nothing from responses as small as an IC50 in mol/l. The power of two nearest
        # their deviation changes no digit.
        spread = float(y.std())
        if not (np.isfinite(spread) and spread > 0):
            return 1.0
        # Within what leaves in single precision can be multiplied by.
        return float(2.0 ** np.clip(np.round(np.log2(spread)), -64, 64))

    def boosted(
        self, y: np.ndarray, offset: float, unit: float
    ) -> tuple[np.ndarray, np.ndarray | None]:
        # XGBoost sums responses in single precision; centred ones lose nothing.
        return (y - offset) / unit, None

    def mixed(
        self,
        kernels: Mapping[str, np.ndarray],
        y: np.ndarray,
        groups: np.ndarray,
        candidates: Candidates,
        weights: np.ndarray | None = None,
    ) -> MixedFit:
        return averaged_fit(kernels, y, groups, candidates, weights)

    def left_out_predictions(self, left_out: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(y - left_out)

    def left_out_error(self, left_out: np.ndarray, y: np.ndarray) -> float:
        return float(np.sqrt(np.mean(left_out**2)))

    def blend_gap(self, deviations: np.ndarray, y: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
        errors = np.array([np.mean((y - deviations @ mixture) ** 2) for mixture in mixtures])
        gap = np.log(errors + np.finfo(float).tiny)
        return np.asarray(gap - gap.min())

    def about(self, y: np.ndarray, centre: float) -> np.ndarray:
        return np.asarray(y - centre)

    def blend_weights(
        self, deviations: np.ndarray, y: np.ndarray, prior: np.ndarray, shrinkage: float
    ) -> np.ndarray:
        pull = np.sqrt(shrinkage * np.mean(deviations**2))
        design = np.vstack([deviations, pull * np.eye(len(prior))])
        weights, _ = scipy.optimize.nnls(design, np.concatenate([y, pull * prior]))
        return np.asarray(weights)

    def sub_model_shares(self, ridge: float, trees: float, marker: float) -> dict[str, float]:
        return {"marker_share": marker}

    def line(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        spread = float(x @ x)
        return float(y.mean()), float(x @ y) / spread

    def losses(self, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((y - predicted) ** 2)

    def spread(self, y: np.ndarray) -> float:
        return float(np.var(y))

    def difficulty(self, error: float, disagreement: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(error**2 + 4 * disagreement))


class _Binary(Outcome):
    """0 or 1, predicted by the log-odds of 1: logistic loss."""

    kind = BINARY
    headline = "auc"
    words = "AUC"
    objective = "binary:logistic"
    base_score = 0.5
    shares_ridge = True
    # Trees of some hundred patients say less than the ridge, and have to show what they add.
    blend_priors = ((1.0, 0.0, 0.0), (1 / 2, 1 / 2, 0.0), (1 / 3, 1 / 3, 1 / 3), (0.0, 0.0, 1.0))
    blend_odds = (10.0, 3.0, 1.0, 1.0)

    def lack(self, y: np.ndarray) -> str | None:
        few = min(np.count_nonzero(y == 0), np.count_nonzero(y == 1))
        return f"{few} samples of the rarer outcome, fewer than 8" if few < 8 else None

    def centre(self, y: np.ndarray) -> float:
        return float(scipy.special.logit((y.sum() + _HALF) / (len(y) + 2 * _HALF)))

    def group_deviations(self, shrunken: np.ndarray, y: np.ndarray) -> np.ndarray:
        rate = (y.sum() + _HALF) / (len(y) + 2 * _HALF)
        return np.asarray(
            scipy.special.logit(np.clip(rate + shrunken, 1e-3, 1 - 1e-3)) - self.centre(y)
        )

    def unit(self, y: np.ndarray) -> float:
        return 1.0

    def boosted(
        self, y: np.ndarray, offset: float, unit: float
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return y, np.full(len(y), offset)

    def mixed(
        self,
        kernels: Mapping[str, np.ndarray],
        y: np.ndarray,
        groups: np.ndarray,
        candidates: Candidates,
        weights: np.ndarray | None = None,
    ) -> MixedFit:
        if len(np.unique(y)) < 2:
            raise InputError("all samples have the same outcome; give some of either")
        return evidence_fit(kernels, y, groups)

    def left_out_predictions(self, left_out: np.ndarray, y: np.ndarray) -> np.ndarray:
        return left_out

    def left_out_error(self, left_out: np.ndarray, y: np.ndarray) -> float:
        return float(np.sqrt(np.mean((y - scipy.special.expit(left_out)) ** 2)))

    def blend_gap(self, deviations: np.ndarray, y: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
        predicted = self.centre(y) + np.array([deviations @ mixture for mixture in mixtures])
        losses = 2.0 * np.mean(self.losses(predicted, y), axis=-1)
        return np.asarray(losses - losses.min())

    def about(self, y: np.ndarray, centre: float) -> np.ndarray:
        return y

    def blend_weights(
        self, deviations: np.ndarray, y: np.ndarray, prior: np.ndarray, shrinkage: float
    ) -> np.ndarray:
        centre, rate = self.centre(y), float(y.mean())
        # As much as so many samples of the variance that the response has.
        pull = shrinkage * rate * (1.0 - rate) * float(np.mean(deviations**2))

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            predicted = centre + deviations @ weights
            away = weights - prior
            value = float(self.losses(predicted, y).sum()) + 0.5 * pull * float(away @ away)
            slope = deviations.T @ (scipy.special.expit(predicted) - y) + pull * away
            return value, slope

        bounds = [(0.0, None)] * len(prior)
        found = scipy.optimize.minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds)
        return np.asarray(found.x, dtype=float)

    def sub_model_shares(self, ridge: float, trees: float, marker: float) -> dict[str, float]:
        others = ridge + trees
        return {"marker_share": marker, "trees_share": trees / others if others > 0 else 0.0}

    def line(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        if len(np.unique(y)) < 2:
            return self.centre(y), 0.0
        scale = float(np.sqrt(np.mean(x**2)))
        design = np.column_stack([np.ones(len(x)), x / scale])
        ridge = np.diag([0.0, _SLOPE_PENALTY])
        found = np.array([self.centre(y), 0.0])
        for _ in range(_STEPS):
            p = scipy.special.expit(design @ found)
            slope = design.T @ (y - p) - ridge @ found
            curvature = (design * (p * (1 - p))[:, None]).T @ design + ridge
            step = np.linalg.solve(curvature, slope)
            found = found + step
            if np.abs(step).max() < 1e-10:
                break
        return float(found[0]), float(found[1]) / scale

    def losses(self, predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(np.logaddexp(0.0, predicted) - y * predicted)

    def spread(self, y: np.ndarray) -> float:
        return float(np.mean(self.losses(np.full(len(y), self.centre(y)), y)))

    def difficulty(self, error: float, disagreement: np.ndarray) -> np.ndarray:
        return np.ones(len(disagreement))


_OUTCOMES: tuple[Outcome, ...] = (_Continuous(), _Binary())


def outcome_of(kind: str) -> Outcome:
    """Outcome of a kind of response.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    found = {outcome.kind: outcome for outcome in _OUTCOMES}
    if kind not in found:
        raise InputError(f"a response is {' or '.join(found)}, not {kind!r}; give one of these")
    return found[kind]


def kinds() -> Sequence[str]:
    """Kinds of responses that can be learned."""
    return [outcome.kind for outcome in _OUTCOMES]
