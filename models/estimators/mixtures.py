"""Ridge on a weighted sum of views: mixtures of views and penalties, averaged by leave-one-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sidestep.models.estimators.lines import view_mixtures
from sidestep.models.estimators.weights import weighted_mean

# Candidates of a smaller weight, relative to the largest, are left out.
_SMALLEST_WEIGHT = 1e-6


@dataclass(frozen=True)
class MixedFit:
    """A kernel machine on several views.

    Attributes
    ----------
    duals : dict of str to ndarray of shape (n_samples,)
        Of each view's kernel; each sums to zero.
    intercept : float
    view_weights : dict of str to float
    penalty : float
        Geometric mean.
    left_out : ndarray of shape (n_samples,)
        Of each sample, predicted without its donor's: observed minus predicted of a continuous
        response, the predicted log-odds of a binary one.
    """

    duals: dict[str, np.ndarray]
    intercept: float
    view_weights: dict[str, float]
    penalty: float
    left_out: np.ndarray


@dataclass(frozen=True)
class Candidates:
    """What mixtures of views are made of and compared by, as `ridge.MultiViewRidge` has it."""

    target_shares: Sequence[float]
    penalties: Sequence[float]
    sharpness: float


def averaged_fit(
    kernels: Mapping[str, np.ndarray],
    y: np.ndarray,
    groups: np.ndarray,
    candidates: Candidates,
    weights: np.ndarray | None = None,
) -> MixedFit:
    """Average all mixtures and penalties by their leave-one-donor-out errors.

    Parameters
    ----------
    kernels : mapping of str to ndarray of shape (n_samples, n_samples)
        Centred, by view.
    y, groups : ndarray of shape (n_samples,)
    candidates : Candidates
    weights : ndarray of shape (n_samples,), optional
        Of the squared errors of the fits; the errors left out count all alike.
    """
    mixtures = view_mixtures(list(kernels), candidates.target_shares) or [{}]
    penalties = np.asarray(candidates.penalties, dtype=float)
    nothing = np.zeros((len(y), len(y)))
    paths = [
        kernel_path(
            sum((w * kernels[name] for name, w in mixture.items()), start=nothing),
            y,
            groups,
            penalties,
            weights,
        )
        for mixture in mixtures
    ]
    residuals = np.array([path.residuals for path in paths])
    averaged = candidate_weights(residuals, candidates.sharpness)
    duals = {name: np.zeros(len(y)) for name in kernels}
    shares = dict.fromkeys(kernels, 0.0)
    for mixture, path, weight in zip(mixtures, paths, averaged, strict=True):
        dual = weight @ path.duals
        for name, share in mixture.items():
            duals[name] += share * dual
            shares[name] += share * float(weight.sum())
    return MixedFit(
        duals=duals,
        intercept=weighted_mean(y, weights),
        view_weights=shares,
        penalty=float(np.exp(averaged.sum(axis=0) @ np.log(penalties))),
        left_out=np.einsum("cp,cpn->n", averaged, residuals),
    )


def candidate_weights(residuals: np.ndarray, sharpness: float) -> np.ndarray:
    """Weight of each mixture and penalty, (n_mixtures, n_penalties), summing to one.

    Parameters
    ----------
    residuals : ndarray of shape (n_mixtures, n_penalties, n_samples)
        Of each line without its donor.
    sharpness : float
        Infinity takes the single best candidate.
    """
    errors = np.log(np.mean(residuals**2, axis=2) + np.finfo(float).tiny)
    gap = errors - errors.min()
    if np.isinf(sharpness):
        weights = (gap == 0).astype(float)
    else:
        weights = np.exp(-sharpness * residuals.shape[2] / 2 * gap)
    weights[weights < _SMALLEST_WEIGHT * weights.max()] = 0.0
    return np.asarray(weights / weights.sum())


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
    kernel: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    penalties: np.ndarray,
    weights: np.ndarray | None = None,
) -> KernelPath:
    r"""Ridge with an unpenalised intercept for every penalty, and its errors on donors left out.

    With the hat matrix :math:`H = 1 1^T / n + K (K + \lambda I)^{-1}` of the centred kernel
    :math:`K`, the residuals of the lines :math:`g` of one donor, fitted without them, are
    :math:`(I - H_{gg})^{-1} (y - H y)_g`: for one line the identity behind generalised
    cross-validation [1]_, and in block form for several. With weights :math:`w` it is the ridge of
    :math:`\sqrt w\, y` on :math:`\sqrt w K \sqrt w`, with :math:`\sqrt w` in the place of 1.

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Centred, about the weighted mean where there are weights.
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,)
        Donor of each line; lines of one donor are left out together.
    penalties : ndarray of shape (n_penalties,)
    weights : ndarray of shape (n_samples,), optional
        Of the squared errors; all alike by default.

    References
    ----------
    .. [1] Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good
       ridge parameter, Technometrics 21:215-223 (1979), doi 10.1080/00401706.1979.10489751.
    """
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    centred = root * (y - weighted_mean(y, weights))
    eigenvalues, vectors = np.linalg.eigh(root[:, None] * kernel * root)
    eigenvalues = np.clip(eigenvalues, 0.0, None)
    rotated = vectors.T @ centred
    shrink = eigenvalues / (eigenvalues + penalties[:, None])
    plain = centred - (shrink * rotated) @ vectors.T
    leverage = shrink @ (vectors**2).T + root**2 / (root @ root)
    residuals = plain / (1.0 - leverage)
    for lines in several_of_a_donor(groups):
        for row in range(len(penalties)):
            of_mean = np.outer(root[lines], root[lines]) / (root @ root)
            hat = (vectors[lines] * shrink[row]) @ vectors[lines].T + of_mean
            residuals[row, lines] = np.linalg.solve(np.eye(len(lines)) - hat, plain[row, lines])
    duals = (rotated / (eigenvalues + penalties[:, None])) @ vectors.T
    return KernelPath(penalties, duals * root, residuals / root)


def several_of_a_donor(groups: np.ndarray) -> list[np.ndarray]:
    """Rows of every donor that has several."""
    _, which, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return [np.flatnonzero(which == group) for group in np.flatnonzero(counts > 1)]
