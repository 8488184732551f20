"""Multi-view ridge regression, with its penalty and view weights from closed-form leave-one-out.

`MultiViewRidge` is the estimator; `view_columns_of`, `plain_kernels` and `centred` make the kernels
of its views, and `kernel_path` fits one kernel along a path of penalties, each donor left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import TARGET_VIEW, TrainingLines, contiguous, view_mixtures

# A kernel this small, relative to what centring took from it, is rounding.
_ROUNDING = 1e-10
# Candidates of a smaller weight, relative to the largest, are left out.
_SMALLEST_WEIGHT = 1e-6
#: What a saved ridge holds beside its parameters.
_SAVED = ("coef_", "intercept_", "means_", "view_weights_", "penalty_", "loo_error_")


class MultiViewRidge(ExplainedEstimator):
    r"""Ridge regression on a weighted sum of one linear kernel a view.

    .. math:: \hat y(x) = \bar y + \sum_c \pi_c \, k_c(x)^T (K_c + \lambda_c I)^{-1} (y - \bar y),
              \quad K_c = \sum_v w_{cv} K_v / \tfrac1n \mathrm{tr} K_v

    A view is a modality, or the drug-target view: the features of the drug's targets and their
    partners in every modality. (Kernels of several data sets, combined in a Bayesian way, did best
    of 44 methods in a public challenge on drug responses of breast lines [1]_.) Each candidate
    :math:`c` is a mixture of
    view weights with a penalty; its weight :math:`\pi_c \propto \mathrm{MSE}_c^{-\tau n / 2}` comes
    from the closed-form leave-one-donor-out error on the training lines (with :math:`\tau = 1` it
    would be the pseudo-BMA weight of a Gaussian model, [2]_), so that several nearly equal
    candidates are averaged and a clear winner stands alone. Features are standardised over the
    lines of the matrix that it is fitted to, which may be those of a fold, of which a drug was
    tested on some; kernels are centred over the drug's own. A missing value is the matrix's mean,
    so it contributes nothing.

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
        Of the matrix's lines, where a feature contributes zero.
    view_weights_ : dict of str to float
        Averaged view weights.
    penalty_ : float
        Averaged penalty (geometric mean).
    loo_predictions_ : ndarray of shape (n_samples,)
        Of the training lines, each without its donor.
    loo_error_ : float
        Root mean squared error of those, response units.

    References
    ----------
    .. [1] Costello et al., A community effort to assess and improve drug sensitivity prediction
       algorithms, Nat Biotechnol 32:1202-1212 (2014), doi 10.1038/nbt.2877.
    .. [2] Yao et al., Using stacking to average Bayesian predictive distributions, Bayesian Anal
       13:917-1007 (2018), doi 10.1214/17-BA1091.
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

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        matrix = lines.matrix
        columns = view_columns_of(lines, self.target_features)
        views = centred(plain_kernels(lines, columns))
        fit = self._mixed(views, y, groups)
        coefficients = np.zeros(len(matrix.features))
        self.intercept_ = float(y.mean())
        for name, dual in fit.duals.items():
            everyone = np.zeros(len(matrix.values))  # no copy of the lines' rows is needed then
            everyone[lines.rows] = dual / views[name].size
            chosen = contiguous(columns[name])
            coefficients[chosen] += matrix.standard[:, chosen].T @ everyone
            # Duals sum to zero, so that the lines' own mean matters for the intercept alone.
            self.intercept_ -= float(views[name].means @ dual) / views[name].size
        kept = lines.column_numbers
        # Single precision halves a saved model; predictions and explanations use the same numbers.
        self.coef_ = (coefficients[kept] / matrix.scales[kept]).astype(np.float32)
        self.means_ = matrix.means[kept].astype(np.float32)
        self.view_weights_, self.penalty_ = fit.view_weights, fit.penalty
        self.loo_predictions_ = y - fit.residuals
        self.loo_error_ = float(np.sqrt(np.mean(fit.residuals**2)))

    def out_of_fold(
        self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray, folds: Folds
    ) -> np.ndarray:
        """Predict every line by a ridge fitted without its fold, (n_samples,).

        Kernels say it all, so that no coefficient is formed. Features are standardised over all
        lines that are given, whose responses have no part in that.

        Parameters
        ----------
        X : DataFrame or TrainingLines of shape (n_samples, n_features)
        y, groups : ndarray of shape (n_samples,)
            Response and donor of each line.
        folds : list of (training rows, test rows)
        """
        lines = TrainingLines.of(X)
        plain = plain_kernels(lines, view_columns_of(lines, self.target_features))
        predicted = np.empty(len(y))
        for train, test in folds:
            views = centred({name: kernel[np.ix_(train, train)] for name, kernel in plain.items()})
            predicted[test] = y[train].mean()
            for name, dual in self._mixed(views, y[train], groups[train]).duals.items():
                across = plain[name][np.ix_(test, train)] - views[name].means
                predicted[test] += across @ dual / views[name].size
        return predicted

    def _mixed(
        self, views: Mapping[str, ViewKernel], y: np.ndarray, groups: np.ndarray
    ) -> _MixedFit:
        """Average all mixtures and penalties by their leave-one-donor-out errors."""
        if len(np.unique(groups)) < 2:
            raise InputError("1 donor cannot be left out; give lines of at least 2 donors")
        mixtures = view_mixtures(list(views), self.target_shares) or [{}]
        penalties = np.asarray(self.penalties, dtype=float)
        nothing = np.zeros((len(y), len(y)))
        paths = [
            kernel_path(
                sum((w * views[name].kernel for name, w in mixture.items()), start=nothing),
                y,
                groups,
                penalties,
            )
            for mixture in mixtures
        ]
        residuals = np.array([path.residuals for path in paths])
        weights = self._candidate_weights(residuals)
        duals = {name: np.zeros(len(y)) for name in views}
        shares = dict.fromkeys(views, 0.0)
        for mixture, path, weight in zip(mixtures, paths, weights, strict=True):
            dual = weight @ path.duals
            for name, share in mixture.items():
                duals[name] += share * dual
                shares[name] += share * float(weight.sum())
        return _MixedFit(
            duals=duals,
            view_weights=shares,
            penalty=float(np.exp(weights.sum(axis=0) @ np.log(penalties))),
            residuals=np.einsum("cp,cpn->n", weights, residuals),
        )

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
        from sidestep.models.estimators.shares import sum_parts

        total = np.empty(len(rows))
        sum_parts(rows, *self._line(rows), total)
        return self.intercept_ + total

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        rows = np.ascontiguousarray(X.to_numpy(float))
        return Contributions(np.full(len(X), self.intercept_), self.scaled_parts(rows, 1.0))

    def scaled_parts(self, rows: np.ndarray, weight: float) -> np.ndarray:
        """`weight` times the contribution of every feature, (n_rows, n_features)."""
        from sidestep.models.estimators.shares import scale_parts

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
        """State that prediction needs, as plain values and arrays."""
        return {"parameters": self.get_params(), **{name: getattr(self, name) for name in _SAVED}}

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted ridge that `get_state` described, on columns `features`."""
        ridge = cls(**state["parameters"]).expecting(features)
        for name in _SAVED:
            setattr(ridge, name, state[name])
        return ridge


@dataclass(frozen=True)
class _MixedFit:
    """What the average over all candidates says.

    Attributes
    ----------
    duals : dict of str to ndarray of shape (n_samples,)
        Of each view's kernel.
    view_weights : dict of str to float
    penalty : float
        Geometric mean.
    residuals : ndarray of shape (n_samples,)
        Of each line without its donor.
    """

    duals: dict[str, np.ndarray]
    view_weights: dict[str, float]
    penalty: float
    residuals: np.ndarray


@dataclass(frozen=True)
class ViewKernel:
    """Kernel of one view over some training lines.

    Attributes
    ----------
    kernel : ndarray of shape (n_lines, n_lines)
        Centred, with a mean diagonal of one.
    size : float
        What it was divided by.
    means : ndarray of shape (n_lines,)
        Mean over the lines of the kernel before it was centred and divided.
    """

    kernel: np.ndarray
    size: float
    means: np.ndarray


def view_columns_of(
    lines: TrainingLines, target_features: Collection[str]
) -> dict[str, np.ndarray]:
    """Columns of the matrix that each view has: the lines' modalities, and the drug's targets."""
    views = {
        name: columns
        for name, columns in lines.matrix.modalities.items()
        if np.isin(columns[:1], lines.column_numbers).any()
    }
    target = lines.column_numbers[lines.places(target_features)]
    return views | ({TARGET_VIEW: target} if len(target) else {})


def plain_kernels(lines: TrainingLines, views: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernel of each view, not centred, (n_lines, n_lines); modalities' are the matrix's own."""
    kernels = {}
    for name, columns in views.items():
        if name == TARGET_VIEW:
            part = lines.matrix.standard[np.ix_(lines.rows, columns)]
            kernels[name] = part @ part.T
        else:
            kernels[name] = lines.matrix.kernels[name][np.ix_(lines.rows, lines.rows)]
    return kernels


def centred(plain: dict[str, np.ndarray]) -> dict[str, ViewKernel]:
    """Every kernel about the lines' mean and divided by its mean diagonal.

    One in which no line differs is left out.
    """
    views = {}
    for name, kernel in plain.items():
        means = kernel.mean(axis=0)
        about = kernel - means - means[:, None] + means.mean()
        size = float(np.trace(about)) / len(kernel)
        if size > _ROUNDING * float(np.trace(kernel)) / len(kernel):
            views[name] = ViewKernel(about / size, size, means)
    return views


@dataclass(frozen=True)
class KernelPath:
    """Kernel ridge fits along a path of penalties, from one eigendecomposition.

    Attributes
    ----------
    penalties : ndarray of shape (n_penalties,)
    duals : ndarray of shape (n_penalties, n_samples)
        Dual coefficients of the centred kernel.
    residuals : ndarray of shape (n_penalties, n_samples)
        Observed minus predicted, each line predicted without its donor's lines.
    """

    penalties: np.ndarray
    duals: np.ndarray
    residuals: np.ndarray


def kernel_path(
    kernel: np.ndarray, y: np.ndarray, groups: np.ndarray, penalties: np.ndarray
) -> KernelPath:
    r"""Ridge with an unpenalised intercept for every penalty, and its errors on donors left out.

    With the hat matrix :math:`H = 1 1^T / n + K (K + \lambda I)^{-1}` of the centred kernel
    :math:`K`, the residuals of the lines :math:`g` of one donor, fitted without them, are
    :math:`(I - H_{gg})^{-1} (y - H y)_g`: for one line the identity behind generalised
    cross-validation [1]_, and in block form for several.

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Centred.
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,)
        Donor of each line; lines of one donor are left out together.
    penalties : ndarray of shape (n_penalties,)

    References
    ----------
    .. [1] Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good
       ridge parameter, Technometrics 21:215-223 (1979), doi 10.1080/00401706.1979.10489751.
    """
    n = len(y)
    centred = y - y.mean()
    eigenvalues, vectors = np.linalg.eigh(kernel)
    eigenvalues = np.clip(eigenvalues, 0.0, None)
    rotated = vectors.T @ centred
    shrink = eigenvalues / (eigenvalues + penalties[:, None])
    plain = centred - (shrink * rotated) @ vectors.T
    leverage = shrink @ (vectors**2).T + 1.0 / n
    residuals = plain / (1.0 - leverage)
    for lines in _shared(groups):
        for row in range(len(penalties)):
            hat = (vectors[lines] * shrink[row]) @ vectors[lines].T + 1.0 / n
            residuals[row, lines] = np.linalg.solve(np.eye(len(lines)) - hat, plain[row, lines])
    duals = (rotated / (eigenvalues + penalties[:, None])) @ vectors.T
    return KernelPath(penalties, duals, residuals)


def _shared(groups: np.ndarray) -> list[np.ndarray]:
    """Rows of every donor that has several."""
    _, which, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return [np.flatnonzero(which == group) for group in np.flatnonzero(counts > 1)]
