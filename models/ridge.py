"""Multi-view ridge regression in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from features.errors import InputError
from models.estimator import Contributions, ExplainedEstimator
from models.leave_one_out import kernel_path
from models.views import view_columns, view_mixtures

_SMALLEST_WEIGHT = 1e-6


class MultiViewRidge(ExplainedEstimator):
    r"""Ridge regression on a weighted sum of one linear kernel a view.

    .. math:: \hat y(x) = \bar y + \sum_c \pi_c \, k_c(x)^T (K_c + \lambda_c I)^{-1} (y - \bar y),
              \quad K_c = \sum_v w_{cv} K_v / \tfrac1n \mathrm{tr} K_v

    A view is a modality, or the drug-target view: the features of the drug's targets and their
    partners in every modality. Each candidate :math:`c` is a mixture of view weights with a
    penalty; its weight :math:`\pi_c \propto \mathrm{MSE}_c^{-\tau n / 2}` comes from the
    closed-form leave-one-donor-out error on the training lines, so that several nearly equal
    candidates are averaged and a clear winner stands alone. Features are standardised over the
    training lines; a missing value is the training mean, so it contributes nothing.

    Parameters
    ----------
    target_features : sequence of str
        Features of the drug-target view.
    target_shares : sequence of float
        Candidate weights of the drug-target view, 0 to 1.
    penalties : sequence of float
        Candidate penalties, in units of the mean diagonal of the kernel.
    sharpness : float
        :math:`\tau`; infinity takes the single best candidate.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Response units per unit of the feature.
    intercept_ : float
    means_ : ndarray of shape (n_features,)
        Training means, where a feature contributes zero.
    view_weights_ : dict of str to float
        Averaged view weights.
    penalty_ : float
        Averaged penalty (geometric mean).
    loo_predictions_ : ndarray of shape (n_samples,)
        Of the training lines, each without its donor.
    loo_error_ : float
        Root mean squared error of those, response units.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        target_shares: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
        penalties: Sequence[float] = tuple(np.logspace(-2, 2.5, 19)),
        sharpness: float = 0.5,
    ) -> None:
        self.target_features = target_features
        self.target_shares = target_shares
        self.penalties = penalties
        self.sharpness = sharpness

    def _fit(self, X: pd.DataFrame, y: np.ndarray, donors: np.ndarray) -> None:
        if len(np.unique(donors)) < 2:
            raise InputError("1 donor cannot be left out; give lines of at least 2 donors")
        values = X.to_numpy(float)
        self.means_, scales = _standardisation(values)
        standard = np.nan_to_num((values - self.means_) / scales)
        views = {
            name: columns[standard[:, columns].any(axis=0)]
            for name, columns in view_columns(list(X.columns), self.target_features).items()
        }
        kernels, sizes = {}, {}
        for name, columns in views.items():
            kernel = standard[:, columns] @ standard[:, columns].T
            sizes[name] = float(np.trace(kernel)) / len(y)
            if sizes[name] > 0:
                kernels[name] = kernel / sizes[name]
        # Columns of `standard` sum to zero, so that every kernel is centred already.
        mixtures = view_mixtures(list(kernels), self.target_shares) or [{}]
        penalties = np.asarray(self.penalties, dtype=float)
        nothing = np.zeros((len(y), len(y)))
        paths = [
            kernel_path(
                sum((w * kernels[name] for name, w in mixture.items()), start=nothing),
                y,
                donors,
                penalties,
            )
            for mixture in mixtures
        ]
        weights = self._candidate_weights(np.array([p.residuals for p in paths]))
        coefficients = np.zeros(X.shape[1])
        for mixture, path, weight in zip(mixtures, paths, weights, strict=True):
            dual = weight @ path.duals
            for name, share in mixture.items():
                columns = views[name]
                coefficients[columns] += share / sizes[name] * (standard[:, columns].T @ dual)
        # Single precision halves a saved model; predictions and explanations use the same numbers.
        self.coef_ = (coefficients / scales).astype(np.float32)
        self.means_ = self.means_.astype(np.float32)
        self.intercept_ = float(y.mean())
        self.view_weights_ = {
            name: float(
                sum(w.sum() * m.get(name, 0.0) for m, w in zip(mixtures, weights, strict=True))
            )
            for name in kernels
        }
        self.penalty_ = float(np.exp(weights.sum(axis=0) @ np.log(penalties)))
        residuals = np.einsum("cp,cpn->n", weights, np.array([p.residuals for p in paths]))
        self.loo_predictions_ = y - residuals
        self.loo_error_ = float(np.sqrt(np.mean(residuals**2)))

    def _candidate_weights(self, residuals: np.ndarray) -> np.ndarray:
        """Weight of each mixture and penalty, (n_mixtures, n_penalties), summing to one."""
        errors = np.log(np.mean(residuals**2, axis=2) + np.finfo(float).tiny)
        gap = errors - errors.min()
        if np.isinf(self.sharpness):
            weights = (gap == 0).astype(float)
        else:
            weights = np.exp(-self.sharpness * residuals.shape[2] / 2 * gap)
        weights[weights < _SMALLEST_WEIGHT * weights.max()] = 0.0
        return np.asarray(weights / weights.sum())

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.predict_rows(np.ascontiguousarray(X.to_numpy(float)))

    def predict_rows(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows of the features of `fit`: float64, C order."""
        from models.blend_rows import sum_parts

        total = np.empty(len(rows))
        sum_parts(rows, *self._line(rows), total)
        return self.intercept_ + total

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        rows = np.ascontiguousarray(X.to_numpy(float))
        return Contributions(np.full(len(X), self.intercept_), self.scaled_parts(rows, 1.0))

    def scaled_parts(self, rows: np.ndarray, weight: float) -> np.ndarray:
        """`weight` times the contribution of every feature, (n_rows, n_features)."""
        from models.blend_rows import scale_parts

        out = np.empty(rows.shape)
        scale_parts(rows, *self._line(rows), weight, out)
        return out

    def _line(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and slopes, as many as the rows have features."""
        if not len(self.means_) == len(self.coef_) == rows.shape[1]:
            raise ValueError(
                f"{rows.shape[1]} features for {len(self.means_)} means and "
                f"{len(self.coef_)} coefficients."
            )
        return self.means_, self.coef_

    def get_state(self) -> dict[str, Any]:
        """What prediction needs, as plain values and arrays."""
        names = ("coef_", "intercept_", "means_", "view_weights_", "penalty_", "loo_error_")
        return {"parameters": self.get_params(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted ridge that `get_state` described, on columns `features`."""
        ridge = cls(**state["parameters"]).expecting(features)
        for name in state.keys() - {"parameters"}:
            setattr(ridge, name, state[name])
        return ridge


def _standardisation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation a column over what was measured.

    A column that does not vary gets an infinite deviation: it is then zero, and stays so. Scaled
    by anything finite, the rounding errors of a constant would pass for a signal.
    """
    measured = np.isfinite(values)
    count = np.maximum(measured.sum(axis=0), 1)
    filled = np.where(measured, values, 0.0)
    means = filled.sum(axis=0) / count
    variance = np.where(measured, (values - means) ** 2, 0.0).sum(axis=0) / count
    return means, np.where(variance > 1e-12, np.sqrt(variance), np.inf)
