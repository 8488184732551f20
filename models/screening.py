"""Which features are worth a look, judged on the training lines alone."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd


def screen(
    X: pd.DataFrame, y: np.ndarray, n_features: int, always: Collection[str] = ()
) -> np.ndarray:
    """Columns most correlated with the response, and those named in `always`.

    Correlation is taken over the lines that have the feature, times the square root of their
    share, so that a feature known for few lines must be that much stronger.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features_in)
        Training lines only.
    y : ndarray of shape (n_samples,)
    n_features : int
        How many to keep by correlation.
    always : collection of str
        Features kept whatever their correlation, such as the drug-target view.

    Returns
    -------
    ndarray of int
        Column numbers, ascending.
    """
    values = X.to_numpy(float)
    measured = np.isfinite(values)
    count = np.maximum(measured.sum(axis=0), 1)
    filled = np.where(measured, values, 0.0)
    deviations = np.where(measured, filled - filled.sum(axis=0) / count, 0.0)
    mean_y = measured.T @ y / count
    covariance = deviations.T @ y  # deviations sum to zero, so y need not be centred
    spread_x = (deviations**2).sum(axis=0)
    spread_y = np.maximum(measured.T @ y**2 - count * mean_y**2, 0.0)
    spread = np.sqrt(spread_x * spread_y)
    strength = np.abs(covariance) / np.where(spread > 1e-12, spread, np.inf)
    strength *= np.sqrt(count / len(y))
    best = np.argsort(-strength, kind="stable")[:n_features]
    named = X.columns.get_indexer(pd.Index(list(always), dtype=object))
    chosen = np.union1d(best, named[named >= 0])
    varies = chosen[spread_x[chosen] > 1e-12]
    return varies if len(varies) else chosen[:1]
