"""Probabilities of an event from log-odds, calibrated on samples that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

#: Held-out samples that calibration needs, and of either outcome.
FEWEST_SAMPLES, FEWEST_OF_EITHER = 30, 8
# Standard deviation of each parameter about the one that changes nothing, before any sample is
# seen: with few samples log-odds stay nearly as they are.
_PRIOR_DEVIATION = 0.5


@dataclass(frozen=True)
class BetaCalibration:
    r"""Calibration by the ratio of two beta densities [1]_, pulled towards changing nothing.

    .. math:: \mathrm{logit}\, p(f) = a \log \sigma(f) - b \log \sigma(-f) + c, \quad a, b \ge 0

    of log-odds :math:`f`, by logistic regression on held-out samples; with :math:`a = b = 1` and
    :math:`c = 0` it is :math:`f` itself. It never falls where log-odds rise, and unlike isotonic
    calibration (or Venn-Abers predictors) it makes no steps: on a few hundred patients those are so
    wide that patients who differ get the same probability.

    Attributes
    ----------
    log_odds : ndarray of shape (n_held_out,)
        Predicted of held-out samples.
    outcomes : ndarray of shape (n_held_out,)
        0 or 1.

    References
    ----------
    .. [1] Kull, Silva Filho and Flach, Beyond sigmoids: how to obtain well-calibrated probabilities
       from binary classifiers with beta calibration, Electron J Stat 11:5052-5080 (2017), doi
       10.1214/17-EJS1338SI.
    """

    log_odds: np.ndarray
    outcomes: np.ndarray

    @classmethod
    def of(cls, log_odds: np.ndarray, outcomes: np.ndarray) -> BetaCalibration | None:
        """Calibration by held-out samples; None where they are too few."""
        of_either = min(np.count_nonzero(outcomes == 1), np.count_nonzero(outcomes == 0))
        if len(outcomes) < FEWEST_SAMPLES or of_either < FEWEST_OF_EITHER:
            return None
        return cls(log_odds, outcomes)

    @cached_property
    def parameters(self) -> np.ndarray:
        """:math:`a`, :math:`b` and :math:`c`."""
        design, nothing = _design(self.log_odds), np.array([1.0, 1.0, 0.0])

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            calibrated, away = design @ values, (values - nothing) / _PRIOR_DEVIATION
            losses = np.logaddexp(0.0, calibrated) - self.outcomes * calibrated
            slope = (
                design.T @ (scipy.special.expit(calibrated) - self.outcomes)
                + away / _PRIOR_DEVIATION
            )
            return float(losses.sum() + 0.5 * away @ away), slope

        bounds = [(0.0, None), (0.0, None), (None, None)]
        return np.asarray(
            scipy.optimize.minimize(loss, nothing, jac=True, method="L-BFGS-B", bounds=bounds).x
        )

    def calibrated(self, log_odds: np.ndarray) -> np.ndarray:
        """Calibrated log-odds of new samples, (n_samples,); NaN gives NaN."""
        for_it, against, constant = _design(log_odds).T
        a, b, c = self.parameters
        # Term by term: a matrix product may round a sample otherwise when others stand beside it.
        return np.asarray(a * for_it + b * against + c * constant)

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Probability of the event of new samples, (n_samples,); NaN gives NaN."""
        return np.asarray(scipy.special.expit(self.calibrated(log_odds)))


def _design(log_odds: np.ndarray) -> np.ndarray:
    ones = np.ones(len(log_odds))
    return np.column_stack(
        [scipy.special.log_expit(log_odds), -scipy.special.log_expit(-log_odds), ones]
    )
