"""Leave-one-donor-out residuals of kernel ridge regression in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    kernel: np.ndarray, y: np.ndarray, donors: np.ndarray, penalties: np.ndarray
) -> KernelPath:
    r"""Fit ridge with an unpenalised intercept for every penalty; leave each donor out.

    With the hat matrix :math:`H = 1 1^T / n + K (K + \lambda I)^{-1}` of the centred kernel
    :math:`K`, the residuals of the lines :math:`g` of one donor, fitted without them, are
    :math:`(I - H_{gg})^{-1} (y - H y)_g` (Golub, Heath and Wahba, Technometrics 1979, for one
    line; Stone's identity in block form for several).

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Centred.
    y : ndarray of shape (n_samples,)
    donors : ndarray of shape (n_samples,)
        Lines of one donor are left out together.
    penalties : ndarray of shape (n_penalties,)
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
    for lines in _shared(donors):
        for row in range(len(penalties)):
            hat = (vectors[lines] * shrink[row]) @ vectors[lines].T + 1.0 / n
            residuals[row, lines] = np.linalg.solve(np.eye(len(lines)) - hat, plain[row, lines])
    duals = (rotated / (eigenvalues + penalties[:, None])) @ vectors.T
    return KernelPath(penalties, duals, residuals)


def _shared(donors: np.ndarray) -> list[np.ndarray]:
    """Rows of every donor that has several."""
    _, which, counts = np.unique(donors, return_inverse=True, return_counts=True)
    return [np.flatnonzero(which == donor) for donor in np.flatnonzero(counts > 1)]
