"""Responses of lines to drugs, completed by a low-rank factorisation of all screens of a study."""

from __future__ import annotations

import numpy as np

#: Fixed beforehand; `factors_of` takes fewer for small studies.
FACTORS, PENALTY = 12, 8.0
_SWEEPS = 20
_FEWEST = 5


def factors_of(n_lines: int, n_columns: int) -> int:
    """Factors for a table of this size: 12, or a tenth of its lines or columns if that is fewer."""
    return int(np.clip(min(n_lines, n_columns) // 10, 1, FACTORS))


def completed_responses(
    responses: np.ndarray, factors: int, penalty: float = PENALTY, seed: int = 0
) -> np.ndarray:
    r"""What a low-rank model of all responses says of each line and column.

    .. math:: \min_{U, V} \sum_{(i, j)\,\mathrm{observed}} (z_{ij} - u_i^\top v_j)^2
              + \lambda (\lVert U \rVert^2 + \lVert V \rVert^2)

    of columns :math:`z_j` in standard deviations about their mean, by alternating least squares
    [1]_. Columns of fewer than five responses, or of one and the same, take no part.

    Parameters
    ----------
    responses : ndarray of shape (n_lines, n_columns)
        A column a drug and screen, NaN where a line was not tested. Nothing but training lines.
    factors : int
        Columns of U and V.
    penalty : float
        :math:`\lambda`.
    seed : int
        Of the first V.

    Returns
    -------
    ndarray of shape (n_lines, n_columns)
        In each column's own unit; its mean for a line without any response, and NaN in columns
        that take no part.

    References
    ----------
    .. [1] Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems,
       Computer 42(8):30-37 (2009), doi 10.1109/MC.2009.263.
    """
    known = np.isfinite(responses)
    with np.errstate(invalid="ignore"):
        counts = known.sum(axis=0)
        safe = np.where(known, responses, 0.0)
        mean = safe.sum(axis=0) / np.maximum(counts, 1)
        sd = np.sqrt(np.where(known, (safe - mean) ** 2, 0.0).sum(axis=0) / np.maximum(counts, 1))
    used = (counts >= _FEWEST) & (sd > 0)
    filled = np.full(responses.shape, np.nan)
    if used.any():
        told = known[:, used]
        standard = np.where(told, (safe[:, used] - mean[used]) / sd[used], 0.0)
        filled[:, used] = mean[used] + sd[used] * _product(standard, told, factors, penalty, seed)
    return filled


def _product(
    standard: np.ndarray, known: np.ndarray, factors: int, penalty: float, seed: int
) -> np.ndarray:
    """Product of the factors of a table that is 0 where nothing is known."""
    shown = known.astype(float)
    drugs = np.random.default_rng(seed).normal(size=(standard.shape[1], factors))
    for _ in range(_SWEEPS):
        lines = _solved(standard, shown, drugs, penalty)
        drugs = _solved(standard.T, shown.T, lines, penalty)
    return np.asarray(_solved(standard, shown, drugs, penalty) @ drugs.T)


def _solved(
    standard: np.ndarray, shown: np.ndarray, other: np.ndarray, penalty: float
) -> np.ndarray:
    """Factors of the rows, given those of the columns: a ridge regression each."""
    k = other.shape[1]
    squares = (other[:, :, None] * other[:, None, :]).reshape(len(other), k * k)
    grams = (shown @ squares).reshape(-1, k, k) + penalty * np.eye(k)
    return np.linalg.solve(grams, (standard @ other)[:, :, None])[:, :, 0]
