"""Weights of training lines by the standard errors of their responses."""

from __future__ import annotations

import numpy as np


def response_weights(y: np.ndarray, errors: np.ndarray | None) -> np.ndarray | None:
    r"""Weight of each line in a fit, of mean 1; None where no error is known.

    .. math:: w_i \propto 1 / (\tau^2 + s_i^2), \quad
              \tau^2 = \max(0, \mathrm{Var}(y) - \overline{s^2})

    as in a random-effects meta-analysis [1]_: :math:`s_i` is the error that the response of a line
    was measured with, :math:`\tau` how much lines differ beside it. Where lines differ by far more
    than their errors, the weights are nearly equal. All is of the lines that are given, which are
    those of a fold.

    Parameters
    ----------
    y : ndarray of shape (n_lines,)
        Response.
    errors : ndarray of shape (n_lines,), optional
        In the unit of `y`; a line whose error is not known (NaN) has the median of the others.

    References
    ----------
    .. [1] DerSimonian and Laird, Meta-analysis in clinical trials, Control Clin Trials 7:177-188
       (1986), doi 10.1016/0197-2456(86)90046-2.

    Examples
    --------
    >>> y = np.array([0.0, 2.0, 4.0, 6.0])
    >>> response_weights(y, np.array([0.1, 0.1, 0.1, 3.0])).round(2).tolist()
    [1.22, 1.22, 1.22, 0.34]
    """
    if errors is None or not np.isfinite(errors).any():
        return None
    filled = np.where(np.isfinite(errors), errors, np.nanmedian(errors))
    between = max(float(np.var(y, ddof=1) - np.mean(filled**2)), 0.0)
    total = between + filled**2
    if not (total > 0).all():
        return None
    weights = 1.0 / total
    return np.asarray(weights / weights.mean())


def weighted_mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Mean of values by weights; the plain mean without any."""
    return float(values.mean() if weights is None else np.average(values, weights=weights))
